"""Calibration: curves by cohort, and slope, intercept and Brier score in numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import CALIBRATION, CALIBRATION_SUMMARY
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing
from gliofuse.report.plain import intervals_folded, records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.calibration.figure import draw_calibration
from gliofuse.report.sections.limitations.calibration import answer
from gliofuse.report.wording import cohort_label

__all__ = ["calibration_curve", "data", "drawings", "summary_rows"]

MOST_CURVES = 5
_KEYS = ("cohort", "model", "class", "n", "n_positive", "note")


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return calibration curves per cohort and the table in numbers."""
    table, summary = context.table(CALIBRATION), context.table(CALIBRATION_SUMMARY)
    if table is None and summary is None:
        return None
    numbers = summary_rows(context, summary)
    return {
        "panels": [] if table is None else _panels(context, table),
        "answer": answer(context, numbers),
        **numbers,
    }


def drawings(data: dict[str, Any], context: Context) -> list[Drawing]:
    """Return the figure of the curves."""
    final = None if context.final is None else context.final.name
    caption = "On the dashed line the predicted probability is the observed share."
    if final:
        caption += (
            " Band or bars: 95 % confidence interval of the final model. Beneath: how many "
            "patients have which probability, positives up, negatives down."
        )
    caption += context.pooled_note(panel["cohort"] for panel in data["panels"])
    panels, options = data["panels"], {"final": final}
    return [
        Drawing("calibration", "Calibration curves", draw_calibration, (panels,), options, caption)
    ]


def _panels(context: Context, table: pd.DataFrame) -> list[dict[str, Any]]:
    panels = []
    for cohort in context.cohorts:
        own = table[table["cohort"] == cohort]
        curves = [
            {
                "model": model,
                "label": context.label(model),
                **calibration_curve(own[own["model"] == model]),
            }
            for model in context.drawn(own["model"].unique(), MOST_CURVES)
        ]
        if curves:
            panels.append(
                {
                    "cohort": cohort,
                    "label": cohort_label(cohort),
                    "curves": curves,
                    "probabilities": _probabilities(context, cohort),
                }
            )
    return panels


def calibration_curve(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return a curve's points, with its band where all bounds are known."""
    rows = rows.dropna(subset=["predicted", "observed"]).sort_values("predicted", kind="stable")
    return {
        "predicted": rows["predicted"].tolist(),
        "observed": rows["observed"].tolist(),
        **band(rows),
    }


def band(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return the bounds of a curve, or none where any of them is missing."""
    bounds = ["ci_low", "ci_high"]
    if not set(bounds) <= set(rows.columns) or rows[bounds].isna().any(axis=None):
        return {"low": [], "high": []}
    return {"low": rows["ci_low"].tolist(), "high": rows["ci_high"].tolist()}


def summary_rows(context: Context, summary: pd.DataFrame | None) -> dict[str, Any]:
    """Return calibration in numbers: the columns that hold any, and a row a model."""
    rows = [row for row in intervals_folded(records(summary)) if row["cohort"] in context.cohorts]
    columns = [
        name
        for name in (rows[0] if rows else {})
        if name not in _KEYS and any(_known(row[name]) for row in rows)
    ]
    models = context.in_order({row["model"] for row in rows})
    rows.sort(key=lambda row: (row["cohort"], models.index(row["model"])))
    return {
        "columns": columns,
        "rows": [
            {
                "cohort": cohort_label(row["cohort"]),
                "cohort_name": row["cohort"],
                "model": row["model"],
                "label": context.label(row["model"]),
                "class": context.class_label(row.get("class")),
                "final": context.is_final(row["model"]),
                "values": [row[name] for name in columns],
                "note": row["note"] or "",
            }
            for row in rows
        ],
    }


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, dict) and value["estimate"] is None)


def _probabilities(context: Context, cohort: str) -> dict[str, list[float]]:
    if context.final is None:
        return {"negative": [], "positive": []}
    table = context.predictions
    own = table[(table["cohort"] == cohort) & (table["model"] == context.final.name)]
    patients = own.groupby("case_id").agg(y=("y_true", "first"), p=("probability", "mean"))
    return {
        "negative": [float(value) for value in patients.loc[patients["y"] == 0, "p"]],
        "positive": [float(value) for value in patients.loc[patients["y"] == 1, "p"]],
    }
