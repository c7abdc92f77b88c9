"""Nomogram: points, one axis a variable, total points, probability or survival by horizon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gliofuse.evaluation import NomogramPoints, nomogram_points
from gliofuse.records import Nomogram, NomogramTerm
from gliofuse.report.style import BLUE, INK, RED, new_figure
from gliofuse.report.wording import each_horizon

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_nomogram"]

_BELOW, _ABOVE = -1, 1
#: Where a tick stands, its text, and on which side of the line (0: where there is room).
_Tick = tuple[float, str, int]


def draw_nomogram(model: Nomogram, patient: Mapping[str, float] | None = None) -> Figure | None:
    """Draw the scales one beneath the other, as in the literature.

    Parameters
    ----------
    model : Nomogram
    patient : mapping of str to float, optional
        A patient's points by variable, which are marked, and so is their sum.
    """
    scale = nomogram_points(model)
    lower = scale.marks()
    rows = len(model.terms) + 2 + len(lower)
    figure, (panel,) = new_figure(width=8.2, height=0.5 * rows + 0.6)
    _axis(panel, rows, [(float(value), f"{value}", 0) for value in range(0, 101, 10)], "Points")
    for place, term in enumerate(model.terms):
        unit = f" ({term.unit})" if term.unit else ""
        ticks = _ticks(scale, term)
        _axis(panel, rows - 1 - place, ticks, f"{term.label}{unit}", BLUE)
    total = max(10.0, math.ceil(scale.highest_total / 10) * 10)
    stretch = 100 / total
    step = next(size for size in (10, 20, 25, 50, 100, 200, 500) if total / size <= 12)
    marks = [(value * stretch, f"{value:g}", 0) for value in range(0, int(total) + 1, step)]
    _axis(panel, len(lower) + 1, marks, "Total points")
    for place, (horizon, found) in enumerate(lower.items()):
        label = (
            f"{each_horizon(horizon)} survival" if horizon else f"Probability of {model.outcome}"
        )
        if found:
            ticks = [(points * stretch, f"{share:g}", 0) for points, share in found]
            _axis(panel, len(lower) - place, ticks, label)
    if patient is not None:
        for place, term in enumerate(model.terms):
            _mark(panel, patient[term.name], rows - 1 - place)
        summed = sum(patient.values()) * stretch
        _mark(panel, summed, len(lower) + 1)
        if lower:
            panel.plot(
                [summed, summed], [1, len(lower) + 1], color=RED, linewidth=0.9, linestyle=":"
            )
    panel.set(xlim=(-1, 101), ylim=(0.3, rows + 0.6))
    panel.set_axis_off()
    return figure


def _mark(panel: Any, points: float, row: float) -> None:
    """Mark where a patient stands; beyond an axis at its end, as an arrow."""
    place = min(max(points, 0.0), 100.0)
    marker = "D" if place == points else ("<" if points < 0 else ">")
    panel.plot([place], [row], marker=marker, color=RED, markersize=6, zorder=5, clip_on=False)


def _ticks(scale: NomogramPoints, term: NomogramTerm) -> list[_Tick]:
    """Return the values to mark, as many as the axis has room for.

    Where a spline turns, its values run back along the axis: those are written above the line.
    """
    if term.levels:
        return [(scale.points_of(term, level), level, 0) for level in term.levels]
    from matplotlib.ticker import MaxNLocator

    low, high = term.range
    width = scale.per_unit * (scale.most[term.name] - scale.least[term.name])
    inner = [
        value
        for value in MaxNLocator(max(1, min(8, int(width / 7)))).tick_values(low, high)
        if low <= value <= high
    ]
    values = sorted({float(f"{value:.6g}") for value in inner})
    # The ends are marked too; a round number that stands too close to one gives way.
    gap = (high - low) * min(0.45, 4 / max(width, 1e-9))
    values = [value for value in values if low + gap < value < high - gap]
    values = sorted([*values, float(f"{low:.3g}"), float(f"{high:.3g}")])
    points = [scale.points_of(term, value) for value in values]
    return [
        (place, f"{value:g}".replace("-", "−"), _side(scale, term, value))
        for value, place in zip(values, points, strict=True)
    ]


def _side(scale: NomogramPoints, term: NomogramTerm, value: float) -> int:
    if not term.knots:
        return 0
    step = (term.range[1] - term.range[0]) / 1000
    rising = scale.points_of(term, value + step) >= scale.points_of(term, value - step)
    return _BELOW if rising else _ABOVE


def _axis(panel: Any, row: float, ticks: list[_Tick], label: str, colour: str = INK) -> None:
    places = [place for place, _, _ in ticks]
    panel.plot([min(0.0, *places), max(places)], [row, row], color=colour, linewidth=1.2)
    # Texts that would run into each other go above the line, in turn; what finds no room on
    # either side is left out, and its tick stays.
    last = {_BELOW: -1e9, _ABOVE: -1e9}
    for position, text, wanted in sorted(ticks):
        needed = 0.75 * len(text) + 0.6
        sides = (wanted,) if wanted else (_BELOW, _ABOVE)
        side = next((side for side in sides if position - needed >= last[side]), 0)
        height = 0.13 * (side or wanted or _BELOW)
        panel.plot([position, position], [row, row + height], color=colour, linewidth=1)
        if side:
            align = "top" if side < 0 else "bottom"
            panel.text(position, row + 0.2 * side, text, ha="center", va=align, fontsize=8)
            last[side] = position + needed
    panel.text(-2.5, row, label, ha="right", va="center", fontsize=8.5, fontweight="bold")
