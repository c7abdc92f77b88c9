"""Whether predicted risks by a horizon come true among patients some of whom were censored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.calibration import natural_term, quantile_groups
from gliofuse.evaluation.inference import REFIT_VARIANCE, widened
from gliofuse.evaluation.survival._cox import CoxFit, fit_cox
from gliofuse.evaluation.survival._outcome import check_outcome
from gliofuse.evaluation.survival.product_limit import log_log_limits, product_limit
from gliofuse.evaluation.survival.scores import brier_of_errors, squared_errors

__all__ = [
    "observed_expected",
    "survival_calibration",
    "survival_calibration_groups",
    "survival_calibration_summary",
]

_EDGE = 1e-6  # probabilities are kept this far from 0 and 1 for their logarithms
_DISTINCT = 8  # probabilities, for a curve rather than a line


def survival_calibration(
    time: ArrayLike,
    event: ArrayLike,
    probability: ArrayLike,
    horizon: float,
    *,
    points: int = 61,
    refits: bool = False,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the smooth calibration curve at a horizon with its band.

    A Cox regression on a restricted cubic spline (three knots, at the 10th, 50th and 90th
    percentile) of log(-log) of predicted survival; observed is one less the survival that it
    gives. The band is that of survival's logarithm in R's ``survfit(coxph)``, on the scale of
    log(-log). Drawn between the smallest and largest probability only.

    Parameters
    ----------
    time, event : array-like of shape (n,)
    probability : array-like of shape (n,)
        Of the event by the horizon.
    horizon : float
    points : int
    refits : bool
        Whether these patients have trained each other's models: twice the variance.
    confidence : float

    Returns
    -------
    DataFrame
        predicted, observed, ci_low, ci_high; no row where the patients allow no curve.

    References
    ----------
    Austin PC, Harrell FE, van Klaveren D. Stat Med 2020; 39: 2714-2742.
    """
    outcome, seen, chance = _checked(time, event, probability)
    columns = ["predicted", "observed", "ci_low", "ci_high"]
    fitted = _fit(outcome, seen, chance)
    if fitted is None:
        return pd.DataFrame(columns=columns, dtype=float)
    fit, knots = fitted
    grid = np.linspace(chance.min(), chance.max(), points)
    survival, error = fit.survival(_basis(_cloglog(grid), knots), horizon)
    if refits:
        error = error * np.sqrt(REFIT_VARIANCE)
    low, high = log_log_limits(survival, error, confidence=confidence)
    return pd.DataFrame(dict(zip(columns, (grid, 1 - survival, 1 - high, 1 - low))))


