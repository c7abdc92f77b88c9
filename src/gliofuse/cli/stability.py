"""``gliofuse stability``: which features survive another contour, position, noise or binning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gliofuse.cli import app
from gliofuse.errors import InputError

if TYPE_CHECKING:
    from gliofuse.cohort import Cohort

__all__ = ["stability"]


@app.command()
def stability(
    cohort: Annotated[Path, typer.Argument(help="Manifest, cohort.csv.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")],
    mask2: Annotated[
        str | None,
        typer.Option(
            help="Second masks: a column of the manifest, another manifest with the same "
            "case_id, or a folder of <case_id>.nii.gz. Compared instead of perturbations "
            "unless --perturb is given."
        ),
    ] = None,
    perturb: Annotated[
        str | None,
        typer.Option(help="Of erosion, dilation, contour, translation, rotation, noise, binning."),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Smallest ICC(2,1) of a stable feature.")] = 0.75,
    preset: Annotated[
        str | None,
        typer.Option(help="Feature bank: a design's name (rdl by default), original or shape."),
    ] = None,
    params: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file (YAML).")] = None,
    regions: Annotated[str, typer.Option(help='For example "whole,core".')] = "whole",
    sequences: Annotated[
        str | None, typer.Option(help="For example t1ce,flair; all by default.")
    ] = None,
    normalisation: Annotated[
        str, typer.Option(help="none, minmax, zscore or percentile, before all else.")
    ] = "none",
    labels: Annotated[
        str, typer.Option(help="What the mask's labels mean: auto, brats, brats2023 or binary.")
    ] = "auto",
    patients: Annotated[
        int | None, typer.Option(min=3, help="So many patients, drawn at random; all by default.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes; -1 is every core.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the drawing and of the random changes.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over files of other commands.")
    ] = False,
) -> None:
    """Measure which radiomic features stay the same under small changes.

    Writes icc.csv (ICC(2,1) and ICC(3,1) of each feature with 95 % intervals), by_variant.csv (each
    change alone), stable_features.csv (feature and icc, at or above the threshold: a study takes it
    as its filter), stability.svg, values.parquet and, if a patient failed, failed_cases.csv.

    \b
    Examples
      gliofuse stability cohort.csv -o stability --preset rdl --patients 30 --workers 2
      gliofuse stability cohort.csv -o readers --mask2 second_reader/
    """
    from gliofuse.cli._stability_figure import draw_stability
    from gliofuse.cli.extract import _listed, _settings
    from gliofuse.cli.progress import console, counting
    from gliofuse.cohort import read_manifest
    from gliofuse.files import check_output, write_csv, write_json, write_parquet, write_text
    from gliofuse.imaging import cohort_convention
    from gliofuse.radiomics.stability import measure_stability, second_masks
    from gliofuse.report.style import to_svg

    if not 0 < threshold <= 1:
        raise InputError(f"--threshold must be above 0 and at most 1, got {threshold:g}")
    own = (out / "stability.json").is_file()  # of this command, run before
    for name in ("icc.csv", "by_variant.csv", "stable_features.csv", "values.parquet"):
        check_output(out / name, inputs=(cohort,), overwrite=overwrite or own)
    settings = _settings(params, preset)
    in_column: dict[str, Path] = {}
    if mask2 is not None and not Path(mask2).exists():
        everyone, in_column = _with_column(cohort, mask2)
    else:
        everyone = read_manifest(cohort)
    chosen = _drawn(everyone, patients, seed)
    masks2 = None
    if mask2 is not None:
        masks2 = in_column or second_masks(Path(mask2), chosen.case_ids)
        chosen = chosen.subset([case_id for case_id in chosen.case_ids if case_id in masks2])
    convention = cohort_convention((case.mask for case in chosen), named=labels, workers=workers)
    wanted = tuple(_listed(sequences)) or chosen.sequences
    with counting("stability", len(chosen)) as advance:
        found = measure_stability(
            chosen,
            settings=settings,
            perturbations=_listed(perturb) or None,
            masks2=masks2,
            regions=_listed(regions),
            sequences=wanted,
            convention=convention,
            normalisation=normalisation,
            workers=workers,
            seed=seed,
            progress=advance,
        )
    stable = found.stable(threshold)
    write_csv(out / "icc.csv", found.icc)
    write_csv(out / "by_variant.csv", found.by_variant)
    write_csv(out / "stable_features.csv", stable[["feature", "icc"]])
    write_parquet(out / "values.parquet", found.values)
    drawn = to_svg(draw_stability, found.icc, found.by_variant, threshold=threshold)
    write_text(out / "stability.svg", drawn or "")
    write_json(
        out / "stability.json",
        {
            "settings": settings.model_dump(mode="json"),
            "variants": list(dict.fromkeys(found.values.index.get_level_values("variant"))),
            "patients": list(dict.fromkeys(found.values.index.get_level_values("case_id"))),
            "sequences": list(wanted),
            "normalisation": normalisation,
            "threshold": threshold,
            "seed": seed,
        },
    )
    done = int(found.icc["n"].max())
    console.print(
        f"{len(stable)} of {len(found.icc)} features have an ICC(2,1) of at least {threshold:g} "
        f"over {done} patients: {out / 'stable_features.csv'}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    failed = out / "failed_cases.csv"
    failed.unlink(missing_ok=True)
    if len(found.failures):
        write_csv(failed, found.failures)
        console.print(
            f"{len(found.failures)} failed, listed in {failed}", style="red", markup=False
        )
        raise typer.Exit(1)


def _drawn(cohort: Cohort, patients: int | None, seed: int) -> Cohort:
    """Return so many patients, in the order of the manifest."""
    if patients is None or patients >= len(cohort):
        return cohort
    import numpy as np

    places = np.random.default_rng(seed).choice(len(cohort), patients, replace=False)
    return cohort.subset([cohort.case_ids[place] for place in sorted(places)])


def _with_column(manifest: Path, column: str) -> tuple[Cohort, dict[str, Path]]:
    """Read a manifest that has a column of second masks, which a manifest alone may not have."""
    import csv
    import tempfile

    from gliofuse.cohort import SEQUENCES, read_manifest
    from gliofuse.cohort.tables import read_table
    from gliofuse.errors import ManifestError, did_you_mean

    table = read_table(manifest)
    if column not in table.columns or "case_id" not in table.columns:
        raise ManifestError(
            f"--mask2 {column}: no such file or folder, nor a column of {manifest}; "
            + did_you_mean(column, table.columns).replace("allowed", "columns")
        )
    base = manifest.resolve().parent
    second = {
        str(case_id): base / value
        for case_id, value in zip(table.column("case_id"), table.column(column))
        if value is not None
    }
    if missing := [path for path in second.values() if not path.exists()]:
        raise ManifestError(f"{manifest}: column {column}: no such file {missing[0]}")
    columns = {name: table.column(name) for name in table.columns if name != column}
    for name in (*SEQUENCES, "mask"):
        if name in columns:
            columns[name] = [value and str(base / value) for value in columns[name]]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / manifest.name
        with copy.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values()))
        return read_manifest(copy), second
