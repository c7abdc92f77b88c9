"""Brain extraction without weights: the inner skull's surface, and a template for the base.

Above, bone is dark between brain and scalp on every sequence, and the surface is found in the
images alone. Below, where the brain borders on muscle and marrow, a template that was fitted to
what lies inside the skull says about where to stop. The sequences of a patient decide together,
and each also by itself, so that they can be held against each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofuse.errors import PreprocessingError
from gliofuse.imaging import Volume, read_mask
from gliofuse.preprocessing.external import run_program
from gliofuse.preprocessing.head import Head, shrunken
from gliofuse.preprocessing.resampling import resample
from gliofuse.preprocessing.surface import (
    best_radii,
    cast_rays,
    inside_surface,
    radii_of_mask,
    surface_cost,
)
from gliofuse.preprocessing.template import load_template, register_template
from gliofuse.preprocessing.transforms import Affine

__all__ = ["Brain", "extract_brain"]

_SPACING_MM = 2.0
_THICK = 1.5  # slices so many times a working voxel
_BELOW_TOP_MM = 72.0  # of the head: the middle of the brain
_NEAR_VOXELS = 9
_GROWTH_VOXELS = 1
_LEVEL_VOXELS = 4.0
_ALIKE = (0.65, 1.3)  # grey matter against the mean of its surroundings
_SMOOTHED_AWAY_MM = 1.0  # what smoothing takes off the bulges of the base


@dataclass(frozen=True, eq=False)
class Brain:
    """A patient's brain.

    Attributes
    ----------
    mask : Volume
        uint8, cubic voxels, in the reference's space.
    own : dict of str to Volume
        Each sequence's own, in that scan's space.
    to_template : Affine or None
        From the reference's points; ``None`` where nobody needed it.
    notes : tuple of str
    """

    mask: Volume
    own: dict[str, Volume] = field(default_factory=dict)
    to_template: Affine | None = None
    notes: tuple[str, ...] = ()


def extract_brain(
    volumes: dict[str, Volume],
    heads: dict[str, Head],
    to_scan: dict[str, Affine],
    reference: str,
    *,
    stripped: bool = False,
    method: str = "builtin",
    given: Path | None = None,
    onto_template: bool = False,
    seed: int = 0,
    threads: int = 2,
) -> Brain:
    """Find the brain of a patient whose sequences are aligned.

    Parameters
    ----------
    volumes : dict of str to Volume
        Sequences with grey values, axes along the patient's.
    heads : dict of str to Head
    to_scan : dict of str to Affine
        From the reference's points to each scan's.
    reference : str
    stripped : bool
        Whether the scans show the brain alone; it is then what is not background.
    method : {"builtin", "hd-bet", "synthstrip"}
    given : Path, optional
        One's own mask in the reference's space, instead of any method.
    onto_template : bool
        Whether ``to_template`` is needed; the built-in method finds it anyway.
    seed, threads : int

    Raises
    ------
    PreprocessingError
        If a program is not there or fails, or one's own mask is empty.
    """
    image = volumes[reference]
    small = _working_copy(image)
    if stripped or given is not None or method != "builtin":
        notes: tuple[str, ...] = ()
        if stripped:
            mask = _already_stripped(image, small)
        else:
            mask, notes = _from_outside(image, small, method, given), (f"brain: {given or method}",)
        to_template: Affine | None = None
        if onto_template:
            to_template = register_template(
                _within(small, mask.array > 0), mask, seed=seed, threads=threads
            ).inverse
        return Brain(mask, {}, to_template, notes)
    first = _surfaces(volumes, heads, to_scan, reference, small)
    envelope = small.with_array(first.inside.astype(np.uint8))
    pre_stripped = _within(small, ndimage.binary_dilation(first.inside))
    to_template = register_template(pre_stripped, envelope, seed=seed, threads=threads).inverse
    expected = resample(load_template().brain, small, to_template, how="nearest")
    prior = radii_of_mask(expected, first.centre_mm) + _SMOOTHED_AWAY_MM
    mean_cost = np.mean(list(first.costs.values()), axis=0)
    joint = best_radii(mean_cost, first.head_mm, prior)
    whole = _tidied(inside_surface(small, first.centre_mm, joint), expected.array > 0)
    mask = small.with_array(_grown(whole > 0, small.array))
    own = {}
    for name, cost in first.costs.items():
        radii = best_radii(cost, first.head_mm, prior)
        inside = _tidied(inside_surface(small, first.centre_mm, radii), expected.array > 0)
        grid = shrunken(volumes[name], _SPACING_MM)
        own[name] = resample(small.with_array(inside), grid, to_scan[name].inverse, how="nearest")
    return Brain(mask, own, to_template)


@dataclass(frozen=True, eq=False)
class _Surfaces:
    """The first pass, without a template."""

    centre_mm: np.ndarray
    head_mm: np.ndarray
    costs: dict[str, np.ndarray]
    inside: np.ndarray


def _surfaces(
    volumes: dict[str, Volume],
    heads: dict[str, Head],
    to_scan: dict[str, Affine],
    reference: str,
    small: Volume,
) -> _Surfaces:
    head = heads[reference]
    upper = head.upper_part(90.0).mean(axis=0)
    centre = np.array([upper[0], upper[1], head.top_mm - _BELOW_TOP_MM])
    head_mm = radii_of_mask(head.mask, centre)
    costs = {}
    for name, volume in volumes.items():
        seen = resample(_working_copy(volume), small, to_scan[name], how="linear")
        costs[name] = surface_cost(cast_rays(seen, centre))
    joint = best_radii(np.mean(list(costs.values()), axis=0), head_mm)
    return _Surfaces(centre, head_mm, costs, inside_surface(small, centre, joint))


def _working_copy(volume: Volume) -> Volume:
    """Return the image on working voxels; between thick slices by cubic splines."""
    thick = max(volume.spacing_mm) > _THICK * _SPACING_MM
    copy = shrunken(volume, _SPACING_MM, how="bspline" if thick else "linear")
    return copy.with_array(np.maximum(copy.array, float(volume.array.min()))) if thick else copy


def _tidied(inside: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Drop what the template's neighbourhood excludes, islands and spikes."""
    near = ndimage.binary_dilation(expected, iterations=_NEAR_VOXELS)
    smooth = ndimage.gaussian_filter((inside & near).astype(np.float32), 1.0) >= 0.5
    pieces, count = ndimage.label(smooth)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        smooth = pieces == sizes.argmax()
    return np.asarray(smooth, dtype=np.uint8)


