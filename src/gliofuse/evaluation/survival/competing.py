"""Cumulative incidence where another cause may come first: Aalen-Johansen's estimate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation.survival._outcome import check_groups, check_outcome
from gliofuse.evaluation.survival.product_limit import log_log_limits

__all__ = ["cumulative_incidence"]


def cumulative_incidence(
    time: ArrayLike,
    event: ArrayLike,
    competing: ArrayLike,
    group: ArrayLike,
    *,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the share of each group that has had the event, or the competing one, by each time.

    In closed form: events at one time are taken together, so that ties need no jitter. The
    variance is that of the infinitesimal jackknife, as in R's
    ``survfit(Surv(time, factor(cause)) ~ group)``; the limits are on the scale of log(-log).

    Parameters
    ----------
    time : array-like of shape (n,)
    event, competing : array-like of shape (n,)
        0 or 1; nobody has both.
    group : array-like of shape (n,)
    confidence : float

    Returns
    -------
    DataFrame
        group, cause (``event``, ``competing``), time (from 0), incidence, se, ci_low, ci_high,
        at_risk.

    References
    ----------
    Aalen OO, Johansen S. Scand J Stat 1978; 5: 141-150.

    Examples
    --------
    >>> table = cumulative_incidence([1, 2, 3, 4], [1, 0, 1, 0], [0, 1, 0, 0], ["a"] * 4)
    >>> table.groupby("cause")["incidence"].max().to_dict()
    {'competing': 0.25, 'event': 0.5}
    """
    outcome, seen = check_outcome(time, event)
    _, other = check_outcome(time, competing)
    if (seen & other).any():
        raise InputError("event and competing are both 1 for a patient; only the first counts")
    names = check_groups(group, outcome.size)
    parts = [
        _of_group(outcome[own], seen[own], other[own], confidence).assign(group=name)
        for name in pd.unique(names)
        for own in (names == name,)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["group", *table.columns.drop("group")]]


def _of_group(
    outcome: np.ndarray, seen: np.ndarray, other: np.ndarray, confidence: float
) -> pd.DataFrame:
    times = np.unique(outcome[seen | other])
    at_risk = (outcome[:, None] >= times).sum(axis=0)
    here = outcome[:, None] == times
    watched = outcome[:, None] >= times
    any_event = (here & (seen | other)[:, None]).astype(float)
    total = any_event.sum(axis=0)
    before = np.concatenate([[1.0], np.cumprod(1 - total / at_risk)])[:-1]
    # How each patient moves the survival just before each time.
    left = np.maximum(at_risk - total, 1e-300)
    moved = np.where(total < at_risk, (any_event - watched * total / at_risk) / left, 0.0)
    of_before = (
        -before * np.column_stack([np.zeros(outcome.size), np.cumsum(moved, axis=1)])[:, :-1]
    )
    parts = []
    for cause, own in (("event", seen), ("competing", other)):
        count = (here & own[:, None]).astype(float)
        rate = count.sum(axis=0) / at_risk
        incidence = np.cumsum(before * rate)
        steps = before * (count - watched * rate) / at_risk + of_before * rate
        error = np.sqrt((np.cumsum(steps, axis=1) ** 2).sum(axis=0))
        free = 1 - incidence
        relative = np.divide(error, free, out=np.zeros(error.size), where=free > 0)
        low, high = log_log_limits(free, relative, confidence=confidence)
        table = pd.DataFrame(
            {
                "cause": cause,
                "time": times,
                "incidence": incidence,
                "se": error,
                "ci_low": 1 - high,
                "ci_high": 1 - low,
                "at_risk": at_risk,
            }
        )
        start = {"cause": cause, "time": 0.0, "incidence": 0.0, "se": 0.0}
        start |= {"ci_low": 0.0, "ci_high": 0.0, "at_risk": outcome.size}
        if not times.size or times[0] > 0:
            table = pd.concat([pd.DataFrame([start]), table], ignore_index=True)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
