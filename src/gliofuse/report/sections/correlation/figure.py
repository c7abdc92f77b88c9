"""Correlation matrix of the selected features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gliofuse.report.style import INK, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_correlation"]

_WITH_NUMBERS = 14
_WITH_LABELS = 40


def draw_correlation(labels: list[str], values: list[list[float | None]]) -> Figure | None:
    """Draw the matrix from red (−1) over white to blue (+1), with numbers where they fit."""
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    count = len(labels)
    if count < 2:
        return None
    matrix = np.array(
        [[np.nan if value is None else value for value in row] for row in values], dtype=float
    )
    size = min(7.5, max(3.2, 0.34 * count + 1.2))
    figure, (panel,) = new_figure(width=size + 2.4, height=size)
    colours = LinearSegmentedColormap.from_list("signed", ["#D55E00", "#ffffff", "#0072B2"])
    mesh = panel.pcolormesh(
        matrix, cmap=colours, vmin=-1, vmax=1, edgecolors="white", linewidth=0.6
    )
    panel.set(xlim=(0, count), ylim=(count, 0), aspect="equal")
    numbers = [str(place + 1) for place in range(count)]
    if count <= _WITH_LABELS:
        panel.set_yticks(
            [place + 0.5 for place in range(count)],
            [f"{_shorten(label)}  {number}" for label, number in zip(labels, numbers, strict=True)],
            fontsize=7,
        )
        panel.set_xticks([place + 0.5 for place in range(count)], numbers, fontsize=7)
    else:
        panel.set_xlabel("features, in the order of the table")
    if count <= _WITH_NUMBERS:
        for row in range(count):
            for column in range(count):
                value = matrix[row, column]
                if np.isfinite(value):
                    panel.text(
                        column + 0.5,
                        row + 0.5,
                        _short_number(value),
                        ha="center",
                        va="center",
                        fontsize=6.5,
                        color="white" if abs(value) > 0.75 else INK,
                    )
    panel.tick_params(length=0)
    for spine in panel.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(mesh, ax=panel, shrink=0.7, label="correlation coefficient")
    bar.outline.set_visible(False)
    # Without edges of their own colour, the steps of the scale are drawn with gaps between them.
    bar.solids.set_edgecolor("face")  # type: ignore[union-attr]
    return figure


def _short_number(value: float) -> str:
    text = f"{abs(value):.2f}".removeprefix("0")
    return f"−{text}" if value < 0 and text != ".00" else text


def _shorten(text: str) -> str:
    return text if len(text) <= 64 else f"{text[:30]}…{text[-33:]}"
