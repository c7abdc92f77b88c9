"""A patient's predicted survival at any time, from that at the horizons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["survival_curves"]

_FURTHEST = 10.0  # of a log hazard from the mean; risks on another scale give a shape only
_LEAST = 1e-12  # of survival, so that its logarithm is finite


def survival_curves(
    rows: pd.DataFrame, training: pd.DataFrame, times: np.ndarray, horizons: Sequence[float]
) -> np.ndarray:
    """Return survival of each row at times.

    Between horizons the cumulative hazard rises as Breslow's baseline of the fold's training
    patients does, their risk held: for a Cox model that is its own survival, for any other it
    meets the predicted values and keeps between them. Nothing is said beyond the last horizon
    with a probability.

    Parameters
    ----------
    rows, training : DataFrame
        Of one model: fold, risk and ``survival_<h>``; training rows also time and event.
    times : ndarray of shape (m,)
    horizons : sequence of float
        Rising.

    Returns
    -------
    ndarray of shape (n, m)
        NaN where the row has no probability beyond, or its fold no training rows and the time is
        no horizon.
    """
    found = np.full((len(rows), times.size), np.nan)
    columns = [f"survival_{horizon:g}" for horizon in horizons]
    values = rows[columns].to_numpy(dtype=float)
    fold, of_training = rows["fold"].to_numpy(), training["fold"].to_numpy()
    for name in pd.unique(fold):
        own = np.flatnonzero(fold == name)
        known = ~np.isnan(values[own]).any(axis=0)
        if not known.any():
            continue
        knots = np.asarray(horizons, dtype=float)[known]
        hazard = -np.log(np.maximum(values[np.ix_(own, np.flatnonzero(known))], _LEAST))
        patients = training[of_training == name]
        at = _breslow(patients, np.concatenate([knots, times])) if len(patients) else None
        found[own] = _between(hazard, knots, times, at)
    return found


def _between(
    hazard: np.ndarray, knots: np.ndarray, times: np.ndarray, baseline: np.ndarray | None
) -> np.ndarray:
    hazard = np.column_stack([np.zeros(len(hazard)), hazard])
    knots = np.concatenate([[0.0], knots])
    upper = np.clip(np.searchsorted(knots, times, side="left"), 1, knots.size - 1)
    exact = knots[upper] == times
    if baseline is None:
        share = np.where(exact, 1.0, np.nan)
    else:
        of_knots = np.concatenate([[0.0], baseline[: knots.size - 1]])
        below, above = of_knots[upper - 1], of_knots[upper]
        width = np.where(above > below, above - below, 1.0)
        share = np.where(exact, 1.0, (baseline[knots.size - 1 :] - below) / width)
    between = hazard[:, upper - 1] + share * (hazard[:, upper] - hazard[:, upper - 1])
    between[:, times > knots[-1]] = np.nan
    between[:, times == 0] = 0.0
    return np.asarray(np.exp(-between))


def _breslow(training: pd.DataFrame, times: np.ndarray) -> np.ndarray:
    """Return the cumulative baseline hazard at times, the risk of each patient held."""
    risk = training["risk"].to_numpy(dtype=float)
    weight = np.exp(np.clip(risk - risk.mean(), -_FURTHEST, _FURTHEST))
    outcome = training["time"].to_numpy(dtype=float)
    order = np.argsort(outcome, kind="stable")
    outcome, weight = outcome[order], weight[order]
    event = training["event"].to_numpy(dtype=float)[order]
    at_risk = weight[::-1].cumsum()[::-1][np.searchsorted(outcome, outcome, side="left")]
    steps = np.concatenate([[0.0], np.cumsum(event / at_risk)])
    return np.asarray(steps[np.searchsorted(outcome, times, side="right")])
