"""What the patients' centres do to the figures: summary over centres, and centre as a giveaway.

Models of different folds are not calibrated alike, and centres differ in how many of their
patients are positive. An AUC over the patients of several centres mixes how well a model tells
patients apart with how well it, or the split, tells centres apart; within a centre it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation.auc import AUC, auc_within
from gliofuse.evaluation.inference import shares_training

__all__ = [
    "GIVEAWAY_V",
    "RandomEffects",
    "center_alone",
    "center_summary",
    "cramers_v",
    "random_effects",
]

#: Cramér's V from which centre and class are said to go together.
GIVEAWAY_V = 0.3

_LEAST_FOR_PREDICTION = 3


@dataclass(frozen=True)
class RandomEffects:
    """A mean over studies or centres whose true values differ.

    Attributes
    ----------
    estimate, ci_low, ci_high : float
    prediction_low, prediction_high : float
        Where the true value of a further centre is expected; NaN with fewer than three.
    tau2 : float
        Variance between centres.
    i2 : float
        Share of the spread that is between centres, 0 to 1.
    k : int
    """

    estimate: float
    ci_low: float
    ci_high: float
    prediction_low: float
    prediction_high: float
    tau2: float
    i2: float
    k: int


def random_effects(
    estimates: ArrayLike, variances: ArrayLike, *, confidence: float = 0.95
) -> RandomEffects:
    """Return the random-effects mean by DerSimonian and Laird, with Hartung's and Knapp's interval.

    The interval of the mean has t quantiles and the variance of Hartung and Knapp, which is never
    taken smaller than DerSimonian's and Laird's own; with the few centres of most studies the
    normal interval would be too narrow.

    Parameters
    ----------
    estimates, variances : array-like of shape (k,)
        On a scale on which they are about normal; at least two, variances above 0.
    confidence : float

    Raises
    ------
    InputError
        With fewer than two, or a variance that isn't above 0.

    References
    ----------
    DerSimonian R, Laird N. Control Clin Trials 1986; 7: 177-188.
    Hartung J, Knapp G. Stat Med 2001; 20: 3875-3889; the bound: Röver C, et al. BMC Med Res
    Methodol 2015; 15: 99.
    Higgins JPT, et al. J R Stat Soc A 2009; 172: 137-159 (prediction interval).

    Examples
    --------
    >>> found = random_effects([0.8, 1.2, 1.0], [0.04, 0.04, 0.04])
    >>> round(found.estimate, 3), found.tau2
    (1.0, 0.0)
    """
    from scipy import stats

    y, v = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    if y.size < 2 or not (v > 0).all() or not np.isfinite(y).all():
        raise InputError(
            "a mean over centres needs two or more estimates with variances above 0, got "
            f"{y.tolist()} and {v.tolist()}"
        )
    k, fixed = y.size, 1 / v
    common = np.average(y, weights=fixed)
    q = float((fixed * (y - common) ** 2).sum())
    scale = fixed.sum() - (fixed**2).sum() / fixed.sum()
    tau2 = max(0.0, (q - (k - 1)) / float(scale))
    weights = 1 / (v + tau2)
    mean = float(np.average(y, weights=weights))
    spread = float((weights * (y - mean) ** 2).sum()) / (k - 1)
    variance = max(1.0, spread) / float(weights.sum())
    tail = (1 + confidence) / 2
    half = float(stats.t.ppf(tail, k - 1)) * np.sqrt(variance)
    far = np.nan
    if k >= _LEAST_FOR_PREDICTION:
        far = float(stats.t.ppf(tail, k - 2)) * np.sqrt(tau2 + variance)
    i2 = max(0.0, (q - (k - 1)) / q) if q > 0 else 0.0
    return RandomEffects(mean, mean - half, mean + half, mean - far, mean + far, tau2, float(i2), k)


def center_summary(centers: pd.DataFrame, *, confidence: float = 0.95) -> pd.DataFrame:
    """Return the random-effects mean of the centres' AUCs, on the log odds of the AUC.

    A centre whose AUC has no variance (perfect separation, a single patient of a class) enters
    with half a pair added to either side and Hanley's and McNeil's variance.

    Parameters
    ----------
    centers : DataFrame
        As :func:`~gliofuse.evaluation.performance_by_group` gives it.
    confidence : float

    Returns
    -------
    DataFrame
        cohort, model, n_centers, auc, auc_low, auc_high, prediction_low, prediction_high, tau2 (of
        log odds), i2; no row where fewer than two centres have an AUC.

    References
    ----------
    Snell KIE, et al. Stat Methods Med Res 2018; 27: 3505-3522 (the scale).
    Debray TPA, et al. BMJ 2017; 356: i6460.
    """
    rows = []
    for (cohort, model), own in centers.groupby(["cohort", "model"], sort=False):
        known = own.dropna(subset=["auc"])
        if len(known) < 2:
            continue
        logits, variances = zip(*(_logit(row) for row in known.to_dict("records")), strict=True)
        found = random_effects(logits, variances, confidence=confidence)
        rows.append(
            {
                "cohort": cohort,
                "model": model,
                "n_centers": found.k,
                "auc": _expit(found.estimate),
                "auc_low": _expit(found.ci_low),
                "auc_high": _expit(found.ci_high),
                "prediction_low": _expit(found.prediction_low),
                "prediction_high": _expit(found.prediction_high),
                "tau2": found.tau2,
                "i2": found.i2,
            }
        )
    return pd.DataFrame(rows)


def center_alone(
    predictions: pd.DataFrame, centers: pd.Series, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Say how far a patient's centre gives the class away.

    The model that knows nothing else predicts, in each fold, the share of positives among the
    training patients of the patient's centre; of a centre that the fold did not train on, the
    share among all training patients. Its AUC is over pairs of the same fold.

    Parameters
    ----------
    predictions : DataFrame
        The prediction table with its training rows; one model's rows suffice.
    centers : Series
        Centre by ``case_id``.
    confidence : float

    Returns
    -------
    DataFrame
        cohort, n, n_centers, auc, auc_low, auc_high, cramers_v: a row a cohort with patients of
        both classes and at least two centres; ``cramers_v`` is of all analysed patients. The AUC
        is NaN where the models trained on none of the centres.
    """
    one = predictions[predictions["model"] == predictions["model"].iloc[0]]
    one = one.assign(center=one["case_id"].map(centers)).dropna(subset=["center"])
    if one["center"].nunique() < 2:
        return pd.DataFrame()
    everybody = one.drop_duplicates("case_id")
    v = cramers_v(everybody["center"], everybody["y_true"])
    parts = []
    for _, fold in one.groupby("fold", sort=False):
        training = fold[fold["cohort"] == "training"]
        if training.empty:
            continue
        share = training.groupby("center")["y_true"].mean()
        held_out = fold[fold["cohort"] != "training"]
        known = held_out["center"].map(share)
        parts.append(
            held_out.assign(probability=known.fillna(training["y_true"].mean()), seen=known.notna())
        )
    rows, sharing = [], shares_training(one)
    judged = pd.concat(parts) if parts else one.iloc[:0]
    for cohort, own in judged.groupby("cohort", sort=False, observed=True):
        refits = cohort in sharing
        area = auc_within(own, ("fold",), refits=refits, confidence=confidence)
        if area is not None and not own["seen"].any():
            area = AUC(np.nan, np.nan, np.nan, np.nan)
        if area is None or own["center"].nunique() < 2:
            continue
        rows.append(
            {
                "cohort": cohort,
                "n": own["case_id"].nunique(),
                "n_centers": own["center"].nunique(),
                "auc": area.estimate,
                "auc_low": area.ci_low,
                "auc_high": area.ci_high,
                "cramers_v": v,
            }
        )
    return pd.DataFrame(rows)


