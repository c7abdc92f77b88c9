"""How alike each pair of designs classifies the held-out patients."""

from __future__ import annotations

from typing import Any

from gliofuse.records import AGREEMENT
from gliofuse.report.context import ComparisonContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: ComparisonContext, found: Findings) -> dict[str, Any] | None:
    """Return a row a pair, and whether risks were ranked."""
    rows = [
        {
            "cohort": context.cohort_label(row["cohort"]),
            "a": context.label(row["model_a"]),
            "b": context.label(row["model_b"]),
            "agreement": row["agreement"],
            "kappa": {"estimate": row["kappa"], "low": row["ci_low"], "high": row["ci_high"]},
            "both_wrong": row["both_wrong"],
            "spearman": {
                "estimate": row.get("spearman"),
                "low": row.get("spearman_low"),
                "high": row.get("spearman_high"),
            },
            "kendall": row.get("kendall"),
        }
        for row in records(context.table(AGREEMENT))
    ]
    if not rows:
        return None
    return {"rows": rows, "ranked": any(row["spearman"]["estimate"] is not None for row in rows)}
