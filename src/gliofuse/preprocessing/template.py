"""The MNI152 template that ships with gliofuse, and bringing a head onto it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy import ndimage

from gliofuse.imaging import Volume
from gliofuse.preprocessing.head import Head
from gliofuse.preprocessing.register import FINE, Registered, refine, register, turned_about
from gliofuse.preprocessing.resample import grid_around
from gliofuse.preprocessing.transforms import Affine

__all__ = ["Template", "load_template", "register_template", "template_grid"]

_FOLDER = Path(__file__).parent / "data"

# From the top of the scalp to the top of the brain: scalp, skull and the fluid below it.
_ABOVE_BRAIN_MM = 13.0
_UPPER_PART_MM = 90.0
_USUAL_SIZE = 0.95  # the template's brain has 1,900 ml, that of most adults 1,200 to 1,700
_NODS_DEGREES = (-18.0, 0.0, 15.0)  # heads in a coil look up or down


# Layers around the template's brain, mm from its surface and grey value: fluid, bone, scalp, air.
# The average head is blurred there; what counts is that bone is dark between two brighter layers.
_LAYERS = ((2.0, 60.0), (7.5, 15.0), (13.0, 200.0), (20.0, 0.0))
_SKULL_BASE_MM = -30.0  # below it the face and the neck are no shells around the brain


@dataclass(frozen=True, eq=False)
class Template:
    """The average brain of 152 adults (ICBM 2009a, 2 mm), with layers of skull and scalp.

    Attributes
    ----------
    t1 : Volume
        The brain as published, and around its upper part layers of a head's usual thickness: a
        registration to the brain alone is free to grow out to the skull.
    brain : Volume
        Mask, uint8.
    around : Volume
        Mask of brain and layers, uint8.
    """

    t1: Volume
    brain: Volume
    around: Volume


@cache
def load_template() -> Template:
    """Read the template that lies in the package."""
    share = Volume.read(_FOLDER / "mni152_brain_2mm.nii.gz")
    t1 = Volume.read(_FOLDER / "mni152_t1_2mm.nii.gz")
    wide = _padded(share, 12)
    brain = wide.array > 127
    outside = ndimage.distance_transform_edt(~brain, sampling=wide.spacing_mm)
    height = wide.index_to_point(np.argwhere(np.ones((wide.shape[0], 1, 1))))[:, 2]
    upper = (height > _SKULL_BASE_MM)[:, None, None]
    array = _padded(t1, 12).array.astype(np.float32)
    inner = 0.0
    for outer, level in _LAYERS:
        array[(outside > inner) & (outside <= outer) & upper] = level
        inner = outer
    around = brain | ((outside <= inner) & upper)
    return Template(
        wide.with_array(array),
        wide.with_array(brain.astype(np.uint8)),
        wide.with_array(around.astype(np.uint8)),
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
    volume: Volume, head: Head, *, stripped: bool = False, seed: int = 0, threads: int = 2
) -> tuple[Registered, Affine]:
    """Find the template's place in a scan.

    The start sets the template's brain under the top of the head; a rigid map comes first, then
    nine to twelve parameters with the metric inside the template's brain, since a mask that
    reaches beyond it grows out to the skull.

    Parameters
    ----------
    volume : Volume
        Axes along the patient's.
    head : Head
        Of the scan.
    stripped : bool
        Whether the scan shows the brain alone.
    seed, threads : int

    Returns
    -------
    Registered
        The rigid registration.
    Affine
        From the template's points to the scan's.
    """
    template = load_template()
    brain = template.brain.index_to_point(np.argwhere(template.brain.array > 0))
    upper = head.upper_part(_UPPER_PART_MM).mean(axis=0)
    above = 0.0 if stripped else _ABOVE_BRAIN_MM
    there = np.array([upper[0], upper[1], head.top_mm - above])
    top = brain[:, 2].max()
    here = np.array([*brain[brain[:, 2] > top - _UPPER_PART_MM].mean(axis=0)[:2], top])
    shrink = Affine(np.diag([_USUAL_SIZE, _USUAL_SIZE, _USUAL_SIZE, 1.0]))
    level = Affine.shift(there) @ shrink @ Affine.shift(-here)
    starts = {
        f"nodding {degrees:+.0f} degrees": turned_about((0.0, 0.0, 20.0), 0, degrees, level)
        for degrees in _NODS_DEGREES
    }
    rigid = register(
        template.t1, volume, template.around, starts, kind="similarity", seed=seed, threads=threads
    )
    affine = refine(
        template.t1,
        volume,
        template.around,
        rigid.transform,
        FINE,
        kind="affine",
        seed=seed,
        threads=threads,
    )
    return rigid, affine
