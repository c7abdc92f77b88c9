"""The series that a derived DICOM object refers to, and its place in the patient."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gliofuse.errors import ImageError
from gliofuse.imaging import Volume
from gliofuse.imaging.dicom import Key, list_series
from gliofuse.imaging.dicom.frames import read_folder
from gliofuse.imaging.dicom.listing import stacks_by_row
from gliofuse.imaging.dicom.stacks import Stack, stacks_of
from gliofuse.optional import require

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["EXTRA", "SourceSeries", "read_source"]

EXTRA = "dicom"

# What derived objects copy from their source; the standard asks for these, empty if unknown, but
# not every export has them.
_COPIED = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate",
    "StudyTime", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip


@dataclass(frozen=True)
class SourceSeries:
    """The images of one series in the order of their place in the patient.

    Parameters
    ----------
    images : tuple of pydicom.Dataset
        One a slice, or the one enhanced image; without their voxels.
    order : tuple of int
        Of each image (or frame of the enhanced image) its slice in ``grid``.
    grid : Volume
        The geometry of the series; its voxels are all 0 and cannot be written to.
    """

    images: tuple[Dataset, ...]
    order: tuple[int, ...]
    grid: Volume

    @property
    def series_uid(self) -> str:
        """Series Instance UID."""
        return str(self.images[0].SeriesInstanceUID)


def read_source(
    folder: str | os.PathLike[str], *, series_uid: str | None = None, sequence: str = "t1ce"
) -> SourceSeries:
    """Find and read the series of a folder of DICOM files that results refer to.

    Parameters
    ----------
    folder : path
        Searched with the folders below it.
    series_uid : str, optional
        Series Instance UID; else the one that the scan of the folder takes as ``sequence``.
    sequence : str

    Returns
    -------
    SourceSeries

    Raises
    ------
    ImageError
        If there is no such series, several patients or studies have one, or its images are not
        one whole volume.
    """
    stack = _named(folder, series_uid) if series_uid else _proposed(folder, sequence)
    if not stack.usable or stack.orientation is None or stack.spacing_mm is None:
        reason = "; ".join(stack.problems) or "its slices are not one volume"
        raise ImageError(f"{folder}: the source series cannot be referred to: {reason}")
    if stack.frames:
        raise ImageError(
            f"{folder}: the source series holds several volumes in one file; name another series"
        )
    pydicom = require("pydicom", extra=EXTRA)
    images = tuple(pydicom.dcmread(file.path, stop_before_pixels=True) for file in stack.files)
    for image in images:
        for name in _COPIED:
            if name not in image:
                setattr(image, name, None)
    return SourceSeries(images, _order(stack), _grid(stack))


def _named(folder: str | os.PathLike[str], series_uid: str) -> Stack:
    files = [file for file in read_folder(folder).files if file.series_uid == series_uid]
    if not files:
        raise ImageError(f"{folder}: no image of series {series_uid!r}")
    stacks = stacks_of(files)
    if len(stacks) > 1:
        raise ImageError(f"{folder}: series {series_uid} holds {len(stacks)} stacks, not one")
    return stacks[0]


def _proposed(folder: str | os.PathLike[str], sequence: str) -> Stack:
    key = Key(Path(folder) / "unused.key.json", secrets.token_bytes(32))
    listing = list_series(folder, key)
    rows = listing.table[listing.table["sequence"] == sequence]
    if len(rows) != 1:
        found = "no series" if rows.empty else f"{len(rows)} series"
        raise ImageError(
            f"{folder}: {found} taken as {sequence}; name the source by its Series Instance UID "
            f"(what is there:  gliofuse dicom scan)"
        )
    row = rows.iloc[0]
    return stacks_by_row(listing.folder, key)[(row["series_id"], row["part"])]


def _order(stack: Stack) -> tuple[int, ...]:
    """Return the slice of each frame, in the order of the files and their frames."""
    normal = _normal(stack)
    heights = stack.positions_mm @ normal
    frames = [frame for file in stack.files for frame in file.frames]
    own = np.array([frame.position_mm for frame in frames], dtype=float) @ normal
    return tuple(int(np.argmin(np.abs(heights - height))) for height in own)


def _grid(stack: Stack) -> Volume:
    assert stack.orientation is not None
    assert stack.spacing_mm is not None
    slices = stack.positions_mm
    thickness = float((slices[-1] - slices[0]) @ _normal(stack)) / (len(slices) - 1)
    row, column = np.array(stack.orientation, dtype=float).reshape(2, 3)
    empty = np.broadcast_to(np.uint8(0), (len(slices), stack.rows, stack.columns))
    return Volume(
        empty,
        spacing_mm=(thickness, stack.spacing_mm[0], stack.spacing_mm[1]),
        origin_mm=(float(slices[0][0]), float(slices[0][1]), float(slices[0][2])),
        direction=np.stack([row, column, _normal(stack)], axis=1),
    )


def _normal(stack: Stack) -> np.ndarray[Any, np.dtype[np.float64]]:
    assert stack.orientation is not None
    normal = np.cross(stack.orientation[:3], stack.orientation[3:])
    return normal / np.linalg.norm(normal)
