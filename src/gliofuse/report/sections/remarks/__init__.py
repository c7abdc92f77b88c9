"""Patients for whom a stated rule was applied, such as a tumour that is larger than the patch."""

from __future__ import annotations

from typing import Any

from gliofuse.records import NOTES
from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings

__all__ = ["data"]

_MOST_ROWS = 100


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the patients with what was found and done, and how many they are."""
    table = context.table(NOTES)
    if table is None:
        return None
    table = table.sort_values("case_id", kind="stable")
    return {
        "n_patients": int(table["case_id"].nunique()),
        "n": len(table),
        "rows": table.head(_MOST_ROWS)[["case_id", "note"]].to_dict("records"),
    }
