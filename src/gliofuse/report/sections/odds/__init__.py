"""Odds ratios of the logistic models behind the nomograms, of the training patients."""

from __future__ import annotations

from typing import Any

from gliofuse.records import ODDS_RATIOS
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_interval, format_p, readable

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the table of the fold that the nomograms show, its rows gathered by model."""
    table = context.table(ODDS_RATIOS)
    if table is None:
        return None
    fold = str(table["fold"].iloc[0])
    rows, previous = [], None
    own = table[table["fold"].astype(str) == fold]
    for row in records(own):
        figures = (row["odds_ratio"], row["ci_low"], row["ci_high"])
        rows.append(
            {
                "label": context.label(row["model"]) if row["model"] != previous else "",
                "term": _term(row["term"]),
                "figures": format_interval(*figures, digits=2, exponent=True),
                "p": format_p(row["p"]),
                "note": row["note"] or "",
            }
        )
        previous = row["model"]
    return {"rows": rows, "fold": fold}


def _term(name: str) -> str:
    variable, _, level = name.partition("=")
    return f"{readable(variable)}: {level}" if level else readable(name)
