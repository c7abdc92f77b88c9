"""Whether predicted probabilities come true: slope, intercept, Brier score, flexible curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import check_binary, normal_quantile, wilson_interval
from gliofuse.evaluation._frame import MIN_DEFINED, grouped
from gliofuse.evaluation._logistic import fit_logistic, log_odds
from gliofuse.evaluation.inference import REFIT_VARIANCE, shares_training, widened
from gliofuse.evaluation.predictions import pool_predictions

__all__ = [
    "HOSMER_LEMESHOW_CAVEAT",
    "HosmerLemeshow",
    "calibration_curve",
    "calibration_groups",
    "calibration_summary",
    "calibration_table",
    "hosmer_lemeshow",
]

HOSMER_LEMESHOW_CAVEAT = (
    "The Hosmer-Lemeshow test depends on how patients are grouped, has little power in small "
    "cohorts and rejects trifles in large ones, and says nothing of the kind or size of the "
    "misfit. Read the calibration curve, slope and intercept instead."
)

# A weak pull of the curve's coefficients (per standard deviation of the log odds) towards a flat
# line; it keeps the curve finite where the classes are separated and is lost in the data elsewhere.
_CURVE_RIDGE = 0.05


def calibration_summary(
    y: ArrayLike,
    p: ArrayLike,
    *,
    bootstrap: int = 2000,
    seed: int = 0,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return calibration slope and intercept, observed over expected, and Brier score.

    ``slope`` is that of a logistic regression of the outcome on the log odds of ``p`` (between 0
    and 1: too extreme, as after overfitting; above 1: too timid; below 0: higher probabilities go
    with fewer events), ``intercept`` is calibration in the large, with the slope held at 1 (below
    0: probabilities too high on average, as is ``observed_expected`` below 1). None of them alone
    says that probabilities can be read as risks. Intervals of slope and intercept are Wald's;
    ``observed_expected`` has a Wilson interval of the observed share over the mean of ``p``, the
    Brier score a bootstrap's (percentiles, over patients; Wilson's, which is too wide, where all
    replicates agree). With ``refits`` the slope and the Brier score have twice the variance;
    intercept and ``observed_expected`` are held in place by the training patients, and their
    intervals are too wide then rather than too narrow.

    Parameters
    ----------
    y : array-like of shape (n,)
        0 or 1; both present, none missing.
    p : array-like of shape (n,)
        Probabilities, kept within 1e-6 of 0 and 1 for the log odds.
    bootstrap : int
    seed : int
    refits : bool
        Whether these patients have trained each other's models, see
        :mod:`gliofuse.evaluation.inference`.
    confidence : float

    Returns
    -------
    DataFrame
        One row: slope, slope_low, slope_high, likewise intercept, observed_expected and brier,
        then n, n_positive, note. Where the classes are separated, slope and intercept do not
        exist: NaN, and the note says so.

    References
    ----------
    Van Calster B, et al. BMC Med 2019; 17: 230.

    Examples
    --------
    >>> y, p = [0, 0, 1, 0, 1, 1], [0.1, 0.3, 0.4, 0.6, 0.7, 0.9]
    >>> calibration_summary(y, p)["observed_expected"].round(6).tolist()
    [1.0]
    """
    positive, chance = _probabilities(y, p)
    score = log_odds(chance)
    z = normal_quantile(confidence)
    reach = z * np.sqrt(REFIT_VARIANCE) if refits else z
    notes = []
    row: dict[str, float | int | str] = {}
    design = np.column_stack([np.ones_like(score), score])
    slope = fit_logistic(design, positive) if np.ptp(score) > 0 else None
    if slope is not None and slope.converged[0]:
        _put(row, "slope", slope.coefficients[0, 1], reach * np.sqrt(slope.covariances[0, 1, 1]))
    else:
        _put(row, "slope", np.nan, np.nan)
        notes.append(
            "no slope: every patient has the same probability"
            if slope is None
            else "no slope: the probabilities separate the classes"
        )
    large = fit_logistic(np.ones((score.size, 1)), positive, offset=score)
    if large.converged[0]:
        _put(row, "intercept", large.coefficients[0, 0], z * np.sqrt(large.covariances[0, 0, 0]))
    else:
        _put(row, "intercept", np.nan, np.nan)
        notes.append("no intercept: the probabilities are 0 and 1")
    observed, expected = float(positive.mean()), float(chance.mean())
    low, high = wilson_interval(observed, positive.size, confidence=confidence)
    row["observed_expected"] = observed / expected if expected > 0 else np.nan
    row["observed_expected_low"] = low / expected if expected > 0 else np.nan
    row["observed_expected_high"] = high / expected if expected > 0 else np.nan
    error = (chance - positive) ** 2
    brier = float(error.mean())
    limits = _brier_limits(error, bootstrap, seed, confidence)
    if refits:
        wide = widened(brier, limits, least=0.0, most=1.0)
        limits = float(wide[0]), float(wide[1])
    row |= {"brier": brier, "brier_low": limits[0], "brier_high": limits[1]}
    row |= {"n": positive.size, "n_positive": int(positive.sum()), "note": "; ".join(notes)}
    return pd.DataFrame([row])


