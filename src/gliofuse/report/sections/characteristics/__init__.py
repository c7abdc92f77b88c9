"""The table of clinical characteristics per group."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import CENTER_CHARACTERISTICS, CHARACTERISTICS
from gliofuse.report.context import Context
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_number, format_p

__all__ = ["data"]


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return the table, its rows gathered by variable, and the columns that it leaves out."""
    table = context.table(CHARACTERISTICS)
    if table is None:
        return None
    own = context.endpoint.columns
    by_center = context.table(CENTER_CHARACTERISTICS)
    return {
        **_shown(table),
        "centers": None if by_center is None else _shown(by_center),
        "endpoint_columns": [name for name in context.run.telling_columns if name in own],
        "telling_columns": [name for name in context.run.telling_columns if name not in own],
    }


def _shown(table: pd.DataFrame) -> dict[str, Any]:
    groups = [name for name in table.columns if name not in CHARACTERISTICS.columns]
    against = [name for name in ("p_validation", "p_test", "p_external") if name in table]
    rows, previous = [], None
    for row in records(table):
        rows.append(
            {
                "variable": row["variable"] if row["variable"] != previous else "",
                "level": row["level"] or "",
                "values": ["" if row[group] is None else str(row[group]) for group in groups],
                "smd": "" if row.get("smd") is None else format_number(row["smd"], 2),
                "p": ["" if row[p] is None else format_p(row[p]) for p in ("p", *against)],
                "test": row["test"] or "",
            }
        )
        previous = row["variable"]
    return {
        "groups": groups,
        "against": [name.removeprefix("p_") for name in against],
        "rows": rows,
        "has_p": bool(table["p"].notna().any()),
    }
