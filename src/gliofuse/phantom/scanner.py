"""Grey values of a head and its tumour in each sequence, and what a centre's scanner adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import ndimage

from gliofuse.cohort.sequences import SEQUENCES
from gliofuse.phantom.anatomy import Head
from gliofuse.phantom.fields import Grid, smooth_field
from gliofuse.phantom.tumour import Tumour

__all__ = ["APPEARANCE", "CENTERS", "RENDERED", "TISSUE_LEVELS", "Center", "render_sequence"]

# Mean grey value of white matter, grey matter and fluid; about what brain-extracted scans show.
TISSUE_LEVELS = {
    "t1": (0.74, 0.53, 0.20),
    "t1ce": (0.74, 0.55, 0.20),
    "t2": (0.40, 0.54, 1.02),
    "flair": (0.50, 0.60, 0.14),
}

APPEARANCE: dict[str, dict[str, tuple[float, float]]] = {
    "t1": {"necrosis": (0.40, -0.10), "enhancing": (0.58, -0.05), "edema": (0.62, -0.08)},
    "t1ce": {"necrosis": (0.38, -0.10), "enhancing": (0.74, 0.70), "edema": (0.63, -0.07)},
    "t2": {"necrosis": (0.82, 0.22), "enhancing": (0.68, 0.16), "edema": (0.68, 0.24)},
    "flair": {"necrosis": (0.66, -0.30), "enhancing": (0.78, 0.14), "edema": (0.76, 0.36)},
}
"""Mean grey value of each part at severity 0, and what severity 1 adds to it."""

RENDERED: tuple[str, ...] = tuple(name for name in SEQUENCES if name in APPEARANCE)
"""The sequences that a phantom has; their places in it choose their random streams."""

_HETEROGENEITY = {"necrosis": (0.03, 0.09), "enhancing": (0.04, 0.16), "edema": (0.03, 0.08)}
_UNIT = 1000.0  # stored integers at a grey value of 1


@dataclass(frozen=True)
class Center:
    """What one centre's scanner does to every image; unrelated to any patient's tumour.

    Attributes
    ----------
    share : float
        Share of the cohort's patients.
    gain, gamma : float
        Grey value x becomes ``gain * x ** gamma``.
    noise, bias, blur_mm : float
        Standard deviation of the noise, of the log bias field, and of the blur.
    """

    share: float
    gain: float
    gamma: float
    noise: float
    bias: float
    blur_mm: float


CENTERS = {
    "A": Center(0.5, 1.0, 1.0, 0.025, 0.04, 0.6),
    "B": Center(0.3, 1.35, 1.12, 0.035, 0.06, 0.9),
    "C": Center(0.2, 0.75, 0.90, 0.030, 0.08, 0.7),
}


def render_sequence(
    rng: np.random.Generator,
    grid: Grid,
    head: Head,
    tumour: Tumour,
    *,
    sequence: str,
    severity: Mapping[str, float],
    elsewhere: Mapping[str, float],
    shown: np.ndarray,
    center: Center,
) -> np.ndarray:
    """Return one sequence as int16, 0 outside the brain.

    Parameters
    ----------
    rng : Generator
    grid : Grid
    head : Head
    tumour : Tumour
    sequence : str
        One of :data:`RENDERED`.
    severity, elsewhere : mapping of str to float
        Severity in (0, 1) of each part of the tumour, inside ``shown`` and outside of it. Soft
        edges and blur reach over a part's border; the two don't mix there.
    shown : ndarray of bool, shape (z, y, x)
    center : Center
    """
    white, grey, fluid = TISSUE_LEVELS[sequence]
    image = head.white * white + head.grey * grey + head.csf * fluid
    box = tumour.box
    fine = smooth_field(rng, grid, 1.8, box)
    coarse = smooth_field(rng, grid, 4.5, box)
    own = {part: 0.02 * float(rng.standard_normal()) for part in tumour.weights}

    def seen(levels: Mapping[str, float]) -> np.ndarray:
        whole = image.copy()
        whole[box] = _painted(image[box], tumour, sequence, levels, own, fine, coarse)
        width = [center.blur_mm / step for step in grid.spacing_mm]
        return np.asarray(ndimage.gaussian_filter(whole, width, truncate=3))

    if dict(severity) == dict(elsewhere):
        image = seen(severity)
    else:
        image = np.where(shown, seen(severity), seen(elsewhere))
    brain = head.brain
    signal = center.gain * np.maximum(image[brain], 0.01) ** center.gamma
    signal *= np.exp(center.bias * smooth_field(rng, grid, 55.0)[brain])
    noise = center.noise * center.gain * rng.standard_normal((2, signal.size), dtype=np.float32)
    stored = np.zeros(grid.shape, dtype=np.int16)
    # Noise of a magnitude image is Rician.
    stored[brain] = np.clip(np.rint(_UNIT * np.hypot(signal + noise[0], noise[1])), 1, 32767)
    return stored


def _painted(
    tissue: np.ndarray,
    tumour: Tumour,
    sequence: str,
    severity: Mapping[str, float],
    own: Mapping[str, float],
    fine: np.ndarray,
    coarse: np.ndarray,
) -> np.ndarray:
    """Return the tissue of the tumour's box with the tumour's parts laid over it."""
    covered = np.zeros_like(tissue)
    painted = np.zeros_like(tissue)
    for part, weight in tumour.weights.items():
        level = severity[part]
        base, slope = APPEARANCE[sequence][part]
        calm, wild = _HETEROGENEITY[part]
        # Severe tumours are uneven in larger patches: the coarse field takes over.
        texture = sqrt(1 - 0.8 * level) * fine + sqrt(0.8 * level) * coarse
        painted += weight * (base + slope * level + own[part] + (calm + wild * level) * texture)
        covered += weight
    return tissue * (1 - covered) + painted
