"""How long the patients were watched, and what that does not allow."""

from __future__ import annotations

import re
from typing import Any

from gliofuse.records import FOLLOW_UP
from gliofuse.report.context import Context
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_interval, format_number, plural

__all__ = ["data"]


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return a row a cohort, and which horizons nothing is said of."""
    rows = [row for row in records(context.table(FOLLOW_UP)) if row["cohort"] in context.cohorts]
    if not rows:
        return None
    return {
        "rows": [
            {
                "cohort": row["cohort"],
                "label": context.cohort_label(row["cohort"]),
                "n": row["n"],
                "events": row["events"],
                "competing": row.get("competing"),
                "median": format_interval(
                    row["median"], row.get("median_low"), row.get("median_high"), context.digits
                ),
                "longest": row["longest"],
                "training_longest": row.get("training_longest"),
                "tau": row["tau"],
                "notes": _notes(context, row.get("note") or ""),
            }
            for row in rows
        ],
        "has_competing": any(row.get("competing") is not None for row in rows),
        "left_out": [text for row in rows for text in _left_out(context, row)],
    }


def _notes(context: Context, note: str) -> list[str]:
    """Return what a note says, with the models, which it quotes, as a reader would write them."""
    labelled = re.sub("'([^']+)'", lambda name: context.label(name[1]), note)
    return [text for text in labelled.split("; ") if text]


def _left_out(context: Context, row: dict[str, Any]) -> list[str]:
    """Name the horizons that have no figure among a cohort's patients."""
    table = context.every_metric
    if "horizon" not in table:
        return []
    own = table[(table["cohort"] == row["cohort"]) & table["estimate"].notna()]
    present = set(own["horizon"].dropna())
    absent = [
        time for time in getattr(context.endpoint, "horizon_times", ()) if time not in present
    ]
    if not absent:
        return []
    names = [context.horizon_label(time) for time in absent]
    return [
        f"{context.cohort_label(row['cohort'])}: nothing is said of {' and '.join(names)} "
        f"({plural(int(row['n']), 'patient')}, followed for up to "
        f"{format_number(row['longest'], context.digits)} {context.unit})."
    ]
