"""Prediction error over time, against one Kaplan-Meier curve for everybody."""

from __future__ import annotations

from typing import Any

from gliofuse.records import BRIER_CURVE
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing
from gliofuse.report.sections import Findings
from gliofuse.report.sections.brier_curve.figure import draw_brier
from gliofuse.report.sections.calibration import MOST_CURVES

__all__ = ["data", "drawings"]


def data(context: Context, found: Findings) -> list[dict[str, Any]]:
    """Return one panel a cohort."""
    table = context.table(BRIER_CURVE)
    if table is None:
        return []
    panels = []
    for cohort in context.cohorts:
        own = table[table["cohort"] == cohort].sort_values("time", kind="stable")
        curves = [
            {
                "model": model,
                "label": context.label(model),
                "time": rows["time"].tolist(),
                "brier": rows["brier"].tolist(),
            }
            for model in context.drawn(own["model"].unique(), MOST_CURVES)
            if len(rows := own[own["model"] == model].dropna(subset=["brier"]))
        ]
        null = own.dropna(subset=["kaplan_meier"]).drop_duplicates("time")
        if curves:
            panels.append(
                {
                    "cohort": cohort,
                    "label": context.cohort_label(cohort),
                    "curves": curves,
                    "null": {
                        "time": null["time"].tolist(),
                        "brier": null["kaplan_meier"].tolist(),
                    },
                }
            )
    return panels


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return the figure of the curves."""
    final = None if context.final is None else context.final.name
    caption = (
        "Brier score of the event by each time, weighted for censoring; the lower, the better. "
        "Grey: the same of one Kaplan-Meier curve for all patients; where a curve lies above it, "
        "the predictions are worse than that."
    )
    options = {"final": final, "unit": context.unit}
    return [
        Drawing("brier_curve", "Prediction error over time", draw_brier, (data,), options, caption)
    ]
