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
    pdf: Annotated[
        bool, typer.Option("--pdf", help="The page as PDF too (needs Chromium or Chrome).")
    ] = False,
) -> None:
    """Draw a finished run's report.html and figures/*.svg again, from its tables alone.

    \b
    Example
      gliofuse report runs/first --pdf
    """
    from gliofuse.report import write_comparison_report, write_report

    comparison = (run_folder / "compare.json").is_file()
    path = write_comparison_report(run_folder) if comparison else write_report(run_folder)
    typer.echo(f"report: {path}")
    if pdf:
        from gliofuse.report.pdf import print_pdf

        typer.echo(f"PDF: {print_pdf(path)}")