def survival_calibration_groups(
    time: ArrayLike,
    event: ArrayLike,
    probability: ArrayLike,
    horizon: float,
    *,
    groups: int = 5,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return mean predicted and Kaplan-Meier's observed risk in groups of like probability.

    Returns
    -------
    DataFrame
        predicted, observed, ci_low, ci_high, n; a group that was not watched until the horizon is
        left out.
    """
    outcome, seen, chance = _checked(time, event, probability)
    rows = []
    for members in quantile_groups(chance, groups):
        curve = product_limit(outcome[members], seen[members])
        low, high = curve.limits(horizon, confidence=confidence)
        observed = 1 - float(curve.at(horizon))
        if np.isfinite(observed):
            limits = 1 - float(high), 1 - float(low)
            rows.append((float(chance[members].mean()), observed, *limits, members.size))
    return pd.DataFrame(rows, columns=["predicted", "observed", "ci_low", "ci_high", "n"])


def observed_expected(
    time: ArrayLike,
    event: ArrayLike,
    probability: ArrayLike,
    horizon: float,
    *,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Return Kaplan-Meier's risk by the horizon over the mean predicted one, with its limits."""
    outcome, seen, chance = _checked(time, event, probability)
    curve = product_limit(outcome, seen)
    low, high = curve.limits(horizon, confidence=confidence)
    risks = 1 - np.array([float(curve.at(horizon)), float(high), float(low)])
    expected = float(chance.mean())
    ratio = risks / expected if expected > 0 else np.full(3, np.nan)
    return float(ratio[0]), float(ratio[1]), float(ratio[2])


def survival_calibration_summary(
    time: ArrayLike,
    event: ArrayLike,
    probability: ArrayLike,
    horizon: float,
    *,
    cumulative_hazard: ArrayLike | None = None,
    errors: np.ndarray | None = None,
    refits: bool = False,
    confidence: float = 0.95,
) -> dict[str, Any]:
    """Return calibration at a horizon in numbers.

    ``slope`` is that of a Cox regression on log(-log) of predicted survival; ``intercept``
    (calibration in the large) the logarithm of observed over expected events up to the horizon,
    by Poisson regression with the logarithm of each patient's predicted cumulative hazard as
    offset; ``observed_expected`` Kaplan-Meier's risk over the mean predicted one; ``ici`` the mean
    distance of the smooth curve from the diagonal.

    Parameters
    ----------
    time, event : array-like of shape (n,)
    probability : array-like of shape (n,)
        Of the event by the horizon.
    horizon : float
    cumulative_hazard : array-like of shape (n,), optional
        Predicted, up to each patient's time or the horizon; without it there is no intercept.
    errors : ndarray of shape (n,), optional
        Squared errors, where they are means over repeats; else those of ``probability``.
    refits : bool
        Whether these patients have trained each other's models: slope and Brier score then have
        twice the variance.
    confidence : float

    Returns
    -------
    dict
        slope, intercept, observed_expected, brier (each with ``_low`` and ``_high``), ici, n,
        n_positive (events by the horizon), note.

    References
    ----------
    Crowson CS, Atkinson EJ, Therneau TM. Stat Methods Med Res 2016; 25: 1692-1706 (the large).
    McLernon DJ, et al. Ann Intern Med 2023; 176: 105-114.
    """
    outcome, seen, chance = _checked(time, event, probability)
    z = normal_quantile(confidence)
    notes: list[str] = []
    row: dict[str, Any] = {}
    factor = np.sqrt(REFIT_VARIANCE) if refits else 1.0
    slope = fit_cox(_cloglog(chance)[:, None], outcome, seen) if np.ptp(chance) > 0 else None
    if slope is None or not slope.converged:
        row |= _with_limits("slope", np.nan, np.nan)
        alike = "every patient has the same probability"
        apart = "the probabilities separate who has the event first"
        notes.append(f"no slope: {alike if slope is None else apart}")
    else:
        half = z * factor * float(np.sqrt(slope.covariance[0, 0]))
        row |= _with_limits("slope", float(slope.coefficients[0]), half)
    early = seen & (outcome <= horizon)
    row |= _in_the_large(early, cumulative_hazard, z, notes)
    ratio = observed_expected(outcome, seen, chance, horizon, confidence=confidence)
    names = ("observed_expected", "observed_expected_low", "observed_expected_high")
    row |= dict(zip(names, ratio))
    at = np.array([horizon])
    squared = squared_errors(outcome, seen, chance[:, None], at)[:, 0] if errors is None else errors
    score = brier_of_errors(outcome, seen, squared[:, None], at)
    brier, half = float(score.estimate[0]), z * float(np.linalg.norm(score.influence[:, 0]))
    low, high = widened(brier, (brier - factor * half, brier + factor * half), variance=1.0)
    row |= {"brier": brier, "brier_low": max(0.0, float(low)), "brier_high": min(1.0, float(high))}
    row["ici"] = _integrated_index(outcome, seen, chance, horizon)
    return row | {
        "n": outcome.size,
        "n_positive": int(early.sum()),
        "note": "; ".join(notes),
    }


def _in_the_large(
    early: np.ndarray, hazard: ArrayLike | None, z: float, notes: list[str]
) -> dict[str, float]:
    """Return the intercept of a Poisson regression that has nothing but an offset beside it."""
    expected = np.nan if hazard is None else float(np.asarray(hazard, dtype=float).sum())
    if not expected > 0:
        notes.append("no intercept: predicted hazards up to each time are not known")
        return _with_limits("intercept", np.nan, np.nan)
    count = int(early.sum())
    return _with_limits("intercept", float(np.log(count / expected)), z / float(np.sqrt(count)))


def _integrated_index(
    outcome: np.ndarray, seen: np.ndarray, chance: np.ndarray, horizon: float
) -> float:
    fitted = _fit(outcome, seen, chance)
    if fitted is None:
        return np.nan
    fit, knots = fitted
    survival, _ = fit.survival(_basis(_cloglog(chance), knots), horizon)
    return float(np.abs(1 - survival - chance).mean())


def _fit(
    outcome: np.ndarray, seen: np.ndarray, chance: np.ndarray
) -> tuple[CoxFit, np.ndarray] | None:
    score = _cloglog(chance)
    knots = np.quantile(score, [0.1, 0.5, 0.9])
    if np.unique(score).size < _DISTINCT or np.diff(knots).min() < 1e-9:
        knots = np.empty(0)
    if np.ptp(score) < 1e-9:
        return None
    fit = fit_cox(_basis(score, knots), outcome, seen)
    if (fit is None or not fit.converged) and knots.size:
        knots = np.empty(0)
        fit = fit_cox(_basis(score, knots), outcome, seen)
    return (fit, knots) if fit is not None and fit.converged else None


def _basis(score: np.ndarray, knots: np.ndarray) -> np.ndarray:
    columns = [score] if not knots.size else [score, natural_term(score, knots)]
    return np.column_stack(columns)


def _cloglog(chance: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(-np.log1p(-np.clip(chance, _EDGE, 1 - _EDGE))))


def _with_limits(name: str, estimate: float, half: float) -> dict[str, float]:
    return {name: estimate, f"{name}_low": estimate - half, f"{name}_high": estimate + half}


def _checked(
    time: ArrayLike, event: ArrayLike, probability: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    outcome, seen = check_outcome(time, event)
    chance = np.asarray(probability, dtype=float)
    if chance.shape != outcome.shape or not ((chance >= 0) & (chance <= 1)).all():
        raise InputError(
            "probability must hold one value between 0 and 1 a patient and nothing missing"
        )
    return outcome, seen, chance
