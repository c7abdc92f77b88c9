"""Good or poor prognosis as two classes: the published choice of the best sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from gliofuse.errors import EndpointError, InputError
from gliofuse.signature import (
    ForestTopK,
    LeveneSelector,
    MedianImputer,
    NestedPipeline,
    SVMSignature,
    out_of_fold_probabilities,
)
from gliofuse.survival._checks import check_outcome

__all__ = ["BestSequence", "MedianSplit", "best_sequence", "median_split", "prognosis_signature"]

_COSTS = (0.125, 0.5, 2.0, 8.0, 32.0)
_GAMMAS = (2.0**-11, 2.0**-9, 2.0**-7, 2.0**-5, 2.0**-3)


class MedianSplit(NamedTuple):
    """Classes of prognosis at a time.

    ``poor`` is 1 where the event came before ``cut`` and 0 where the patient was seen without it
    until then or longer; ``left_out`` are the patients censored before it, who can be neither.
    ``source`` says what the cut is.
    """

    poor: pd.Series
    cut: float
    left_out: pd.Index
    source: str


class BestSequence(NamedTuple):
    """The sequence of the largest AUC; ``table`` has sequence, auc, n, poor, left_out."""

    name: str
    table: pd.DataFrame
    split: MedianSplit


def median_split(y: pd.DataFrame, cut: float | None = None) -> MedianSplit:
    """Return who had the event before the median survival, and who had not.

    The median is Kaplan and Meier's; where the curve stays above one half, that of the observed
    times, which is too small as a median survival and is a cut all the same.

    Parameters
    ----------
    y : DataFrame
        time, event.
    cut : float, optional
        The time, where it is given.

    Raises
    ------
    EndpointError
        If one of the classes would be empty.

    Examples
    --------
    >>> y = pd.DataFrame({"time": [1, 2, 3, 4, 5, 6], "event": [1, 0, 1, 1, 0, 0]})
    >>> split = median_split(y)
    >>> split.cut, split.poor.to_dict(), list(split.left_out)
    (4.0, {0: 1, 2: 1, 3: 0, 4: 0, 5: 0}, [1])
    """
    time, event = check_outcome(y)
    source = "given"
    if cut is None:
        cut, source = _median(time, event)
    poor = event & (time < cut)
    known = poor | (time >= cut)
    for name, count in (("poor", poor.sum()), ("good", (time >= cut).sum())):
        if count == 0:
            raise EndpointError(
                f"no patient has a {name} prognosis at the cut {cut:g} ({source}); name another"
            )
    labels = pd.Series(poor[known].astype(int), index=y.index[known], name="poor")
    return MedianSplit(labels, float(cut), y.index[~known], source)


def _median(time: Any, event: Any) -> tuple[float, str]:
    from lifelines import KaplanMeierFitter

    median = float(KaplanMeierFitter().fit(time, event).median_survival_time_)
    if np.isfinite(median):
        return median, "median survival (Kaplan-Meier)"
    return float(np.median(time)), "median observed time (the median survival is not reached)"


def prognosis_signature(
    *, k: int = 10, trees: int = 100, folds: int = 5, seed: int = 0, people: pd.Series | None = None
) -> NestedPipeline:
    """Return the chain of a radiomic model of prognosis.

    Steps ``impute``, ``zscore``, ``levene``, ``forest`` (importance, the best ``k``), ``scorer``
    (`SVMSignature` over a grid of 25 points).

    References
    ----------
    Front Oncol 2022;12:969907 (Levene, forest, SVM; ``k``, folds and grid are the project's).

    Examples
    --------
    >>> list(prognosis_signature().named_steps)
    ['impute', 'zscore', 'levene', 'forest', 'scorer']
    """
    chain = NestedPipeline(
        [
            ("impute", MedianImputer()),
            ("zscore", StandardScaler()),
            ("levene", LeveneSelector()),
            ("forest", ForestTopK(k, trees=trees, random_state=seed)),
            ("scorer", SVMSignature(C=_COSTS, gamma=_GAMMAS, folds=folds, random_state=seed)),
        ],
        people=people,
    )
    return chain.set_output(transform="pandas")


def best_sequence(
    tables: Mapping[str, pd.DataFrame],
    y: pd.DataFrame,
    *,
    cut: float | None = None,
    trees: int = 100,
    folds: int = 5,
    seed: int = 0,
    people: pd.Series | None = None,
    workers: int | None = 1,
    order: Sequence[str] = (),
) -> BestSequence:
    """Return the sequence whose features tell good from poor prognosis best, out of fold.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Features of each sequence, on the index of y.
    y : DataFrame
        time, event, of training patients.
    cut : float, optional
        As for `median_split`.
    trees, folds, seed : int
    people : Series, optional
        The person behind each row.
    workers : int or None, default=1
        Processes over folds.
    order : sequence of str, optional
        Which is preferred at an equal AUC; default that of ``tables``.

    Raises
    ------
    InputError
        If there is no table, or one has other patients than y.
    EndpointError
        If fewer than two patients are in a class.
    """
    if not tables:
        raise InputError("best_sequence needs the features of one sequence or more, got none")
    split = median_split(y, cut)
    smallest = int(split.poor.value_counts().reindex([0, 1], fill_value=0).min())
    if smallest < 2:
        raise EndpointError(
            f"choosing a sequence needs two patients of each prognosis, got {smallest} at the cut "
            f"{split.cut:g}; name another"
        )
    from sklearn.metrics import roc_auc_score

    rows = []
    for name in [*order, *(name for name in tables if name not in order)]:
        if not tables[name].index.equals(y.index):
            raise InputError(
                f"the features of {name!r} must hold the patients of y in their order, got "
                f"{len(tables[name])} and {len(y)} rows"
            )
        own = tables[name].loc[split.poor.index]
        who = None if people is None else people.loc[own.index]
        probability = out_of_fold_probabilities(
            prognosis_signature(trees=trees, folds=folds, seed=seed, people=who),
            own,
            split.poor.to_numpy(),
            folds=folds,
            seed=seed,
            workers=workers,
            people=who,
        )
        rows.append(
            {
                "sequence": name,
                "auc": float(roc_auc_score(split.poor, probability)),
                "n": len(own),
                "poor": int(split.poor.sum()),
                "left_out": len(split.left_out),
            }
        )
    table = pd.DataFrame(rows)
    return BestSequence(str(table["sequence"][table["auc"].idxmax()]), table, split)
