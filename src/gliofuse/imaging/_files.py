"""Reading and writing image files so that a damaged file is an error, never zeros.

ITK's NIfTI reader fills what it could not decompress with zeros and says nothing, so the voxels
of NIfTI files are decompressed and decoded here, with the length and the checksum checked;
SimpleITK reads the header (orientation, spacing) and every other format.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gliofuse.errors import ImageError
from gliofuse.files import atomic_path
from gliofuse.imaging.volume import Volume
from gliofuse.optional import require

__all__ = ["SUFFIXES", "has_image_suffix", "read_volume", "write_volume"]

SUFFIXES: tuple[str, ...] = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
"""File name endings that can be read and written."""

_FREESURFER = ".mgz"

_NIFTI_SUFFIXES = (".nii", ".nii.gz")

# NIfTI datatype codes (nifti1.h) of single-channel real voxels.
_DATATYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4",
    1024: "i8", 1280: "u8",
}  # fmt: skip


def has_image_suffix(path: str | os.PathLike[str]) -> bool:
    """Whether the file name ends as an image's that can be read."""
    return Path(path).name.lower().endswith((*SUFFIXES, _FREESURFER))


def read_volume(path: str | os.PathLike[str]) -> Volume:
    """Read one image file; see :meth:`Volume.read`."""
    source = Path(path)
    _check_path(source)
    if source.name.lower().endswith(_FREESURFER):
        return _read_freesurfer(source)
    reader = _header(source)
    size = reader.GetSize()
    if len(size) > 3 and any(length != 1 for length in size[3:]):
        raise ImageError(
            f"{source}: an image must have one frame, got {size[3]} (size {_by(size)}); "
            f"save the frame you mean as its own file"
        )
    if len(size) < 3:
        raise ImageError(f"{source}: an image must have three dimensions, got size {_by(size)}")
    if reader.GetNumberOfComponents() != 1:
        raise ImageError(
            f"{source}: an image must have one channel, got {reader.GetNumberOfComponents()}"
        )
    dimensions = len(size)
    direction = np.array(reader.GetDirection()).reshape(dimensions, dimensions)[:3, :3]
    array = _voxels(source, reader, size)
    try:
        return Volume(
            array,
            spacing_mm=reader.GetSpacing()[2::-1],
            origin_mm=reader.GetOrigin()[:3],
            direction=direction,
        )
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from error


def write_volume(volume: Volume, path: str | os.PathLike[str]) -> None:
    """Write a volume whole or not at all; NIfTI ``.gz`` and NRRD come out compressed."""
    import SimpleITK as sitk

    target = Path(path)
    if not target.name.lower().endswith(SUFFIXES):
        raise ImageError(f"{target}: an image's name must end in one of {', '.join(SUFFIXES)}")
    with atomic_path(target) as temporary:
        sitk.WriteImage(volume.to_sitk(), str(temporary), useCompression=True)


def _read_freesurfer(source: Path) -> Volume:
    nibabel = require("nibabel", extra="freesurfer")
    try:
        image = nibabel.load(source)
        array = np.asarray(image.dataobj)
    except (OSError, ValueError, EOFError, nibabel.filebasedimages.ImageFileError) as error:
        raise ImageError(
            f"{source}: not a readable image ({_last_line(str(error))}); copy it again"
        ) from error
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise ImageError(f"{source}: an image must have one frame, got {_by(array.shape)}")
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine  # RAS to LPS
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    (dx, dy, dz), (x, y, z) = map(float, spacing), map(float, affine[:3, 3])
    try:
        return Volume(
            np.ascontiguousarray(array.transpose(2, 1, 0)),
            spacing_mm=(dz, dy, dx),
            origin_mm=(x, y, z),
            direction=affine[:3, :3] / spacing,
        )
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from error


