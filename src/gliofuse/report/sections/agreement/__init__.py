"""How alike each pair of designs classifies the held-out patients."""

from __future__ import annotations

from typing import Any

from gliofuse.records import AGREEMENT
from gliofuse.report.context import ComparisonContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import cohort_label

__all__ = ["data"]


def data(context: ComparisonContext, found: Findings) -> list[dict[str, Any]]:
    """Return a row a pair."""
    return [
        {
            "cohort": cohort_label(row["cohort"]),
            "a": context.label(row["model_a"]),
            "b": context.label(row["model_b"]),
            "agreement": row["agreement"],
            "kappa": {"estimate": row["kappa"], "low": row["ci_low"], "high": row["ci_high"]},
            "both_wrong": row["both_wrong"],
        }
        for row in records(context.table(AGREEMENT))
    ]
