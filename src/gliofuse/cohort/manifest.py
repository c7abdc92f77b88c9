"""The manifest: a CSV with one row a patient, paths relative to it."""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path
from typing import Any

from gliofuse.cohort.case import Case, Cohort, is_missing
from gliofuse.cohort.sequences import SEQUENCES, STRUCTURAL
from gliofuse.cohort.tables import Table, column_values, parse_number, read_table
from gliofuse.errors import ManifestError, did_you_mean
from gliofuse.files import as_cell, write_scan, write_text

__all__ = ["manifest_text", "read_manifest", "write_manifest", "write_new_manifest"]

_FILE_COLUMNS = (*SEQUENCES, "mask")
_OWN_COLUMNS = ("case_id", "center", *_FILE_COLUMNS)
_MAPS = tuple(name for name, one in SEQUENCES.items() if one.quantitative)
_IMAGE_NAME = re.compile(r"\.(nii|nii\.gz|nrrd|nhdr|mha|mhd|dcm)$", re.IGNORECASE)
_SYNONYMS = {
    **{word: one.name for one in SEQUENCES.values() for word in one.synonyms},
    "seg": "mask", "segmentation": "mask", "label": "mask", "id": "case_id",
    "patient": "case_id", "patient_id": "case_id", "subject": "case_id", "site": "center",
    "centre": "center",
}  # fmt: skip
_SHOWN = 5


def read_manifest(path: str | os.PathLike[str], *, check_files: bool = True) -> Cohort:
    """Read a manifest.

    The column ``case_id`` must be there and at least one of a sequence
    (:data:`~gliofuse.cohort.SEQUENCES`); ``mask`` and ``center`` may be. Every other column is
    clinical: a column in which every value is a number becomes numbers, any other stays text.

    Parameters
    ----------
    path : path
    check_files : bool
        Whether a file that does not exist is an error here; ``False`` leaves it to whoever
        opens it.

    Returns
    -------
    Cohort

    Raises
    ------
    ManifestError
        If a column is missing or looks like a misspelt one, a ``case_id`` is blank or stands
        twice, or a file does not exist; the message names them.
    """
    table = read_table(path)
    _check_columns(table)
    columns = {name: table.column(name) for name in table.columns}
    ids = _case_ids(table, columns["case_id"])
    clinical: dict[str, list[Any]] = {
        name: column_values(values)
        for name, values in columns.items()
        if name not in _OWN_COLUMNS and name
    }
    base = Path(os.path.realpath(table.source.parent))
    cases = []
    for row, case_id in enumerate(ids):
        files = {
            name: Path(os.path.normpath(base / value))
            for name in _FILE_COLUMNS
            if name in columns and (value := columns[name][row]) is not None
        }
        mask = files.pop("mask", None)
        center = columns["center"][row] if "center" in columns else None
        values = {name: column[row] for name, column in clinical.items()}
        cases.append(Case(case_id, files, mask, center, values))
    cohort = Cohort(tuple(cases), Path(path))
    if check_files:
        _check_files(cohort, table.source)
    return cohort


def write_manifest(cohort: Cohort, path: str | os.PathLike[str]) -> None:
    """Write a manifest with paths relative to it; columns that no patient fills are left out.

    The structural sequences and the mask always have their columns, so that a missing one is an
    empty cell.
    """
    write_text(path, manifest_text(cohort, path))


def write_new_manifest(
    cohort: Cohort, path: str | os.PathLike[str], *, overwrite: bool = False
) -> None:
    """Write a manifest, unless another one stands there; see :func:`gliofuse.files.write_scan`."""
    write_scan(path, manifest_text(cohort, path), overwrite=overwrite)


def manifest_text(cohort: Cohort, path: str | os.PathLike[str]) -> str:
    """Return what :func:`write_manifest` would write to ``path``."""
    base = os.path.realpath(Path(path).parent)
    clinical: dict[str, None] = {}
    for case in cohort:
        clinical.update(dict.fromkeys(case.clinical))
    with_center = any(case.center is not None for case in cohort)
    present = cohort.sequences
    sequences = [name for name in SEQUENCES if name in STRUCTURAL or name in present]
    file_columns = [*sequences, "mask"]
    header = ["case_id", *(["center"] if with_center else []), *file_columns, *clinical]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(map(as_cell, header))
    for case in cohort:
        files: dict[str, Path | None] = {**case.images, "mask": case.mask}
        row: list[Any] = [case.case_id]
        row += [case.center or ""] if with_center else []
        row += [_relative(files.get(name), base) for name in file_columns]
        values = (case.clinical.get(name) for name in clinical)
        row += ["" if is_missing(value) else value for value in values]
        writer.writerow(map(as_cell, row))
    return stream.getvalue()


