"""Missing values of the clinical variables that may enter a model, and what stands in for them."""

from __future__ import annotations

from typing import Any

from gliofuse.records import MISSING
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import readable

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the variables with the patients who lack them; nothing without such variables."""
    rows = records(context.table(MISSING))
    if not rows:
        return None
    complete_cases = bool((context.folder.study() or {}).get("complete_cases"))
    return {
        "rows": [{**row, "label": readable(row["variable"])} for row in rows],
        "n_missing": sum(row["n_missing"] for row in rows),
        "complete_cases": complete_cases,
    }
