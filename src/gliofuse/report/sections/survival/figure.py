"""Kaplan-Meier curves with the numbers at risk beneath."""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, LINES, PALETTE, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_survival"]

_DAYS_A_YEAR = 365.25
_STEPS = (0.25, 0.5, 1, 2, 5, 6, 10, 12, 20, 24, 50, 100, 200, 250, 500, 1000, 2000, 5000)


def draw_survival(
    groups: list[dict[str, Any]],
    *,
    p_text: str | None = None,
    unit: str = "years",
    scale: float = _DAYS_A_YEAR,
) -> Figure | None:
    """Draw a step curve a group over time, with its band and the patients still at risk.

    Parameters
    ----------
    groups : list of dict
        ``label``, ``time``, ``survival``, ``low``, ``high``, ``at_risk``.
    p_text : str or None
        The log-rank test, written into the panel.
    unit : str
        Of the axis.
    scale : float
        How many of the groups' times make one of it.
    """
    from matplotlib.figure import Figure

    groups = [group for group in groups if group["time"]]
    if not groups:
        return None
    with_risk = any(group["at_risk"] for group in groups)
    heights = [3.4, 0.25 + 0.24 * len(groups)] if with_risk else [3.4]
    figure = Figure(figsize=(5.6, sum(heights) + 0.4), layout="constrained")
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights, sharex=True)
    top = axes[0, 0]
    colours = (BLUE, *PALETTE)
    for place, group in enumerate(groups):
        times = [time / scale for time in group["time"]]
        colour = colours[place % len(colours)]
        top.step(
            times,
            group["survival"],
            where="post",
            color=colour,
            linestyle=LINES[place % len(LINES)],
            linewidth=1.9,
            label=group["label"],
        )
        if group["low"] and group["high"]:
            top.fill_between(
                times,
                group["low"],
                group["high"],
                step="post",
                color=colour,
                alpha=0.13,
                linewidth=0,
            )
    longest = max(group["time"][-1] for group in groups) / scale
    top.set(xlim=(0, longest * 1.02 or 1), ylim=(0, 1.03), ylabel="survival probability")
    top.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=len(groups))
    if p_text:
        top.text(0.03, 0.06, p_text, transform=top.transAxes)
    tidy(top, grid="y")
    if with_risk:
        _draw_at_risk(axes[1, 0], groups, longest, colours, unit, scale)
    else:
        top.set_xlabel(f"time ({unit})")
    return figure


def _draw_at_risk(
    panel: Any,
    groups: list[dict[str, Any]],
    longest: float,
    colours: tuple[str, ...],
    unit: str,
    scale: float,
) -> None:
    step = next((size for size in _STEPS if longest / size <= 8), 10000)
    ticks = [step * place for place in range(int(longest / step) + 1)]
    for row, group in enumerate(groups):
        for tick in ticks:
            number = _at_risk(group, tick * scale)
            if number is not None:
                panel.text(tick, row, f"{number:g}", ha="center", va="center", fontsize=8)
    panel.set_xticks(ticks)
    panel.set_yticks(range(len(groups)), [group["label"] for group in groups])
    for row, label in enumerate(panel.get_yticklabels()):
        label.set_color(colours[row % len(colours)])
    panel.set(ylim=(len(groups) - 0.4, -0.8), xlabel=f"time ({unit})")
    panel.set_title("Number at risk", loc="left", fontsize=8)
    panel.tick_params(axis="y", length=0, pad=14)
    for spine in ("left", "bottom"):
        panel.spines[spine].set_visible(spine == "bottom")


def _at_risk(group: dict[str, Any], time: float) -> float | None:
    """The number at risk just before ``time``: that of the first table row at or after it."""
    if not group["at_risk"]:
        return None
    place = bisect.bisect_left(group["time"], time)
    return 0 if place >= len(group["at_risk"]) else group["at_risk"][place]
