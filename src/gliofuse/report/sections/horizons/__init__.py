"""Figures of merit at each horizon, and how two models differ there."""

from __future__ import annotations

from typing import Any

from gliofuse.records import SCORE_CONTRASTS
from gliofuse.report.context import Context
from gliofuse.report.plain import interval, records
from gliofuse.report.sections import Findings

__all__ = ["data"]

_ORDER = ("auc", "brier", "ipa", "oe")


def data(context: Context, found: Findings) -> list[dict[str, Any]]:
    """Return for each cohort the table of models by horizon, and the contrasts."""
    return [
        entry for cohort in context.cohorts if (entry := _one_cohort(context, cohort))["horizons"]
    ]


def _one_cohort(context: Context, cohort: str) -> dict[str, Any]:
    own = context.metrics[context.metrics["cohort"] == cohort]
    named = {name: known for name, known in context.horizons.items() if name in set(own["metric"])}
    bases = {base for base, _ in named.values()}
    columns = [base for base in _ORDER if base in bases] + sorted(bases - {*_ORDER})
    by_time = {
        time: {base: name for name, (base, at) in named.items() if at == time}
        for time in sorted({time for _, time in named.values()})
    }
    return {
        "cohort": cohort,
        "label": context.cohort_label(cohort),
        "columns": columns,
        "horizons": [
            {
                "time": time,
                "label": context.horizon_label(time),
                "rows": [
                    {
                        "model": model,
                        "label": context.label(model),
                        "final": context.is_final(model),
                        "cells": [
                            interval(context.metric(cohort, model, names.get(base, "")))
                            for base in columns
                        ],
                    }
                    for model in context.in_order(own["model"].unique())
                ],
            }
            for time, names in by_time.items()
        ],
        "notes": [text for name, text in context.kind.notes.items() if name in bases],
        "contrasts": _contrasts(context, cohort),
    }


def _contrasts(context: Context, cohort: str) -> list[dict[str, Any]]:
    """Return the differences of AUC and Brier score, a row a horizon and pair."""
    table = context.table(SCORE_CONTRASTS)
    if table is None:
        return []
    rows: dict[tuple[float, str, str], dict[str, Any]] = {}
    for row in records(table[table["cohort"] == cohort]):
        key = (row["horizon"], row["model_a"], row["model_b"])
        entry = rows.setdefault(
            key,
            {
                "horizon": context.horizon_label(row["horizon"]),
                "a": context.label(row["model_a"]),
                "b": context.label(row["model_b"]),
                "auc": None,
                "brier": None,
            },
        )
        entry[row["metric"]] = {
            "estimate": row["difference"],
            "low": row.get("ci_low"),
            "high": row.get("ci_high"),
            "p": row.get("p"),
            "p_holm": row.get("p_holm"),
        }
    return [rows[key] for key in sorted(rows, key=lambda key: key[0])]
