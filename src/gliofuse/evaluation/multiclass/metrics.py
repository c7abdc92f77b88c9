"""Figures of merit of every model and cohort where there are several classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from gliofuse.evaluation._checks import check_table, wilson_interval
from gliofuse.evaluation._frame import (
    Group,
    check_bootstrap,
    chunks,
    each_group,
    percentile_limits,
)
from gliofuse.evaluation.auc import AUC, auc_within
from gliofuse.evaluation.inference import method_name, shares_training, widened
from gliofuse.evaluation.multiclass._checks import (
    check_classes,
    reason_unusable,
    usable_classes,
)
from gliofuse.evaluation.multiclass.auc import hand_till, macro_auc, macro_auc_within
from gliofuse.evaluation.multiclass.calls import (
    RATES,
    called_classes,
    cohen_kappa,
    rates_of_counts,
)
from gliofuse.evaluation.multiclass.scores import brier_scores, log_losses
from gliofuse.evaluation.predictions import pool_columns
from gliofuse.evaluation.rates import UNDEFINED, Figure, mean_of_rates, rate

__all__ = ["CLASS_METRICS", "MULTICLASS_METRICS", "multiclass_metrics_table"]

MULTICLASS_METRICS = (
    "macro_auc", "hand_till", "accuracy", "balanced_accuracy", "kappa", "kappa_quadratic", "brier",
    "log_loss", "macro_auc_pooled",
)  # fmt: skip
CLASS_METRICS = ("auc", *RATES)

_COLUMNS = [
    "cohort", "model", "metric", "class", "estimate", "ci_low", "ci_high", "interval", "n",
    "n_class", "apparent", "note",
]  # fmt: skip
_RANGES = {
    "kappa": (-1.0, 1.0),
    "kappa_quadratic": (-1.0, 1.0),
    "brier": (0.0, 2.0),
    "log_loss": (0.0, np.inf),
}


def multiclass_metrics_table(
    predictions: pd.DataFrame,
    columns: Mapping[str, str],
    *,
    ordered: bool = False,
    bootstrap: int = 2000,
    seed: int = 0,
    workers: int | None = 1,
    confidence: float = 0.95,
    include_training: bool = False,
) -> pd.DataFrame:
    """Return the figures of merit of several classes, over all and class by class, each with CI.

    A patient whom several models predict counts once, with the mean of what the single predictions
    give. Over all classes: macro AUC of pairs of patients of one model (:func:`macro_auc_within`)
    and Hand's and Till's M (intervals of DeLong's type), accuracy (Wilson), balanced accuracy (the
    mean sensitivity of the classes that have patients, its interval put together from Wilson's),
    Cohen's kappa (quadratic too if the classes are ordered), Brier score (0 to 2) and log loss,
    with percentiles of a bootstrap over patients drawn within each class, the same patients for
    every model. Class by class: AUC against the rest (DeLong), sensitivity, specificity and
    precision (Wilson). Where several models predict a cohort, ``macro_auc_pooled`` is that of all
    patients' mean probabilities, and it and M have no interval.

    Where all replicates agree the bootstrap would claim certainty: the interval is then Wilson's
    for the Brier score as for a share of its range, and for kappa from that of accuracy with the
    chance agreement held; there is none for the log loss, which has no upper end.

    Patients of a cross-validation have trained the models that judge the others: the intervals
    are then wider, see :mod:`gliofuse.evaluation.inference`, and ``interval`` ends in ``_refits``.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true (the class's name) and the probabilities; nothing
        missing. With the training rows, by which a cross-validation is known.
    columns : mapping of str to str
        The column of each class's probability, by class, in order.
    ordered : bool
        Whether the classes are grades of one thing.
    bootstrap : int
        Replicates.
    seed : int
        Of the resampling; one seed gives one table, whatever the number of workers.
    workers : int or None
        Processes over the cohort-model pairs.
    confidence : float
    include_training : bool
        Adds rows of cohort ``training``, marked ``apparent``.

    Returns
    -------
    DataFrame
        cohort, model, metric, class (empty over all classes), estimate, ci_low, ci_high, interval
        (how the limits were found), n, n_class (missing over all classes), apparent, note. A figure
        that the patients don't define is NaN, and the note says which classes lack patients.

    Raises
    ------
    InputError
        If the table breaks its contract or ``bootstrap`` is below 100.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": list("abcd"), "fold": "0", "cohort": "test", "model": "m",
    ...     "y_true": ["2", "2", "3", "3"], "low": [0.9, 0.4, 0.3, 0.2],
    ...     "high": [0.1, 0.6, 0.7, 0.8]})
    >>> found = multiclass_metrics_table(table, {"2": "low", "3": "high"})
    >>> found.set_index("metric").loc["accuracy", "estimate"]
    np.float64(0.75)
    """
    check_bootstrap(bootstrap)
    check_table(predictions, ("y_true",), tuple(columns.values()))
    rows = _judged(predictions, columns)
    patients = pool_columns(
        rows.assign(y_true=rows["y_true"].astype(str)),
        outcomes=("y_true",),
        averaged=(*columns.values(), *(_called(name) for name in columns), "error", "loss"),
        include_training=include_training,
    )
    settings = _Settings(
        dict(columns), ordered, bootstrap, seed, confidence, shares_training(predictions)
    )
    evaluate = partial(_evaluate, settings=settings)
    found = each_group(patients, rows, evaluate, workers=workers)
    return pd.DataFrame(found, columns=_COLUMNS).astype({"n_class": "Int64"})


@dataclass(frozen=True)
class _Settings:
    columns: dict[str, str]
    ordered: bool
    bootstrap: int
    seed: int
    confidence: float
    sharing: frozenset[str]


def _called(name: str) -> str:
    return f"called {name}"


def _judged(predictions: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return every prediction with the class that it calls (a 0 or 1 a class) and its scores."""
    classes = tuple(columns)
    chance = predictions[list(columns.values())]
    _, chances = check_classes(predictions["y_true"], chance, classes)
    called = called_classes(chances)
    return predictions.assign(
        **{_called(name): 1.0 * (called == number) for number, name in enumerate(classes)},
        error=brier_scores(predictions["y_true"], chance, classes),
        loss=log_losses(predictions["y_true"], chance, classes),
    )


