"""ROC curves of each class against the rest, of one model a figure."""

from __future__ import annotations

from typing import Any

from gliofuse.records import ROC
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.class_auc import class_metrics
from gliofuse.report.sections.roc import auc_text, roc_curve
from gliofuse.report.sections.roc.figure import draw_roc

__all__ = ["data", "drawings"]


def data(context: Context, found: Findings) -> list[dict[str, Any]] | None:
    """Return for each cohort the curves of the final model, or of every design."""
    table = context.table(ROC)
    if table is None:
        return None
    figures = []
    for cohort in context.cohorts:
        areas = {
            (row["model"], row["class"]): row
            for row in records(class_metrics(context, cohort))
            if row["metric"] == "auc"
        }
        own = table[table["cohort"] == cohort]
        for model in context.in_order(own["model"].unique()):
            if context.final is not None and not context.is_final(model):
                continue
            curves = [
                {
                    "model": value,
                    "label": label,
                    "auc_text": auc_text(areas.get((model, value))),
                    **roc_curve(rows),
                }
                for value, label, _ in context.classes
                if len(rows := own[(own["model"] == model) & (own["class"] == value)])
            ]
            if curves:
                figures.append({"cohort": cohort, "model": model, "curves": curves})
    return figures


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return a figure for each cohort, and each design of a comparison."""
    return [
        Drawing(
            f"roc_{file_name(entry['cohort'])}"
            + ("" if context.final else f"_{file_name(entry['model'])}"),
            f"ROC curves of {context.label(entry['model'])}, each class against the rest, "
            f"{context.cohort_label(entry['cohort']).lower()}",
            draw_roc,
            (entry["curves"],),
            {"final": None},
            "In brackets: 95 % confidence interval of the AUC."
            + context.pooled_note([entry["cohort"]], area=True),
        )
        for entry in data
    ]
