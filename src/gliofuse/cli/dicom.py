"""``gliofuse dicom``: what a folder of DICOM files holds, its conversion, and the archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gliofuse.cli import app

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["commands", "convert", "fetch", "pseudonyms", "scan", "send"]

commands = typer.Typer(
    no_args_is_help=True,
    help="List and convert series of DICOM files; fetch from an archive and send to it.",
    rich_markup_mode="rich",
)
app.add_typer(commands, name="dicom")

_SHOWN = 8


@commands.command()
def scan(
    folder: Annotated[Path, typer.Argument(help="Folder that holds DICOM files, at any depth.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Table of series to write (CSV).")],
    key: Annotated[
        Path | None,
        typer.Option(help="File with the salt of the pseudonyms; beside the table by default."),
    ] = None,
    keep_ids: Annotated[
        bool, typer.Option("--keep-ids", help="Keep the PatientID instead of a pseudonym.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a table that differs.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
) -> None:
    """List every series and propose which is t1, t1ce, t2 and flair.

    The timings (TR, TE, TI) decide first, the tag of the contrast agent and the description
    second. Doubtful series say 'ask' in the column 'sequence': write there what it is, or empty
    it, then convert. The table holds no name, date or number of a patient. The key beside it
    tells who is who, and gives the same patients the same pseudonyms again: keep it to yourself.

    \b
    Examples
      gliofuse dicom scan /data/export -o series.csv
      gliofuse dicom scan /data/later -o later.csv --key series.key.json
    """
    from gliofuse.cli.progress import bars
    from gliofuse.files import check_writable, shown_as_text, write_scan
    from gliofuse.imaging.dicom import default_key_path, list_series, open_key

    check_writable(output)
    opened = open_key(key or default_key_path(output))
    check_writable(opened.path)
    with bars() as drawn:
        task = drawn.add_task("reading", total=None, unit="files")
        listing = list_series(
            folder,
            opened,
            keep_ids=keep_ids,
            workers=workers,
            progress=lambda done, total: drawn.update(task, completed=done, total=total),
        )
    text = shown_as_text(listing.table).to_csv(index=False, lineterminator="\n")
    write_scan(output, text, overwrite=overwrite)
    opened.save()
    for line in (*listing.remarks, *_study_lines(listing.table)):
        typer.echo(line)
    asked = int((listing.table["sequence"] == "ask").sum())
    step = f"decide {asked} rows that say ask in its column 'sequence', then" if asked else "next:"
    typer.echo(f"the key, which tells who is who: {opened.path} (keep it to yourself)")
    named = "" if key is None else f" --key {opened.path}"
    typer.echo(f"wrote {output}; {step}  gliofuse dicom convert {output}{named} -o nifti")


@commands.command()
def convert(
    table: Annotated[Path, typer.Argument(help="Table of series, as corrected (CSV).")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the images and cohort.csv.")
    ],
    key: Annotated[
        Path | None, typer.Option(help="The scan's key; beside the table by default.")
    ] = None,
    dicom: Annotated[
        Path | None, typer.Option(help="Where the DICOM files are now, if they were moved.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a manifest that differs.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes; -1 for every core.")] = -1,
) -> None:
    """Convert the series that have a sequence, with dcm2niix, and write a manifest.

    Each image is checked against the DICOM headers, voxel counts and millimetres. Given again,
    finished images stay and the rest is done; no image is ever overwritten. Series that fail are
    listed beside the manifest and make the exit code 1.

    \b
    Example
      gliofuse dicom convert series.csv -o nifti
    """
    from gliofuse.cli.progress import bars
    from gliofuse.files import check_writable
    from gliofuse.imaging.dicom import convert as convert_series
    from gliofuse.imaging.dicom import default_key_path, open_key, read_choices

    choices = read_choices(table)
    opened = open_key(key or default_key_path(table), must_exist=True)
    check_writable(output / "cohort.csv")
    with bars() as drawn:
        files = drawn.add_task("reading", total=None, unit="files")
        series = drawn.add_task("converting", total=len(choices.rows), unit="series")
        done = convert_series(
            choices,
            opened,
            output,
            folder=dicom,
            workers=workers,
            overwrite_manifest=overwrite,
            reading=lambda done, total: drawn.update(files, completed=done, total=total),
            progress=lambda done: drawn.update(series, completed=done),
        )
    if choices.undecided:
        typer.echo(f"{len(choices.undecided)} rows say ask and are left out:")
        for name in _some(list(choices.undecided)):
            typer.echo(f"  {name}")
    from gliofuse.cohort import STRUCTURAL

    for case in done.cohort:
        lacking = case.lacks(STRUCTURAL, mask=False)
        if lacking:
            typer.echo(f"{case.case_id}: no {', '.join(lacking)}")
    for row in done.failed.itertuples():
        typer.echo(f"failed: {row.sequence}: {row.error}", err=True)
    typer.echo(
        f"{done.converted} images converted, {done.kept} were there, {len(done.failed)} failed"
    )
    if len(done.cohort):
        typer.echo(f"wrote {done.manifest}; next:  gliofuse cohort check {done.manifest}")
    if len(done.failed):
        raise typer.Exit(1)


@commands.command()
def pseudonyms(
    table: Annotated[Path, typer.Argument(help="Table with a row a patient (CSV).")],
    id_column: Annotated[str, typer.Option(help="The table's column of PatientIDs.")],
    key: Annotated[Path, typer.Option(help="Key of the scan.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Table to write (CSV).")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a table that is there.")
    ] = False,
) -> None:
    """Put the scan's pseudonyms into a clinical table, in a column patient_id.

    All other columns are copied as they are: leave out those that name a person.

    \b
    Example
      gliofuse dicom pseudonyms clinic.csv --id-column MRN --key series.key.json -o clinical.csv
    """
    from gliofuse.files import check_output, write_csv
    from gliofuse.imaging.dicom import open_key, pseudonymise_table

    opened = open_key(key, must_exist=True)
    check_output(output, inputs=(table, key), overwrite=overwrite)
    found, unknown = pseudonymise_table(table, id_column, opened)
    write_csv(output, found)
    if unknown:
        lines = ", ".join(_some([str(line) for line in unknown]))
        typer.echo(f"{len(unknown)} of {len(found)} patients were not scanned: lines {lines}")
    typer.echo(f"wrote {output}")


@commands.command()
def fetch(
    url: Annotated[str, typer.Argument(help="Root of the archive's DICOMweb service.")],
    study: Annotated[str, typer.Option(help="Study Instance UID.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the files.")],
) -> None:
    """Take a study from an archive over DICOMweb, one file an object.

    \b
    Example
      gliofuse dicom fetch https://pacs.example/dicom-web --study 1.2.840.1 -o dicom
    """
    from gliofuse.cli.progress import bars
    from gliofuse.model.dicom.archive import fetch_study

    with bars() as drawn:
        task = drawn.add_task("fetching", total=None, unit="files")
        written = fetch_study(
            url, study, output, progress=lambda done: drawn.update(task, completed=done)
        )
    typer.echo(f"wrote {len(written)} files to {output}; next:  gliofuse dicom scan {output}")


@commands.command()
def send(
    url: Annotated[str, typer.Argument(help="Root of the archive's DICOMweb service.")],
    files: Annotated[list[Path], typer.Argument(help="DICOM files.")],
) -> None:
    """Give DICOM files, a segmentation and a report say, to an archive over DICOMweb.

    \b
    Example
      gliofuse dicom send https://pacs.example/dicom-web out/seg.dcm out/sr.dcm
    """
    from gliofuse.model.dicom.archive import send_files

    typer.echo(f"sent {send_files(url, files)} files")


def _study_lines(table: pd.DataFrame) -> list[str]:
    """One line a study: what was found, what is asked about, what is missing."""
    from gliofuse.cohort import STRUCTURAL

    lines = []
    for (patient, study), rows in table.groupby(["patient_id", "study"], sort=False):
        parts = []
        for name in STRUCTURAL:
            series = rows.loc[rows["sequence"] == name, "series"]
            parts.append(f"{name} {_number(series.iloc[0])}" if len(series) else f"no {name}")
        asked = rows.loc[rows["sequence"] == "ask", "series"]
        if len(asked):
            parts.append(f"ask {', '.join(_number(one) for one in asked)}")
        if (rows["modality"] != "MR").all():
            kinds = ", ".join(sorted(set(rows["modality"])))
            parts = [f"modality {kinds}, no MR: nothing here is a sequence"]
        lines.append(f"{patient} study {study}: {len(rows)} series: {'; '.join(parts)}")
    return lines


def _number(value: float) -> str:
    return "?" if value != value else str(int(value))


def _some(names: list[str]) -> list[str]:
    more = [f"and {len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return names[:_SHOWN] + more
