"""Scans of a whole head: a sequence's contrast, the head's motion, a bias field and a grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gliofuse.imaging import Volume
from gliofuse.phantom.fields import Grid, smooth_field
from gliofuse.phantom.scanner import APPEARANCE, TISSUE_LEVELS
from gliofuse.phantom.whole_head import HEAD_EXTENT_MM, WholeHead

__all__ = ["Acquisition", "RawScan", "acquire", "rigid_matrix"]

# Bone, marrow, fat, muscle and vitreous in units in which white matter has the level of
# the brain's phantom.
_OTHER_LEVELS = {
    "t1": (0.05, 0.72, 1.05, 0.48, 0.20),
    "t1ce": (0.05, 0.74, 1.05, 0.56, 0.20),
    "t2": (0.05, 0.48, 0.78, 0.24, 1.05),
    "flair": (0.05, 0.42, 0.70, 0.34, 0.14),
}
_OTHERS = ("bone", "marrow", "fat", "muscle", "vitreous")
_UNIT = 1000.0


@dataclass(frozen=True)
class Acquisition:
    """How one sequence is scanned.

    Attributes
    ----------
    shape, spacing_mm : tuple
        Of the image's array (z, y, x).
    direction : ndarray, shape (3, 3)
        Of the image's axes, LPS, as :class:`~gliofuse.imaging.Volume` has it.
    centre_mm : tuple of float
        Middle of the field of view, LPS (x, y, z), from the middle of the brain at rest.
    rotation_degrees, shift_mm : tuple of float
        The head's motion about and along x, y and z; it turns about the middle of the brain.
    bias : float
        Standard deviation of the logarithm of the bias field.
    noise : float
        Standard deviation of the noise; white matter on T1 has 0.74.
    """

    shape: tuple[int, int, int] = (176, 240, 240)
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    direction: np.ndarray = field(default_factory=lambda: np.eye(3))
    centre_mm: tuple[float, float, float] = (0.0, 0.0, -12.0)
    rotation_degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    bias: float = 0.0
    noise: float = 0.02


@dataclass(frozen=True)
class RawScan:
    """A scan and what is known of it; all arrays are on the scan's own grid (z, y, x).

    Attributes
    ----------
    volume : Volume
    brain : ndarray of bool
    white : ndarray of float32
        Fraction of white matter, without tumour.
    tumour : ndarray of uint8
        Labels of the phantom's tumours.
    bias : ndarray of float32
        The field that the image was multiplied with.
    motion : ndarray, shape (4, 4)
        From points of the head at rest to where they were scanned, LPS mm.
    """

    volume: Volume
    brain: np.ndarray
    white: np.ndarray
    tumour: np.ndarray
    bias: np.ndarray
    motion: np.ndarray


def rigid_matrix(
    rotation_degrees: tuple[float, float, float], shift_mm: tuple[float, float, float]
) -> np.ndarray:
    """Return the 4 x 4 matrix that turns about x, then y, then z, and then shifts."""
    matrix = np.eye(4)
    for axis, angle in enumerate(np.radians(rotation_degrees)):
        one, two = [other for other in range(3) if other != axis]
        turn = np.eye(4)
        turn[one, one] = turn[two, two] = np.cos(angle)
        turn[one, two] = -np.sin(angle) * (1 if axis != 1 else -1)
        turn[two, one] = -turn[one, two]
        matrix = turn @ matrix
    matrix[:3, 3] = shift_mm
    return matrix


def acquire(
    rng: np.random.Generator,
    head: WholeHead,
    sequence: str,
    acquisition: Acquisition,
    *,
    severity: float = 0.6,
) -> RawScan:
    """Scan a head; thick slices average over their thickness.

    Parameters
    ----------
    rng : Generator
        Of noise, texture and bias field.
    head : WholeHead
    sequence : str
        One of the phantom's sequences.
    acquisition : Acquisition
    severity : float
        Of the tumour's look, in (0, 1).
    """
    motion = rigid_matrix(acquisition.rotation_degrees, acquisition.shift_mm)
    empty = _empty_grid(acquisition)

    def scanned(values: np.ndarray) -> np.ndarray:
        return _sampled(values, head.grid, motion, empty)

    signal = np.maximum(scanned(_contrast(rng, head, sequence, severity)), 0)
    field_of = np.exp(_log_bias(rng, acquisition, empty)).astype(np.float32)
    noise = acquisition.noise * rng.standard_normal((2, *signal.shape), dtype=np.float32)
    image = np.hypot(signal * field_of + noise[0], noise[1])  # a magnitude image's noise is Rician
    stored = np.clip(np.rint(_UNIT * image), 0, 32767).astype(np.int16)
    tumour = np.zeros(stored.shape, dtype=np.uint8)
    white = scanned(head.fractions["white"])
    if head.tumour is not None:
        for label in np.unique(head.tumour.mask)[1:]:
            share = scanned((head.tumour.mask == label).astype(np.float32))
            tumour[share >= 0.5] = label
            white = white * (1 - share)
    brain = scanned(head.brain.astype(np.float32)) >= 0.5
    return RawScan(empty.with_array(stored), brain, white, tumour, field_of, motion)


def _empty_grid(acquisition: Acquisition) -> Volume:
    size = np.array(acquisition.shape)
    extent = (size - 1) * np.array(acquisition.spacing_mm)
    origin = np.array(acquisition.centre_mm) - acquisition.direction @ (extent[::-1] / 2)
    return Volume(
        np.zeros(acquisition.shape, dtype=np.uint8),
        acquisition.spacing_mm,
        (float(origin[0]), float(origin[1]), float(origin[2])),
        acquisition.direction,
    )


def _contrast(
    rng: np.random.Generator, head: WholeHead, sequence: str, severity: float
) -> np.ndarray:
    levels = dict(zip(("white", "grey", "csf"), TISSUE_LEVELS[sequence]))
    levels |= dict(zip(_OTHERS, _OTHER_LEVELS[sequence]))
    image = np.zeros(head.grid.shape, dtype=np.float32)
    for name, level in levels.items():
        image += np.float32(level) * head.fractions[name]
    image *= 1 + 0.03 * smooth_field(rng, head.grid, 3.0)
    if head.tumour is not None:
        box, tissue = head.tumour.box, image[head.tumour.box]
        texture = smooth_field(rng, head.grid, 3.0, box)
        covered = np.zeros_like(tissue)
        painted = np.zeros_like(tissue)
        for part, weight in head.tumour.weights.items():
            base, slope = APPEARANCE[sequence][part]
            painted += weight * (base + slope * severity + 0.06 * texture)
            covered += weight
        image[box] = tissue * (1 - covered) + painted
    return image


def _sampled(values: np.ndarray, grid: Grid, motion: np.ndarray, empty: Volume) -> np.ndarray:
    """Return the moved head's values on the scan's grid, each slice averaged over its thickness."""
    import SimpleITK as sitk

    image = Volume(values.astype(np.float32), grid.spacing_mm, grid.origin_mm).to_sitk()
    finest = min(grid.spacing_mm)
    parts = [max(1, round(step / (1.5 * finest))) for step in empty.spacing_mm]
    size = [int(n * k) for n, k in zip(empty.shape, parts)]
    spacing = [step / k for step, k in zip(empty.spacing_mm, parts)]
    first = empty.index_to_point([(1 / k - 1) / 2 for k in parts])
    back = np.linalg.inv(motion)
    transform: Any = sitk.AffineTransform(3)
    transform.SetMatrix(back[:3, :3].ravel().tolist())
    transform.SetTranslation(back[:3, 3].tolist())
    fine = sitk.Resample(
        image,
        size[::-1],
        transform,
        sitk.sitkLinear,
        first.tolist(),
        spacing[::-1],
        empty.direction.ravel().tolist(),
        0.0,
        sitk.sitkFloat32,
    )
    array = sitk.GetArrayFromImage(fine)
    (d, h, w), (a, b, c) = empty.shape, parts
    return np.asarray(array.reshape(d, a, h, b, w, c).mean(axis=(1, 3, 5), dtype=np.float32))


def _log_bias(rng: np.random.Generator, acquisition: Acquisition, empty: Volume) -> np.ndarray:
    """Return a smooth field that belongs to the scanner, with the asked-for deviation."""
    z, y, x = HEAD_EXTENT_MM
    coarse = Grid((24, 24, 20), (1.3 * z, 1.3 * y, 1.3 * x))
    field_of = smooth_field(rng, coarse, 60.0)
    still = np.eye(4)
    sampled = _sampled(field_of, coarse, still, empty)
    return acquisition.bias * (sampled - sampled.mean()) / max(float(sampled.std()), 1e-6)
