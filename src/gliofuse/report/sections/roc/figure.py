"""ROC curves of one cohort's models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, GREY, new_figure, other_style, panels_of, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_roc"]

_CURVES_A_PANEL = 5


def draw_roc(curves: list[dict[str, Any]], *, final: str | None) -> Figure | None:
    """Draw the curves; the final model stands in every panel, the others share the panels out.

    Parameters
    ----------
    curves : list of dict
        ``model``, ``label``, ``auc_text`` (AUC with interval), ``false_positive_rate`` and
        ``true_positive_rate`` of equal length, each from 0 to 1; optionally ``low`` and ``high``,
        a band of the true positive rate.
    final : str or None
        The model that is drawn boldly.
    """
    if not curves:
        return None
    best = [curve for curve in curves if curve["model"] == final]
    others = [curve for curve in curves if curve["model"] != final]
    groups = panels_of(others, _CURVES_A_PANEL) if others else [[]]
    columns = min(len(groups), 3)
    rows = -(-len(groups) // columns)
    figure, axes = new_figure(rows, columns, panels=len(groups), width=3.7, height=4.5)
    for panel, group in zip(axes, groups, strict=True):
        panel.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
        for index, curve in enumerate(group):
            _draw_curve(panel, curve, *other_style(index))
        for curve in best:
            _draw_curve(panel, curve, BLUE, "-", bold=True)
        panel.set(
            xlim=(-0.01, 1.01),
            ylim=(-0.01, 1.01),
            aspect="equal",
            xlabel="1 − specificity (false positive rate)",
            ylabel="Sensitivity (true positive rate)",
        )
        tidy(panel, grid="both")
        handles, labels = panel.get_legend_handles_labels()
        panel.legend(
            handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(-0.12, -0.16), ncols=1
        )
    return figure


def _draw_curve(
    panel: Any, curve: dict[str, Any], colour: str, line: Any, *, bold: bool = False
) -> None:
    width = 2.6 if bold else 1.3
    x, y = curve["false_positive_rate"], curve["true_positive_rate"]
    label = f"{curve['label']}: {curve['auc_text']}"
    panel.plot(x, y, color=colour, linestyle=line, linewidth=width, label=label)
    if bold and curve.get("low") and curve.get("high"):
        panel.fill_between(x, curve["low"], curve["high"], color=colour, alpha=0.13, linewidth=0)
