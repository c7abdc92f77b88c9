"""What imaging adds to the clinical variables, in the main figure of merit and net benefit."""

from __future__ import annotations

from typing import Any

from gliofuse.records import ADDED_BENEFIT
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any]:
    """Return the comparison of the final model with the clinical one; none says why."""
    clinical = next((one.name for one in context.models if one.kind == "clinical"), None)
    if clinical is None or context.final is None:
        return {"clinical": None, "final": None, "cohorts": []}
    cohorts = [
        {
            "label": context.cohort_label(cohort),
            "headline": context.difference(cohort, context.final.name, clinical),
            "benefit": _benefit(context, cohort),
        }
        for cohort in context.cohorts
    ]
    return {
        "clinical": context.label(clinical),
        "final": context.label(context.final.name),
        "cohorts": [one for one in cohorts if one["headline"] or one["benefit"]],
    }


def _difference(estimate: Any, low: Any, high: Any) -> dict[str, Any]:
    return {"estimate": estimate, "low": low, "high": high}


def _horizon(context: RunContext, row: dict[str, Any]) -> str:
    time = row.get("horizon")
    return "" if time is None else f", {context.horizon_label(time)}"


def _benefit(context: RunContext, cohort: str) -> list[dict[str, Any]]:
    table = context.table(ADDED_BENEFIT)
    if table is None:
        return []
    return [
        {
            "threshold": row["threshold"],
            "horizon": _horizon(context, row),
            "final": row["net_benefit"],
            "clinical": row["net_benefit_against"],
            "difference": _difference(row["difference"], row["ci_low"], row["ci_high"]),
        }
        for row in records(table[table["cohort"] == cohort])
    ]
