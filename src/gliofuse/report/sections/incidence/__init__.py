"""Cumulative incidence of the event and of competing causes, by Aalen and Johansen."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import CUMULATIVE_INCIDENCE
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.sections import Findings
from gliofuse.report.sections.incidence.figure import draw_incidence

__all__ = ["data", "drawings"]

_CAUSES = {"event": "event", "competing": "competing cause"}


def data(context: Context, found: Findings) -> list[dict[str, Any]]:
    """Return a plot for all patients of a cohort, and one for the final model's risk groups."""
    table = context.table(CUMULATIVE_INCIDENCE)
    if table is None:
        return []
    models = table["model"] if "model" in table else pd.Series(pd.NA, index=table.index)
    plots = []
    for cohort in context.cohorts:
        own = table[table["cohort"] == cohort]
        for model in [None, *context.in_order(models[own.index].dropna().unique())]:
            rows = own[models[own.index].isna() if model is None else models[own.index] == model]
            if rows.empty or (model and context.final and not context.is_final(model)):
                continue
            plots.append(
                {
                    "cohort": cohort,
                    "label": context.cohort_label(cohort),
                    "model": model,
                    "title": "of all patients"
                    if model is None
                    else f"by risk group of {context.label(model)}",
                    "curves": [
                        _curve(str(group), str(cause), part)
                        for (group, cause), part in rows.groupby(["group", "cause"], sort=False)
                    ],
                }
            )
    return plots


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return a figure a plot."""
    return [
        Drawing(
            "_".join(["incidence", *(file_name(p) for p in (plot["cohort"], plot["model"]) if p)]),
            f"Cumulative incidence {plot['title']}, {plot['label'].lower()}",
            draw_incidence,
            (plot["curves"],),
            {"unit": context.unit},
            "Share of patients with each cause by each time (Aalen-Johansen), with 95 % "
            "confidence intervals. Solid: the event; dashed: competing causes.",
        )
        for plot in data
    ]


def _curve(group: str, cause: str, rows: pd.DataFrame) -> dict[str, Any]:
    rows = rows.dropna(subset=["time", "incidence"]).sort_values("time", kind="stable")
    bounds = {"ci_low", "ci_high"} <= set(rows) and not rows[["ci_low", "ci_high"]].isna().all(None)
    return {
        "group": group,
        "cause": cause,
        "label": f"{group}: {_CAUSES.get(cause, cause)}",
        "time": rows["time"].tolist(),
        "incidence": rows["incidence"].tolist(),
        "low": rows["ci_low"].tolist() if bounds else [],
        "high": rows["ci_high"].tolist() if bounds else [],
    }
