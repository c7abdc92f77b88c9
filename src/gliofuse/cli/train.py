"""``gliofuse train``: one network on one cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gliofuse.cli import app
from gliofuse.deep.networks.registry import NETWORKS

if TYPE_CHECKING:
    from rich.console import Console

    from gliofuse.study.runner import RunResult

__all__ = ["train"]


@app.command()
def train(
    network: Annotated[
        str,
        typer.Option(
            help="; ".join(
                f"{', '.join(n.name for n in NETWORKS.values() if n.input == kind)} ({kind})"
                for kind in ("slices", "patches")
            )
            + "."
        ),
    ],
    cohort: Annotated[Path, typer.Option(help="Manifest, cohort.csv.")],
    endpoint: Annotated[str, typer.Option(help='For example "grade >= 3" or "atrx_mutated == 1".')],
    out: Annotated[Path, typer.Option("-o", "--out", help="Run folder.")],
    sequences: Annotated[
        str | None, typer.Option(help="For example t1,t1ce,flair; by default those most have.")
    ] = None,
    preset: Annotated[
        str, typer.Option(help="paper, or quick for two cores: images and training.")
    ] = "quick",
    validation_fraction: Annotated[
        float, typer.Option(help="Share of the patients that chooses the epoch; 0 keeps the last.")
    ] = 0.25,
    folds: Annotated[
        int | None, typer.Option(help="k-fold cross-validation: a network a fold, an honest AUC.")
    ] = None,
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
    workers: Annotated[
        int, typer.Option(help="Processes for cutting images and, with --folds, for networks.")
    ] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of cut images to share between trainings.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Go on in a folder that holds another study.")
    ] = False,
) -> None:
    """Train a network on a cohort, with curves, predictions and Grad-CAM figures.

    Nobody is held out: the validation patients choose the epoch, so their AUC is a little too
    good. Ask for --folds to have an honest one. A training that was stopped goes on from its last
    checkpoint when the same command is given again.

    The folder is that of a run of the design single-network, with its report. The network lies in
    folds/all/networks/NAME (with --folds in each fold's folder); Python reads it with
    gliofuse.deep.training.load_trained.

    \b
    Examples
      gliofuse train --network csg-densenet121 --cohort cohort.csv --endpoint "grade >= 3" \\
          --sequences t1,t1ce,flair -o nets/csg
      gliofuse train --network shape-resnet50 --preset paper --weights imagenet \\
          --cohort cohort.csv --endpoint "grade >= 3" -o nets/shape
      gliofuse train --network se-resnet18-3d --cohort cohort.csv --endpoint "idh == mutant" \\
          --set epochs=30 --set batch_size=4 -o nets/se
    """
    from gliofuse.cli.progress import TerminalProgress, console
    from gliofuse.cli.run import command_line, print_summary
    from gliofuse.report import write_report
    from gliofuse.study.options import parse_setting, study_from_options
    from gliofuse.study.runner import run_study

    study = study_from_options(
        design="single-network",
        cohort=cohort,
        endpoint=endpoint,
        preset=preset,
        settings={
            "network": network,
            "training": dict(map(parse_setting, setting or [])),
            "weights": weights,
        },
        sequences=sequences,
        labels=labels,
        survival=survival,
        split=None if folds else "none",
        folds=folds,
        validation_fraction=validation_fraction,
        seed=seed,
        explain=explain,
        workers=workers,
        cache=cache,
    )
    result = run_study(study, out, progress=TerminalProgress(), command=command_line(), force=force)
    report = write_report(out)
    print_summary(result.metrics, study.endpoint, console)
    _print_networks_and_patients(result, network, console)
    console.print(f"report: {report}", soft_wrap=True, highlight=False)
    if len(result.failed_cases):
        raise typer.Exit(1)


def _print_networks_and_patients(result: RunResult, network: str, console: Console) -> None:
    """Print where each fold's network lies and where its epoch came from; then who is missing."""
    from gliofuse.deep.training import load_trained
    from gliofuse.records import EXCLUDED, FAILED_CASES, FOLDS, HEAT_SHARES, NOTES, RunFolder
    from gliofuse.report.wording import plural

    run = RunFolder(result.folder)
    for fold in run.need(FOLDS)["fold"].unique():
        folder = run.fold(fold).networks / network
        text = f"{folder}: kept {load_trained(folder).selection}"
        console.print(text, highlight=False, soft_wrap=True)
    shares = run.read(HEAT_SHARES, model=network)
    if shares is not None:
        warm = shares["heat_inside"].dropna()  # in the others nothing speaks for the class
        text = f"Grad-CAM of {plural(len(shares), 'patient')}, {len(warm)} with heat"
        if len(warm):
            area = shares["area_inside"][warm.index].mean()
            text += f": {warm.mean():.0%} of it in the tumour, which is {area:.0%} of the area"
        console.print(text, highlight=False, soft_wrap=True)
    for file, what in (
        (EXCLUDED, "left out"),
        (FAILED_CASES, "failed"),
        (NOTES, "with a remark on their images"),
    ):
        table = run.read(file)
        if table is not None and len(table):
            console.print(
                f"[yellow]{plural(table['case_id'].nunique(), 'patient')} {what}:[/] "
                f"{run.place(file)}",
                highlight=False,
                soft_wrap=True,
            )
