"""Confusion matrices, one small square a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import draw_counts, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_confusion"]


def draw_confusion(
    matrices: list[dict[str, Any]], *, negative: str, positive: str
) -> Figure | None:
    """Draw each model's counts, shaded by their share of the true class.

    Parameters
    ----------
    matrices : list of dict
        ``label``, ``true_negative``, ``false_positive``, ``false_negative``, ``true_positive``.
    negative, positive : str
        Names of the classes.
    """
    if not matrices:
        return None
    columns = min(4, len(matrices))
    rows = -(-len(matrices) // columns)
    figure, axes = new_figure(rows, columns, panels=len(matrices), width=2.3, height=2.35)
    for panel, matrix in zip(axes, matrices, strict=True):
        counts = [
            [matrix["true_negative"], matrix["false_positive"]],
            [matrix["false_negative"], matrix["true_positive"]],
        ]
        draw_counts(panel, counts, [negative, positive])
        panel.set_title(matrix["label"])
    return figure
