"""How intervals and tests were found, in words, from what the tables record of each."""

from __future__ import annotations

from collections.abc import Iterable

from gliofuse.evaluation.inference import difference_factor
from gliofuse.report.wording import join_words

__all__ = ["about_test", "interval_sentence", "name_of_test"]

_REFITS = "_refits"
_WORDS = {
    "delong": "DeLong's variance on the scale of log odds for AUCs",
    "newcombe": "Newcombe's method where an AUC has no variance",
    "wilson": "Wilson's method for shares of patients",
    "jackknife": "the infinitesimal jackknife on the scale of log odds for concordances",
    "influence": "influence functions, censoring's weights among them, for AUC and Brier score",
    "log-log": "Kaplan-Meier on the log-log scale for observed by expected",
    "wald": "Wald's for slopes",
    "bootstrap": "a bootstrap over patients for the rest",
}


def interval_sentence(names: Iterable[str], *, resamples: bool = False) -> str:
    """Return how the intervals were found, in words.

    Parameters
    ----------
    names : iterable of str
        The column ``interval`` of the metrics.
    resamples : bool
        Whether the patients were left out of resamples, not of the folds of a cross-validation.

    Examples
    --------
    >>> interval_sentence(["delong", "wilson"])[:44]
    "95 % intervals: DeLong's variance on the sca"
    """
    recorded = {str(name) for name in names if name}
    plain = {name.removesuffix(_REFITS) for name in recorded}
    known = [words for name, words in _WORDS.items() if name in plain]
    if not known:
        return ""
    text = f"95 % intervals: {join_words(known)}."
    if any(name.endswith(_REFITS) for name in recorded) and resamples:
        text += (
            " They are of means over resamples, whose models have many training patients in "
            "common; by simulation they are rather too wide than too short. They are about the "
            "models that were fitted here, each to a part of the patients."
        )
    elif any(name.endswith(_REFITS) for name in recorded):
        text += (
            " The held-out patients have trained the models of each other's folds; the intervals "
            "are wider by what that adds, most where there is no signal and little where the "
            "models show others what they show their training patients. They are about the models "
            "that were fitted here, on the average of the folds."
        )
    return text


def name_of_test(names: Iterable[str]) -> str:
    """Return what a comparison of models is called.

    Parameters
    ----------
    names : iterable of str
        The column ``interval`` of the tests.
    """
    recorded = [str(name) for name in names]
    if any(name.endswith(_REFITS) for name in recorded):
        return "the cross-validated paired test"
    if any(name.startswith("jackknife") for name in recorded):
        return "the paired test by the infinitesimal jackknife"
    return "DeLong's paired test"


def about_test(names: Iterable[str], *, resamples: bool = False) -> str:
    """Return what the cross-validated test is; nothing of DeLong's own.

    The parameters are those of :func:`interval_sentence`.
    """
    recorded = [str(name) for name in names]
    if not any(name.endswith(_REFITS) for name in recorded):
        return ""
    jackknife = any(name.startswith("jackknife") for name in recorded)
    if resamples:
        return (
            "The paired test allows for resamples that have patients in common, and for two "
            "equally good methods that are not equally lucky with their training patients. It is "
            "a cautious test."
        )
    few, many = difference_factor(5), difference_factor(10)
    multiple = f"{few:g} (5 folds or fewer) to {many:g} times (10 or more) the"
    if jackknife:
        multiple = "three times the jackknife's"
    return (
        f"The paired test takes {multiple} variance of fitted models, since patients of different "
        "folds have trained each other's models, and since two equally good methods are not "
        "equally lucky with their training patients. It is a cautious test."
    )
