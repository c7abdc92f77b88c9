"""Turning arrays so that their axes run along the patient's, and back again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofuse.imaging.volume import Volume

__all__ = ["Orientation", "to_lps"]


@dataclass(frozen=True)
class Orientation:
    """How an image's axes lie to the patient's: LPS, each axis to the nearest one.

    Turned arrays run z to the head, y to the back and x to the left. Axes are exchanged and
    mirrored, never interpolated, so that an oblique image stays oblique.

    Parameters
    ----------
    order : tuple of three ints
        Axis of the array that becomes z, y and x.
    mirrored : tuple of three bools
        Whether z, y and x then run the other way.

    Examples
    --------
    >>> turn = Orientation.of(np.diag([-1.0, 1.0, 1.0]))  # x runs to the right
    >>> array = np.array([[[1, 2, 3]]])
    >>> turn.to_patient(array).tolist()
    [[[3, 2, 1]]]
    >>> turn.to_image(turn.to_patient(array)).tolist() == array.tolist()
    True
    """

    order: tuple[int, int, int]
    mirrored: tuple[bool, bool, bool]

    @classmethod
    def of(cls, direction: np.ndarray) -> Orientation:
        """Return the orientation of an image; columns of ``direction`` are its x, y and z."""
        chosen: dict[int, int] = {}  # for the patient's x, y, z: the image's axis, of (x, y, z)
        for place in np.argsort(-np.abs(direction), axis=None, kind="stable"):  # strongest first
            patient_axis, axis = divmod(int(place), 3)
            if patient_axis not in chosen and axis not in chosen.values():
                chosen[patient_axis] = axis
        axes = [chosen[0], chosen[1], chosen[2]]
        against = [bool(direction[axis, axes[axis]] < 0) for axis in range(3)]
        # arrays are (z, y, x)
        return cls((2 - axes[2], 2 - axes[1], 2 - axes[0]), (against[2], against[1], against[0]))

    def to_patient(self, array: np.ndarray) -> np.ndarray:
        """Return a view of an image's array (z, y, x) whose axes run as the patient's."""
        return array.transpose(self.order)[self._steps()]

    def to_image(self, array: np.ndarray) -> np.ndarray:
        """Return a view of a turned array as it lay in the image."""
        return array[self._steps()].transpose(np.argsort(self.order))

    def spacing(self, spacing_mm: tuple[float, float, float]) -> tuple[float, float, float]:
        """Return the voxel size (z, y, x) of a turned array."""
        z, y, x = (spacing_mm[axis] for axis in self.order)
        return z, y, x

    def _steps(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1) if flip else slice(None) for flip in self.mirrored)


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
    turn = Orientation.of(volume.direction)
    first = [0, 0, 0]  # (z, y, x) of the voxel that becomes the first
    for axis, mirrored in zip(turn.order, turn.mirrored, strict=True):
        first[axis] = volume.shape[axis] - 1 if mirrored else 0
    x, y, z = volume.index_to_point(first)
    columns = [2 - axis for axis in reversed(turn.order)]
    signs = np.where(turn.mirrored[::-1], -1.0, 1.0)
    return Volume(
        turn.to_patient(volume.array),
        turn.spacing(volume.spacing_mm),
        (float(x), float(y), float(z)),
        volume.direction[:, columns] * signs,
    )
