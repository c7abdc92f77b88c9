"""Confusion matrices of several classes."""

from __future__ import annotations

from typing import Any

from gliofuse.records import CLASS_CONFUSION
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.class_confusion.figure import draw_class_confusion

__all__ = ["data", "drawings"]


def data(context: Context, found: Findings) -> list[dict[str, Any]] | None:
    """Return for each cohort every model's counts, rows true and columns called."""
    table = context.table(CLASS_CONFUSION)
    if table is None:
        return None
    names = [value for value, _, _ in context.classes]
    cohorts = []
    for cohort in context.cohorts:
        own = table[table["cohort"] == cohort]
        counts = {
            (row["model"], row["y_true"], row["called"]): int(row["n"]) for row in records(own)
        }
        matrices = [
            {
                "model": model,
                "label": context.label(model),
                "counts": [
                    [counts.get((model, true, called), 0) for called in names] for true in names
                ],
            }
            for model in context.in_order(own["model"].unique())
        ]
        if matrices:
            cohorts.append({"cohort": cohort, "matrices": matrices})
    return cohorts


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return a figure for each cohort."""
    labels = [label for _, label, _ in context.classes]
    return [
        Drawing(
            f"confusion_{file_name(cohort['cohort'])}",
            f"Confusion matrices, {context.cohort_label(cohort['cohort']).lower()}",
            draw_class_confusion,
            (cohort["matrices"], labels),
            {},
            "Patients, and their share of the true class; a patient is called the class of the "
            "largest probability. Blue: right; orange: wrong.",
        )
        for cohort in data
    ]