def _relative(path: Path | None, base: str) -> str:
    if path is None:
        return ""
    absolute = os.path.abspath(path)
    try:
        return Path(os.path.relpath(absolute, base)).as_posix()
    except ValueError:  # another drive on Windows
        return absolute


def _check_columns(table: Table) -> None:
    columns = table.columns
    if "case_id" not in columns:
        raise ManifestError(
            f"{table.source}: the column 'case_id' is missing{_nearest('case_id', columns)}; "
            f"a manifest needs case_id and at least one of {', '.join(SEQUENCES)}"
        )
    for name in columns:
        value = next((value for value in table.column(name) if value), "")
        if name in _OWN_COLUMNS:
            if name in _MAPS and parse_number(value) is not None:
                raise ManifestError(
                    f"{table.source}: column {name!r} must name image files, got {value!r}; a "
                    f"measured number is clinical: rename the column, for example {name}_mean"
                )
            continue
        meant = _meant(name)
        # a column called ADC may as well hold a number measured by hand: only a file tells
        needed = meant in _FILE_COLUMNS and meant not in _MAPS and meant not in columns
        if _IMAGE_NAME.search(value) or needed:
            hint = f"did you mean {meant!r}? " if meant else ""
            raise ManifestError(
                f"{table.source}: unknown image column {name!r} ({value!r} ...): {hint}allowed: "
                f"{', '.join(_FILE_COLUMNS)}"
            )
    if not any(name in columns for name in SEQUENCES):
        raise ManifestError(
            f"{table.source}: a column of images is missing: none of {', '.join(SEQUENCES)} among "
            f"{', '.join(columns)}"
        )


def _meant(name: str) -> str | None:
    """The manifest's own column that a stranger's name stands for, if any."""
    plain = re.sub(r"[\s\-]", "_", name.strip().lower())
    for word in (plain, plain.replace("_", "")):
        if word in _OWN_COLUMNS:
            return word
        if word in _SYNONYMS:
            return _SYNONYMS[word]
    return None


def _nearest(wanted: str, columns: list[str]) -> str:
    for name in columns:
        if _meant(name) == wanted:
            return f" (is it {name!r}? rename it)"
    return f" ({did_you_mean(wanted, columns).replace('allowed', 'columns')})"


def _case_ids(table: Table, values: list[str | None]) -> list[str]:
    blank = [str(line) for value, line in zip(values, table.lines) if value is None]
    if blank:
        raise ManifestError(
            f"{table.source}: case_id is blank on line {', '.join(blank[:_SHOWN])}; every row "
            f"needs one"
        )
    ids = [value for value in values if value is not None]
    odd = next((case_id for case_id in ids if re.search(r"[/\\\x00-\x1f]", case_id)), None)
    if odd is not None:
        raise ManifestError(
            f"{table.source}: case_id names files and must not hold slashes or line breaks, got "
            f"{odd!r}; replace them, for example by _"
        )
    lines: dict[str, list[int]] = {}
    for case_id, line in zip(ids, table.lines):
        lines.setdefault(case_id, []).append(line)
    twice = {case_id: where for case_id, where in lines.items() if len(where) > 1}
    if twice:
        shown = "; ".join(
            f"{case_id} on lines {', '.join(map(str, where))}"
            for case_id, where in list(twice.items())[:_SHOWN]
        )
        raise ManifestError(
            f"{table.source}: case_id must name one patient, got {len(twice)} more than once "
            f"({shown}); keep one row each"
        )
    return ids


def _check_files(cohort: Cohort, source: Path) -> None:
    missing = []
    for case in cohort:
        files = {**case.images, **({"mask": case.mask} if case.mask else {})}
        missing += [
            f"{case.case_id} {name}: {file}" for name, file in files.items() if not file.exists()
        ]
    if missing:
        more = f"; and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise ManifestError(
            f"{source}: {len(missing)} file{'s do' if len(missing) > 1 else ' does'} not exist "
            f"({'; '.join(missing[:_SHOWN])}{more}); paths are relative to the manifest: correct "
            f"them, or empty the cell where a patient lacks the sequence"
        )
