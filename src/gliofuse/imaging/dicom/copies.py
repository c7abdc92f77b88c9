"""Changed copies of DICOM files, for a converter that would divide them otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gliofuse.imaging.dicom.frames import EXTRA
from gliofuse.optional import require

__all__ = ["write_frames", "write_unified"]

# What may vary within a volume without meaning: software that writes files anew puts the moment
# of writing into them, and a study's time that varies divides a series.
_UNIFIED = (
    "StudyDate", "StudyTime", "SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime",
    "AcquisitionDateTime", "AcquisitionNumber", "EchoTime", "EchoNumbers", "InversionTime",
    "TriggerTime", "ImageOrientationPatient", "PixelSpacing", "PatientPosition", "SeriesNumber",
    "ReceiveCoilName", "SeriesDescription", "ProtocolName", "SequenceName", "PatientName",
)  # fmt: skip


def write_unified(sources: Sequence[Path], targets: Sequence[Path]) -> None:
    """Copy the files of one volume with the times and settings of the first of them.

    Parameters
    ----------
    sources, targets : sequence of Path
    """
    pydicom = require("pydicom", extra=EXTRA)
    first: Any = None
    for source, target in zip(sources, targets, strict=True):
        dataset = pydicom.dcmread(source)
        first = dataset if first is None else first
        for name in _UNIFIED:
            if name in first:
                setattr(dataset, name, first.get(name))
            elif name in dataset:
                delattr(dataset, name)
        dataset.save_as(target)


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
