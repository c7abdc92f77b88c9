"""Brier score against time, with that of the Kaplan-Meier curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, GREY, new_figure, other_style, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_brier"]


def draw_brier(panels: list[dict[str, Any]], *, final: str | None, unit: str) -> Figure | None:
    """Draw one panel a cohort.

    Parameters
    ----------
    panels : list of dict
        ``label``, ``curves`` (``model``, ``label``, ``time``, ``brier``) and ``null`` (``time``,
        ``brier``).
    """
    if not panels:
        return None
    figure, axes = new_figure(1, len(panels), width=4.8, height=3.7)
    for axis, panel in zip(axes, panels, strict=True):
        null, others = panel["null"], 0
        axis.step(
            null["time"], null["brier"], where="post", color=GREY, linewidth=1.6,
            label="Kaplan-Meier for all",
        )  # fmt: skip
        highest = max([0.05, *null["brier"]])
        for curve in panel["curves"]:
            chosen = curve["model"] == final
            colour, line = (BLUE, "-") if chosen else other_style(others)
            others += not chosen
            axis.step(
                curve["time"],
                curve["brier"],
                where="post",
                color=colour,
                linestyle=line,
                linewidth=2.3 if chosen else 1.2,
                label=curve["label"],
            )
            highest = max(highest, *curve["brier"])
        longest = max(max(curve["time"]) for curve in panel["curves"])
        axis.set(
            xlim=(0, longest), ylim=(0, 1.06 * highest), xlabel=f"time ({unit})",
            ylabel="Brier score",
        )  # fmt: skip
        axis.legend(loc="upper left", bbox_to_anchor=(-0.1, -0.17), ncols=2)
        if len(panels) > 1:
            axis.set_title(panel["label"])
        tidy(axis, grid="both")
    return figure
