"""Limitations that the figures of merit show."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.sections.overview import headline
from gliofuse.report.wording import format_number, within

__all__ = ["below_chance", "intervals", "overtaken"]

Limit = dict[str, str]
_WIDE_INTERVAL = 0.15
_CHANCE = 0.5  # of an AUC, and of a mean of AUCs


def _metric(context: RunContext) -> str:
    return within(context.metric_label(context.headline))


def intervals(context: RunContext, found: Findings) -> list[Limit]:
    """Say that the main figure is not above chance, or that its interval is wide."""
    head = headline(context)
    if head is None or head["low"] is None or head["high"] is None:
        return []
    limits = []
    if head["low"] <= _CHANCE:
        limits.append(
            {
                "title": "Not shown to be better than chance",
                "text": f"The interval of the final model's {_metric(context)}, {head['text']}, "
                f"{'lies below' if head['high'] < _CHANCE else 'holds'} 0.5.",
            }
        )
    width = head["high"] - head["low"]
    if width > _WIDE_INTERVAL:
        limits.append(
            {
                "title": "Wide confidence interval",
                "text": f"The final model's {_metric(context)} lies between "
                f"{format_number(head['low'], 2)} and {format_number(head['high'], 2)} with 95 % "
                f"confidence: a width of {format_number(width, 2)}.",
            }
        )
    return limits


def _primary_rows(context: RunContext, found: Findings) -> list[dict[str, Any]]:
    """Return the models' main figures on the patients that matter most."""
    metric = context.headline
    return [
        {"label": row["label"], "final": row["final"], **row["cells"][metric]}
        for cohort in found["performance"]["cohorts"]
        if cohort["cohort"] == context.primary
        for row in cohort["rows"]
        if metric in row["cells"]
    ]


def below_chance(context: RunContext, found: Findings) -> Limit | None:
    """Say what a figure below chance means in a cross-validation of few patients."""
    names = [
        row["label"]
        for row in _primary_rows(context, found)
        if row["high"] is not None and row["high"] < _CHANCE
    ]
    if not names or not (context.resamples or context.split.kind == "kfold"):
        return None
    return {
        "title": "Below chance is no finding",
        "text": f"The interval of {', '.join(names)} lies below 0.5. In cross-validation of few "
        "patients that is mostly chance, and the variation between training sets: it is no "
        "reversed effect.",
    }


def overtaken(context: RunContext, found: Findings) -> Limit | None:
    """Name the models that did better than the final one on the same patients."""
    rows = [row for row in _primary_rows(context, found) if row["estimate"] is not None]
    own = next((row["estimate"] for row in rows if row["final"]), None)
    if own is None:
        return None
    better = [
        f"{row['label']} ({format_number(row['estimate'], 2)})"
        for row in rows
        if row["estimate"] > own
    ]
    if not better:
        return None
    return {
        "title": "The final model is not the best here",
        "text": f"On the same patients a higher {_metric(context)} than the final model's "
        f"({format_number(own, 2)}) was reached by: {', '.join(better)}. Whether by more than "
        "chance is told by the tests beside them.",
    }
