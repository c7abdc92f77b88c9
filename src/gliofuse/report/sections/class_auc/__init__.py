"""Class by class: each class against the rest."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.report.context import Context
from gliofuse.report.plain import interval, records
from gliofuse.report.sections import Findings

__all__ = ["class_metrics", "data"]

_AUC = "auc"


def data(context: Context, found: Findings) -> list[dict[str, Any]]:
    """Return for each cohort every model's AUC by class, and the final model's other figures."""
    return [
        cohort_data
        for cohort in context.cohorts
        if (cohort_data := _one_cohort(context, cohort)) is not None
    ]


def class_metrics(context: Context, cohort: str) -> pd.DataFrame:
    """Return the figures of merit of single classes."""
    table = context.every_metric
    if "class" not in table:
        return table.head(0)
    return table[(table["cohort"] == cohort) & table["class"].notna()]


def _one_cohort(context: Context, cohort: str) -> dict[str, Any] | None:
    own = class_metrics(context, cohort)
    if own.empty:
        return None
    cells = {
        (row["model"], row["class"], row["metric"]): row
        for row in records(own.drop(columns="cohort"))
    }
    metrics = [name for name in dict.fromkeys(own["metric"]) if name != _AUC]
    classes = [
        {"name": value, "label": label, "n": _n_class(own, value)}
        for value, label, _ in context.classes
    ]
    final = None if context.final is None else context.final.name
    return {
        "label": context.cohort_label(cohort),
        "classes": classes,
        "rows": [
            {
                "label": context.label(model),
                "final": model == final,
                "cells": [interval(cells.get((model, entry["name"], _AUC))) for entry in classes],
            }
            for model in context.in_order(own["model"].unique())
        ],
        "metrics": metrics,
        "of_final": [
            {
                "label": entry["label"],
                "cells": [interval(cells.get((final, entry["name"], name))) for name in metrics],
            }
            for entry in classes
            if final is not None
        ],
        "notes": _notes(context, own),
    }


def _notes(context: Context, own: pd.DataFrame) -> list[str]:
    """Return why a class lacks figures, once for each class."""
    if "note" not in own:
        return []
    known = own.dropna(subset=["note"]).drop_duplicates(["class", "note"])
    return [
        f"{context.class_label(name)}: {note}"
        for name, note in zip(known["class"], known["note"], strict=True)
        if note
    ]


def _n_class(own: pd.DataFrame, name: str) -> int | None:
    counts = own.loc[own["class"] == name, "n_class"].dropna()
    return int(counts.iloc[0]) if len(counts) else None
