"""Calibration at each horizon: curves, and observed by expected, slope and ICI in numbers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import CALIBRATION, CALIBRATION_SUMMARY
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.plain import intervals_folded, plain, records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.calibration import MOST_CURVES, calibration_curve
from gliofuse.report.sections.calibration.figure import draw_calibration
from gliofuse.report.sections.limitations.calibration import answer

__all__ = ["data", "drawings"]

_KEYS = ("cohort", "model", "horizon", "class", "n", "n_positive", "note", "events")
_NO_CLASSES: dict[str, list[float]] = {"negative": [], "positive": []}


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return for each cohort a panel a horizon, and calibration in numbers."""
    table, summary = context.table(CALIBRATION), context.table(CALIBRATION_SUMMARY)
    if table is None and summary is None:
        return None
    numbers = _summary(context, summary)
    return {
        "cohorts": [] if table is None else _cohorts(context, table),
        "answer": answer(context, numbers),
        **numbers,
    }


def drawings(data: dict[str, Any], context: Context) -> list[Drawing]:
    """Return a figure for each cohort."""
    final = None if context.final is None else context.final.name
    return [
        Drawing(
            f"calibration_{file_name(cohort['cohort'])}",
            f"Calibration at the horizons, {cohort['label'].lower()}",
            draw_calibration,
            (cohort["panels"],),
            {"final": final, "event": "the event"},
            "On the dashed line the predicted risk of the event by the horizon is the observed "
            "one, 1 minus the Kaplan-Meier curve."
            + (
                " Points: groups of patients of like risk of the final model, with 95 % confidence "
                "intervals; band: that of its curve."
                if final
                else ""
            )
            + context.pooled_note([cohort["cohort"]]),
        )
        for cohort in data["cohorts"]
    ]


def _cohorts(context: Context, table: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for cohort in context.cohorts:
        own = table[table["cohort"] == cohort]
        panels = [
            {
                "horizon": context.horizon_label(float(time)),
                "curves": _curves(context, rows),
                "probabilities": _NO_CLASSES,
            }
            for time, rows in own.groupby("horizon", sort=True)
        ]
        panels = [panel for panel in panels if panel["curves"]]
        if panels:
            found.append(
                {"cohort": cohort, "label": context.cohort_label(cohort), "panels": panels}
            )
    return found


def _curves(context: Context, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the models' smooth curves, and the final model's groups of patients."""
    curves = []
    kinds = rows["kind"] if "kind" in rows else pd.Series("curve", index=rows.index)
    for model in context.drawn(rows["model"].unique(), MOST_CURVES):
        for kind in ("curve", "groups"):
            own = rows[(rows["model"] == model) & (kinds == kind)]
            if own.empty or (kind == "groups" and not context.is_final(model)):
                continue
            label = context.label(model) if kind == "curve" else "its patients in groups"
            points = calibration_curve(own) if kind == "curve" else _groups(own)
            curves.append({"model": model, "label": label, "kind": kind, **points})
    return [curve for curve in curves if curve["predicted"]]


def _groups(rows: pd.DataFrame) -> dict[str, list[Any]]:
    """Return the groups' points, each with its own limits where it has any."""
    rows = rows.dropna(subset=["predicted", "observed"]).sort_values("predicted", kind="stable")
    names = {"predicted": "predicted", "observed": "observed", "low": "ci_low", "high": "ci_high"}
    return {name: [plain(value) for value in rows[own]] for name, own in names.items()}


def _summary(context: Context, summary: pd.DataFrame | None) -> dict[str, Any]:
    """Return calibration in numbers: the columns that hold any, a row a model and horizon."""
    rows = [row for row in intervals_folded(records(summary)) if row["cohort"] in context.cohorts]
    columns = [
        name
        for name in (rows[0] if rows else {})
        if name not in _KEYS and any(_known(row[name]) for row in rows)
    ]
    order = context.in_order({row["model"] for row in rows})
    rows.sort(
        key=lambda row: (
            context.cohorts.index(row["cohort"]), row.get("horizon") or 0, order.index(row["model"])
        )
    )  # fmt: skip
    return {
        "columns": columns,
        "rows": [
            {
                "cohort": context.cohort_label(row["cohort"]),
                "cohort_name": row["cohort"],
                "horizon": _horizon(context, row.get("horizon")),
                "class": _horizon(context, row.get("horizon")),
                "model": row["model"],
                "label": context.label(row["model"]),
                "final": context.is_final(row["model"]),
                "values": [row[name] for name in columns],
                "note": row.get("note") or "",
            }
            for row in rows
        ],
    }


def _horizon(context: Context, time: float | None) -> str:
    return "" if time is None else context.horizon_label(time)


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, dict) and value["estimate"] is None)
