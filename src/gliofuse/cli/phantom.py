"""``gliofuse phantom``: a synthetic cohort to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gliofuse.cli import app

__all__ = ["phantom"]


@app.command()
def phantom(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to fill.")],
    cases: Annotated[int, typer.Option(help="Patients.")] = 48,
    seed: Annotated[int, typer.Option(help="Of everything.")] = 0,
    shape: Annotated[
        str, typer.Option(help="Voxels z,y,x; the field of view stays the same.")
    ] = "96,112,96",
    effect: Annotated[
        float, typer.Option(help="Strength of the outcomes' tie to the images; 0 is none.")
    ] = 1.0,
    effect_sequence: Annotated[
        str, typer.Option(help="Sequences that alone show it: t1, t1ce, t2, flair or all.")
    ] = "all",
    effect_region: Annotated[
        str, typer.Option(help="Parts that alone show it: necrosis, edema, enhancing or all.")
    ] = "all",
    shuffle_labels: Annotated[
        bool, typer.Option("--shuffle-labels", help="Deal the outcomes out anew: no tie left.")
    ] = False,
    workers: Annotated[int, typer.Option(help="Processes; -1 takes every core.")] = -1,
) -> None:
    """Make a synthetic cohort of gliomas with a known truth.

    Writes one folder a patient (t1, t1ce, t2, flair and mask as .nii.gz), clinical.csv, the
    manifest cohort.csv and truth.json, and prints the best AUC that any model can reach.

    \b
    Examples
      gliofuse phantom data --cases 48
      gliofuse phantom data --effect 3 --effect-sequence t1ce
      gliofuse phantom data --shuffle-labels
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from gliofuse.phantom import make_phantom

    voxels = _voxels(shape)
    console = Console()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("patients", total=cases)
        truth = make_phantom(
            out,
            cases=cases,
            seed=seed,
            shape=voxels,
            effect=effect,
            effect_sequence=effect_sequence,
            effect_region=effect_region,
            shuffle_labels=shuffle_labels,
            workers=workers,
            progress=lambda done: bar.update(task, completed=done),
        )
    ceiling = truth.ceiling["grade >= 3"]
    here = ceiling["empirical"]
    console.print(f"{cases} patients: {truth.manifest}", soft_wrap=True, highlight=False)
    console.print(
        f"best possible AUC for grade >= 3: {ceiling['theoretical']:.3f} in the long run"
        + (f", {here:.3f} on these patients" if here is not None else ""),
        soft_wrap=True,
        highlight=False,
    )


def _voxels(text: str) -> tuple[int, int, int]:
    from gliofuse.errors import InputError

    try:
        z, y, x = (int(word) for word in text.split(","))
    except ValueError:
        raise InputError(f"--shape must be three whole numbers z,y,x, got {text!r}") from None
    return z, y, x
