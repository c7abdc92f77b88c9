"""Survival curves of the classes, with numbers at risk and the log-rank test."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.cohort import TIME_UNITS
from gliofuse.records import KAPLAN_MEIER
from gliofuse.report.context import RunContext
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.plain import plain
from gliofuse.report.sections import Findings
from gliofuse.report.sections.survival.figure import draw_survival
from gliofuse.report.wording import format_p, within

__all__ = ["data", "drawings", "p_text", "survival_curve"]

#: What the curves of a plot stand for, by the table's ``groups``.
_TITLES = {
    "class": "Survival of the classes as they are",
    "called": "Survival by the final model's held-out call",
    "score": "Survival by the {score}, below and above its threshold",
}


def data(context: RunContext, found: Findings) -> list[dict[str, Any]] | None:
    """Return the plots of survival: curves with numbers at risk, and the log-rank test."""
    table = context.table(KAPLAN_MEIER)
    if table is None:
        return None
    table = table[~table["groups"].isin(["all", "risk"])]  # shown with the risk groups
    if table.empty:
        return None
    return [
        {
            "groups": str(kind),
            "title": _TITLES.get(str(kind), f"Survival {kind}").format(score=_score(context)),
            "curves": [
                survival_curve(str(group), rows) for group, rows in own.groupby("group", sort=False)
            ],
            "p": None if (test := context.run.logrank.get(str(kind))) is None else test.p,
        }
        for kind, own in table.groupby("groups", sort=False)
    ]


def _score(context: RunContext) -> str:
    return within(context.label(context.run.risk_model or ""))


def drawings(data: list[dict[str, Any]], context: RunContext) -> list[Drawing]:
    """Return a figure for each way to group the patients."""
    return [
        Drawing(
            f"kaplan_meier_{file_name(plot['groups'])}",
            plot["title"],
            draw_survival,
            (plot["curves"],),
            {"p_text": p_text(plot["p"]), "unit": "years", "scale": TIME_UNITS[context.unit]},
            "Band: 95 % confidence interval. Curves at their right end rest on few patients.",
        )
        for plot in data
    ]


def p_text(p: float | None) -> str | None:
    """Return a log-rank test as it stands in a figure."""
    return None if p is None else f"log-rank p = {format_p(p)}".replace("= <", "<")


def survival_curve(label: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Return a group's curve as it is drawn."""
    rows = rows.dropna(subset=["time", "survival"]).sort_values("time", kind="stable")
    return {
        "label": label,
        "time": rows["time"].tolist(),
        "survival": rows["survival"].tolist(),
        "low": rows["ci_low"].tolist(),
        "high": rows["ci_high"].tolist(),
        "at_risk": [plain(value) for value in rows["at_risk"]],
    }
