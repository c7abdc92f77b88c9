"""Net reclassification between two models, for readers who ask for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import check_binary

__all__ = ["RECLASSIFICATION_CAVEAT", "net_reclassification"]

RECLASSIFICATION_CAVEAT = (
    "Net reclassification can be positive for a useless or badly calibrated new model, and its "
    "events and non-events must not be added up as if they counted alike. Judge the new model by "
    "the AUC difference, calibration and net benefit."
)


def net_reclassification(
    y: ArrayLike,
    p_old: ArrayLike,
    p_new: ArrayLike,
    *,
    thresholds: Sequence[float] | None = (0.5,),
    bootstrap: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return the net share of events moved up and of non-events moved down by the new model.

    Parameters
    ----------
    y : array-like of shape (n,)
        0 or 1; both present, none missing.
    p_old, p_new : array-like of shape (n,)
        Probabilities of the two models for the same patients.
    thresholds : sequence of float or None
        Bounds of the risk classes; ``None`` counts every change (the category-free figure, the
        least trustworthy one).
    bootstrap : int
        Replicates, drawn within each class. Where none changes, the interval is that of a share
        of 0 (rule of three).
    seed : int
    confidence : float

    Returns
    -------
    DataFrame
        part (``events``, ``non-events``, ``sum``), up, down, estimate, ci_low, ci_high, n,
        caveat. The caveat goes wherever the figures go.

    References
    ----------
    Pencina MJ, et al. Stat Med 2008; 27: 157-172 (definition).
    Hilden J, Gerds TA. Stat Med 2014; 33: 3405-3414 (why not to rely on it).

    Examples
    --------
    >>> table = net_reclassification([1, 1, 0, 0], [.4, .6, .6, .4], [.7, .7, .4, .3])
    >>> table[["part", "estimate"]].to_numpy().tolist()
    [['events', 0.5], ['non-events', 0.5], ['sum', 1.0]]
    """
    positive, old, new = check_binary(y, p_old, p_new)
    if thresholds is None:
        change = np.sign(new - old)
    else:
        cuts = np.sort(np.asarray(thresholds, dtype=float))
        if cuts.size == 0:
            raise InputError("thresholds must hold at least one bound, or be None")
        moved = np.searchsorted(cuts, new, "right") - np.searchsorted(cuts, old, "right")
        change = np.sign(moved)
    parts = {"events": change[positive], "non-events": -change[~positive]}
    rng = np.random.default_rng(seed)
    tail = (1 - confidence) / 2
    rows, replicates = [], []
    for name, gains in parts.items():
        drawn = gains[rng.integers(0, gains.size, size=(bootstrap, gains.size))].mean(axis=1)
        replicates.append(drawn)
        direction = gains if name == "events" else -gains
        low, high = np.quantile(drawn, [tail, 1 - tail])
        low, high = _with_width(float(low), float(high), gains.size)
        rows.append(
            {
                "part": name,
                "up": int((direction > 0).sum()),
                "down": int((direction < 0).sum()),
                "estimate": float(gains.mean()),
                "ci_low": low,
                "ci_high": high,
                "n": gains.size,
            }
        )
    low, high = np.quantile(replicates[0] + replicates[1], [tail, 1 - tail])
    smallest = min(row["n"] for row in rows)
    low, high = _with_width(float(low), float(high), smallest)
    rows.append(
        {
            "part": "sum",
            "up": rows[0]["up"] + rows[1]["up"],
            "down": rows[0]["down"] + rows[1]["down"],
            "estimate": rows[0]["estimate"] + rows[1]["estimate"],
            "ci_low": low,
            "ci_high": high,
            "n": positive.size,
        }
    )
    return pd.DataFrame(rows).assign(caveat=RECLASSIFICATION_CAVEAT)


def _with_width(low: float, high: float, n: int) -> tuple[float, float]:
    """Widen an interval without width by what n patients without a change still allow."""
    if high - low > 1e-12:
        return low, high
    return low - min(1.0, 3 / n), high + min(1.0, 3 / n)
