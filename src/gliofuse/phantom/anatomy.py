"""A parametric, skull-stripped head: grey and white matter, sulci, nuclei and ventricles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofuse.phantom.fields import Grid, smooth_field

__all__ = ["Head", "make_head"]

# Semi-axes of the brain in mm, (z up, z down, y, x), before each patient's own factor.
_SEMI_AXES_MM = (62.0, 54.0, 80.0, 65.0)
_EXPONENT = 2.25  # a little squarer than an ellipsoid, as heads are

# Centres (z, y, x) and semi-axes in mm of one side's structures; the other side mirrors x.
_VENTRICLES = (
    ((14.0, -22.0, 9.0), (7.0, 17.0, 5.0)),
    ((17.0, 6.0, 10.0), (6.0, 26.0, 5.0)),
    ((9.0, 34.0, 19.0), (6.5, 18.0, 5.0)),
    ((1.0, 4.0, 0.0), (9.0, 13.0, 2.2)),
)
_NUCLEI = (
    ((4.0, 8.0, 11.0), (8.0, 12.0, 7.5)),
    ((3.0, -6.0, 25.0), (9.0, 16.0, 5.0)),
    ((12.0, -22.0, 17.0), (8.0, 9.0, 4.0)),
)


@dataclass(frozen=True)
class Head:
    """Tissue fractions of one head, each float32 in (z, y, x), adding up to ``brain``.

    Attributes
    ----------
    depth : ndarray
        1 in the middle, 0 on the surface, negative outside.
    brain : ndarray of bool
    white, grey, csf : ndarray
    """

    depth: np.ndarray
    brain: np.ndarray
    white: np.ndarray
    grey: np.ndarray
    csf: np.ndarray


def make_head(rng: np.random.Generator, grid: Grid) -> Head:
    """Return one patient's head; size, folding and ventricles differ between patients."""
    z, y, x = grid.axes()
    size = (1 + 0.03 * rng.standard_normal(3)).tolist()
    up, down, long, wide = _SEMI_AXES_MM
    height = np.where(z > 0, np.float32(up * size[0]), np.float32(down * size[0]))
    radius = (
        np.abs(z / height) ** _EXPONENT
        + np.abs(y / (long * size[1])) ** _EXPONENT
        + np.abs(x / (wide * size[2])) ** _EXPONENT
    ) ** (1 / _EXPONENT)
    depth = (1 - radius + 0.012 * smooth_field(rng, grid, 14.0)).astype(np.float32)
    # The falx: a sheet of fluid between the hemispheres, open above the corpus callosum.
    fissure = np.exp(-((x / 1.6) ** 2)) * _step(0.42 - depth, 0.05)
    # Sulci are the zero sheets of a smooth field: thin, winding, and they branch.
    folds = np.abs(smooth_field(rng, grid, 5.5))
    sulci = _step(0.22 - folds, 0.06) * _step(0.17 - depth, 0.03)
    csf = np.maximum(fissure, sulci)
    ribbon = np.maximum(
        _step(0.75 - folds, 0.12) * _step(0.20 - depth, 0.03), _step(0.055 - depth, 0.012)
    )
    width = float(1 + 0.18 * rng.standard_normal())
    for centre, axes in _VENTRICLES:
        csf = np.maximum(csf, _pair(z, y, x, centre, (axes[0], axes[1], axes[2] * width)))
    nuclei = np.zeros(grid.shape, dtype=np.float32)
    for centre, axes in _NUCLEI:
        nuclei = np.maximum(nuclei, _pair(z, y, x, centre, axes))
    brain = depth > 0
    csf = (csf * brain).astype(np.float32)
    grey = (np.maximum(ribbon, 0.85 * nuclei) * (1 - csf) * brain).astype(np.float32)
    white = (brain - csf - grey).astype(np.float32)
    return Head(depth, brain, white, grey, csf)


def _pair(
    z: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    centre: tuple[float, float, float],
    axes: tuple[float, float, float],
) -> np.ndarray:
    """Return soft ellipsoids on both sides of the midline."""
    across = (np.abs(x) - centre[2]) / axes[2]
    radius = np.sqrt(
        ((z - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2 + across**2
    )
    return _step(1 - radius, 0.08)


def _step(value: np.ndarray, width: float) -> np.ndarray:
    """Return a smooth step from 0 to 1 at ``value`` 0, ``width`` wide."""
    return 0.5 * (1 + np.tanh(value / width))
