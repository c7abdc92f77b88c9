"""Every series of a folder of DICOM files as a table, with what each is proposed to be."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.imaging.dicom.frames import DicomFile, DicomFolder, read_folder
from gliofuse.imaging.dicom.proposal import Proposal, propose
from gliofuse.imaging.dicom.pseudonyms import Key, scrubber
from gliofuse.imaging.dicom.stacks import Stack, stacks_of
from gliofuse.imaging.dicom.study import ListedSeries, settle_study

__all__ = ["COLUMNS", "Listing", "default_key_path", "list_series", "stacks_by_row"]

COLUMNS = (
    "patient_id", "study", "day", "series", "part", "sequence", "proposal", "confidence", "reason",
    "problem", "description", "protocol", "modality", "vendor", "model", "field_t", "sequence_name",
    "scanning", "variant", "dimensions", "tr_ms", "te_ms", "ti_ms", "flip_deg", "b_value",
    "contrast_agent", "image_type", "plane", "columns", "rows", "slices", "volumes", "spacing_x_mm",
    "spacing_y_mm", "step_mm", "thickness_mm", "minute", "images", "series_id",
)  # fmt: skip
"""Columns of the table of series; ``sequence`` is the user's to correct."""

_ENDS = "_.- "


@dataclass(frozen=True)
class Listing:
    """The series of a folder.

    Parameters
    ----------
    table : DataFrame
        One row a stack of images, columns :data:`COLUMNS`; holds nothing that names a person.
    folder : DicomFolder
    remarks : tuple of str
        What is not about one series: damaged files, patients without an id, several studies.
    """

    table: pd.DataFrame
    folder: DicomFolder
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class StackPlace:
    """A stack and which row of the table it is."""

    series_id: str
    part: str
    stack: Stack


def list_series(
    root: str | os.PathLike[str],
    key: Key,
    *,
    keep_ids: bool = False,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Listing:
    """List the series of a folder and propose which sequence each is.

    Parameters
    ----------
    root : path
        Searched with the folders below it; links are followed.
    key : Key
        Its salt makes the pseudonyms; told which they are, but not saved here.
    keep_ids : bool
        Whether ``patient_id`` is the PatientID itself instead of a pseudonym. Names, dates and
        the like are left out all the same.
    workers : int
    progress : callable, optional
        Told how many files are done, and of how many.

    Returns
    -------
    Listing

    Raises
    ------
    ImageError
        If the folder does not exist or holds no DICOM file.
    """
    folder = read_folder(root, workers=workers, progress=progress)
    key.unreadable = [str(path) for path in folder.damaged]
    key.unreadable += [str(file.path) for file in folder.files if not file.complete]
    rows: list[dict[str, Any]] = []
    remarks = _folder_remarks(folder, key)
    for person, files in _grouped(folder.files, _person):
        shown = _shown_id(person, files[0], key, keep_ids)
        key.patients[shown] = files[0].patient_id
        if not files[0].patient_id:
            remarks.append(f"{shown}: no PatientID in the headers; each study counts as a patient")
        if len({file.person for file in files}) > 1:
            remarks.append(f"{shown}: one PatientID with two names or birth dates: who is it?")
        studies = sorted(
            (list(study) for _, study in _grouped(files, lambda file: file.study_uid)),
            key=lambda study: (_first_moment(study), study[0].study_uid),
        )
        if len(studies) > 1:
            remarks.append(f"{shown}: {len(studies)} studies; each becomes a row of the manifest")
        start = _moment(_first_moment(studies[0]))
        for number, study in enumerate(studies, 1):
            common = {"patient_id": shown, "study": number, "day": _days(start, study)}
            rows += [{**common, **row} for row in _study_rows(study, folder, key)]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"part": "string"})
    order = ["patient_id", "study", "series", "part"]
    table = table.sort_values(order, kind="stable", na_position="last").reset_index(drop=True)
    return Listing(table, folder, tuple(remarks))


def stacks_by_row(folder: DicomFolder, key: Key) -> dict[tuple[str, str], Stack]:
    """Return the stacks of a folder by ``series_id`` and ``part`` of the table's rows."""
    return {
        (place.series_id, place.part): place.stack
        for _, files in _grouped(folder.files, lambda file: file.series_uid)
        for place in _places(files, key)
    }


def _grouped(files: list[DicomFile], by: Callable[[DicomFile], str]) -> Any:
    ordered = sorted(files, key=by)
    return [(name, list(members)) for name, members in groupby(ordered, key=by)]


def _person(file: DicomFile) -> str:
    return file.patient_id or f"study {file.study_uid}"


def _shown_id(person: str, file: DicomFile, key: Key, keep_ids: bool) -> str:
    if keep_ids and file.patient_id:
        return re.sub(r"[/\\\x00-\x1f]+", "_", file.patient_id).strip(_ENDS) or key.patient(person)
    return key.patient(person)


def _first_moment(study: list[DicomFile]) -> str:
    return min((file.moment for file in study if file.moment), default="")


