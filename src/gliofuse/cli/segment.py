"""``gliofuse segment``: train a segmenter, predict masks, judge them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gliofuse.cli import app

if TYPE_CHECKING:
    import pandas as pd

    from gliofuse.cohort import Cohort

__all__ = ["commands", "evaluate", "predict", "train"]

commands = typer.Typer(
    no_args_is_help=True,
    help="Train a segmenter, predict tumour masks with one, judge masks against others.",
    rich_markup_mode="rich",
)
app.add_typer(commands, name="segment")

_Cohort = Annotated[Path, typer.Option(help="Manifest, cohort.csv.")]
_Labels = Annotated[
    str, typer.Option(help="Masks: brats, brats2023, binary; by default what fits.")
]
_Only = Annotated[
    str | None,
    typer.Option(help="A clinical column and a value, COLUMN=VALUE: those patients alone."),
]


@commands.command()
def train(
    cohort: _Cohort,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the segmenter.")],
    preset: Annotated[
        str, typer.Option(help="quick (two cores, minutes), full (a GPU) or paper.")
    ] = "quick",
    sequences: Annotated[
        str | None, typer.Option(help="For example flair,t1,t1ce; by default the structural ones.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the plan or training, KEY=VALUE; repeatable."),
    ] = None,
    labels: _Labels = "auto",
    only: _Only = None,
    seed: Annotated[int, typer.Option(help="Of division, weights, patches.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes that prepare images; -1: all.")] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of prepared images to share between trainings.")
    ] = None,
) -> None:
    """Train a segmenter on the patients of a manifest who have a mask.

    Its plan (voxel size, patch, kernels) comes from the cohort. A training that was stopped goes
    on from its last epoch when the same command is given again.

    \b
    Examples
      gliofuse segment train --cohort cohort.csv -o segmenter
      gliofuse segment train --cohort cohort.csv --preset full --set devices=4 -o segmenter
      gliofuse segment train --cohort cohort.csv --sequences flair,t1,t1ce \\
          --set minutes=20 --set width=24 --only side=train -o segmenter
    """
    from gliofuse.cli.progress import bars, console
    from gliofuse.cohort import read_manifest
    from gliofuse.segmentation import segmentation_settings, train_segmenter
    from gliofuse.study.options import parse_setting

    settings = segmentation_settings(preset, dict(map(parse_setting, setting or [])))
    patients = _chosen(read_manifest(cohort), only)
    with bars() as drawn:
        tasks: dict[str, Any] = {}

        def advance(state: Any) -> None:
            if state.stage not in tasks:
                tasks[state.stage] = drawn.add_task(state.stage, total=100, unit="%")
            drawn.update(
                tasks[state.stage], completed=int(100 * state.share), description=state.describe()
            )

        segmenter = train_segmenter(
            patients,
            out,
            settings=settings,
            sequences=None if sequences is None else [w.strip() for w in sequences.split(",")],
            convention=labels,
            seed=seed,
            workers=workers,
            cache=cache,
            progress=advance,
            say=lambda text: console.print(text, highlight=False, markup=False, soft_wrap=True),
        )
    for stage, text in segmenter.trained["selection"].items():
        console.print(f"{stage}: kept {text}", highlight=False, soft_wrap=True)
    typer.echo(f"segmenter: {out}")


@commands.command()
def predict(
    cohort: _Cohort,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the masks.")],
    model: Annotated[Path | None, typer.Option(help="Folder of a segmenter.")] = None,
    segmenter: Annotated[
        str | None,
        typer.Option(help="Another's instead: nnunet (with --model), gliomoda, brats, mask."),
    ] = None,
    program: Annotated[
        str | None,
        typer.Option(help="Of nnunet its command; of gliomoda, brats their interpreter."),
    ] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="Mirrored images too: steadier, twice the time.")
    ] = False,
    overlap: Annotated[float, typer.Option(help="Of neighbouring tiles, 0 to 0.9.")] = 0.5,
    largest: Annotated[
        bool, typer.Option("--largest", help="Keep the largest connected piece alone.")
    ] = False,
    least_mm3: Annotated[float, typer.Option(help="Drop pieces smaller than this.")] = 0.0,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write each output's probability too.")
    ] = False,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Write the entropy of tumour or not too.")
    ] = False,
    any_skull: Annotated[
        bool, typer.Option("--any-skull", help="Take images that look stripped, or not, too.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or gpu.")] = "auto",
    only: _Only = None,
) -> None:
    """Predict the masks of a cohort; writes a manifest with them, and a table of how sure they are.

    Masks lie in the geometry of each patient's images. A patient without a found tumour gets an
    empty mask and a warning; one whose files cannot be used is listed, and the others go on.

    \b
    Examples
      gliofuse segment predict --model segmenter --cohort cohort.csv -o masks
      gliofuse segment predict --model segmenter --cohort cohort.csv --flips --largest -o masks
      gliofuse segment predict --segmenter nnunet --model Dataset137/nnUNetTrainer__3d_fullres \\
          --program ~/nnunet/bin/nnUNetv2_predict_from_modelfolder --cohort cohort.csv -o masks
      gliofuse segment predict --segmenter gliomoda --program ~/gliomoda/bin/python \\
          --cohort cohort.csv -o masks
    """
    import warnings

    from gliofuse.cli.progress import console, counting
    from gliofuse.cohort import read_manifest
    from gliofuse.errors import SettingError
    from gliofuse.segmentation.cleaning import CleanUp
    from gliofuse.segmentation.cohorts import predict_cohort, segment_cohort

    if (model is None) == (segmenter is None) and segmenter != "nnunet":
        raise SettingError("give --model, the folder of a segmenter, or --segmenter with a name")
    patients = _chosen(read_manifest(cohort), only)
    with counting("segmenting", len(patients)) as advance, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # they are said below
        if segmenter is not None:
            from gliofuse.segmentation.others import segment_with

            words = {"nnunet": "command", "gliomoda": "python", "brats": "python"}
            options = {words.get(segmenter, "program"): program, "model": model}
            found = segment_cohort(
                segment_with(segmenter, **options), patients, out, progress=advance
            )
        else:
            from gliofuse.segmentation.segmenter import PredictionSettings, Segmenter

            assert model is not None
            settings = PredictionSettings(
                flips=flips,
                overlap=overlap,
                cleaning=CleanUp(largest, least_mm3),
                probabilities=probabilities,
                uncertainty=uncertainty,
                check_skull=not any_skull,
                device=device,
            )
            trained = Segmenter.load(model)
            seen = sorted(trained.learned_from & set(patients.case_ids))
            if seen:
                console.print(
                    f"[yellow]{len(seen)} of these patients were learned from (for example "
                    f"{seen[0]}): their masks are better than a new patient's[/]"
                )
            found = predict_cohort(trained, patients, out, settings=settings, progress=advance)
    for case_id in found.empty:
        console.print(f"[yellow]{case_id}: no tumour was found; its mask is empty[/]")
    for row in found.failures.itertuples():
        console.print(f"{row.case_id}: {row.error}", style="red", markup=False, soft_wrap=True)
    typer.echo(f"{len(found.cohort)} of {len(patients)} masks: {out / 'cohort.csv'}")
    if len(found.failures):
        raise typer.Exit(1)


@commands.command()
def evaluate(
    cohort: Annotated[Path, typer.Option(help="Manifest whose masks are the reference.")],
    masks: Annotated[
        Path, typer.Option(help="Masks to judge: a folder <case_id>.nii.gz, or a manifest.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for tables and pictures.")],
    regions: Annotated[
        str | None, typer.Option(help="For example whole,core; by default all of the labels.")
    ] = None,
    labels: _Labels = "auto",
    labels2: Annotated[
        str | None, typer.Option(help="Label convention of --masks, if it is another one.")
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(help="Feature bank (original, or a design's): ICC between both masks."),
    ] = None,
    threshold: Annotated[float, typer.Option(help="ICC from which one is consistent.")] = 0.75,
    only: _Only = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; -1: all.")] = -1,
) -> None:
    """Judge masks against those of a manifest: overlap, distance, volume, lesions, features.

    Where the folder of --masks holds the predictions.csv of `gliofuse segment predict`, also says
    how well the segmenter's own quality figure goes with the true Dice.

    \b
    Examples
      gliofuse segment evaluate --cohort cohort.csv --masks masks/cohort.csv -o agreement
      gliofuse segment evaluate --cohort reader1.csv --masks reader2.csv --features original \\
          -o readers
    """
    from gliofuse.cli.progress import counting
    from gliofuse.cohort import read_manifest
    from gliofuse.files import write_csv
    from gliofuse.radiomics.stability import second_masks
    from gliofuse.segmentation.agreement import (
        bland_altman,
        feature_agreement,
        measure_agreement,
    )

    patients = _chosen(read_manifest(cohort), only)
    others = second_masks(masks, patients.case_ids)
    with counting("comparing", len(patients)) as advance:
        found = measure_agreement(
            patients,
            others,
            regions=None if regions is None else [part.strip() for part in regions.split(",")],
            convention=labels,
            convention2=labels2,
            seed=seed,
            workers=workers,
            progress=advance,
        )
    write_csv(out / "agreement_cases.csv", found.cases)
    write_csv(out / "agreement.csv", found.summary)
    for region in found.cases["region"].unique():
        name = "".join(letter if letter.isalnum() else "_" for letter in region)
        bland_altman(found.cases, out / f"volumes_{name}.svg", region=region)
    _print(found.summary)
    _say_quality(found.cases, masks, out)
    if features is not None:
        from gliofuse.designs.framework.banks import feature_bank

        with counting("features of both masks", len(patients)) as advance:
            pair = feature_agreement(
                patients,
                others,
                feature_bank(features),
                convention=labels,
                threshold=threshold,
                workers=workers,
                progress=advance,
            )
        write_csv(out / "feature_icc.csv", pair.icc)
        typer.echo(pair.describe())
    for row in found.failures.itertuples():
        typer.echo(f"{row.case_id}: {row.error}", err=True)
    typer.echo(f"tables and pictures: {out}")
    if len(found.failures):
        raise typer.Exit(1)


def _chosen(cohort: Cohort, only: str | None) -> Cohort:
    """Return the patients whose clinical column has the value."""
    from gliofuse.cohort.case import as_words
    from gliofuse.errors import SettingError, did_you_mean

    if only is None:
        return cohort
    column, equals, value = (part.strip() for part in only.partition("="))
    columns = {name for case in cohort for name in case.clinical}
    if not equals or column not in columns:
        raise SettingError(
            f"--only {only!r}: write COLUMN=VALUE with a clinical column; "
            f"{did_you_mean(column, columns)}"
        )
    kept = [case.case_id for case in cohort if as_words(case.clinical[column]) == value]
    if not kept:
        raise SettingError(f"--only {only!r}: no patient has that value")
    return cohort.subset(kept)


def _print(summary: pd.DataFrame) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = {"dice": "Dice", "hd95_mm": "HD95, mm", "asd_mm": "ASD, mm"}
    table = Table("region", "n", *(f"{label}: mean (95 % CI), median" for label in shown.values()))
    for region, rows in summary.groupby("region", sort=False):
        own = rows.set_index("figure")
        cells = [
            "{mean:.3f} ({ci_low:.3f}-{ci_high:.3f}), {median:.3f}".format(**own.loc[name])
            for name in shown
        ]
        table.add_row(str(region), str(own.loc["dice", "n"]), *cells)
    Console().print(table)


def _say_quality(cases: pd.DataFrame, masks: Path, out: Path) -> None:
    """Say how the segmenter's own figures go with the Dice, where it has left them."""
    import pandas as pd

    from gliofuse.files import write_json
    from gliofuse.segmentation.agreement import quality_correlation

    folder = masks if masks.is_dir() else masks.parent
    places = (folder / "predictions.csv", folder.parent / "predictions.csv")
    table = next((path for path in places if path.is_file()), None)
    if table is None:
        return
    own = pd.read_csv(table, dtype={"case_id": str}).set_index("case_id")
    found = {}
    for name in ("quality", "entropy"):
        found[name] = quality_correlation(cases, pd.to_numeric(own[name], errors="coerce"))
        typer.echo(
            f"{name} against true Dice of the whole tumour: Spearman "
            f"{found[name]['spearman']:.2f}, Pearson {found[name]['pearson']:.2f} "
            f"({found[name]['n']:.0f} patients)"
        )
    write_json(out / "quality.json", found)
