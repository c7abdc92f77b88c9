"""Confusion matrices of several classes, one square a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import draw_counts, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_class_confusion"]


def draw_class_confusion(matrices: list[dict[str, Any]], classes: list[str]) -> Figure | None:
    """Draw each model's counts, shaded by their share of the true class.

    Parameters
    ----------
    matrices : list of dict
        ``label`` and ``counts``, rows true and columns called.
    classes : list of str
        In the order of rows and columns.
    """
    if not matrices:
        return None
    columns = min(3, len(matrices))
    rows = -(-len(matrices) // columns)
    side = 1.1 + 0.62 * len(classes)
    figure, axes = new_figure(rows, columns, panels=len(matrices), width=side, height=side + 0.1)
    for panel, matrix in zip(axes, matrices, strict=True):
        draw_counts(panel, matrix["counts"], classes)
        panel.set_title(matrix["label"])
    return figure