def _evaluate(group: Group, *, settings: _Settings) -> list[dict[str, object]]:
    classes, confidence = tuple(settings.columns), settings.confidence
    refits = group.cohort in settings.sharing
    patients = group.patients
    codes, chance = check_classes(
        patients["y_true"], patients[list(settings.columns.values())], classes
    )
    shares = patients[[_called(name) for name in classes]].to_numpy()
    counts = _counts(codes, shares)
    found = (
        _areas(codes, chance, group, settings, refits=refits)
        | _rates(counts, refits=refits, confidence=confidence)
        | _resampled(codes, shares, patients, settings, refits=refits)
    )
    note = _lacking(codes, classes)
    rows: list[dict[str, object]] = [
        {
            "metric": metric,
            "class": "",
            **dict(zip(("estimate", "ci_low", "ci_high", "interval"), found[metric])),
            "n_class": pd.NA,
            "note": note,
        }
        for metric in MULTICLASS_METRICS
        if metric in found
    ]
    areas = _class_areas(codes, group, settings, refits=refits)
    of_classes = rates_of_counts(counts, classes, refits=refits, confidence=confidence)
    notes = areas.set_index("class")["note"]
    for table in (areas, of_classes.assign(note=of_classes["class"].map(notes))):
        rows += table.to_dict("records")
    return [{**row, "n": codes.size} for row in rows]


