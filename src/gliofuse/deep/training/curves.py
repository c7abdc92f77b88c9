"""Training curves as a table and a figure."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gliofuse.files import atomic_path, write_csv

__all__ = ["draw_curves", "write_curves"]


def write_curves(folder: str | Path, curves: pd.DataFrame, best_epoch: int) -> None:
    """Write ``curves.csv`` and ``curves.svg``."""
    write_csv(Path(folder) / "curves.csv", curves)
    if len(curves):
        draw_curves(Path(folder) / "curves.svg", curves, best_epoch)


def draw_curves(path: Path, curves: pd.DataFrame, best_epoch: int) -> None:
    """Draw loss and patient-level AUC against the epoch; the kept epoch is marked."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "gliofuse", "font.size": 9}):
        figure = Figure(figsize=(8, 3.2), layout="constrained")
        for axes, kind, title in zip(
            figure.subplots(1, 2), ("loss", "auc"), ("Loss", "AUC of patients")
        ):
            for part, colour in (("training", "#0072B2"), ("validation", "#D55E00")):
                column = curves[f"{part}_{kind}"]
                if column.notna().any():
                    axes.plot(curves["epoch"], column, ".-", color=colour, label=part)
            axes.axvline(best_epoch, color="0.6", lw=1, ls="--", label=f"kept: epoch {best_epoch}")
            axes.set(xlabel="epoch", title=title)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.spines[["top", "right"]].set_visible(False)
            if kind == "auc":
                axes.set_ylim(-0.02, 1.02)
                axes.axhline(0.5, color="0.85", lw=1, zorder=0)
                axes.legend(frameon=False, loc="lower right")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})
