"""Some frames of an enhanced file as a file of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gliofuse.imaging.dicom.frames import EXTRA
from gliofuse.optional import require

__all__ = ["write_frames"]


def write_frames(source: Path, frames: Sequence[int], target: Path) -> None:
    """Write the frames of an enhanced file that are named, in the order of the file.

    Compressed frames stay as they are compressed.

    Parameters
    ----------
    source : Path
    frames : sequence of int
        Counted from 0.
    target : Path
    """
    pydicom, encaps = require("pydicom", extra=EXTRA), require("pydicom.encaps", extra=EXTRA)
    dataset = pydicom.dcmread(source)
    wanted, count = sorted(frames), int(dataset.NumberOfFrames)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        every = list(encaps.generate_frames(dataset.PixelData, number_of_frames=count))
        dataset.PixelData = encaps.encapsulate([every[index] for index in wanted])
    else:
        pixels = memoryview(dataset.PixelData)
        size = int(
            dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
        )
        parts = [pixels[index * size : (index + 1) * size] for index in wanted]
        dataset.PixelData = b"".join(parts) + bytes(size * len(parts) % 2)
    groups = dataset.PerFrameFunctionalGroupsSequence
    dataset.PerFrameFunctionalGroupsSequence = [groups[index] for index in wanted]
    dataset.NumberOfFrames = len(wanted)
    dataset.save_as(target)
