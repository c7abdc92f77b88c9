"""Decision curves: net benefit against the threshold probability."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, GREY, INK, new_figure, other_style, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_decision"]


def draw_decision(panels: list[dict[str, Any]], *, final: str | None) -> Figure | None:
    """Draw one panel a cohort: the models, treat all and treat none."""
    panels = [panel for panel in panels if panel["curves"]]
    if not panels:
        return None
    figure, axes = new_figure(1, len(panels), width=4.6, height=3.9)
    for axis, panel in zip(axes, panels, strict=True):
        highest, others = 0.05, 0
        for curve in panel["curves"]:
            if not curve["threshold"]:
                continue
            if curve["reference"]:
                none = "none" in curve["model"].lower()
                colour, line, width = (INK if none else GREY), "-", (1.0 if none else 1.4)
            elif curve["model"] == final:
                colour, line, width = BLUE, "-", 2.6
            else:
                (colour, line), width = other_style(others), 1.3
                others += 1
            axis.plot(
                curve["threshold"],
                curve["net_benefit"],
                color=colour,
                linestyle=line,
                linewidth=width,
                label=curve["label"],
            )
            if curve["model"] == final and curve["low"]:
                band = (curve["threshold"], curve["low"], curve["high"])
                axis.fill_between(*band, color=colour, alpha=0.13, linewidth=0)
            highest = max(highest, *curve["net_benefit"])
        # Treating all falls without bound; below a small loss nothing is of interest.
        axis.set_ylim(-0.15 * highest, 1.08 * highest)
        axis.set(xlim=(0, 1), xlabel="threshold probability", ylabel="net benefit (per patient)")
        axis.legend(loc="upper left", bbox_to_anchor=(-0.1, -0.17), ncols=2)
        if len(panels) > 1 or "horizon" in panel:
            axis.set_title(panel["horizon"] if "horizon" in panel else panel["label"])
        tidy(axis, grid="both")
    return figure
