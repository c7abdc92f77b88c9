"""``gliofuse init-study``: a study file to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gliofuse.cli import app

__all__ = ["init_study"]


@app.command()
def init_study(
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write.")] = Path("study.yaml"),
    design: Annotated[str, typer.Option(help="One of `gliofuse designs`.")] = "rdl",
    cohort: Annotated[Path, typer.Option(help="Manifest, as seen from the study file.")] = Path(
        "cohort.csv"
    ),
    endpoint: Annotated[str, typer.Option(help="What to predict.")] = "grade >= 3",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a study file that is there.")
    ] = False,
) -> None:
    """Write a study file with every key, its default and its meaning.

    \b
    Examples
      gliofuse init-study -o study.yaml
      gliofuse init-study -o os.yaml --design risk-signature --endpoint "os_days, died"
      gliofuse run study.yaml -o runs/first
    """
    from gliofuse.cohort import parse_endpoint
    from gliofuse.designs import find_design
    from gliofuse.files import check_output, write_text
    from gliofuse.study.template import study_template

    find_design(design).check_endpoint(parse_endpoint(endpoint))
    check_output(out, inputs=(cohort,), overwrite=overwrite)
    text = study_template(file=out.name, cohort=str(cohort), endpoint=endpoint, design=design)
    write_text(out, text)
    typer.echo(f"study file: {out}; start it with `gliofuse run {out}`")
