"""``gliofuse export``: a finished study's model for new patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gliofuse.cli import app

__all__ = ["export"]


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="Run folder of a finished study.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the model.")],
    fold: Annotated[
        str | None,
        typer.Option(help="Hand on this fold's fit; by default all patients are fitted anew."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model that stands there.")
    ] = False,
) -> None:
    """Write a study's model for new patients, with a card that says what it is.

    The design is fitted on every patient who was not kept for external validation; its features
    are found in the study's cache. The folder holds no code and no patient: estimators, network
    weights, settings, a checksum a file.

    \b
    Examples
      gliofuse export runs/first -o model
      gliofuse export runs/first -o model --fold fold1
    """
    from gliofuse.cli.progress import TerminalProgress
    from gliofuse.study.export import export_run

    export_run(run, out, fold=fold, overwrite=overwrite, progress=TerminalProgress())
    typer.echo(f"model: {out}; its card: {out / 'card.md'}")
    typer.echo(f"next:  gliofuse predict {out} --help")
