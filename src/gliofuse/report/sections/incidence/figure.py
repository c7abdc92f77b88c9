"""Cumulative incidence curves: a colour a group, a line style a cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, LINES, PALETTE, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_incidence"]


def draw_incidence(curves: list[dict[str, Any]], *, unit: str) -> Figure | None:
    """Draw a step curve a group and cause."""
    curves = [curve for curve in curves if curve["time"]]
    if not curves:
        return None
    figure, (panel,) = new_figure(width=5.6, height=3.8)
    colours = (BLUE, *PALETTE)
    groups = list(dict.fromkeys(curve["group"] for curve in curves))
    causes = list(dict.fromkeys(curve["cause"] for curve in curves))
    for curve in curves:
        colour = colours[groups.index(curve["group"]) % len(colours)]
        line = LINES[causes.index(curve["cause"]) % len(LINES)]
        panel.step(
            curve["time"],
            curve["incidence"],
            where="post",
            color=colour,
            linestyle=line,
            linewidth=1.8,
            label=curve["label"],
        )
        if curve["low"]:
            band = (curve["time"], curve["low"], curve["high"])
            panel.fill_between(*band, step="post", color=colour, alpha=0.1, linewidth=0)
    longest = max(curve["time"][-1] for curve in curves)
    panel.set(xlim=(0, longest), ylim=(0, 1.02), xlabel=f"time ({unit})",
              ylabel="cumulative incidence")  # fmt: skip
    panel.legend(loc="upper left", bbox_to_anchor=(-0.05, -0.16), ncols=2)
    tidy(panel, grid="y")
    return figure
