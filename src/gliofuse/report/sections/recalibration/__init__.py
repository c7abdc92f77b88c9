"""What recalibrating a handed-on model would bring on these patients."""

from __future__ import annotations

from typing import Any

from gliofuse.records import RECALIBRATION
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return a row a way of recalibrating, of the final model."""
    table = context.table(RECALIBRATION)
    if table is None or table.empty:
        return None
    rows = records(table)
    best = min(rows, key=lambda row: row["brier"])
    return {"rows": rows, "label": context.label(rows[0]["model"]), "best": best["how"]}
