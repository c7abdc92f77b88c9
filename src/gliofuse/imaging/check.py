"""Opening every file of a cohort and saying what is wrong with it, one finding a line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from gliofuse.cohort.case import Case, Cohort, is_missing
from gliofuse.cohort.tables import parse_number
from gliofuse.compute import parallel_map
from gliofuse.errors import ImageError, RegionError
from gliofuse.imaging.cohort_labels import labels_present
from gliofuse.imaging.finite import count_not_finite
from gliofuse.imaging.images import read_mask
from gliofuse.imaging.labels import detect_convention, get_convention
from gliofuse.imaging.quantitative import check_unit
from gliofuse.imaging.volume import Volume, geometry_difference

__all__ = ["FINDING_COLUMNS", "SMALL_MASK_VOXELS", "CaseReport", "check_case", "check_cohort"]

FINDING_COLUMNS = ("severity", "case_id", "file", "rule", "found", "expected")

SMALL_MASK_VOXELS = 10
"""A mask with fewer voxels, or on one slice, gives features that mean little; it is a warning."""

#: A tumour takes less of an image than this; a mask that takes more is inverted, or the brain's.
_LARGEST_MASK = 0.5
#: More of a mask than this on air says that it is not this image's.
_MOST_ON_AIR = 0.5
#: Less of the mirrored mask on air, where much of the mask is, says that sides are exchanged.
_LITTLE_ON_AIR, _MUCH_ON_AIR = 0.02, 0.15
_NOTHING_BUT_AIR = 0.97
_AIR_SPREADS = 3.0  # robust standard deviations of what lies at the image's faces
_SPACING_MM = (0.1, 20.0)
_LARGEST_VALUE = 1e10

# A column with at least this share of numbers was meant to hold numbers.
_NUMERIC_SHARE = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong; ``severity`` is ``error`` or ``warning``."""

    severity: str
    case_id: str
    file: str
    rule: str
    found: str
    expected: str


@dataclass
class CaseReport:
    """What one patient's files show.

    Attributes
    ----------
    case_id : str
    findings : list of Finding
    labels : set of int
        In the mask, without 0.
    hashes : dict of str to str
        Role (sequence or ``mask``) to a hash of the voxels; constant images have none.
    """

    case_id: str
    findings: list[Finding] = field(default_factory=list)
    labels: set[int] = field(default_factory=set)
    hashes: dict[str, str] = field(default_factory=dict)


def check_case(case: Case) -> CaseReport:
    """Open a patient's files; whatever is wrong becomes a finding, nothing is raised."""
    report = CaseReport(case.case_id)
    volumes: dict[str, Volume] = {}
    files = {**({"mask": case.mask} if case.mask is not None else {}), **case.images}
    for role, path in files.items():
        try:
            volumes[role] = read_mask(path) if role == "mask" else Volume.read(path)
        except ImageError as error:
            _add(report, path, "unreadable", str(error).removeprefix(f"{path}: "), "")
    _check_geometry(report, volumes, files)
    for role, volume in volumes.items():
        if role == "mask":
            _check_mask(report, volume, files[role])
        else:
            _check_image(report, role, volume, files[role])
    if report.labels:
        _check_inside(report, volumes, files)
    return report


