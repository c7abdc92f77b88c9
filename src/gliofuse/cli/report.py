"""``gliofuse report``: draw the report of a finished run or comparison again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gliofuse.cli import app

__all__ = ["report"]


@app.command()
def report(
    run_folder: Annotated[
        Path,
        typer.Argument(
            metavar="RUN_FOLDER", help="A folder that `gliofuse run` or `gliofuse compare` wrote."
        ),
    ],
) -> None:
    """Draw a finished run's report.html and figures/*.svg again, from its tables alone."""
    from gliofuse.report import write_comparison_report, write_report

    comparison = (run_folder / "compare.json").is_file()
    path = write_comparison_report(run_folder) if comparison else write_report(run_folder)
    typer.echo(f"report: {path}")
