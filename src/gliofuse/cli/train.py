"""``gliofuse train``: one network on one cohort."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gliofuse.cli import app

if TYPE_CHECKING:
    from gliofuse.deep.training.cohort import CohortTraining
    from gliofuse.deep.training.progress import TrainingProgress

__all__ = ["train"]


@app.command()
def train(
    network: Annotated[
        str,
        typer.Option(
            help="densenet121, csg-densenet121, shape-resnet50, resnet50, resnet34, dual-resnet18 "
            "(slices); se-resnet18-3d, resnet18-3d, resnet50-3d (patches)."
        ),
    ],
    cohort: Annotated[Path, typer.Option(help="Manifest, cohort.csv.")],
    endpoint: Annotated[str, typer.Option(help='For example "grade >= 3" or "atrx_mutated == 1".')],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")],
    sequences: Annotated[
        str | None, typer.Option(help="For example t1,t1ce,flair; by default those most have.")
    ] = None,
    preset: Annotated[str, typer.Option(help="paper, or quick for two cores.")] = "quick",
    validation_fraction: Annotated[
        float, typer.Option(help="Share of the patients that chooses the epoch; 0 keeps the last.")
    ] = 0.25,
    survival: Annotated[
        str | None, typer.Option(help='For dual-resnet18: time and event, "os_days, died".')
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="State dict in torchvision's layout, or imagenet.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A training setting, KEY=VALUE; repeatable."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Masks: brats, brats2023, binary; by default what fits.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of split, weights, order, augmentation.")] = 0,
    explain: Annotated[int, typer.Option(help="Patients to draw Grad-CAM figures of.")] = 4,
    workers: Annotated[int, typer.Option(help="Processes for cutting images.")] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of cut images to share between trainings.")
    ] = None,
) -> None:
    """Train a network on a cohort, with curves, predictions and Grad-CAM figures.

    Validation patients choose the epoch, so their AUC is a little too good; for an honest one run
    a design in cross-validation (gliofuse run). A training that was stopped goes on from its last
    checkpoint when the same command is given again.

    \b
    Examples
      gliofuse train --network csg-densenet121 --cohort cohort.csv --endpoint "grade >= 3" \\
          --sequences t1,t1ce,flair -o nets/csg
      gliofuse train --network shape-resnet50 --preset paper --weights imagenet \\
          --cohort cohort.csv --endpoint "grade >= 3" -o nets/shape
      gliofuse train --network se-resnet18-3d --cohort cohort.csv --endpoint "idh == mutant" \\
          --set epochs=30 --set batch_size=4 -o nets/se
    """
    from gliofuse.cli.progress import console, counting
    from gliofuse.cohort import BinaryEndpoint, SurvivalEndpoint, parse_endpoint, read_manifest
    from gliofuse.deep.training.cohort import explain_patients, train_on_cohort
    from gliofuse.errors import SettingError

    target = parse_endpoint(endpoint)
    if not isinstance(target, BinaryEndpoint):
        raise SettingError(f'--endpoint: needs two classes, like "grade >= 3"; got {endpoint!r}')
    times = None if survival is None else parse_endpoint(survival)
    if times is not None and not isinstance(times, SurvivalEndpoint):
        raise SettingError(f'--survival: needs time and event, "os_days, died"; got {survival!r}')
    with _training_bar() as progress:
        result = train_on_cohort(
            read_manifest(cohort),
            target,
            network=network,
            sequences=None if sequences is None else _names(sequences),
            preset=preset,
            changes=_settings(setting or []),
            validation_fraction=validation_fraction,
            survival=times,
            weights=weights,
            convention=labels,
            seed=seed,
            directory=out,
            cache=cache,
            workers=workers,
            counter=counting,
            progress=progress,
        )
    if explain:
        with counting("Grad-CAM", 1) as advance:
            shares = explain_patients(result, out / "gradcam", patients=explain)
            advance(1)
        inside = shares["heat_inside"].mean()
        console.print(
            f"Grad-CAM of {len(shares)} patients: {inside:.0%} of the heat in the tumour, "
            f"which is {shares['area_inside'].mean():.0%} of the area",
            highlight=False,
            soft_wrap=True,
        )
    _summarise(result, out, console)


def _summarise(result: CohortTraining, out: Path, console: Any) -> None:
    from gliofuse.evaluation import auc_delong

    console.print(f"kept {result.trained.selection}", highlight=False, soft_wrap=True)
    for cohort, group in result.predictions.groupby("cohort", sort=False):
        positive = int(group["y_true"].sum())
        text = f"{cohort}: {len(group)} patients, {positive} positive"
        if 0 < positive < len(group):
            auc = auc_delong(group["y_true"], group["probability"])
            text += f", AUC {auc.estimate:.3f} ({auc.ci_low:.3f}-{auc.ci_high:.3f})"
        if cohort == "validation":
            text += ", which chose the epoch"
        console.print(text, highlight=False, soft_wrap=True)
    for table, what in (
        (result.excluded, "left out (excluded.csv)"),
        (result.failures, "failed (failed_cases.csv)"),
        (result.notes, "with a remark on their images (notes.csv)"),
    ):
        if len(table):
            console.print(
                f"[yellow]{len(table)} patients {what}[/]", highlight=False, soft_wrap=True
            )
    console.print(f"written to {out}", soft_wrap=True, highlight=False)
    if len(result.failures):
        raise typer.Exit(1)


@contextmanager
def _training_bar() -> Iterator[Callable[[TrainingProgress], None]]:
    """Draw a bar over all batches, with the losses and AUCs of the last epoch."""
    from gliofuse.cli.progress import bars

    drawn = bars()
    task: Any = None

    def advance(report: TrainingProgress) -> None:
        nonlocal task
        if task is None:  # the stages before have bars of their own
            drawn.start()
            task = drawn.add_task("training", total=1, unit="batches")
        figures = f"epoch {report.epoch}/{report.epochs} loss {report.loss:.3f}"
        if report.validation_auc == report.validation_auc:
            figures += f" validation AUC {report.validation_auc:.3f}"
        elif report.training_auc == report.training_auc:
            figures += f" training AUC {report.training_auc:.3f}"
        drawn.update(
            task,
            description=figures,
            total=report.epochs * report.batches,
            completed=(report.epoch - 1) * report.batches + report.batch,
        )

    try:
        yield advance
    finally:
        drawn.stop()


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _settings(pairs: list[str]) -> dict[str, Any]:
    import yaml

    from gliofuse.errors import SettingError

    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SettingError(f"--set {pair!r}: write KEY=VALUE, for example --set epochs=30")
        found[key.strip()] = yaml.safe_load(value)
    return found
