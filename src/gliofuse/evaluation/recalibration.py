"""What recalibrating a model's probabilities for other patients would bring, honestly judged."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.evaluation._checks import check_binary
from gliofuse.evaluation._logistic import fit_logistic, log_odds

__all__ = ["recalibration_table"]

_FOLDS = 10
_WAYS = ("as handed on", "intercept", "intercept and slope")


def recalibration_table(
    y: ArrayLike, p: ArrayLike, model: str = "", *, seed: int = 0
) -> pd.DataFrame:
    """Compare a model's probabilities with recalibrated ones.

    The recalibrated probability of a patient is of a fit to other patients (ten parts), so that
    what a fit gains on its own patients is not counted.

    Parameters
    ----------
    y : array-like of shape (n,)
        0 and 1.
    p : array-like of shape (n,)
        Probabilities of 1.
    model : str
        For the column of that name.
    seed : int
        Of the parts.

    Returns
    -------
    DataFrame
        A row a way: ``model, how, intercept, slope`` (fitted to all patients), ``brier,
        observed_expected, calibration_slope``.

    References
    ----------
    Steyerberg EW, et al. Stat Med 2004; 23: 2567-2586 (updating a prediction model).
    """
    positive, chance = check_binary(y, p)
    events, scores = positive.astype(float), log_odds(chance)
    part = _parts(positive, seed)
    rows = []
    for how in _WAYS:
        intercept, slope = _fit(how, scores, events)
        held_out = np.empty_like(chance)
        for one in np.unique(part):
            added, times = _fit(how, scores[part != one], events[part != one])
            held_out[part == one] = 1 / (1 + np.exp(-(added + times * scores[part == one])))
        rows.append(
            {
                "model": model,
                "how": how,
                "intercept": intercept,
                "slope": slope,
                "brier": float(np.mean((held_out - events) ** 2)),
                "observed_expected": float(events.sum() / held_out.sum()),
                "calibration_slope": _fit("intercept and slope", log_odds(held_out), events)[1],
            }
        )
    return pd.DataFrame(rows)


def _parts(positive: np.ndarray, seed: int) -> np.ndarray:
    """Return each patient's part, both classes spread over all."""
    random = np.random.default_rng(seed)
    part = np.empty(positive.size, dtype=int)
    for side in (positive, ~positive):
        places = random.permutation(np.flatnonzero(side))
        part[places] = np.arange(places.size) % _FOLDS
    return part


def _fit(how: str, scores: np.ndarray, events: np.ndarray) -> tuple[float, float]:
    """Return what to add to the log-odds, and what to multiply them by."""
    if how == "as handed on":
        return 0.0, 1.0
    ones = np.ones((scores.size, 1))
    if how == "intercept":
        found = fit_logistic(ones, events, offset=scores)
        return (float(found.coefficients[0, 0]), 1.0) if found.converged[0] else (0.0, 1.0)
    found = fit_logistic(np.column_stack([ones, scores]), events)
    if not found.converged[0]:
        return 0.0, 1.0
    return float(found.coefficients[0, 0]), float(found.coefficients[0, 1])
