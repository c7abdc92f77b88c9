"""The models' decision thresholds over the folds."""

from __future__ import annotations

from typing import Any

from gliofuse.records import THRESHOLDS
from gliofuse.report.context import Context
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return whether thresholds were learned, and each model's: lowest, median, highest."""
    table = context.table(THRESHOLDS)
    if table is None:
        return None
    rows = [
        {
            "model": name,
            "label": context.label(name),
            "low": float(values.min()),
            "median": float(values.median()),
            "high": float(values.max()),
        }
        for name in context.in_order(table["model"].unique())
        if len(values := table.loc[table["model"] == name, "threshold"].dropna())
    ]
    return {"rows": rows, "learned": context.run.threshold == "youden"}
