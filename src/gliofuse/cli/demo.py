"""``gliofuse demo``: a synthetic cohort, and the designs on it, to a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gliofuse.cli import app

__all__ = ["demo"]

# Fewer epochs and smaller slices than preset quick, so that a demonstration takes minutes.
_SETTINGS = (
    "rdl.epochs=5",
    "deep-radiomics.epochs=8",
    "shape-resnet.epochs=5",
    "shape-resnet.slice_size=64",
    "imaging-clinical.allow_random=true",
)


@app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="Folder of the demo.")] = Path("runs/demo"),
    cases: Annotated[int, typer.Option(help="Synthetic patients.")] = 48,
    designs: Annotated[
        str, typer.Option(help="Designs to compare, separated by commas; one runs alone.")
    ] = "rdl,deep-radiomics,shape-resnet,imaging-clinical",
) -> None:
    """Make a synthetic cohort and compare the designs on it (preset quick, fewer epochs).

    The patients are made up: their figures show that the software runs, and nothing else.

    \b
    Examples
      gliofuse demo
      gliofuse demo runs/demo-rdl --designs rdl
    """
    from gliofuse.cli.compare import compare
    from gliofuse.cli.progress import console
    from gliofuse.phantom import make_phantom

    data = out / "phantom"
    if not (data / "cohort.csv").exists():
        console.print(f"making {cases} synthetic patients in {data}")
        truth = make_phantom(data, cases=cases, seed=0)
        console.print(f"known ceiling of the AUC on them: {truth.ceiling_auc:.3f}")
    compare(
        study_files=None,
        out=out,
        designs=designs,
        cohort=data / "cohort.csv",
        endpoint="grade >= 3",
        preset="quick",
        covariates="age_years,sex",
        split="holdout",
        seed=0,
        setting=[pair for pair in _SETTINGS if pair.partition(".")[0] in designs.split(",")],
    )
