"""Every held-out patient's predicted probability, by true class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gliofuse.report.style import BLUE, GREY, INK, RED, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_probabilities"]

_BINS = 40


def draw_probabilities(
    negative: list[float],
    positive: list[float],
    *,
    names: tuple[str, str],
    threshold: float | None = None,
) -> Figure | None:
    """Draw a dot a patient, stacked where probabilities are alike; ``threshold`` is a line."""
    if not negative and not positive:
        return None
    figure, (panel,) = new_figure(width=6.6, height=2.5)
    for row, (values, colour, marker) in enumerate(((negative, RED, "s"), (positive, BLUE, "o"))):
        x, y = _stacked(values)
        panel.plot(
            x,
            [row + offset for offset in y],
            linestyle="none",
            marker=marker,
            markersize=3.6,
            color=colour,
            alpha=0.75,
            markeredgewidth=0,
        )
        if values:
            middle = sorted(values)[len(values) // 2]
            panel.plot([middle, middle], [row - 0.42, row + 0.42], color=INK, linewidth=1.4)
    if threshold is not None:
        panel.axvline(threshold, color=GREY, linewidth=1, linestyle=(0, (4, 2)))
    labels = [f"{name}\n(n = {len(values)})" for name, values in zip(names, (negative, positive))]
    panel.set_yticks([0, 1], labels)
    panel.tick_params(axis="y", length=0)
    panel.set(xlim=(-0.01, 1.01), ylim=(-0.5, 1.5), xlabel="predicted probability (positive class)")
    tidy(panel, grid="x")
    return figure


def _stacked(values: list[float]) -> tuple[list[float], list[float]]:
    """Place dots of one bin above and below the row's middle, in turn."""
    columns: dict[int, list[float]] = {}
    for value in sorted(values):
        columns.setdefault(min(_BINS - 1, int(value * _BINS)), []).append(value)
    highest = max((len(column) for column in columns.values()), default=1)
    step = min(0.09, 0.8 / highest)
    x, y = [], []
    for column in columns.values():
        for place, value in enumerate(column):
            x.append(value)
            y.append((place - (len(column) - 1) / 2) * step)
    return x, y
