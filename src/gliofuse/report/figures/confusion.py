"""Confusion matrices, one small square a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.figures.style import INK, new_figure

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
    figure, axes = new_figure(rows, columns, width=2.3, height=2.35)
    for panel, matrix in zip(axes, matrices, strict=False):
        _draw_matrix(panel, matrix, negative, positive)
    for panel in axes[len(matrices) :]:
        panel.set_axis_off()
    return figure


def _draw_matrix(panel: Any, matrix: dict[str, Any], negative: str, positive: str) -> None:
    from matplotlib.patches import Rectangle

    counts = (
        (matrix["true_negative"], matrix["false_positive"]),
        (matrix["false_negative"], matrix["true_positive"]),
    )
    for row, cells in enumerate(counts):
        total = sum(cells)
        for column, count in enumerate(cells):
            share = count / total if total else 0.0
            # Right decisions are blue, wrong ones orange; the number says it again.
            shade = (0.0, 0.447, 0.698) if row == column else (0.835, 0.369, 0.0)
            colour = tuple(1 - share * 0.75 * (1 - channel) for channel in shade)
            panel.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white"))
            panel.text(
                column + 0.5,
                row + 0.5,
                f"{count:g}\n{share:.0%}",
                ha="center",
                va="center",
                color="white" if share > 0.75 else INK,
                fontsize=10,
            )
    panel.set(xlim=(0, 2), ylim=(2, 0), aspect="equal")
    panel.set_xticks([0.5, 1.5], [negative, positive])
    panel.set_yticks([0.5, 1.5], [negative, positive], rotation=90, va="center")
    panel.tick_params(length=0)
    panel.set_xlabel("predicted")
    panel.set_ylabel("true")
    panel.set_title(matrix["label"])
    for spine in panel.spines.values():
        spine.set_visible(False)
