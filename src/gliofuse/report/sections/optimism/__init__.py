"""How much too well the models describe their own patients, where the split was a bootstrap."""

from __future__ import annotations

from typing import Any

from gliofuse.records import OPTIMISM
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import metric_label

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return a row a model and figure, the models in the order of the other tables."""
    table = context.table(OPTIMISM)
    if table is None or table.empty:
        return None
    rows = {(row["model"], row["metric"]): row for row in records(table)}
    return {
        "resamples": context.split.resamples,
        "rows": [
            {
                **rows[model, metric],
                "label": context.label(model),
                "figure": metric_label(metric),
                "final": context.is_final(model),
            }
            for metric in dict.fromkeys(table["metric"])
            for model in context.in_order(dict.fromkeys(table["model"]))
            if (model, metric) in rows
        ],
    }
