"""``gliofuse extract``: radiomic features of a cohort, or of one image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gliofuse.cli import app
from gliofuse.errors import InputError

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import RadiomicsSettings

__all__ = ["extract"]

_SUFFIXES = (".csv", ".parquet", ".json")


@app.command()
def extract(
    cohort: Annotated[Path | None, typer.Argument(help="Manifest, cohort.csv.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Table to write: .parquet, .csv or .json.")
    ] = None,
    image: Annotated[Path | None, typer.Option(help="One image instead of a cohort.")] = None,
    mask: Annotated[Path | None, typer.Option(help="Its mask.")] = None,
    label: Annotated[
        int | None, typer.Option(help="With --image: the region as a value of the mask.")
    ] = None,
    regions: Annotated[
        str | None,
        typer.Option(
            "--regions",
            "--region",
            help='Regions, for example "whole,core" or "ring(whole, 5)"; whole by default.',
        ),
    ] = None,
    sequences: Annotated[
        str | None, typer.Option(help="Of a cohort, for example t1ce,flair; all by default.")
    ] = None,
    params: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file (YAML).")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Feature bank: a design's name (rdl by default), original or shape."),
    ] = None,
    normalisation: Annotated[
        str, typer.Option(help="none, minmax, zscore or percentile, before all else.")
    ] = "none",
    labels: Annotated[
        str, typer.Option(help="What the mask's labels mean: auto, brats, brats2023 or binary.")
    ] = "auto",
    workers: Annotated[int, typer.Option(help="Processes; -1 is every core.")] = 1,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of finished patients; beside the output by default."),
    ] = None,
) -> None:
    """Extract radiomic features with PyRadiomics' names and values.

    A cohort gives one row a patient and columns <sequence>.<region>.<image>_<family>_<Feature>.
    Given again, finished patients are not redone, and a changed setting recomputes only what
    depends on it. Patients that fail are listed beside the table and make the exit code 1.

    \b
    Examples
      gliofuse extract cohort.csv -o features.parquet --preset rdl --workers 2
      gliofuse extract cohort.csv -o features.csv --params params.yaml --regions whole,core
      gliofuse extract --image t1ce.nii.gz --mask seg.nii.gz --region whole -o features.json
      gliofuse extract --image t1ce.nii.gz --mask seg.nii.gz --label 4
    """
    if out is not None and out.suffix.lower() not in _SUFFIXES:
        raise InputError(f"--out {out}: the name must end in {', '.join(_SUFFIXES)}")
    settings = _settings(params, preset)
    if (cohort is None) == (image is None):
        raise InputError("give a manifest, or --image and --mask; see  gliofuse extract --help")
    if image is not None:
        if mask is None:
            raise InputError("--image needs --mask")
        if label is not None and regions is not None:
            raise InputError("give --label or --region, not both")
        _single(image, mask, label, regions, settings, normalisation, labels, out)
        return
    assert cohort is not None
    if out is None:
        raise InputError("a cohort needs -o, the table to write, for example  -o features.parquet")
    if label is not None:
        raise InputError("--label goes with --image; a cohort's regions are named by --regions")
    _cohort(
        cohort,
        out,
        _listed(regions) or ["whole"],
        _listed(sequences),
        settings,
        normalisation,
        labels,
        workers,
        cache or out.with_name(f"{out.stem}.cache"),
    )


def _settings(params: Path | None, preset: str | None) -> RadiomicsSettings:
    from gliofuse.designs.framework.banks import feature_bank
    from gliofuse.radiomics.parameters import RadiomicsSettings

    if params is not None and preset is not None:
        raise InputError("give --params or --preset, not both")
    if params is not None:
        return RadiomicsSettings.from_params(params)
    return feature_bank(preset or "rdl")


def _listed(text: str | None) -> list[str]:
    """Split at commas outside parentheses."""
    parts, depth = [""], 0
    for character in text or "":
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts if part.strip()]


def _single(
    image: Path,
    mask: Path,
    label: int | None,
    regions: str | None,
    settings: RadiomicsSettings,
    normalisation: str,
    labels: str,
    out: Path | None,
) -> None:
    from gliofuse.imaging.intensity import normalise_volume
    from gliofuse.imaging.volume import Volume
    from gliofuse.radiomics.extractor import RadiomicsExtractor
    from gliofuse.radiomics.region_masks import masks_of

    volume = Volume.read(image)
    volume = normalise_volume(volume, normalisation)
    extractor = RadiomicsExtractor(settings)
    chosen = Volume.read(mask)
    if label is not None or (regions is None and "label" in settings.setting.model_fields_set):
        wanted = settings.setting.label if label is None else label
        rows = {str(wanted): extractor.execute(volume, chosen, label=wanted)}
    else:
        names = _listed(regions) or ["whole"]
        masks = masks_of(chosen, names, labels, str(mask))
        rows = {
            name: extractor.execute(volume, chosen.with_array(inside), label=1)
            for name, inside in masks.items()
        }
    _write_rows(rows, out)


def _write_rows(rows: dict[str, dict[str, Any]], out: Path | None) -> None:
    """Write one row a region; to the terminal as JSON where no file is named."""
    import json

    suffix = out.suffix.lower() if out is not None else ""
    if suffix == ".parquet":
        import pandas as pd

        from gliofuse.files import write_parquet

        assert out is not None
        flat = {
            region: {
                key: value if isinstance(value, float) else str(value) for key, value in row.items()
            }
            for region, row in rows.items()
        }
        table = pd.DataFrame.from_dict(flat, orient="index").rename_axis("region")
        write_parquet(out, table)
        return
    if suffix == ".csv":
        import csv
        import io

        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["region", *next(iter(rows.values()))])
        for region, row in rows.items():
            writer.writerow([region, *row.values()])
        text = stream.getvalue()
    else:
        text = json.dumps(rows, indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    from gliofuse.files import write_text

    write_text(out, text)


def _cohort(
    manifest: Path,
    out: Path,
    regions: list[str],
    sequences: list[str],
    settings: RadiomicsSettings,
    normalisation: str,
    labels: str,
    workers: int,
    cache: Path,
) -> None:
    from gliofuse.cli.progress import console, counting
    from gliofuse.cohort import read_manifest
    from gliofuse.files import settings_hash, write_csv, write_parquet, write_text
    from gliofuse.imaging import cohort_convention
    from gliofuse.radiomics.feature_table import extract_cohort

    patients = read_manifest(manifest)
    convention = cohort_convention((case.mask for case in patients), named=labels, workers=workers)
    wanted = tuple(sequences) or patients.sequences
    with counting("radiomics", len(patients)) as advance:
        table, failures = extract_cohort(
            patients,
            settings=settings,
            regions=regions,
            sequences=wanted,
            convention=convention,
            normalisation=normalisation,
            workers=workers,
            cache=cache,
            progress=advance,
        )
    made_by = {
        "settings": settings.model_dump(mode="json"),
        "settings_hash": settings_hash(settings.model_dump(mode="json")),
        "regions": regions,
        "sequences": list(wanted),
        "labels": convention,
        "normalisation": normalisation,
    }
    suffix = out.suffix.lower()
    if len(table):
        if suffix == ".parquet":
            write_parquet(out, table, made_by)
        elif suffix == ".csv":
            write_csv(out, table, index=True)
        else:
            import json

            rows = {case: row.to_dict() for case, row in table.iterrows()}
            write_text(out, json.dumps({"made_by": made_by, "features": rows}, indent=1) + "\n")
        console.print(
            f"{len(table)} of {len(patients)} patients, {table.shape[1]} features each: {out}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    failed = out.with_name(f"{out.stem}.failed.csv")
    failed.unlink(missing_ok=True)
    if len(failures):
        write_csv(failed, failures)
        console.print(f"{len(failures)} failed, listed in {failed}:", style="red", markup=False)
        for case_id, _, error in failures.itertuples(index=False):
            console.print(f"  {case_id}: {error}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(1)
