"""Reading the headers of a folder of DICOM files, one record a slice."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gliofuse.compute import parallel_map
from gliofuse.errors import ImageError
from gliofuse.imaging.dicom.header import (
    SeriesHeader,
    functional_groups,
    group_value,
    number,
    read_header,
    text,
)
from gliofuse.optional import require

__all__ = ["EXTRA", "DicomFile", "DicomFolder", "Frame", "read_folder"]

EXTRA = "dicom"

_PEOPLE = ("PatientName", "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName",
           "NameOfPhysiciansReadingStudy", "OtherPatientNames", "PatientBirthName",
           "PatientMotherBirthName", "RequestingPhysician")  # fmt: skip
_NUMBERS = ("PatientID", "AccessionNumber", "StudyID", "PatientBirthDate", "OtherPatientIDs")
_TAGS = (
    *_PEOPLE, *_NUMBERS,
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality",
    "StudyDate", "StudyTime", "SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime",
    "ContentTime", "AcquisitionDateTime", "SeriesNumber", "InstanceNumber", "Manufacturer",
    "ManufacturerModelName", "SeriesDescription", "ProtocolName", "SequenceName",
    "PulseSequenceName", "BodyPartExamined", "ScanningSequence", "SequenceVariant", "ScanOptions",
    "ImageType", "MRAcquisitionType", "MagneticFieldStrength", "RepetitionTime", "EchoTime",
    "InversionTime", "FlipAngle", "EchoTrainLength", "DiffusionBValue", "AngioFlag",
    "ContrastBolusAgent", "ContrastBolusAgentSequence", "AcquisitionContrast", "EchoPulseSequence",
    "EchoPlanarPulseSequence", "SteadyStatePulseSequence", "SliceThickness",
    "SpacingBetweenSlices", "ImagesInAcquisition", "Rows", "Columns", "PixelSpacing",
    "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames", "TemporalPositionIndex",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip

_PREAMBLE = 128
_ENDLESS = 0xFFFFFFFF
_LONG_LENGTHS = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN"}
_SEQUENCE_END = b"\xfe\xff\xdd\xe0"


@dataclass(frozen=True)
class Frame:
    """One slice: where it lies and what it was acquired with.

    Parameters
    ----------
    header : SeriesHeader
    rows, columns : int
    spacing_mm : tuple of two floats, or None
        Between rows and between columns.
    position_mm : tuple of three floats, or None
        Centre of the first voxel, LPS.
    orientation : tuple of six floats, or None
        Direction along a row, then along a column, LPS.
    index : int
        Of an enhanced file, which of its frames, counted from 0.
    """

    header: SeriesHeader
    rows: int
    columns: int
    spacing_mm: tuple[float, ...] | None
    position_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    index: int = 0


@dataclass(frozen=True)
class DicomFile:
    """What is read of one file.

    Parameters
    ----------
    path : Path
    uid, study_uid, series_uid, patient_id : str
    names : tuple of str
        What names a person here, for taking it out of free text: never written anywhere.
    person : tuple of str
        Patient's name and birth date, for telling whether an id stands for two people.
    moment : str
        ``YYYYMMDDhhmmss`` of the series, blank where it is not known.
    series_number : int or None
    instance : int or None
    in_acquisition : int or None
        How many images the scanner counted.
    complete : bool
        Whether the voxels are all there.
    frames : tuple of Frame
    """

    path: Path
    uid: str
    study_uid: str
    series_uid: str
    patient_id: str
    names: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    moment: str = ""
    series_number: int | None = None
    instance: int | None = None
    in_acquisition: int | None = None
    complete: bool = True
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True)
class DicomFolder:
    """The DICOM files of a folder.

    Parameters
    ----------
    root : Path
    files : list of DicomFile
        In the order of their paths; of one image stored twice, the first.
    damaged : list of Path
        Files that begin as DICOM but cannot be read.
    strangers, doubled : int
        How many files are no DICOM, and how many hold an image that another file holds.
    """

    root: Path
    files: list[DicomFile]
    damaged: list[Path] = field(default_factory=list)
    strangers: int = 0
    doubled: int = 0


def read_folder(
    root: str | os.PathLike[str],
    *,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> DicomFolder:
    """Read the headers of every DICOM file in a folder and below; pixels are not read.

    Parameters
    ----------
    root : path
    workers : int
    progress : callable, optional
        Told how many files are done, and of how many.

    Raises
    ------
    ImageError
        If the folder does not exist or holds no DICOM file.
    MissingExtraError
        If pydicom is not installed.
    """
    folder = Path(os.path.abspath(root))
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "no such folder"
        raise ImageError(f"{root}: {what}; give the folder that holds the DICOM files")
    require("pydicom", extra=EXTRA)
    paths = list(_walk(folder))
    found: list[DicomFile] = []
    damaged: list[Path] = []
    seen: set[str] = set()
    strangers = doubled = 0
    batches = [paths[start : start + 64] for start in range(0, len(paths), 64)]
    done = 0
    for outcome in parallel_map(_read_batch, batches, workers=workers if len(batches) > 4 else 1):
        if outcome.result is None:
            raise ImageError(f"{root}: reading failed: {outcome.error}")
        for path, file in zip(outcome.item, outcome.result, strict=True):
            if file is None:
                strangers += 1
            elif isinstance(file, str):
                damaged.append(path)
            elif file.uid and file.uid in seen:
                doubled += 1
            else:
                seen.add(file.uid)
                found.append(file)
        done += len(outcome.item)
        if progress is not None:
            progress(done, len(paths))
    if not found and not damaged:
        held = f"{len(paths)} files, none of them DICOM" if paths else "no file"
        raise ImageError(f"{root}: no DICOM file in it or below ({held}); check the path")
    return DicomFolder(folder, found, damaged, strangers, doubled)


def _walk(folder: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for where, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(where)
        if real in seen:  # a link that leads back up
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.upper() != "DICOMDIR":
                yield Path(where, name)


def _read_batch(paths: list[Path]) -> list[DicomFile | str | None]:
    # pydicom's warnings quote values of the header, which must not reach a terminal or a log.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [_read_file(path) for path in paths]


def _read_file(path: Path) -> DicomFile | str | None:
    """Return a file's record, ``"damaged"``, or ``None`` where it is no DICOM."""
    try:
        with path.open("rb") as stream:
            start = stream.read(_PREAMBLE + 4)
            with_preamble = start[_PREAMBLE:] == b"DICM"
            if not with_preamble and start[:2] != b"\x08\x00":
                return None
            stream.seek(0)
            try:
                return _read_stream(path, stream, force=not with_preamble)
            except Exception:  # whatever a broken header makes pydicom raise, the file is damaged
                return "damaged"
    except OSError:
        return "damaged"