def calibration_table(
    predictions: pd.DataFrame,
    *,
    bootstrap: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    include_training: bool = False,
) -> pd.DataFrame:
    """Return :func:`calibration_summary` of every cohort and model of a prediction table.

    Patients are pooled by :func:`~gliofuse.evaluation.pool_predictions`; cohorts with one class
    are left out. Training rows come only when asked for and are marked ``apparent``.
    """
    pooled = pool_predictions(predictions, include_training=include_training)
    rows, sharing = [], shares_training(predictions)
    for cohort, model, group in grouped(pooled):
        if group["y_true"].nunique() < 2:
            continue
        summary = calibration_summary(
            group["y_true"],
            group["probability"],
            refits=cohort in sharing,
            bootstrap=bootstrap,
            seed=seed,
            confidence=confidence,
        )
        rows.append(summary.assign(cohort=cohort, model=model, apparent=cohort == "training"))
    if not rows:
        raise InputError("predictions holds no cohort with both classes to calibrate on")
    table = pd.concat(rows, ignore_index=True)
    return table[["cohort", "model", *table.columns.drop(["cohort", "model"])]]


def calibration_curve(
    y: ArrayLike,
    p: ArrayLike,
    *,
    points: int = 61,
    bootstrap: int = 500,
    seed: int = 0,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the flexible calibration curve with a bootstrap band.

    A logistic regression of the outcome on a restricted cubic spline of the log odds of ``p``
    (three knots, at the 10th, 50th and 90th percentile; a straight line below eight distinct
    values), drawn between the smallest and largest probability only. A weak ridge keeps it
    finite where the classes are separated. The band is pointwise, from resampled patients with
    the knots kept.

    Parameters
    ----------
    y : array-like of shape (n,)
        0 or 1; both present, none missing.
    p : array-like of shape (n,)
        Probabilities.
    points : int
    bootstrap : int
    seed : int
    refits : bool
        Whether these patients have trained each other's models, see
        :mod:`gliofuse.evaluation.inference`.
    confidence : float

    Returns
    -------
    DataFrame
        predicted, observed, ci_low, ci_high, one row a point; no row if every probability is the
        same, NaN limits if too many replicates fail.

    References
    ----------
    Austin PC, Steyerberg EW. Stat Med 2014; 33: 517-535.
    """
    positive, chance = _probabilities(y, p)
    score = log_odds(chance)
    columns = ["predicted", "observed", "ci_low", "ci_high"]
    if np.ptp(score) < 1e-9:
        return pd.DataFrame(columns=columns, dtype=float)
    grid = np.linspace(chance.min(), chance.max(), points)
    centre, spread = float(score.mean()), float(score.std())
    knots = np.quantile(score, [0.1, 0.5, 0.9])
    if np.unique(score).size < 8 or np.min(np.diff(knots)) < 1e-9:
        knots = np.empty(0)

    def basis(values: np.ndarray) -> np.ndarray:
        scaled = (values - centre) / spread
        parts = [np.ones_like(scaled), scaled]
        if knots.size:
            parts.append(natural_term(scaled, (knots - centre) / spread))
        return np.column_stack(parts)

    design = basis(score)
    ridge = np.r_[0.0, np.full(design.shape[1] - 1, _CURVE_RIDGE)]
    rng = np.random.default_rng(seed)
    share = np.full(positive.size, 1 / positive.size)
    weights = np.vstack(
        [np.ones(positive.size), rng.multinomial(positive.size, share, size=bootstrap)]
    )
    fit = fit_logistic(design, positive, weights=weights, ridge=ridge)
    curves = 1 / (1 + np.exp(-np.clip(fit.coefficients @ basis(log_odds(grid)).T, -30, 30)))
    replicates = curves[1:][fit.converged[1:]]
    low, high = np.full((2, points), np.nan)
    if len(replicates) >= MIN_DEFINED * bootstrap:
        tail = (1 - confidence) / 2
        low, high = np.quantile(replicates, [tail, 1 - tail], axis=0)
        low, high = np.minimum(low, curves[0]), np.maximum(high, curves[0])
        if refits:
            low, high = widened(curves[0], (low, high), least=0.0, most=1.0)
    return pd.DataFrame(dict(zip(columns, (grid, curves[0], low, high))))


def calibration_groups(
    y: ArrayLike, p: ArrayLike, *, groups: int = 5, confidence: float = 0.95
) -> pd.DataFrame:
    """Return mean probability and observed share in groups of like probability.

    Returns
    -------
    DataFrame
        group, n, predicted, observed, ci_low, ci_high (Wilson).
    """
    positive, chance = _probabilities(y, p)
    rows = []
    for number, members in enumerate(quantile_groups(chance, groups), 1):
        low, high = wilson_interval(
            float(positive[members].mean()), members.size, confidence=confidence
        )
        rows.append(
            {
                "group": number,
                "n": members.size,
                "predicted": float(chance[members].mean()),
                "observed": float(positive[members].mean()),
                "ci_low": low,
                "ci_high": high,
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class HosmerLemeshow:
    """The test's result; ``caveat`` is to be shown with it wherever it is shown."""

    statistic: float
    degrees: int
    p: float
    groups: int
    caveat: str = HOSMER_LEMESHOW_CAVEAT


def hosmer_lemeshow(
    y: ArrayLike, p: ArrayLike, *, groups: int = 10, parameters_fitted_here: int = 0
) -> HosmerLemeshow:
    """Return the Hosmer-Lemeshow test, with its caveat.

    Parameters
    ----------
    y : array-like of shape (n,)
    p : array-like of shape (n,)
    groups : int
        Groups of like probability; ties stay together, so there may be fewer.
    parameters_fitted_here : int
        2 for the patients that the model was fitted on, 0 for others: what is taken from the
        groups for the degrees of freedom.

    References
    ----------
    Hosmer DW, Lemeshow S. Commun Stat 1980; 9: 1043-1069.
    """
    from scipy.stats import chi2

    positive, chance = _probabilities(y, p)
    members = quantile_groups(chance, groups)
    degrees = len(members) - parameters_fitted_here
    if degrees < 1:
        raise InputError(
            f"groups must leave a degree of freedom, got {len(members)} groups of distinct "
            f"probabilities and {parameters_fitted_here} fitted parameters"
        )
    statistic = 0.0
    for group in members:
        expected, n = float(chance[group].sum()), group.size
        spread = expected * (1 - expected / n)
        statistic += (positive[group].sum() - expected) ** 2 / max(spread, 1e-12)
    return HosmerLemeshow(
        float(statistic), degrees, float(chi2.sf(statistic, degrees)), len(members)
    )


def _probabilities(y: ArrayLike, p: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    positive, chance = check_binary(y, p)
    if chance.min() < 0 or chance.max() > 1:
        raise InputError(
            f"p must hold probabilities between 0 and 1, got {chance.min():g} to {chance.max():g}"
        )
    return positive, chance


def _put(row: dict[str, float | int | str], name: str, value: float, half: float) -> None:
    row |= {name: float(value), f"{name}_low": float(value - half)}
    row[f"{name}_high"] = float(value + half)


def _brier_limits(
    error: np.ndarray, bootstrap: int, seed: int, confidence: float
) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    share = np.full(error.size, 1 / error.size)
    means = rng.multinomial(error.size, share, size=bootstrap) @ error / error.size
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    if high - low < 1e-12:
        return wilson_interval(float(error.mean()), error.size, confidence=confidence)
    return float(low), float(high)


def quantile_groups(chance: np.ndarray, groups: int) -> list[np.ndarray]:
    """Return the patients of each group of like probability; ties stay together."""
    edges = np.unique(np.quantile(chance, np.linspace(0, 1, groups + 1)[1:-1]))
    place = np.searchsorted(edges, chance, side="left")
    return [np.flatnonzero(place == number) for number in np.unique(place)]


def natural_term(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Return the curved term of a restricted cubic spline with three knots, straight outside."""
    first, middle, last = knots

    def cube(knot: float) -> np.ndarray:
        return np.asarray(np.maximum(values - knot, 0) ** 3)

    curve = (
        cube(first)
        - cube(middle) * (last - first) / (last - middle)
        + cube(last) * (middle - first) / (last - middle)
    )
    return np.asarray(curve / (last - first) ** 2)
