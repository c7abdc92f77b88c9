"""The MNI152 template that ships with gliofuse, and bringing a head onto it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofuse.imaging import Volume
from gliofuse.preprocessing.registration import Kind, Level, refine, turned_about
from gliofuse.preprocessing.resampling import grid_around, resample
from gliofuse.preprocessing.transforms import Affine

__all__ = ["Template", "load_template", "register_template", "template_grid"]

_FOLDER = Path(__file__).parent / "data"

_USUAL_SIZE = 0.95  # the template's brain has 1,900 ml, that of most adults 1,200 to 1,700
_NODS_DEGREES = (-15.0, 0.0, 15.0)  # heads in a coil look up or down
_SKULL_BASE_MM = -50.0  # below it the envelope holds more than brain
_AROUND_MM = 12.0
_FINE = (Level(4.0, 0.6, 60, 1.5),)
_SHAPE = (Level(8.0, 1.0, 60, 4.0), Level(5.0, 1.0, 60, 2.0))
_LOST_OVERLAP = 0.01


@dataclass(frozen=True, eq=False)
class Template:
    """The average brain of 152 adults (ICBM 2009a, 2 mm), without its skull.

    Attributes
    ----------
    t1 : Volume
    brain : Volume
        Mask, uint8.
    around : Volume
        Mask of the brain with a rim of nothing, above the skull base, uint8.
    """

    t1: Volume
    brain: Volume
    around: Volume


@cache
def load_template() -> Template:
    """Read the template that lies in the package."""
    t1 = _padded(Volume.read(_FOLDER / "mni152_t1_2mm.nii.gz"), 6)
    share = _padded(Volume.read(_FOLDER / "mni152_brain_2mm.nii.gz"), 6)
    brain = share.array > 127
    outside = ndimage.distance_transform_edt(~brain, sampling=share.spacing_mm)
    height = share.origin_mm[2] + share.spacing_mm[0] * np.arange(share.shape[0])
    around = (outside <= _AROUND_MM) & (height > _SKULL_BASE_MM)[:, None, None]
    return Template(
        t1,
        share.with_array(brain.astype(np.uint8)),
        share.with_array(around.astype(np.uint8)),
    )


def _padded(volume: Volume, voxels: int) -> Volume:
    origin = volume.index_to_point((-voxels, -voxels, -voxels))
    return Volume(
        np.pad(volume.array, voxels),
        volume.spacing_mm,
        (float(origin[0]), float(origin[1]), float(origin[2])),
        volume.direction,
    )


def template_grid(spacing_mm: float) -> Volume:
    """Return an empty grid around the template's brain."""
    brain = load_template().brain
    points = brain.index_to_point(np.argwhere(brain.array > 0))
    return grid_around(points, np.eye(3), spacing_mm, 8.0)


def register_template(
    volume: Volume, envelope: Volume, *, seed: int = 0, threads: int = 2
) -> Affine:
    """Fit the template to an image whose skull is gone, at least from its upper part.

    Parameters
    ----------
    volume : Volume
        0 outside of ``envelope``.
    envelope : Volume
        What lies within the skull, about; its middle and top give the start.
    seed, threads : int

    Returns
    -------
    Affine
        From the template's points to the image's.
    """
    template = load_template()
    brain = template.brain.index_to_point(np.argwhere(template.brain.array > 0))
    inside = envelope.index_to_point(np.argwhere(envelope.array > 0))
    here, there = _crown(brain), _crown(inside)
    shrink = Affine(np.diag([_USUAL_SIZE, _USUAL_SIZE, _USUAL_SIZE, 1.0]))
    level = Affine.shift(there) @ shrink @ Affine.shift(-here)
    starts = [turned_about((0.0, 0.0, 20.0), 0, degrees, level) for degrees in _NODS_DEGREES]
    shape = max(
        (_fitted_shape(template, envelope, start, seed, threads) for start in starts),
        key=lambda fit: _overlap(template, envelope, fit),
    )
    by_contrast = refine(
        template.t1, volume, template.around, shape, _FINE, kind="affine", seed=seed,
        threads=threads,
    )  # fmt: skip
    kept = _overlap(template, envelope, shape) - _LOST_OVERLAP
    return by_contrast if _overlap(template, envelope, by_contrast) > kept else shape


def _fitted_shape(
    template: Template, envelope: Volume, start: Affine, seed: int, threads: int
) -> Affine:
    """Fit the brain's outline, whatever the contrast: it is the same on every sequence."""
    fixed, moving = (
        mask.with_array(mask.array.astype(np.float32)) for mask in (template.brain, envelope)
    )
    steps: tuple[tuple[Kind, Level], ...] = (("similarity", _SHAPE[0]), ("affine", _SHAPE[1]))
    transform = start
    for kind, level in steps:
        transform = refine(
            fixed, moving, template.around, transform, [level], kind=kind, metric="squares",
            seed=seed, threads=threads,
        )  # fmt: skip
    return transform


def _overlap(template: Template, envelope: Volume, transform: Affine) -> float:
    """Dice of the template's brain and the envelope, above the skull base."""
    seen = resample(envelope, template.brain, transform, how="nearest").array > 0
    brain, around = template.brain.array > 0, template.around.array > 0
    both = 2 * float((seen & brain & around).sum())
    return both / float((seen & around).sum() + (brain & around).sum())


def _crown(points_mm: np.ndarray) -> np.ndarray:
    """Return a point at a brain's top, above the middle of its upper 80 mm."""
    top = float(np.percentile(points_mm[:, 2], 99.9))
    middle = points_mm[points_mm[:, 2] > top - 80].mean(axis=0)
    return np.array([middle[0], middle[1], top])
