"""``gliofuse figures`` and ``gliofuse tables``: what a paper takes from a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gliofuse.cli import app

__all__ = ["figures", "tables"]

_RUN = typer.Argument(
    metavar="RUN_FOLDER", help="A folder that `gliofuse run` or `gliofuse compare` wrote."
)
_OVERWRITE = typer.Option("--overwrite", help="Replace files that this command did not write.")


@app.command()
def figures(
    run_folder: Annotated[Path, _RUN],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the figures.")],
    formats: Annotated[
        str, typer.Option("--format", help="png, pdf, tiff, svg; several separated by commas.")
    ] = "pdf,png",
    dpi: Annotated[int, typer.Option(help="Dots an inch of PNG and TIFF.")] = 300,
    width_mm: Annotated[
        float, typer.Option(help="Width; 85 is one column of many journals, 174 are two.")
    ] = 85.0,
    only: Annotated[
        str, typer.Option(help="Names of figures, separated by commas; by default all.")
    ] = "",
    overwrite: Annotated[bool, _OVERWRITE] = False,
) -> None:
    """Draw a finished run's figures again for a journal, from its tables alone.

    Text keeps at least 6 points; a figure that could not be read at the width is drawn wider, and
    that is said. Colours are told apart with any colour vision. captions.md has the captions.

    \b
    Examples
      gliofuse figures runs/first -o figures
      gliofuse figures runs/first --format tiff --dpi 600 --width-mm 174 -o figures
      gliofuse figures runs/first --only roc_test,calibration -o figures
    """
    from gliofuse.report.figures import export_figures

    done, problems = export_figures(
        run_folder,
        out,
        formats=_listed(formats),
        dpi=dpi,
        width_mm=width_mm,
        only=_listed(only),
        overwrite=overwrite,
    )
    for one in done:
        wider = "" if one.width_mm == width_mm else f"  ({one.width_mm:.0f} mm: too full for less)"
        typer.echo(f"{one.name}: {', '.join(path.name for path in one.paths)}{wider}")
    for line in problems:
        typer.echo(line, err=True)
    typer.echo(f"figures: {out}")
    if problems:
        raise typer.Exit(1)


@app.command()
def tables(
    run_folder: Annotated[Path, _RUN],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder of the tables.")],
    formats: Annotated[
        str, typer.Option("--format", help="csv, latex, docx; several separated by commas.")
    ] = "csv",
    overwrite: Annotated[bool, _OVERWRITE] = False,
) -> None:
    """Write a report's tables for a paper, in the page's words and decimals.

    Of a run a methods paragraph is written too, each sentence true of this run (methods.md), and
    its references (references.bib). tables.md has the captions. docx needs the extra 'tables'.

    \b
    Examples
      gliofuse tables runs/first -o tables
      gliofuse tables runs/first --format csv,latex,docx -o tables
    """
    from gliofuse.report.tables import export_tables

    written = export_tables(run_folder, out, formats=_listed(formats), overwrite=overwrite)
    for path in written:
        typer.echo(path.name)
    typer.echo(f"tables: {out}")


def _listed(text: str) -> list[str]:
    return [part for part in (one.strip() for one in text.split(",")) if part]