def _counts(codes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Return the confusion matrix (k, k) of patients whom several models may call differently."""
    return np.array([shares[codes == number].sum(axis=0) for number in range(shares.shape[1])])


def _lacking(codes: np.ndarray, classes: tuple[str, ...]) -> str:
    sizes = np.bincount(codes, minlength=len(classes))
    reasons = {
        name: reason_unusable(int(size), codes.size)
        for name, size in zip(classes, sizes, strict=True)
    }
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason)


def _areas(
    codes: np.ndarray, chance: np.ndarray, group: Group, settings: _Settings, *, refits: bool
) -> dict[str, Figure]:
    columns, confidence = settings.columns, settings.confidence
    classes, y = tuple(columns), group.patients["y_true"].to_numpy()
    found = {"macro_auc": UNDEFINED, "hand_till": UNDEFINED}
    within = macro_auc_within(group.predictions, columns, refits=refits, confidence=confidence)
    if within is not None:
        found["macro_auc"] = _figure(within)
    if not usable_classes(codes, len(classes)):
        return found
    pairs = hand_till(y, chance, classes, confidence=confidence)
    found["hand_till"] = _figure(pairs)
    if group.predictions["fold"].nunique() > 1:
        pooled = macro_auc(y, chance, classes, confidence=confidence)
        found["hand_till"] = (pairs.estimate, np.nan, np.nan, "")
        found["macro_auc_pooled"] = (pooled.estimate, np.nan, np.nan, "")
    return found


def _figure(area: AUC) -> Figure:
    return area.estimate, area.ci_low, area.ci_high, area.method


def _class_areas(
    codes: np.ndarray, group: Group, settings: _Settings, *, refits: bool
) -> pd.DataFrame:
    """Return the AUC of each class against the rest, over pairs of patients of one model."""
    rows = []
    truth = group.predictions["y_true"].astype(str)
    for number, (name, column) in enumerate(settings.columns.items()):
        size = int((codes == number).sum())
        note = reason_unusable(size, codes.size)
        one = group.predictions.assign(
            y_true=1 * (truth == name), probability=group.predictions[column]
        )
        area = None if note else auc_within(one, refits=refits, confidence=settings.confidence)
        figure = UNDEFINED if area is None else _figure(area)
        rows.append(("auc", name, *figure, codes.size, size, note))
    names = ["metric", "class", "estimate", "ci_low", "ci_high", "interval", "n", "n_class", "note"]
    return pd.DataFrame(rows, columns=names)


def _rates(counts: np.ndarray, *, refits: bool, confidence: float) -> dict[str, Figure]:
    right, sizes = np.diagonal(counts), counts.sum(axis=1)
    parts = [
        rate(count, size, refits=refits, confidence=confidence)
        for count, size in zip(right, sizes, strict=True)
        if size > 0
    ]
    return {
        "accuracy": rate(right.sum(), sizes.sum(), refits=refits, confidence=confidence),
        "balanced_accuracy": mean_of_rates(parts),
    }


def _resampled(
    codes: np.ndarray,
    shares: np.ndarray,
    patients: pd.DataFrame,
    settings: _Settings,
    *,
    refits: bool,
) -> dict[str, Figure]:
    """Return the figures with a bootstrap interval."""
    errors, losses = patients["error"].to_numpy(), patients["loss"].to_numpy()
    counts = _counts(codes, shares)
    estimates = _figures(counts, errors.mean(), losses.mean())
    replicates = _figures(*_replicates(codes, shares, errors, losses, settings))
    found = {}
    for name, values in replicates.items():
        if name == "kappa_quadratic" and not settings.ordered:
            continue
        estimate = float(estimates[name])
        low, high = percentile_limits(np.asarray(values), settings.confidence)
        if np.isfinite(low) and high - low < 1e-12:
            low, high = _without_spread(name, estimate, counts, settings.confidence)
        if refits:
            least, most = _RANGES[name]
            limits = widened(estimate, (low, high), least=least, most=most)
            low, high = (float(limit) for limit in limits)
        found[name] = (estimate, low, high, method_name("bootstrap", refits=refits))
    return found


def _figures(
    counts: np.ndarray, error: np.ndarray | float, loss: np.ndarray | float
) -> dict[str, np.ndarray]:
    """Return the figures of confusion matrices (..., k, k) and mean scores (...)."""
    return {
        "kappa": cohen_kappa(counts),
        "kappa_quadratic": cohen_kappa(counts, weights="quadratic"),
        "brier": np.asarray(error),
        "log_loss": np.asarray(loss),
    }


def _replicates(
    codes: np.ndarray,
    shares: np.ndarray,
    errors: np.ndarray,
    losses: np.ndarray,
    settings: _Settings,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the confusion matrix and mean scores of each bootstrap replicate.

    The last class is drawn first, as the binary table draws its positives first: two classes get
    the same patients from the same seed in both.
    """
    k, n = len(settings.columns), codes.size
    rng = np.random.default_rng(settings.seed)
    counts = np.zeros((settings.bootstrap, k, k))
    error, loss = np.zeros(settings.bootstrap), np.zeros(settings.bootstrap)
    members = [np.flatnonzero(codes == number) for number in range(k)]
    for part in chunks(settings.bootstrap, n):
        for number in reversed(range(k)):
            size = members[number].size
            place = rng.integers(0, max(1, size), size=(part.stop - part.start, size))
            if size == 0:
                continue
            drawn = members[number][place]
            for other in range(k):
                counts[part, number, other] = shares[drawn, other].sum(axis=1)
            error[part] += errors[drawn].sum(axis=1)
            loss[part] += losses[drawn].sum(axis=1)
    return counts, error / n, loss / n


def _without_spread(
    name: str, estimate: float, counts: np.ndarray, confidence: float
) -> tuple[float, float]:
    """Return the interval of a figure that is the same in all replicates."""
    n = float(counts.sum())
    if name == "log_loss":
        return np.nan, np.nan
    if name == "brier":
        low, high = wilson_interval(min(1.0, estimate / 2), n, confidence=confidence)
        return 2 * low, 2 * high
    low, high = wilson_interval(float(np.trace(counts) / n), n, confidence=confidence)
    chance = float((counts.sum(axis=1) * counts.sum(axis=0)).sum() / n**2)
    if chance >= 1:
        return np.nan, np.nan
    # Quadratic weights judge near misses more mildly: unweighted limits are the wider ones.
    return min(estimate, (low - chance) / (1 - chance)), max(
        estimate, (high - chance) / (1 - chance)
    )
