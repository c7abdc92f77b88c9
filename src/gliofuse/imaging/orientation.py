"""Turning an image's axes to the patient's, without touching a voxel's value or place."""

from __future__ import annotations

import numpy as np

from gliofuse.imaging.volume import Volume

__all__ = ["to_lps"]


def to_lps(volume: Volume) -> Volume:
    """Return the image with its axes permuted and flipped to those nearest to the patient's.

    The array's z then runs to the head, y to the back and x to the left. Oblique axes stay
    oblique: no voxel is interpolated, each keeps its place in millimetres.

    Examples
    --------
    >>> upside_down = Volume(np.zeros((4, 3, 2)), direction=np.diag([1.0, -1.0, -1.0]))
    >>> to_lps(upside_down).origin_mm
    (0.0, -2.0, -3.0)
    """
    direction = volume.direction
    chosen: dict[int, int] = {}  # the image's axis (x, y, z) for each of the patient's
    for place in np.argsort(-np.abs(direction), axis=None, kind="stable"):
        patient_axis, axis = divmod(int(place), 3)
        if patient_axis not in chosen and axis not in chosen.values():
            chosen[patient_axis] = axis
    axes = [chosen[0], chosen[1], chosen[2]]
    flips = [direction[patient, axis] < 0 for patient, axis in enumerate(axes)]
    corner = [0, 0, 0]  # (z, y, x) of the voxel that becomes the first
    for axis, flip in zip(axes, flips, strict=True):
        if flip:
            corner[2 - axis] = volume.shape[2 - axis] - 1
    origin = volume.index_to_point(corner)
    array = volume.array.transpose([2 - axis for axis in reversed(axes)])
    array = array[tuple(slice(None, None, -1) if flip else slice(None) for flip in reversed(flips))]
    spacing = [volume.spacing_mm[2 - axis] for axis in reversed(axes)]
    signs = np.where(flips, -1.0, 1.0)
    return Volume(
        array,
        (spacing[0], spacing[1], spacing[2]),
        (float(origin[0]), float(origin[1]), float(origin[2])),
        direction[:, axes] * signs,
    )
