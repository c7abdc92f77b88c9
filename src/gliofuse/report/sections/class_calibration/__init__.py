"""Calibration of each class against the rest."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import CALIBRATION, CALIBRATION_SUMMARY
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.sections import Findings
from gliofuse.report.sections.calibration import MOST_CURVES, calibration_curve, summary_rows
from gliofuse.report.sections.calibration.figure import draw_calibration
from gliofuse.report.sections.limitations.calibration import answer

__all__ = ["data", "drawings"]

_NOTHING: dict[str, list[float]] = {"negative": [], "positive": []}


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return for each cohort a panel a class, and calibration in numbers."""
    table, summary = context.table(CALIBRATION), context.table(CALIBRATION_SUMMARY)
    if table is None and summary is None:
        return None
    numbers = summary_rows(context, summary)
    return {
        "cohorts": [] if table is None else _cohorts(context, table),
        "answer": answer(context, numbers),
        **numbers,
    }


def _cohorts(context: Context, table: pd.DataFrame) -> list[dict[str, Any]]:
    cohorts = []
    for cohort in context.cohorts:
        own = table[table["cohort"] == cohort]
        panels = []
        for value, label, _ in context.classes:
            of_class = own[own["class"] == value]
            curves = [
                {
                    "model": model,
                    "label": context.label(model),
                    **calibration_curve(of_class[of_class["model"] == model]),
                }
                for model in context.drawn(of_class["model"].unique(), MOST_CURVES)
            ]
            if curves:
                panels.append({"label": label, "curves": curves, "probabilities": _NOTHING})
        if panels:
            cohorts.append({"cohort": cohort, "panels": panels})
    return cohorts


def drawings(data: dict[str, Any], context: Context) -> list[Drawing]:
    """Return a figure for each cohort, a panel a class."""
    final = None if context.final is None else context.final.name
    return [
        Drawing(
            f"calibration_{file_name(entry['cohort'])}",
            f"Calibration of each class, {context.cohort_label(entry['cohort']).lower()}",
            draw_calibration,
            (entry["panels"],),
            {"final": final},
            "On the dashed line the predicted probability of the class is its observed share.",
        )
        for entry in data["cohorts"]
    ]
