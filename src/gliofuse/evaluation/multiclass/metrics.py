"""Figures of merit of every model and cohort where there are several classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from gliofuse.evaluation._checks import wilson_interval
from gliofuse.evaluation._frame import (
    Group,
    check_bootstrap,
    chunks,
    each_group,
    percentile_limits,
)
from gliofuse.evaluation.multiclass._checks import (
    check_classes,
    pool_classes,
    reason_unusable,
    usable_classes,
)
from gliofuse.evaluation.multiclass.auc import (
    hand_till,
    macro_auc,
    macro_auc_within_folds,
    one_vs_rest_auc,
)
from gliofuse.evaluation.multiclass.calls import (
    RATES,
    called_classes,
    class_rates,
    cohen_kappa,
    counts_of,
)
from gliofuse.evaluation.multiclass.scores import brier_scores, log_losses

__all__ = ["CLASS_METRICS", "MULTICLASS_METRICS", "multiclass_metrics_table"]

MULTICLASS_METRICS = (
    "macro_auc", "hand_till", "accuracy", "balanced_accuracy", "kappa", "kappa_quadratic", "brier",
    "log_loss", "macro_auc_within_folds",
)  # fmt: skip
CLASS_METRICS = ("auc", *RATES)

_COLUMNS = [
    "cohort", "model", "metric", "class", "estimate", "ci_low", "ci_high", "n", "n_class",
    "apparent", "note",
]  # fmt: skip


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

    Over all classes: macro AUC and Hand's and Till's M (intervals of DeLong's type), accuracy,
    balanced accuracy (the mean sensitivity of the classes that have patients), Cohen's kappa
    (quadratic too if the classes are ordered), Brier score (0 to 2) and log loss, with
    percentiles of a bootstrap over patients drawn within each class, the same patients for every
    model. In cross-validation :func:`macro_auc_within_folds` is added. Class by class: AUC against
    the rest (DeLong), sensitivity, specificity and precision (Wilson).

    Where all replicates agree the bootstrap would claim certainty: the interval is then Wilson's
    for accuracy, for balanced accuracy by the smallest class, for the Brier score as for a share
    of its range, and for kappa from that of accuracy with the chance agreement held; there is none
    for the log loss, which has no upper end.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true (the class's name) and the probabilities; nothing
        missing. Pooled to one row a patient.
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
        cohort, model, metric, class (empty over all classes), estimate, ci_low, ci_high, n,
        n_class (missing over all classes), apparent, note. A figure that the patients don't
        define is NaN, and the note says which classes lack patients.

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
    pooled = pool_classes(predictions, columns, include_training=include_training)
    settings = _Settings(dict(columns), ordered, bootstrap, seed, confidence)
    evaluate = partial(_evaluate, settings=settings)
    rows = each_group(pooled, predictions, evaluate, workers=workers)
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"n_class": "Int64"})


@dataclass(frozen=True)
class _Settings:
    columns: dict[str, str]
    ordered: bool
    bootstrap: int
    seed: int
    confidence: float


def _evaluate(group: Group, *, settings: _Settings) -> list[dict[str, object]]:
    classes, confidence = tuple(settings.columns), settings.confidence
    y = group.patients["y_true"].to_numpy()
    codes, chance = check_classes(y, group.patients[list(settings.columns.values())], classes)
    found = _areas(codes, chance, y, group, settings) | _resampled(codes, chance, y, settings)
    note = _lacking(codes, classes)
    rows: list[dict[str, object]] = [
        {
            "metric": metric,
            "class": "",
            "estimate": found[metric][0],
            "ci_low": found[metric][1],
            "ci_high": found[metric][2],
            "n_class": pd.NA,
            "note": note,
        }
        for metric in MULTICLASS_METRICS
        if metric in found
    ]
    areas = one_vs_rest_auc(y, chance, classes, confidence=confidence).assign(metric="auc")
    rates = class_rates(y, chance, classes, confidence=confidence)
    notes = areas.set_index("class")["note"]
    for table in (areas, rates.assign(note=rates["class"].map(notes))):
        rows += table.to_dict("records")
    return [{**row, "n": codes.size} for row in rows]


def _lacking(codes: np.ndarray, classes: tuple[str, ...]) -> str:
    sizes = np.bincount(codes, minlength=len(classes))
    reasons = {
        name: reason_unusable(int(size), codes.size)
        for name, size in zip(classes, sizes, strict=True)
    }
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason)


def _areas(
    codes: np.ndarray, chance: np.ndarray, y: np.ndarray, group: Group, settings: _Settings
) -> dict[str, tuple[float, float, float]]:
    columns, confidence = settings.columns, settings.confidence
    classes = tuple(columns)
    nothing = (np.nan, np.nan, np.nan)
    found = {"macro_auc": nothing, "hand_till": nothing}
    if usable_classes(codes, len(classes)):
        for metric, function in (("macro_auc", macro_auc), ("hand_till", hand_till)):
            area = function(y, chance, classes, confidence=confidence)
            found[metric] = (area.estimate, area.ci_low, area.ci_high)
    if not group.apparent:
        within = macro_auc_within_folds(group.predictions, columns, confidence=confidence)
        if within is not None:
            found["macro_auc_within_folds"] = (within.estimate, within.ci_low, within.ci_high)
    return found


def _resampled(
    codes: np.ndarray, chance: np.ndarray, y: np.ndarray, settings: _Settings
) -> dict[str, tuple[float, float, float]]:
    """Return the figures with a bootstrap interval: estimate, lower and upper limit."""
    classes = tuple(settings.columns)
    called = called_classes(chance)
    errors, losses = brier_scores(y, chance, classes), log_losses(y, chance, classes)
    counts = counts_of(codes, called, len(classes))
    estimates = _figures(counts, errors.mean(), losses.mean())
    replicates = _figures(*_replicates(codes, called, errors, losses, settings))
    found = {}
    for name, values in replicates.items():
        if name == "kappa_quadratic" and not settings.ordered:
            continue
        estimate = float(estimates[name])
        low, high = percentile_limits(np.asarray(values), settings.confidence)
        if np.isfinite(low) and high - low < 1e-12:
            low, high = _without_spread(name, estimate, counts, settings.confidence)
        found[name] = (estimate, low, high)
    return found


def _figures(
    counts: np.ndarray, error: np.ndarray | float, loss: np.ndarray | float
) -> dict[str, np.ndarray]:
    """Return every figure of confusion matrices (..., k, k) and mean scores (...)."""
    n = counts.sum(axis=(-2, -1))
    sizes = counts.sum(axis=-1)
    right = np.diagonal(counts, axis1=-2, axis2=-1)
    present = sizes > 0
    share = np.zeros(sizes.shape)
    np.divide(right, sizes, out=share, where=present)
    return {
        "accuracy": right.sum(axis=-1) / n,
        "balanced_accuracy": share.sum(axis=-1) / present.sum(axis=-1),
        "kappa": cohen_kappa(counts),
        "kappa_quadratic": cohen_kappa(counts, weights="quadratic"),
        "brier": np.asarray(error),
        "log_loss": np.asarray(loss),
    }


def _replicates(
    codes: np.ndarray,
    called: np.ndarray,
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
    counts = np.zeros((settings.bootstrap, k, k), dtype=int)
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
                counts[part, number, other] = (called[drawn] == other).sum(axis=1)
            error[part] += errors[drawn].sum(axis=1)
            loss[part] += losses[drawn].sum(axis=1)
    return counts, error / n, loss / n


def _without_spread(
    name: str, estimate: float, counts: np.ndarray, confidence: float
) -> tuple[float, float]:
    """Return the interval of a figure that is the same in all replicates."""
    n = int(counts.sum())
    sizes = counts.sum(axis=1)
    if name == "log_loss":
        return np.nan, np.nan
    if name == "brier":
        low, high = wilson_interval(min(1.0, estimate / 2), n, confidence=confidence)
        return 2 * low, 2 * high
    if name == "balanced_accuracy":
        return wilson_interval(estimate, int(sizes[sizes > 0].min()), confidence=confidence)
    low, high = wilson_interval(float(np.trace(counts) / n), n, confidence=confidence)
    if name == "accuracy":
        return low, high
    chance = float((sizes * counts.sum(axis=0)).sum() / n**2)
    if chance >= 1:
        return np.nan, np.nan
    # Quadratic weights judge near misses more mildly: unweighted limits are the wider ones.
    return min(estimate, (low - chance) / (1 - chance)), max(
        estimate, (high - chance) / (1 - chance)
    )
