"""Training curves of the networks: loss and validation AUC by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gliofuse.report.style import BLUE, RED, new_figure, tidy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_training", "has_auc"]

_MOST_PANELS = 12


def draw_training(curves: list[dict[str, Any]]) -> Figure | None:
    """Draw a panel a network; its folds are thin lines of one colour.

    Parameters
    ----------
    curves : list of dict
        ``label``, ``epoch``, ``loss``, ``validation_loss`` and ``validation_auc`` (may be empty).
    """
    networks: dict[str, list[dict[str, Any]]] = {}
    for curve in curves:
        if curve["epoch"]:
            networks.setdefault(curve["label"], []).append(curve)
    networks = dict(list(networks.items())[:_MOST_PANELS])
    if not networks:
        return None
    columns = min(3, len(networks))
    rows = -(-len(networks) // columns)
    figure, axes = new_figure(rows, columns, panels=len(networks), width=3.7, height=2.7)
    for panel, (label, folds) in zip(axes, networks.items(), strict=True):
        for fold in folds:
            _line(panel, fold["epoch"], fold["loss"], RED, (0, (4, 1.5)))
        if has_auc(folds):
            _draw_auc(panel.twinx(), folds)
        panel.set_title(label)
        panel.set_xlabel("epoch")
        panel.set_ylabel("training loss (dashed)", color=RED)
        tidy(panel, grid="x")
    return figure


def has_auc(curves: list[dict[str, Any]]) -> bool:
    """Return whether any network was watched on validation patients of both classes."""
    return any(value is not None for curve in curves for value in curve["validation_auc"])


def _draw_auc(right: Any, folds: list[dict[str, Any]]) -> None:
    for fold in folds:
        _line(right, fold["epoch"], fold["validation_auc"], BLUE, "-")
    right.set_ylabel("validation AUC", color=BLUE)
    right.set_ylim(0, 1.02)
    right.spines["right"].set_visible(True)


def _line(
    panel: Any, epochs: list[float], values: list[float | None], colour: str, line: Any
) -> None:
    pairs = [pair for pair in zip(epochs, values, strict=True) if None not in pair]
    if pairs:
        x, y = zip(*pairs, strict=True)
        marker = "o" if len(pairs) < 3 else None
        panel.plot(x, y, color=colour, linestyle=line, linewidth=1.2, marker=marker, markersize=3)
