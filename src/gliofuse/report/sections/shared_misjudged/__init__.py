"""The patients whom every design misjudges, with pictures of them."""

from __future__ import annotations

from typing import Any

from gliofuse.records import CONTACT_SHEET, MISJUDGED
from gliofuse.report.context import ComparisonContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings

__all__ = ["data"]

_MOST_BYTES = 12_000_000
_MOST_ROWS = 40


def data(context: ComparisonContext, found: Findings) -> dict[str, Any] | None:
    """Return these patients with what each design said of them."""
    table = context.table(MISJUDGED)
    if table is None:
        return None
    names = [name for name in context.runs if name in table]
    shared = table[table["misjudged_by_all"]]
    return {
        "n": len(shared),
        "n_patients": len(table),
        "columns": names,
        "risks": context.kind.outcome is not None,
        "rows": [
            {
                "case_id": row["case_id"],
                "y_true": context.class_label(row["y_true"]),
                "cells": [_cell(context, row[name]) for name in names],
            }
            for row in records(shared.head(_MOST_ROWS))
        ],
        "contact_sheet": _contact_sheet(context),
    }


def _cell(context: ComparisonContext, value: Any) -> Any:
    """Return what a design says: a class, a probability, or a risk, which may be small."""
    if context.kind.outcome is None or not isinstance(value, float):
        return context.class_label(value)
    return f"{value:.2f}".replace("-", "−")


def _contact_sheet(context: ComparisonContext) -> str | None:
    """Return the path of the pictures, if they are of a size fit for a page."""
    path = context.folder.place(CONTACT_SHEET)
    return str(path) if path.is_file() and path.stat().st_size <= _MOST_BYTES else None
