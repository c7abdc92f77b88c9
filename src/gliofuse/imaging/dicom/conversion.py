"""From chosen series to NIfTI files and a manifest."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from gliofuse.cohort.case import Case, Cohort
from gliofuse.cohort.manifest import manifest_text, write_new_manifest
from gliofuse.compute import parallel_map
from gliofuse.errors import ImageError, ManifestError
from gliofuse.files import settings_hash, write_csv, write_json
from gliofuse.imaging.dicom.choices import Choice, Choices
from gliofuse.imaging.dicom.frames import read_folder
from gliofuse.imaging.dicom.listing import stacks_by_row
from gliofuse.imaging.dicom.nifti import write_without_text
from gliofuse.imaging.dicom.program import Converted, find_program, run_program
from gliofuse.imaging.dicom.pseudonyms import Key
from gliofuse.imaging.dicom.stacks import Stack
from gliofuse.imaging.volume import Volume

__all__ = ["Conversion", "convert"]

FAILED_NAME = "failed_series.csv"
MANIFEST_NAME = "cohort.csv"

_CORNER_TOLERANCE_MM = 0.05
_ECHO_TOLERANCE_MS = 0.1

# Facts of the acquisition; everything else that dcm2niix writes may name a person or a place.
_FACTS = (
    "Modality", "MagneticFieldStrength", "Manufacturer", "ManufacturersModelName",
    "MRAcquisitionType", "ScanningSequence", "SequenceVariant", "ScanOptions", "ImageType",
    "EchoTime", "RepetitionTime", "InversionTime", "FlipAngle", "EchoTrainLength", "PixelBandwidth",
    "SliceThickness", "SpacingBetweenSlices", "PartialFourier", "ParallelReductionFactorInPlane",
    "ConversionSoftware", "ConversionSoftwareVersion",
)  # fmt: skip


@dataclass(frozen=True)
class Conversion:
    """What a conversion came to.

    Parameters
    ----------
    cohort : Cohort
    manifest : Path
    converted, kept : int
        Images written now, and images that were there from an earlier call.
    failed : DataFrame
        Columns ``case_id``, ``sequence``, ``series``, ``error``.
    """

    cohort: Cohort
    manifest: Path
    converted: int
    kept: int
    failed: pd.DataFrame


def convert(
    choices: Choices,
    key: Key,
    out: str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    workers: int = 1,
    overwrite_manifest: bool = False,
    reading: Callable[[int, int], None] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Conversion:
    """Convert the chosen series and write the manifest ``cohort.csv`` beside them.

    Each image is checked against the DICOM headers: number of voxels and the place of the
    corners in millimetres. An image that an earlier call wrote from the same files stays; one
    that came from others is never overwritten. A series that fails is listed, the rest goes on.

    Parameters
    ----------
    choices : Choices
    key : Key
    out : path
        Gets ``<case_id>/<sequence>.nii.gz`` with a ``.json`` of the acquisition's facts.
    folder : path, optional
        Where the DICOM files are now, if not where they were scanned.
    workers : int
    overwrite_manifest : bool
    reading, progress : callable, optional
        Told how many files are read and of how many; how many series are converted.

    Returns
    -------
    Conversion

    Raises
    ------
    ImageError
        If the folder is not there.
    ManifestError
        If another manifest stands there.
    """
    find_program()
    target = Path(out)
    stacks = _find_stacks(choices, key, folder, workers, reading)
    tasks = [(choice, stacks.get((choice.series_id, choice.part))) for choice in choices.rows]
    images: dict[str, dict[str, Path]] = {case_id: {} for case_id in choices.cases}
    failed, written, kept = [], 0, 0
    work = partial(_convert_one, key=key, out=target)
    for done, outcome in enumerate(parallel_map(work, tasks, workers=workers), 1):
        choice = outcome.item[0]
        if outcome.result is None:
            failed.append((choice.case_id, choice.sequence, choice.name, outcome.error))
        else:
            images[choice.case_id][choice.sequence] = _image_path(target, choice)
            written, kept = written + outcome.result, kept + (not outcome.result)
        if progress is not None:
            progress(done)
    cohort = Cohort(
        tuple(
            Case(case_id, images[case_id], None, None, clinical)
            for case_id, clinical in choices.cases.items()
            if images[case_id]
        )
    )
    table = pd.DataFrame(failed, columns=["case_id", "sequence", "series", "error"])
    _write_failed(target / FAILED_NAME, table)
    manifest = target / MANIFEST_NAME
    if len(cohort):
        more = manifest.exists() and _only_adds(manifest, manifest_text(cohort, manifest))
        write_new_manifest(cohort, manifest, overwrite=overwrite_manifest or more)
    return Conversion(cohort, manifest, written, kept, table)


def _find_stacks(
    choices: Choices,
    key: Key,
    folder: str | os.PathLike[str] | None,
    workers: int,
    reading: Callable[[int, int], None] | None,
) -> dict[tuple[str, str], Stack]:
    """Read the folders in which the chosen series were found, or the one that is named."""
    places = [str(folder)] if folder is not None else key.folders_of(
        choice.series_id for choice in choices.rows
    )  # fmt: skip
    if not places:
        raise ManifestError(
            f"{key.path} knows none of the table's series: it is the key of another scan; name "
            f"the right one with --key"
        )
    stacks: dict[tuple[str, str], Stack] = {}
    for place in places:
        if folder is None and not os.path.isdir(place):
            raise ImageError(
                f"the folder that was scanned is no longer there ({key.path} names it); say where "
                f"it is now with --dicom"
            )
        found = read_folder(place, workers=workers, progress=reading)
        stacks.update(stacks_by_row(found, key))
    return stacks


def _only_adds(manifest: Path, new: str) -> bool:
    """Whether a new manifest keeps every cell that the old one has filled."""
    old_rows, new_rows = (
        {row.get("case_id"): row for row in csv.DictReader(io.StringIO(text))}
        for text in (manifest.read_text(encoding="utf-8-sig"), new)
    )
    return all(
        not value or new_rows.get(case_id, {}).get(name) == value
        for case_id, row in old_rows.items()
        for name, value in row.items()
    )


def _write_failed(path: Path, table: pd.DataFrame) -> None:
    path.unlink(missing_ok=True)
    if len(table):
        write_csv(path, table)


def _image_path(out: Path, choice: Choice) -> Path:
    return out / choice.case_id / f"{choice.sequence}.nii.gz"


def _convert_one(task: tuple[Choice, Stack | None], key: Key, out: Path) -> bool:
    """Convert one series; return whether it was done now."""
    choice, stack = task
    if stack is None:
        raise ImageError(
            f"{choice.name}: its files are no longer where they were scanned; name their folder "
            f"with --dicom, or scan again"
        )
    if not stack.usable:
        raise ImageError(f"{choice.name}: not one whole volume: {'; '.join(stack.problems)}")
    target = _image_path(out, choice)
    facts_path = target.with_name(f"{choice.sequence}.json")
    source = settings_hash(sorted(key.image_id(file.uid) for file in stack.files))
    if target.exists():
        if _source_of(facts_path) != (choice.series_id, choice.part, source):
            raise ImageError(
                f"{choice.name}: {target} exists and was made of other files; remove it, or give "
                f"another folder"
            )
        return False
    with tempfile.TemporaryDirectory(prefix="gliofuse-dicom-") as place:
        image = _make_image(choice, stack, Path(place))
        facts = {name: image.facts[name] for name in _FACTS if name in image.facts}
        made_of = {"series_id": choice.series_id, "part": choice.part, "files": source}
        write_json(facts_path, {**facts, "Sequence": choice.sequence, "MadeOf": made_of})
        write_without_text(image.image, target)
    return True


def _source_of(path: Path) -> tuple[str, str, str] | None:
    try:
        made_of = json.loads(path.read_text(encoding="utf-8"))["MadeOf"]
        return made_of["series_id"], made_of["part"], made_of["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make_image(choice: Choice, stack: Stack, place: Path) -> Converted:
    made = run_program(stack, place / "first")
    if len(made) > 1 and not stack.frames and all(_fault(stack, one, True) for one in made):
        made = run_program(stack, place / "again", unified=True)
    return _the_one(choice, stack, made)


def _the_one(choice: Choice, stack: Stack, every: list[Converted]) -> Converted:
    """Return the image that lies where the stack lies."""
    faults = [_fault(stack, image, len(every) > 1) for image in every]
    fitting = [image for image, fault in zip(every, faults, strict=True) if fault is None]
    if len(fitting) == 1:
        return fitting[0]
    if len(every) == 1:
        raise ImageError(f"{choice.name}: what dcm2niix made differs from the headers: {faults[0]}")
    raise ImageError(
        f"{choice.name}: dcm2niix divides it into {len(every)} images, of which {len(fitting)} lie "
        f"where the headers say; convert it by hand and name the image in the manifest"
    )


def _fault(stack: Stack, made: Converted, one_of_several: bool) -> str | None:
    try:
        volume = Volume.read(made.image)
    except ImageError as error:
        return str(error).replace(str(made.image), "the image")
    expected = sorted((stack.columns, stack.rows, len(stack.positions_mm)))
    if sorted(volume.shape) != expected:
        return f"{_by(sorted(volume.shape))} voxels instead of {_by(expected)}"
    last = np.array(volume.shape) - 1
    corners = volume.index_to_point([
        (z, y, x) for z in (0, last[0]) for y in (0, last[1]) for x in (0, last[2])
    ])  # fmt: skip
    apart = np.linalg.norm(corners[:, None] - stack.corners_mm()[None], axis=2).min(axis=1).max()
    if apart > _CORNER_TOLERANCE_MM:
        return f"its corners lie {apart:.2f} mm from where the headers say"
    echo = made.facts.get("EchoTime")
    wanted = stack.header.te_ms
    if not one_of_several or echo is None or wanted is None:
        return None
    if abs(1000 * float(echo) - wanted) > _ECHO_TOLERANCE_MS:
        return f"an echo at {1000 * float(echo):g} ms instead of {wanted:g}"
    return None


def _by(sizes: list[int]) -> str:
    return " x ".join(str(size) for size in sizes)
