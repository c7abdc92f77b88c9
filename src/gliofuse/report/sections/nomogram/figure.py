"""Nomogram of a logistic model: points, one axis a variable, total points, probability."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_nomogram", "points_scale"]

_PROBABILITIES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def points_scale(terms: list[dict[str, Any]]) -> tuple[float, list[float]]:
    """Return points per unit of the linear predictor, and each term's value at zero points.

    The term with the widest effect spans 0 to 100 points; every term has 0 points where it
    lowers the predictor most.

    Examples
    --------
    >>> points_scale([{"coefficient": -0.5, "min": 0.0, "max": 4.0, "levels": []}])
    (50.0, [4.0])
    """
    origins, widest = [], 0.0
    for term in terms:
        values = _extremes(term)
        effects = [term["coefficient"] * value for value in values]
        origins.append(values[effects.index(min(effects))])
        widest = max(widest, max(effects) - min(effects))
    return (100 / widest if widest else 1.0), origins


def _extremes(term: dict[str, Any]) -> list[float]:
    if term["levels"]:
        return [level["value"] for level in term["levels"]]
    return [term["min"], term["max"]]


def draw_nomogram(model: dict[str, Any]) -> Figure | None:
    """Draw the scales one beneath the other, as in the literature.

    Parameters
    ----------
    model : dict
        ``intercept``, ``outcome`` and ``terms`` (``label``, ``unit``, ``coefficient`` and either
        ``levels`` or ``min`` and ``max``).
    """
    terms = model["terms"]
    scale, origins = points_scale(terms)
    figure, (panel,) = new_figure(width=8.2, height=0.5 * (len(terms) + 3) + 0.6)
    rows = len(terms) + 3
    _axis(panel, rows, 0, 100, [(value, f"{value}") for value in range(0, 101, 10)], "Points")
    total = 0.0
    for place, (term, origin) in enumerate(zip(terms, origins, strict=True)):
        width = abs(term["coefficient"]) * scale * (max(_extremes(term)) - min(_extremes(term)))
        ticks = [
            (term["coefficient"] * (value - origin) * scale, text)
            for value, text in _ticks(term, width)
        ]
        unit = f" ({term['unit']})" if term["unit"] else ""
        high = max(point for point, _ in ticks)
        _axis(panel, rows - 1 - place, 0, high, ticks, f"{term['label']}{unit}", BLUE)
        total += high
    total = max(10.0, math.ceil(total / 10) * 10)
    stretch = 100 / total
    step = next(size for size in (10, 20, 25, 50, 100, 200, 500) if total / size <= 12)
    _axis(
        panel,
        2,
        0,
        100,
        [(value * stretch, f"{value:g}") for value in range(0, int(total) + 1, step)],
        "Total points",
    )
    lowest = model["intercept"] + sum(
        term["coefficient"] * origin for term, origin in zip(terms, origins, strict=True)
    )
    ticks = []
    for probability in _PROBABILITIES:
        points = (math.log(probability / (1 - probability)) - lowest) * scale * stretch
        if -1e-9 <= points <= 100 + 1e-9:
            ticks.append((points, f"{probability:g}"))
    if ticks:
        label = f"Probability of {model['outcome']}"
        _axis(panel, 1, ticks[0][0], ticks[-1][0], ticks, label)
    panel.set(xlim=(-1, 101), ylim=(0.3, rows + 0.6))
    panel.set_axis_off()
    return figure


def _ticks(term: dict[str, Any], width: float) -> list[tuple[float, str]]:
    """Return values to mark with their texts, as many as ``width`` (in points) has room for."""
    if term["levels"]:
        return [(level["value"], level["label"]) for level in term["levels"]]
    from matplotlib.ticker import MaxNLocator

    low, high = term["min"], term["max"]
    inner = [
        value
        for value in MaxNLocator(max(1, min(8, int(width / 7)))).tick_values(low, high)
        if low <= value <= high
    ]
    values = sorted({float(f"{value:.6g}") for value in inner})
    # The ends are marked too; a round number that stands too close to one gives way.
    gap = (high - low) * min(0.45, 4 / max(width, 1e-9))
    values = [value for value in values if low + gap < value < high - gap]
    values += [float(f"{low:.3g}"), float(f"{high:.3g}")]
    return [(value, f"{value:g}".replace("-", "−")) for value in sorted(values)]


def _axis(
    panel: Any,
    row: float,
    start: float,
    end: float,
    ticks: list[tuple[float, str]],
    label: str,
    colour: str = INK,
) -> None:
    panel.plot([start, end], [row, row], color=colour, linewidth=1.2)
    # Texts that would run into each other go above the line, in turn; what finds no room on
    # either side is left out, and its tick stays.
    last = {-1: -1e9, 1: -1e9}
    for position, text in sorted(ticks):
        needed = 0.75 * len(text) + 0.6
        side = next((side for side in (-1, 1) if position - needed >= last[side]), 0)
        panel.plot(
            [position, position], [row, row + 0.13 * (side or -1)], color=colour, linewidth=1
        )
        if side:
            align = "top" if side < 0 else "bottom"
            panel.text(position, row + 0.2 * side, text, ha="center", va=align, fontsize=8)
            last[side] = position + needed
    panel.text(-2.5, row, label, ha="right", va="center", fontsize=8.5, fontweight="bold")
