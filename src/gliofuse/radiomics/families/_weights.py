"""Weights of the angles when their matrices are merged (setting ``weightingNorm``)."""

from __future__ import annotations

import numpy as np

__all__ = ["NORMS", "angle_lengths"]

NORMS = ("manhattan", "euclidean", "infinity", "no_weighting")


def angle_lengths(
    offsets: np.ndarray, spacing_mm: tuple[float, float, float], norm: str
) -> np.ndarray:
    """Return the length in mm of each offset (n, 3) by ``norm``, one of :data:`NORMS`.

    Examples
    --------
    >>> angle_lengths(np.array([[1, 0, -1]]), (4.0, 1.0, 3.0), "euclidean").tolist()
    [5.0]
    """
    steps = np.abs(offsets) * np.asarray(spacing_mm)
    if norm == "infinity":
        return steps.max(axis=1)
    if norm == "euclidean":
        return np.sqrt((steps**2).sum(axis=1))
    return steps.sum(axis=1)