def check_cohort(
    cohort: Cohort,
    *,
    convention: str | None = None,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Open every file of a cohort.

    Parameters
    ----------
    cohort : Cohort
        May name files that do not exist; they are findings.
    convention : str, optional
        Label convention that the masks must follow; by default the one they all fit.
    workers : int or None
    progress : callable, optional
        Called with the number of patients done so far.

    Returns
    -------
    DataFrame
        Columns ``severity`` (error, warning), ``case_id`` (blank where it is about the whole
        cohort), ``file``, ``rule``, ``found``, ``expected``; errors first.

    Raises
    ------
    RegionError
        If the convention is unknown.
    """
    if convention is not None:
        convention = get_convention(convention).name
    reports: list[CaseReport] = []
    outcomes = parallel_map(check_case, cohort.cases, workers=workers)
    for done, outcome in enumerate(outcomes, 1):
        if outcome.result is not None:
            reports.append(outcome.result)
        else:
            broken = Finding(
                "error", outcome.item.case_id, "", "unreadable", outcome.error or "", ""
            )
            reports.append(CaseReport(outcome.item.case_id, [broken]))
        if progress is not None:
            progress(done)
    findings = [finding for report in reports for finding in report.findings]
    findings += _check_labels(cohort, reports, convention)
    findings += _check_duplicates(cohort, reports)
    findings += _check_missing(cohort)
    findings += _check_clinical(cohort)
    findings.sort(key=lambda finding: finding.severity)
    return pd.DataFrame([vars(finding) for finding in findings], columns=list(FINDING_COLUMNS))


def _add(report: CaseReport, path: Path | None, rule: str, found: object, expected: object) -> None:
    file = "" if path is None else str(path)
    report.findings.append(Finding("error", report.case_id, file, rule, str(found), str(expected)))


def _check_geometry(report: CaseReport, volumes: dict[str, Volume], files: dict[str, Path]) -> None:
    """Every image against the mask, or against the first image where there is no mask."""
    if not volumes:
        return
    reference = next(iter(volumes))
    for role, volume in volumes.items():
        differing = geometry_difference(volume, volumes[reference])
        if differing is not None:
            what, value, wanted = differing
            _add(
                report,
                files[role],
                "geometry",
                f"{what} {value}",
                f"{wanted} as {files[reference].name}",
            )


def _check_mask(report: CaseReport, mask: Volume, path: Path) -> None:
    report.labels = labels_present(mask)
    if not report.labels:
        _add(report, path, "empty mask", "0 labelled voxels", "at least one")
        return
    report.hashes["mask"] = _voxel_hash(mask)
    inside = mask.array > 0
    voxels, slices = int(inside.sum()), int(inside.any(axis=(1, 2)).sum())
    if inside.mean() > _LARGEST_MASK:
        found = f"{inside.mean():.0%} of the image"
        _add(report, path, "large mask", found, "the tumour: is it inverted, or the brain's?")
    if voxels < SMALL_MASK_VOXELS or slices < 2:
        found = f"{voxels} voxels on {slices} slice{'s' if slices > 1 else ''}"
        wanted = f"at least {SMALL_MASK_VOXELS} voxels on 2 slices"
        report.findings.append(
            Finding("warning", report.case_id, str(path), "small mask", found, wanted)
        )


def _check_inside(report: CaseReport, volumes: dict[str, Volume], files: dict[str, Path]) -> None:
    """Hold each image against the mask: flat inside, the mask itself, or air where it lies."""
    inside = volumes["mask"].array > 0
    if inside.mean() > _LARGEST_MASK:
        return
    mirrored = inside[:, :, ::-1]
    for role, volume in volumes.items():
        array = volume.array
        if role == "mask" or array.shape != inside.shape or role not in report.hashes:
            continue
        path, own = files[role], array[inside]
        if np.array_equal(array != 0, inside) and len(np.unique(own)) < SMALL_MASK_VOXELS:
            _add(report, path, "image is the mask", "values where the mask has labels alone", role)
            continue
        air = _air(array)
        known = air.mean() <= _NOTHING_BUT_AIR  # else no background could be told
        share = float(air[inside].mean()) if known else 0.0
        if share > _MUCH_ON_AIR and float(air[mirrored].mean()) < _LITTLE_ON_AIR:
            found = f"{share:.0%} of the mask on background, none of the mirrored one"
            _add(report, path, "left and right", found, "one side for image and mask")
        elif share > _MOST_ON_AIR:
            found = f"{share:.0%} of the mask on background"
            _add(report, path, "mask on background", found, "this patient's mask, on this image")
        elif own.min() == own.max():
            _add(report, path, "flat in the mask", f"every voxel is {own[0]:g}", "a tumour")


def _air(array: np.ndarray) -> np.ndarray:
    """Return where an image is as at its faces: 0, a negative constant, or noise."""
    faces = np.concatenate(
        [part.ravel() for axis in range(3) for part in (array.take(0, axis), array.take(-1, axis))]
    ).astype(float)
    level = np.median(faces)
    spread = 1.4826 * np.median(np.abs(faces - level))
    return np.asarray(np.abs(array - level) <= _AIR_SPREADS * spread)


def _check_image(report: CaseReport, role: str, volume: Volume, path: Path) -> None:
    array = volume.array
    if bad := count_not_finite(array):
        _add(report, path, "not finite", f"{bad} of {array.size} voxels", "finite numbers")
        return
    low, high = array.min(), array.max()
    if low == high:
        _add(report, path, "constant image", f"every voxel is {low:g}", "values that differ")
        return
    largest = max(abs(float(low)), abs(float(high)))
    if largest > _LARGEST_VALUE:
        _add(report, path, "values", f"up to {largest:.3g}", "grey values of an image")
    low_mm, high_mm = _SPACING_MM
    if not all(low_mm <= step <= high_mm for step in volume.spacing_mm):
        found = " x ".join(f"{step:.3g}" for step in volume.spacing_mm) + " mm"
        _add(report, path, "voxel size", found, f"{low_mm:g} to {high_mm:g} mm: is the unit mm?")
    try:
        check_unit(array, role)
    except ImageError as error:
        _add(report, path, "unit", str(error), "")
    report.hashes[role] = _voxel_hash(volume)


def _voxel_hash(volume: Volume) -> str:
    """Hash values and shape, not the type of number: a copy saved as float is still a copy."""
    digest = hashlib.blake2b(str(volume.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(volume.array, dtype=np.float32).data)
    return digest.hexdigest()


def _check_labels(
    cohort: Cohort, reports: Iterable[CaseReport], convention: str | None
) -> list[Finding]:
    labels = {report.case_id: report.labels for report in reports if report.labels}
    if not labels:
        return []
    if convention is None:
        try:
            detect_convention(labels.values())
            return []
        except RegionError as error:
            convention = _majority(labels)
            head = [Finding("error", "", "", "label convention", str(error), "")]
    else:
        head = []
    allowed = set(get_convention(convention).labels.values())
    return head + [
        Finding(
            "error",
            case_id,
            str(cohort[case_id].mask),
            "labels",
            _listed(found),
            f"{_listed(allowed)} ({convention})",
        )
        for case_id, found in labels.items()
        if not found <= allowed
    ]


def _majority(labels: dict[str, set[int]]) -> str:
    """The convention that most masks fit, to show which patients depart from it."""
    names = ("brats", "brats2023", "binary")
    allowed = {name: set(get_convention(name).labels.values()) for name in names}
    return max(names, key=lambda name: sum(found <= allowed[name] for found in labels.values()))


def _check_duplicates(cohort: Cohort, reports: Iterable[CaseReport]) -> list[Finding]:
    first: dict[tuple[bool, str], tuple[str, Path]] = {}
    findings = []
    for report in reports:
        case = cohort[report.case_id]
        for role, value in report.hashes.items():
            path = case.mask if role == "mask" else case.images[role]
            if path is None:
                continue
            key = (role == "mask", value)
            if key not in first:
                first[key] = (report.case_id, path)
                continue
            other, other_path = first[key]
            rule = "duplicate" if other != report.case_id else "duplicate sequence"
            findings.append(
                Finding(
                    "error",
                    report.case_id,
                    str(path),
                    rule,
                    f"the same voxels as {other} {other_path.name}",
                    "an image of its own",
                )
            )
    return findings


def _check_missing(cohort: Cohort) -> list[Finding]:
    findings = []
    masks = sum(case.mask is not None for case in cohort)
    if not masks:  # one line says it; each patient's would bury the others
        found = "no patient has a mask"
        wanted = "masks, to measure the tumour or train on it"
        findings.append(Finding("warning", "", "", "missing", found, wanted))
    for case in cohort:
        for name in case.lacks(cohort.sequences, mask=masks > 0):
            findings.append(Finding("warning", case.case_id, "", "missing", f"no {name}", ""))
    return findings


def _check_clinical(cohort: Cohort) -> list[Finding]:
    findings = []
    columns = dict.fromkeys(name for case in cohort for name in case.clinical)
    for column in columns:
        values = [(case.case_id, case.clinical.get(column)) for case in cohort]
        there = [(case_id, value) for case_id, value in values if not is_missing(value)]
        odd = [(case_id, value) for case_id, value in there if parse_number(value) is None]
        if odd and len(there) - len(odd) >= max(1, _NUMERIC_SHARE * len(there)):
            findings += [
                Finding("warning", case_id, column, "clinical value", repr(value), "a number")
                for case_id, value in odd
            ]
    return findings


def _listed(labels: set[int]) -> str:
    return ", ".join(str(label) for label in sorted(labels))
