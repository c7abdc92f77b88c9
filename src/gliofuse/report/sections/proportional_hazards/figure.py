"""Scaled Schoenfeld residuals against time, a panel a term."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gliofuse.report.style import BLUE, GREY, INK, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_schoenfeld"]

_COLUMNS = 3
_FEWEST = 10  # events below which a smooth line would be drawn through noise


def draw_schoenfeld(panels: list[dict[str, Any]], *, unit: str) -> Figure | None:
    """Draw a panel a term: ``label``, ``time``, ``residual``, ``coefficient``."""
    if not panels:
        return None
    columns = min(_COLUMNS, len(panels))
    figure, axes = new_figure(
        -(-len(panels) // columns), columns, panels=len(panels), width=3.2, height=2.6
    )
    for axis, panel in zip(axes, panels, strict=True):
        time, residual = np.array(panel["time"]), np.array(panel["residual"])
        axis.plot(time, residual, "o", color=GREY, markersize=3, alpha=0.6, markeredgewidth=0)
        if panel["coefficient"] is not None:
            axis.axhline(panel["coefficient"], color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
        if time.size >= _FEWEST and np.ptp(time) > 0:
            at = np.linspace(time.min(), time.max(), 60)
            axis.plot(at, _smooth(time, residual, at), color=BLUE, linewidth=2)
        low, high = np.quantile(residual, (0.01, 0.99))
        room = 0.08 * (high - low) or 1.0
        axis.set(title=panel["label"], xlabel=f"time ({unit})", ylabel="log hazard ratio")
        axis.set_ylim(low - room, high + room)
        tidy(axis, grid="y")
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    return figure


def _smooth(time: np.ndarray, residual: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return a local line over the nearest three quarters of the events, of tricube weights."""
    count = max(5, int(0.75 * time.size))
    fitted = np.empty(at.size)
    for place, here in enumerate(at):
        distance = np.abs(time - here)
        reach = max(np.partition(distance, count - 1)[count - 1], 1e-12)
        weight = np.clip(1 - (distance / (1.0001 * reach)) ** 3, 0, None) ** 3
        design = np.column_stack([np.ones(time.size), time - here]) * np.sqrt(weight)[:, None]
        fitted[place] = np.linalg.lstsq(design, residual * np.sqrt(weight), rcond=None)[0][0]
    return fitted
