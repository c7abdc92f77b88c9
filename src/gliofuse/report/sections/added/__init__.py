"""What imaging adds to the clinical variables: differences of AUC and of net benefit."""

from __future__ import annotations

from typing import Any

from gliofuse.records import ADDED_BENEFIT, DELONG
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
            "auc": _auc(context, cohort, context.final.name, clinical),
            "benefit": _benefit(context, cohort),
        }
        for cohort in context.cohorts
    ]
    return {
        "clinical": context.label(clinical),
        "final": context.label(context.final.name),
        "cohorts": [one for one in cohorts if one["auc"] or one["benefit"]],
    }


def _auc(context: RunContext, cohort: str, final: str, clinical: str) -> dict[str, Any] | None:
    """Return the difference final minus clinical, whichever stands first in the table of tests."""
    table = context.table(DELONG)
    if table is None:
        return None
    for row in records(table[table["cohort"] == cohort]):
        pair = (row["model_a"], row["model_b"])
        if pair == (final, clinical):
            return _difference(row["difference"], row["ci_low"], row["ci_high"])
        if pair == (clinical, final):
            turned = (row["difference"], row["ci_high"], row["ci_low"])
            return _difference(*(None if value is None else -value for value in turned))
    return None


def _difference(estimate: Any, low: Any, high: Any) -> dict[str, Any]:
    return {"estimate": estimate, "low": low, "high": high}


def _benefit(context: RunContext, cohort: str) -> list[dict[str, Any]]:
    table = context.table(ADDED_BENEFIT)
    if table is None:
        return []
    return [
        {
            "threshold": row["threshold"],
            "final": row["net_benefit"],
            "clinical": row["net_benefit_against"],
            "difference": _difference(row["difference"], row["ci_low"], row["ci_high"]),
        }
        for row in records(table[table["cohort"] == cohort])
    ]
