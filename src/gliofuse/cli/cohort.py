"""``gliofuse cohort``: from a folder of MRI to a manifest, and from a manifest to its faults."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gliofuse.cli import app

if TYPE_CHECKING:
    import pandas as pd

    from gliofuse.cohort import Cohort

__all__ = ["check", "commands", "scan"]

commands = typer.Typer(
    no_args_is_help=True,
    help="Write a manifest from a folder of MRI; check every file of one.",
    rich_markup_mode="rich",
)
app.add_typer(commands, name="cohort")

_LAYOUT_NAMES = "brats2020, brats2021, brats2023, ucsf-pdgm, tcia-brats, bids, flat, visits, plain"
_SHOWN = 5
_SHEET_ROWS = 8
_SHEET_NAME = "sheet_{:03}.png"


@commands.command()
def scan(
    folder: Path = typer.Argument(..., help="Folder that holds the patients' folders."),
    output: Path = typer.Option(..., "-o", "--output", help="Manifest to write (CSV)."),
    clinical: Path | None = typer.Option(None, help="Table with a row a patient (CSV)."),
    id_column: str | None = typer.Option(None, help="The table's column of patient ids."),
    layout: str | None = typer.Option(
        None, help=f"{_LAYOUT_NAMES}; by default found from the file names."
    ),
    pattern: str | None = typer.Option(
        None,
        help="What a path below the folder looks like, instead of a layout: {case} and {sequence}, "
        "{date} or {visit}, and * for anything.",
    ),
    visit: str | None = typer.Option(None, help="Take this visit instead of the first."),
    center_column: str | None = typer.Option(
        None, help="The table's column of centres; by default the one called center."
    ),
    notes: Path | None = typer.Option(None, help="Write every remark to this CSV."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace a manifest that differs."),
) -> None:
    """Find the patients in a folder of MRI and write a manifest.

    Follow-up scans, doubled files, files that nobody understands and ids without a partner are
    listed, never picked or dropped in silence.

    \b
    Examples
      gliofuse cohort scan UCSF-PDGM --clinical metadata.csv --id-column ID -o cohort.csv
      gliofuse cohort scan /data --pattern "{case}/{date}/{case}_{sequence}.nii.gz" -o cohort.csv
    """
    import pandas as pd

    from gliofuse.cohort import join_clinical, scan_folder
    from gliofuse.cohort.manifest import write_new_manifest
    from gliofuse.cohort.scan import NOTE_COLUMNS
    from gliofuse.errors import ManifestError
    from gliofuse.files import check_output, check_writable, write_csv

    if (clinical is None) != (id_column is None):
        given, lacking = ("--clinical", "--id-column")
        if clinical is None:
            given, lacking = lacking, given
        hint = f": its columns are {_columns_of(clinical)}" if clinical is not None else ""
        raise ManifestError(f"{given} needs {lacking}{hint}")
    check_writable(output)
    if notes is not None:
        header = ",".join(NOTE_COLUMNS)
        check_output(notes, inputs=(clinical, output), starts=header, overwrite=overwrite)
    if center_column is not None and clinical is None:
        raise ManifestError("--center-column is a column of --clinical: give that table too")
    found = scan_folder(folder, layout=layout, pattern=pattern, visit=visit)
    cohort, remarks = found.cohort, found.notes
    typer.echo(f"{found.layout.title}: {_count(len(cohort), 'patient')} in {folder}")
    if clinical is not None and id_column is not None:
        cohort, more = join_clinical(
            cohort, clinical, id_column, layout=found.layout, center_column=center_column
        )
        remarks = pd.concat([remarks, more], ignore_index=True)
    write_new_manifest(cohort, output, overwrite=overwrite)
    for line in (*_sequence_lines(cohort), *_remark_lines(remarks)):
        typer.echo(line)
    if notes is not None:
        write_csv(notes, remarks)
        typer.echo(f"wrote {len(remarks)} remarks to {notes}")
    typer.echo(f"wrote {output}; next:  gliofuse cohort check {output}")


@commands.command()
def check(
    manifest: Path = typer.Argument(..., help="Manifest (CSV)."),
    output: Path | None = typer.Option(None, "-o", "--output", help="Write the findings as CSV."),
    pictures: Path | None = typer.Option(
        None, help="Write contact sheets (largest tumour slice, outlined) to this folder."
    ),
    convention: str | None = typer.Option(
        None,
        help="brats, brats2023, binary, or your own labels, 1=necrosis,2=edema,...; by default "
        "the one that fits.",
    ),
    workers: int = typer.Option(-1, help="Processes; -1 for every core."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace a file that is there."),
) -> None:
    """Open every file of a manifest and say what is wrong, one line a finding.

    Ends with exit code 1 if there is an error, 0 if there are only warnings.
    """
    from gliofuse.cli.progress import counting
    from gliofuse.cohort import read_manifest
    from gliofuse.files import check_output, check_writable, write_csv
    from gliofuse.imaging.check import FINDING_COLUMNS, check_cohort

    cohort = read_manifest(manifest, check_files=False)
    if output is not None:  # better now than after every file was read
        header = ",".join(FINDING_COLUMNS)
        check_output(output, inputs=(manifest,), starts=header, overwrite=overwrite)
    if pictures is not None:
        check_writable(pictures / _SHEET_NAME.format(1))
    with counting("opening", len(cohort)) as advance:
        findings = check_cohort(cohort, convention=convention, workers=workers, progress=advance)
    for line in _finding_lines(findings, manifest):
        typer.echo(line)
    if output is not None:
        write_csv(output, findings)
    if pictures is not None:
        _write_pictures(cohort, pictures, workers)
    errors = int((findings["severity"] == "error").sum())
    warnings = len(findings) - errors
    counts = _count(errors, "error"), _count(warnings, "warning")
    typer.echo(f"{_count(len(cohort), 'patient')}: {', '.join(counts)}")
    if errors:
        raise typer.Exit(1)


def _sequence_lines(cohort: Cohort) -> Iterable[str]:
    """Say what each sequence has, and what follows from a missing one."""
    from gliofuse.cohort import SEQUENCES, STRUCTURAL

    for name in SEQUENCES:
        lacking = [case.case_id for case in cohort if name not in case.images]
        if not lacking:
            yield f"  {name}: all"
        elif len(lacking) == len(cohort):
            if name not in STRUCTURAL:
                continue  # few protocols have it: nothing is missing
            yield f"  {name}: none; designs run without it and say so (no model of {name})"
        else:
            yield (
                f"  {name}: {len(cohort) - len(lacking)} of {len(cohort)}; without it "
                f"{_some(lacking)}: left out of {', '.join(_designs_reading(name))} unless "
                f"{name} is left out for everyone"
            )
    lacking = [case.case_id for case in cohort if case.mask is None]
    if lacking:
        who = "none" if len(lacking) == len(cohort) else f"all but {_some(lacking)}"
        yield f"  mask: {who}; without a mask a patient is left out of every design"
    else:
        yield "  mask: all"


def _designs_reading(sequence: str) -> tuple[str, ...]:
    """The published designs that read a sequence, or in words those that read any."""
    from gliofuse.designs import DESIGNS, find_design

    reading = (name for name in DESIGNS if sequence in find_design(name).paper.sequences)
    return tuple(reading) or ("the designs that read every sequence",)


def _remark_lines(remarks: pd.DataFrame) -> Iterable[str]:
    """One line for each remark, or a few lines and a count where a rule has many."""
    for rule, group in remarks.groupby("rule", sort=False):
        yield f"{rule} ({len(group)}):"
        for row in group.head(_SHOWN).itertuples():
            yield f"  {row.case_id + ': ' if row.case_id else ''}{row.detail}"
        if len(group) > _SHOWN:
            yield f"  and {len(group) - _SHOWN} more (all of them with --notes FILE)"


def _finding_lines(findings: pd.DataFrame, manifest: Path) -> Iterable[str]:
    import os

    base = os.path.realpath(manifest.parent)
    for row in findings.itertuples():
        file = os.path.relpath(row.file, base) if os.path.isabs(row.file) else row.file
        who = " ".join(part for part in (row.case_id, file) if part) or "all patients"
        expected = f", expected {row.expected}" if row.expected else ""
        yield f"{row.severity}: {who}: {row.rule}: {row.found}{expected}"


def _write_pictures(cohort: Cohort, folder: Path, workers: int) -> None:
    from functools import partial

    from gliofuse.cli.progress import counting
    from gliofuse.compute import parallel_map
    from gliofuse.imaging import case_picture, contact_sheet

    names = cohort.sequences
    pictures = []
    with counting("pictures", len(cohort)) as advance:
        draw = partial(case_picture, sequences=names)
        outcomes = parallel_map(draw, cohort.cases, workers=workers)
        for done, outcome in enumerate(outcomes, 1):
            if outcome.result is not None:
                pictures.append(outcome.result)
            else:
                typer.echo(f"no picture of {outcome.item.case_id}: {outcome.error}")
            advance(done)
    sheets = range(0, len(pictures), _SHEET_ROWS)
    for number, start in enumerate(sheets, 1):
        path = folder / _SHEET_NAME.format(number)
        contact_sheet(pictures[start : start + _SHEET_ROWS], path, sequences=names)
    typer.echo(f"wrote {len(sheets)} contact sheets to {folder}")


def _columns_of(path: Path) -> str:
    from gliofuse.cohort.tables import read_table

    return ", ".join(read_table(path).columns)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
