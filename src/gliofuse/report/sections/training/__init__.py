"""Training curves of the networks, and what the training cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from gliofuse.records import CURVES
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing
from gliofuse.report.plain import plain
from gliofuse.report.sections import Findings
from gliofuse.report.sections.training.figure import draw_training, has_auc

__all__ = ["data", "drawings"]


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return each network's curves by fold, and its cost over the folds."""
    table = context.table(CURVES)
    if table is None:
        return None
    curves = [
        _curve(context.label(model), str(fold), rows)
        for model in context.in_order(table["model"].unique())
        for fold, rows in table[table["model"] == model].groupby("fold", sort=False)
    ]
    return {"curves": curves, "networks": _cost(curves)}


def drawings(data: dict[str, Any], context: Context) -> list[Drawing]:
    """Return the figure of the curves."""
    curves = data["curves"]
    caption = [
        "A line a fold." if len({curve["fold"] for curve in curves}) > 1 else "",
        "The epoch with the best validation AUC is kept."
        if has_auc(curves)
        else ""
        if context.kind.outcome is not None
        else "No validation patients of both classes were put aside, so there is no validation "
        "AUC to choose an epoch by.",
    ]
    words = " ".join(filter(None, caption))
    return [Drawing("training", "Training curves", draw_training, (curves,), {}, words)]


def _curve(label: str, fold: str, rows: pd.DataFrame) -> dict[str, Any]:
    def column(name: str) -> list[float | None]:
        return [plain(value) for value in rows[name]] if name in rows else []

    return {
        "label": label,
        "fold": fold,
        "epoch": column("epoch"),
        "loss": column("training_loss"),
        "validation_loss": column("validation_loss"),
        "validation_auc": column("validation_auc"),
        "seconds": column("seconds"),
        "peak_mb": column("memory_mb"),
    }


def _cost(curves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each network's epochs, seconds an epoch and peak memory, over its folds."""
    by_label: dict[str, list[dict[str, Any]]] = {}
    for curve in curves:
        by_label.setdefault(curve["label"], []).append(curve)
    return [
        {
            "label": label,
            "folds": len(own),
            "epochs": max(len(curve["epoch"]) for curve in own),
            "seconds": _mean(value for curve in own for value in curve["seconds"]),
            "peak_mb": max(
                (value for curve in own for value in curve["peak_mb"] if value is not None),
                default=None,
            ),
        }
        for label, own in by_label.items()
    ]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