def cramers_v(a: ArrayLike, b: ArrayLike) -> float:
    """Return how strongly two categories go together, 0 (not at all) to 1 (one tells the other).

    Corrected for its bias, which is large where a centre has few patients.

    References
    ----------
    Bergsma W. J Korean Stat Soc 2013; 42: 323-328.

    Examples
    --------
    >>> cramers_v(["A", "A", "B", "B"] * 5, [0, 0, 1, 1] * 5)
    1.0
    """
    from scipy.stats.contingency import expected_freq

    counts = pd.crosstab(np.asarray(a, dtype=object), np.asarray(b, dtype=object)).to_numpy()
    n, (rows, columns) = counts.sum(), counts.shape
    if min(rows, columns) < 2 or n < 2:
        return 0.0
    expected = expected_freq(counts)
    phi2 = float(((counts - expected) ** 2 / expected).sum()) / n
    phi2 = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    sides = [size - (size - 1) ** 2 / (n - 1) - 1 for size in (rows, columns)]
    return float(min(1.0, np.sqrt(phi2 / min(sides)))) if min(sides) > 0 else 0.0


def _logit(row: dict[str, float]) -> tuple[float, float]:
    """Return the log odds of a centre's AUC and their variance, by the delta method."""
    positives = int(row["n_positive"])
    negatives = int(row["n"]) - positives
    area, variance = row["auc"], row["auc_variance"]
    if not (variance > 0 and 0 < area < 1):
        pairs = positives * negatives
        area = (area * pairs + 0.5) / (pairs + 1)
        spread = (positives - 1) * (area / (2 - area) - area**2)
        spread += (negatives - 1) * (2 * area**2 / (1 + area) - area**2)
        variance = (area * (1 - area) + spread) / pairs
    return float(np.log(area / (1 - area))), float(variance / (area * (1 - area)) ** 2)


def _expit(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))
