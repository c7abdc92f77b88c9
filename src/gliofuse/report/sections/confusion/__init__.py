"""Confusion matrices of every model at its threshold."""

from __future__ import annotations

from typing import Any

from gliofuse.records import CONFUSION
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.confusion.figure import draw_confusion
from gliofuse.report.wording import signs

__all__ = ["class_names", "data", "drawings"]

_LONGEST_NAME = 16  # letters that fit an axis
_COUNTS = ("true_negative", "false_positive", "false_negative", "true_positive")


def data(context: Context, found: Findings) -> list[dict[str, Any]] | None:
    """Return for each cohort the counts of every model."""
    table = context.table(CONFUSION)
    if table is None:
        return None
    cohorts = []
    for cohort in context.cohorts:
        own = {row["model"]: row for row in records(table[table["cohort"] == cohort])}
        matrices = [
            {
                "model": name,
                "label": context.label(name),
                **{count: own[name][count] or 0 for count in _COUNTS},
            }
            for name in context.in_order(own)
        ]
        if matrices:
            label = context.cohort_label(cohort)
            cohorts.append({"cohort": cohort, "label": label, "matrices": matrices})
    return cohorts


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return a figure for each cohort."""
    negative, positive = class_names(context)
    caption = (
        "Patients, and their share of the true class. Positive: "
        f"{signs(context.run.endpoint_text)}. Blue: right; orange: wrong."
    )
    return [
        Drawing(
            f"confusion_{file_name(cohort['cohort'])}",
            f"Confusion matrices, {cohort['label'].lower()}",
            draw_confusion,
            (cohort["matrices"],),
            {"negative": negative, "positive": positive},
            caption + context.pooled_note([cohort["cohort"]]),
        )
        for cohort in data
    ]


def class_names(context: Context) -> tuple[str, str]:
    """Return short names of the negative and the positive class for axes."""
    rule = signs(context.run.endpoint_text)
    if len(rule) <= _LONGEST_NAME:
        return "rest", rule
    negative, positive = (label for _, label, _ in context.classes)
    return negative, positive
