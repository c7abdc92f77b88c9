"""What the designs cost: seconds by stage, and the peak of memory."""

from __future__ import annotations

from typing import Any

from gliofuse.records import COMPARISON_TIMING
from gliofuse.report.context import ComparisonContext
from gliofuse.report.plain import plain
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: ComparisonContext, found: Findings) -> dict[str, Any] | None:
    """Return a row a design; memory in MB where it was measured."""
    table = context.table(COMPARISON_TIMING)
    if table is None:
        return None
    stages = list(dict.fromkeys(table["stage"]))
    rows = []
    for design, own in table.groupby("design", sort=False):
        sums = own.groupby("stage")["seconds"].sum()
        rows.append(
            {
                "label": context.label(str(design)),
                "seconds": [plain(sums.get(stage)) for stage in stages],
                "total": float(sums.sum()),
                "peak_mb": plain(own["peak_mb"].max()),
            }
        )
    return {"stages": stages, "rows": rows, "has_memory": any(row["peak_mb"] for row in rows)}