def _moment(text: str) -> datetime | None:
    for form, length in (("%Y%m%d%H%M%S", 14), ("%Y%m%d%H%M", 12), ("%Y%m%d", 8)):
        try:
            return datetime.strptime(text[:length], form)
        except ValueError:
            continue
    return None


def _days(start: datetime | None, study: list[DicomFile]) -> int | None:
    """Days since the patient's first study: how far apart they are, but no date."""
    moment = _moment(_first_moment(study))
    return None if start is None or moment is None else (moment.date() - start.date()).days


def _places(files: list[DicomFile], key: Key) -> list[StackPlace]:
    stacks = stacks_of(files)
    series_id = key.series_id(files[0].series_uid)
    if len(stacks) == 1:
        return [StackPlace(series_id, "", stacks[0])]
    note = f"one of {len(stacks)} stacks of its series ({_differs(stacks)})"
    return [
        StackPlace(series_id, str(part), replace(stack, problems=(note, *stack.problems)))
        for part, stack in enumerate(stacks, 1)
    ]


def _differs(stacks: list[Stack]) -> str:
    """Say in what the stacks of one series differ."""
    told: dict[str, set[object]] = {
        "matrix": {(stack.columns, stack.rows) for stack in stacks},
        "voxel size": {_close_values(stack.spacing_mm, 3) for stack in stacks},
        "orientation": {_close_values(stack.orientation, 2) for stack in stacks},
        "echo time": {stack.header.te_ms for stack in stacks},
        "inversion time": {stack.header.ti_ms for stack in stacks},
        "type of image": {stack.header.image_type for stack in stacks},
    }
    return ", ".join(name for name, values in told.items() if len(values) > 1) or "kind of object"


def _close_values(values: tuple[float, ...] | None, digits: int) -> tuple[float, ...] | None:
    return None if values is None else tuple(round(value, digits) + 0.0 for value in values)


def _study_rows(study: list[DicomFile], folder: DicomFolder, key: Key) -> list[dict[str, Any]]:
    start = _moment(_first_moment(study))
    free = scrubber({name for file in study for name in file.names})
    listed: list[ListedSeries] = []
    rows = []
    for uid, files in _grouped(study, lambda file: file.series_uid):
        key.series[key.series_id(uid)] = {"uid": uid, "folder": str(folder.root)}
        moment = _moment(_first_moment(files))
        minute = None if start is None or moment is None else (moment - start).total_seconds() / 60
        for place in _places(files, key):
            stack = place.stack
            proposal = propose(stack.header)
            listed.append(ListedSeries(files[0].series_number, place.part, minute, stack, proposal))
            rows.append(_row(place, files[0].series_number, minute, free))
    for row, (sequence, proposal, problems) in zip(rows, settle_study(listed), strict=True):
        row.update(_answer(sequence, proposal, problems))
    return rows


def _answer(sequence: str, proposal: Proposal, problems: tuple[str, ...]) -> dict[str, str]:
    return {
        "sequence": sequence, "proposal": proposal.kind, "confidence": proposal.confidence,
        "reason": proposal.reason, "problem": "; ".join(problems),
    }  # fmt: skip


def _row(
    place: StackPlace, number: int | None, minute: float | None, free: Callable[[str], str]
) -> dict[str, Any]:
    stack, header = place.stack, place.stack.header
    spacing = stack.spacing_mm or (None, None)
    return {
        "series": number, "part": place.part, "series_id": place.series_id,
        "description": free(header.description), "protocol": free(header.protocol),
        "modality": header.modality, "vendor": free(header.vendor), "model": free(header.model),
        "field_t": header.field_t, "sequence_name": free(header.sequence_name),
        "scanning": free("\\".join(header.scanning)), "variant": free("\\".join(header.variant)),
        "dimensions": header.dimensions, "tr_ms": header.tr_ms, "te_ms": header.te_ms,
        "ti_ms": header.ti_ms, "flip_deg": header.flip_deg, "b_value": header.b_value,
        "contrast_agent": free(header.agent), "image_type": free("\\".join(header.image_type)),
        "plane": stack.plane, "columns": stack.columns, "rows": stack.rows,
        "slices": header.slices, "volumes": header.volumes, "spacing_x_mm": _round(spacing[-1]),
        "spacing_y_mm": _round(spacing[0]), "step_mm": _round(header.step_mm),
        "thickness_mm": header.thickness_mm, "minute": None if minute is None else round(minute, 1),
        "images": len(stack.files),
    }  # fmt: skip


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _folder_remarks(folder: DicomFolder, key: Key) -> list[str]:
    """What the folder holds beside series; files are named in the key alone."""
    found = []
    short = sum(not file.complete for file in folder.files)
    if folder.damaged or short:
        found.append(
            f"{len(folder.damaged) + short} damaged or cut short files, named in {key.path}: "
            f"copy or export them again"
        )
    if folder.doubled:
        found.append(f"{folder.doubled} files hold an image that another file holds: left out")
    if folder.strangers:
        found.append(f"{folder.strangers} files are no DICOM: left out")
    return found


def default_key_path(table: str | os.PathLike[str]) -> Path:
    """Return where the key of a table of series lies unless it is named."""
    path = Path(table)
    return path.with_name(f"{path.stem}.key.json")
