"""Forest plot of hazard ratios on a logarithmic scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, GREY, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_hazard_ratios"]

_FARTHEST = 1000.0  # beyond this an axis shows nothing else


def draw_hazard_ratios(rows: list[dict[str, Any]]) -> Figure | None:
    """Draw a row a term: ``label``, ``estimate``, ``low``, ``high``."""
    rows = [row for row in rows if row["estimate"] is not None and row["estimate"] > 0]
    if not rows:
        return None
    figure, (panel,) = new_figure(width=5.8, height=0.9 + 0.3 * len(rows))
    panel.axvline(1, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)))
    panel.set_xscale("log")
    ends = [value for row in rows for value in _ends(row)]
    low, high = min([0.5, *ends]) / 1.15, max([2.0, *ends]) * 1.15
    for place, row in enumerate(rows):
        if row["low"] is not None and row["high"] is not None:
            bounds = [max(row["low"], low), min(row["high"], high)]
            panel.plot(bounds, [place, place], color=BLUE, linewidth=1.6, solid_capstyle="butt")
        panel.plot(
            min(max(row["estimate"], low), high), place, marker="s", color=BLUE, markersize=6
        )
    panel.set(xlim=(low, high), ylim=(len(rows) - 0.4, -0.6), xlabel="hazard ratio, 95 % CI")
    panel.set_yticks(range(len(rows)), [row["label"] for row in rows])
    panel.tick_params(axis="y", length=0)
    _plain_ticks(panel, low, high)
    tidy(panel, grid="x")
    return figure


def _ends(row: dict[str, Any]) -> list[float]:
    values = [row["estimate"], row["low"], row["high"]]
    return [min(max(value, 1 / _FARTHEST), _FARTHEST) for value in values if value is not None]


def _plain_ticks(panel: Any, low: float, high: float) -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    steps = (1, 2, 5) if high / low < 200 else (1,)
    ticks = [step * 10.0**power for power in range(-4, 5) for step in steps]
    ticks = [tick for tick in ticks if low <= tick <= high]
    panel.xaxis.set_major_locator(FixedLocator(ticks))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xticklabels([f"{tick:g}" for tick in ticks])