def _grown(inside: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Let the brain reach into what is as bright as itself, a few millimetres and no farther."""
    share = ndimage.gaussian_filter(inside.astype(np.float32), _LEVEL_VOXELS)
    level = ndimage.gaussian_filter(np.where(inside, image, 0), _LEVEL_VOXELS)
    level = level / np.maximum(share, 1e-3)
    alike = (image > _ALIKE[0] * level) & (image < _ALIKE[1] * level)
    grown = ndimage.binary_dilation(inside, iterations=_GROWTH_VOXELS, mask=inside | alike)
    rounded = ndimage.binary_opening(ndimage.binary_closing(grown, iterations=2), iterations=2)
    return np.asarray(inside | rounded, dtype=np.uint8)


def _within(image: Volume, inside: np.ndarray) -> Volume:
    return image.with_array(np.where(inside, image.array, 0).astype(np.float32))


def _already_stripped(image: Volume, small: Volume) -> Volume:
    background = image.array[0, 0, 0]
    body = image.with_array((image.array != background).astype(np.float32))
    mask = resample(body, small, Affine.identity(), how="linear").array >= 0.5
    return small.with_array(ndimage.binary_fill_holes(mask).astype(np.uint8))


def _from_outside(image: Volume, small: Volume, method: str, given: Path | None) -> Volume:
    """Take one's own mask, or an external program's, onto the working grid."""
    mask = read_mask(given) if given is not None else run_program(method, image)
    body = mask.with_array((mask.array > 0).astype(np.float32))
    seen = resample(body, small, Affine.identity(), how="linear").array >= 0.5
    if not seen.any():
        raise PreprocessingError(
            f"{given or method}: the brain mask has no voxel within the reference; it must lie in "
            f"the reference's space"
        )
    return small.with_array(seen.astype(np.uint8))
