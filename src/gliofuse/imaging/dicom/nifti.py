"""NIfTI files without the free text that a converter may leave in their headers."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

from gliofuse.errors import ImageError
from gliofuse.files import atomic_path

__all__ = ["write_without_text"]

# nifti1.h: data_type, db_name, descrip, aux_file, intent_name hold words alone.
_TEXTS = ((4, 10), (14, 18), (148, 80), (228, 24), (328, 16))
_HEADER_BYTES = 348
_VOX_OFFSET = 108
_EXTENSION_FLAG = 348
_FIRST_VOXEL = 352


def write_without_text(source: Path, target: Path) -> None:
    """Write an uncompressed NIfTI-1 file again as ``.nii.gz``, its words and extensions left out.

    The compressed file has neither a name nor a time in it, so that equal images are equal files.

    Raises
    ------
    ImageError
        If the file is no NIfTI-1 file.
    """
    content = bytearray(source.read_bytes())
    order = next((sign for sign in "<>" if _size(content, sign) == _HEADER_BYTES), None)
    if order is None:
        raise ImageError("dcm2niix wrote a file that is no NIfTI-1 image")
    for start, length in _TEXTS:
        content[start : start + length] = bytes(length)
    voxels = int(struct.unpack_from(order + "f", content, _VOX_OFFSET)[0])
    struct.pack_into(order + "f", content, _VOX_OFFSET, float(_FIRST_VOXEL))
    content[_EXTENSION_FLAG:_FIRST_VOXEL] = bytes(_FIRST_VOXEL - _EXTENSION_FLAG)
    with (
        atomic_path(target) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream,
    ):
        stream.write(content[:_FIRST_VOXEL])
        stream.write(memoryview(content)[voxels:])


def _size(content: bytearray, order: str) -> int:
    return int(struct.unpack_from(order + "i", content)[0]) if len(content) > _FIRST_VOXEL else 0
