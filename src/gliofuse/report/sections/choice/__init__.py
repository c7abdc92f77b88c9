"""How candidates for one model did inside the training patients, and how often each was taken."""

from __future__ import annotations

from typing import Any

from gliofuse.records import MODEL_CHOICE
from gliofuse.report.context import Context
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: Context, found: Findings) -> list[dict[str, Any]] | None:
    """Return a row a candidate."""
    table = context.table(MODEL_CHOICE)
    if table is None:
        return None
    rows = []
    for (model, classifier), own in table.groupby(["model", "classifier"], sort=False):
        values = own["training_cv_auc"].dropna()
        rows.append(
            {
                "label": context.label(str(model)),
                "classifier": str(classifier),
                "mean": float(values.mean()) if len(values) else None,
                "low": float(values.min()) if len(values) else None,
                "high": float(values.max()) if len(values) else None,
                "taken": int((own["chosen"] == "yes").sum()),
                "folds": len(own),
            }
        )
    return rows