def _read_stream(path: Path, stream: BinaryIO, *, force: bool) -> DicomFile | str:
    pydicom = require("pydicom", extra=EXTRA)
    dataset = pydicom.dcmread(
        stream, stop_before_pixels=True, specific_tags=list(_TAGS), force=force
    )
    if "SOPClassUID" not in dataset or "SeriesInstanceUID" not in dataset:
        return "damaged"
    wanted = "Rows" in dataset
    complete = not wanted or _pixels_complete(stream, dataset)
    people = [text(dataset.get(tag)) for tag in _PEOPLE]
    numbers = [text(dataset.get(tag)) for tag in _NUMBERS]
    return DicomFile(
        path=path,
        uid=text(dataset.get("SOPInstanceUID")),
        study_uid=text(dataset.get("StudyInstanceUID")),
        series_uid=text(dataset.get("SeriesInstanceUID")),
        patient_id=text(dataset.get("PatientID")),
        names=tuple(word for word in (*people, *numbers) if word),
        person=(people[0].casefold(), numbers[3]),
        moment=_moment(dataset),
        series_number=_whole(dataset.get("SeriesNumber")),
        instance=_whole(dataset.get("InstanceNumber")),
        in_acquisition=_whole(dataset.get("ImagesInAcquisition")),
        complete=complete,
        frames=_frames(dataset) if wanted else (),
    )


def _pixels_complete(stream: BinaryIO, dataset: Any) -> bool:
    """Whether the element of the pixels, at which the reader has stopped, is all there."""
    start = stream.tell()
    stream.seek(0, os.SEEK_END)
    size = stream.tell()
    stream.seek(start)
    head = stream.read(12)
    order = "little" if dataset.original_encoding[1] is not False else "big"
    if len(head) < 8:
        return False
    explicit = head[4:6] in _LONG_LENGTHS
    length = int.from_bytes(head[8:12] if explicit else head[4:8], order)  # type: ignore[arg-type]
    if length == _ENDLESS:
        return _SEQUENCE_END in stream.read()
    return start + (12 if explicit else 8) + length <= size


def _frames(dataset: Any) -> tuple[Frame, ...]:
    enhanced = "SharedFunctionalGroupsSequence" in dataset
    count = int(number(dataset.get("NumberOfFrames")) or 1) if enhanced else 1
    make = partial(_frame, dataset, enhanced)
    return tuple(make(index) for index in range(count))


def _frame(dataset: Any, enhanced: bool, index: int) -> Frame:
    groups = functional_groups(dataset, index) if enhanced else []

    def geometry(sequence: str, tag: str) -> tuple[float, ...] | None:
        value = group_value(groups, sequence, tag)
        return _floats(value if value is not None else dataset.get(tag))

    return Frame(
        header=read_header(dataset, index),
        rows=int(number(dataset.get("Rows")) or 0),
        columns=int(number(dataset.get("Columns")) or 0),
        spacing_mm=geometry("PixelMeasuresSequence", "PixelSpacing"),
        position_mm=geometry("PlanePositionSequence", "ImagePositionPatient"),
        orientation=geometry("PlaneOrientationSequence", "ImageOrientationPatient"),
        index=index,
    )


def _floats(value: Any) -> tuple[float, ...] | None:
    if value is None or value == "":
        return None
    try:
        found = tuple(float(part) for part in value)
    except (TypeError, ValueError):
        return None
    return found if found and np.all(np.isfinite(found)) else None


def _whole(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)


def _moment(dataset: Any) -> str:
    day = text(dataset.get("SeriesDate")) or text(dataset.get("AcquisitionDate"))
    day = day or text(dataset.get("StudyDate"))
    clock = text(dataset.get("SeriesTime")) or text(dataset.get("AcquisitionTime"))
    clock = clock or text(dataset.get("ContentTime")) or text(dataset.get("StudyTime"))
    return day + clock.replace(":", "")[:6] if day else ""
