"""All figures that the publication reports, as its own table."""

from __future__ import annotations

from typing import Any

from gliofuse.records import PAPER_RESULTS
from gliofuse.report.context import Context
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_number

__all__ = ["data"]


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return the publication's table, its columns in its own order."""
    table = context.table(PAPER_RESULTS)
    if table is None:
        return None
    metrics = context.wished_metrics
    values = {(row["cohort"], row["model"], row["metric"]): row["value"] for row in records(table)}
    pairs = dict.fromkeys(zip(table["cohort"], table["model"], strict=True))
    return {
        "metrics": metrics,
        "rows": [
            {
                "cohort": cohort,
                "label": context.label(model),
                "values": [format_number(values.get((cohort, model, name))) for name in metrics],
            }
            for cohort, model in pairs
        ],
    }
