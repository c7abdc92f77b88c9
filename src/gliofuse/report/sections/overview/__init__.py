"""The head of the page: the main result, and what to beware of."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import RunContext
from gliofuse.report.plain import interval
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_interval

__all__ = ["data"]

_CAUTIONS = 5
_OTHERS = 3


def data(context: RunContext, found: Findings) -> dict[str, Any]:
    """Return the final model's main figure and the gravest limitations."""
    limits = found["limitations"] or []
    return {
        "headline": headline(context),
        "cautions": [entry["title"] for entry in limits[:_CAUTIONS]],
    }


def headline(context: RunContext) -> dict[str, Any] | None:
    """Return the final model's figure on the patients that matter most, with the paper's value."""
    metric, cohort, final = context.headline, context.primary, context.run.final
    found = context.metric(cohort, final.name, metric)
    if found is None or cohort is None:
        return None
    _, *others = context.evaluation.summary_metrics
    return {
        **interval(found),
        "model": final.name,
        "label": final.label,
        "metric": metric,
        "metric_label": context.metric_label(metric),
        "cohort": cohort,
        "cohort_label": context.cohort_label(cohort),
        "text": _text(found),
        "patients": context.patients_line(cohort),
        "paper": context.paper_value(cohort, final.name, metric),
        "paper_cohort": context.paper_cohort(cohort),
        "others": [
            {"label": context.metric_label(name), "text": _text(row)}
            for name in others[:_OTHERS]
            if (row := context.metric(cohort, final.name, name))
        ],
    }


def _text(row: dict[str, Any]) -> str:
    return format_interval(row["estimate"], row.get("ci_low"), row.get("ci_high"), 2)