def _check_path(source: Path) -> None:
    if source.is_dir():
        raise ImageError(
            f"{source} is a folder, an image must be one NIfTI or NRRD file: if it holds a DICOM "
            f"series, convert it first, with  gliofuse dicom scan {source} -o series.csv"
        )
    if not source.exists():
        raise ImageError(f"{source}: no such file; check the path (in a manifest, relative to it)")
    if not has_image_suffix(source):
        raise ImageError(
            f"{source}: an image's name must end in one of {', '.join(SUFFIXES)}; "
            f"convert DICOM with  gliofuse dicom"
        )
    if source.stat().st_size == 0:
        raise ImageError(f"{source}: the file is empty (0 bytes); copy or download it again")


def _header(source: Path) -> Any:
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(source))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        text = str(error)
        if "orthonormal" in text:
            raise ImageError(
                f"{source}: the axes in the header are not orthonormal (a sheared affine); "
                f"resample the image onto an orthonormal grid"
            ) from error
        raise ImageError(
            f"{source}: not a readable image ({_last_line(text)}); copy or download it again"
        ) from error
    return reader


def _voxels(source: Path, reader: Any, size: tuple[int, ...]) -> np.ndarray:
    shape = tuple(int(length) for length in size[2::-1])
    if source.name.lower().endswith(_NIFTI_SUFFIXES):
        decoded = _decode_nifti(source, shape)
        if decoded is not None:
            return decoded
    import SimpleITK as sitk

    try:
        array: np.ndarray = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError as error:
        raise ImageError(
            f"{source}: the voxels cannot be read ({_last_line(str(error))}): the file is cut "
            f"short or damaged; copy or download it again"
        ) from error
    return array.reshape(shape)


class _Layout(NamedTuple):
    """Where a NIfTI header keeps what is needed here."""

    datatype: tuple[str, int]
    offset: tuple[str, int]
    slope: tuple[str, int]
    intercept: tuple[str, int]


_LAYOUTS = {
    348: _Layout(("h", 70), ("f", 108), ("f", 112), ("f", 116)),
    540: _Layout(("h", 12), ("q", 168), ("d", 176), ("d", 184)),
}


def _decode_nifti(source: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """Decode the voxels of a NIfTI file; ``None`` leaves a rare voxel type to SimpleITK."""
    content = _content(source)
    for order in "<>":
        layout = _LAYOUTS.get(struct.unpack_from(order + "i", content)[0])
        if layout is not None:
            break
    else:
        return None

    def value(place: tuple[str, int]) -> float:
        return struct.unpack_from(order + place[0], content, place[1])[0]

    code = _DATATYPES.get(int(value(layout.datatype)))
    if code is None:
        return None
    start = int(value(layout.offset))
    kind = np.dtype(order + code)
    count = int(np.prod(shape))
    expected = start + count * kind.itemsize
    if len(content) < expected:
        raise ImageError(
            f"{source}: the file is cut short: the header promises {expected} bytes, got "
            f"{len(content)}; copy or download it again"
        )
    array = np.frombuffer(content, kind, count, start).reshape(shape)
    array = array.astype(kind.newbyteorder("="))  # a writable copy in the machine's byte order
    slope, intercept = value(layout.slope), value(layout.intercept)
    if (slope in (0.0, 1.0) and intercept == 0.0) or slope == 0.0:
        return array
    if not (np.isfinite(slope) and np.isfinite(intercept)):
        return array
    real = np.float64 if kind.itemsize == 8 else np.float32
    return (array * np.float64(slope) + np.float64(intercept)).astype(real)


def _content(source: Path) -> bytes:
    raw = source.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (EOFError, OSError, zlib.error) as error:
            raise ImageError(
                f"{source}: the compressed file is cut short or damaged ({error}); copy or "
                f"download it again"
            ) from error
    if len(raw) < min(_LAYOUTS):
        raise ImageError(f"{source}: the file is cut short ({len(raw)} bytes); download it again")
    return raw


def _by(size: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in size)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("sitk::ERROR: ") if lines else "unknown error"
