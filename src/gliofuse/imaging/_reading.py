"""Reading a patient's files once, however many computations ask for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gliofuse.imaging._files import read_volume

if TYPE_CHECKING:
    from gliofuse.imaging.volume import Volume

__all__ = ["read_once", "read_shared"]

_read: dict[Path, Volume] | None = None  # what was read in the block that is open, if one is


@contextmanager
def read_once() -> Iterator[None]:
    """Keep every volume that is read within the block, and give it to whoever asks again.

    For one patient at a time: what was read is let go at the end of the block. Readers share the
    voxels and must not write into them.
    """
    global _read
    before, _read = _read, {} if _read is None else _read
    try:
        yield
    finally:
        _read = before


def read_shared(path: str | os.PathLike[str]) -> Volume:
    """Read one image file, or return what this block has read of it."""
    if _read is None:
        return read_volume(path)
    key = Path(path)
    if key not in _read:
        _read[key] = read_volume(path)
    return _read[key]
