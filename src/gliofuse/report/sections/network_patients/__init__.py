"""How much a network's answers differ between the slices or patches of one patient."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import FOLDS, NETWORK_PATIENTS
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import cohort_label

__all__ = ["data"]

_MOST_ROWS = 40


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return each network's patients that it did not learn from, the least steady first.

    Returns
    -------
    dict
        ``networks`` (label, n, slices and spread: median, least and most), ``rows`` and ``n``.
    """
    table = _not_learned_from(context)
    if table is None or table.empty:
        return None
    table = table.sort_values("spread", ascending=False, kind="stable")
    return {
        "networks": [
            _summary(context, model, table[table["model"] == model])
            for model in context.in_order(table["model"].unique())
        ],
        "n": len(table),
        "has_risk": "risk" in table and bool(table["risk"].notna().any()),
        "rows": [
            {
                "case_id": row["case_id"],
                "label": context.label(row["model"]),
                "side": cohort_label(row["cohort"]),
                "probability": row["probability"],
                "slices": row["slices"],
                "spread": row["spread"],
                "risk": row.get("risk"),
            }
            for row in records(table.head(_MOST_ROWS))
        ],
    }


def _not_learned_from(context: RunContext) -> pd.DataFrame | None:
    table, folds = context.table(NETWORK_PATIENTS), context.table(FOLDS)
    if table is None or folds is None:
        return None
    joined = table.merge(folds, on=["case_id", "fold"])
    return joined[joined["cohort"] != "training"]


def _summary(context: RunContext, model: str, own: pd.DataFrame) -> dict[str, Any]:
    return {
        "label": context.label(model),
        "n": int(own["case_id"].nunique()),
        **{
            name: {
                "median": float(own[name].median()),
                "least": float(own[name].min()),
                "most": float(own[name].max()),
            }
            for name in ("slices", "spread")
        },
    }
