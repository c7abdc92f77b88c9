"""``gliofuse preprocess``: raw scans to the volumes that designs read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gliofuse.cli import app
from gliofuse.errors import InputError

__all__ = ["preprocess"]


@app.command()
def preprocess(
    cohort: Annotated[Path | None, typer.Argument(help="Manifest of raw scans.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder to fill; with --to-native a file.")
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(help="Of register,brain,bias,resample,normalise; all by default."),
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Sequence that the others are aligned to; t1ce, else t1.")
    ] = None,
    space: Annotated[
        str | None,
        typer.Option(help="native (the reference's axes and sizes), or template (MNI152)."),
    ] = None,
    spacing: Annotated[float | None, typer.Option(help="Cubic voxels, mm; 1 by default.")] = None,
    brain: Annotated[
        str | None, typer.Option(help="builtin, or hd-bet or synthstrip where they are on PATH.")
    ] = None,
    brain_mask: Annotated[
        str | None,
        typer.Option(help="One's own, on the reference's grid: masks/{case_id}.nii.gz."),
    ] = None,
    mask_drawn_on: Annotated[
        str | None, typer.Option(help="Sequence of the tumour mask; found by its grid.")
    ] = None,
    intensities: Annotated[
        str | None, typer.Option(help="none (default), zscore, minmax or white-stripe.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the registrations' samples.")] = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 is every core.")] = 1,
    mask_to_native: Annotated[
        Path | None,
        typer.Option("--to-native", help="Bring this mask back to a scan's own voxels."),
    ] = None,
    patient: Annotated[
        Path | None, typer.Option(help="With --to-native: the preprocessed patient's folder.")
    ] = None,
    sequence: Annotated[str | None, typer.Option(help="With --to-native: whose scan.")] = None,
) -> None:
    """Align, skull-strip and correct raw scans, each image interpolated once.

    Writes a folder a patient with the volumes and a page of pictures, cohort.csv for the next
    command, failed_cases.csv and index.html, outliers first. Given again, finished patients are
    kept. Patients that are refused make the exit code 1.

    \b
    Examples
      gliofuse preprocess raw.csv -o clean
      gliofuse preprocess raw.csv -o clean --space template --workers 2
      gliofuse preprocess raw.csv -o clean --steps register,bias,resample
      gliofuse preprocess raw.csv -o clean --brain-mask "masks/{case_id}.nii.gz"
      gliofuse preprocess --to-native predicted.nii.gz --patient clean/p1 --sequence flair \\
          -o predicted_on_flair.nii.gz
    """
    if out is None:
        raise InputError("give -o, the folder to fill (with --to-native the file to write)")
    if mask_to_native is not None:
        _to_native(mask_to_native, patient, sequence, out)
        return
    if cohort is None:
        raise InputError("give a manifest of raw scans; see  gliofuse preprocess --help")
    given: dict[str, Any] = {
        "steps": None if steps is None else _steps(steps),
        "reference": reference,
        "space": space,
        "spacing_mm": spacing,
        "brain": brain,
        "brain_mask": brain_mask,
        "mask_drawn_on": mask_drawn_on,
        "intensities": intensities,
        "seed": seed,
    }
    _cohort(cohort, out, {key: value for key, value in given.items() if value is not None}, workers)


def _steps(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _cohort(manifest: Path, out: Path, given: dict[str, Any], workers: int) -> None:
    from gliofuse.cli.progress import console, counting
    from gliofuse.cohort import read_manifest
    from gliofuse.preprocessing import check_settings, preprocess_cohort

    settings = check_settings(given)
    patients = read_manifest(manifest, check_files=False)
    with counting("preprocessing", len(patients)) as advance:
        result, failed = preprocess_cohort(
            patients, out, settings, workers=workers, progress=advance
        )
    plain: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}
    console.print(f"{len(result)} of {len(patients)} patients: {out / 'cohort.csv'}", **plain)
    console.print(f"pictures: {out / 'index.html'}", **plain)
    if len(failed):
        console.print(f"{len(failed)} refused, listed in {out / 'failed_cases.csv'}:", style="red")
        for row in failed.itertuples(index=False):
            console.print(f"  {row.case_id} ({row.stage}): {row.error}", **plain)
        raise typer.Exit(1)


def _to_native(mask: Path, patient: Path | None, sequence: str | None, out: Path) -> None:
    from gliofuse.preprocessing import to_native

    if patient is None or sequence is None:
        raise InputError("--to-native needs --patient and --sequence")
    to_native(mask, patient, sequence).write(out)
    typer.echo(str(out))
