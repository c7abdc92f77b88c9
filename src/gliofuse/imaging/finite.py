"""Voxels that are no numbers: counted, and refused by the name of their file."""

from __future__ import annotations

import os

import numpy as np

from gliofuse.errors import ImageError
from gliofuse.imaging.volume import Volume

__all__ = ["check_finite", "count_not_finite"]


def count_not_finite(array: np.ndarray) -> int:
    """Return how many values are NaN or infinite; integers never are.

    Examples
    --------
    >>> count_not_finite(np.array([1.0, np.nan, np.inf]))
    2
    """
    if array.dtype.kind != "f":
        return 0
    finite = np.isfinite(array)
    return 0 if finite.all() else int((~finite).sum())


def check_finite(volume: Volume, name: str | os.PathLike[str]) -> None:
    """Refuse an image with a voxel that is NaN or infinite.

    Parameters
    ----------
    volume : Volume
    name : str or path
        What the message calls the image, for example its file.

    Raises
    ------
    ImageError
        Naming the image, how many voxels are not finite, and what to do.
    """
    bad = count_not_finite(volume.array)
    if bad:
        raise ImageError(
            f"{os.fspath(name)}: every voxel must be finite, got {bad} of {volume.array.size} that "
            f"are NaN or infinite; repair the preprocessing step that wrote it"
        )
