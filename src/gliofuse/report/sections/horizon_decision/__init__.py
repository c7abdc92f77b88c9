"""Decision curves at each horizon, with the lines of treating all and none."""

from __future__ import annotations

from typing import Any

from gliofuse.records import DECISION_CURVE
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.sections import Findings
from gliofuse.report.sections.decision import decision_curves
from gliofuse.report.sections.decision.figure import draw_decision

__all__ = ["data", "drawings"]


def data(context: Context, found: Findings) -> list[dict[str, Any]]:
    """Return for each cohort a panel a horizon."""
    table = context.table(DECISION_CURVE)
    if table is None:
        return []
    cohorts = []
    for cohort in context.cohorts:
        own = table[table["cohort"] == cohort]
        panels = [
            {
                "horizon": context.horizon_label(float(time)),
                "curves": decision_curves(context, rows),
            }
            for time, rows in own.groupby("horizon", sort=True)
        ]
        if panels:
            label = context.cohort_label(cohort)
            cohorts.append({"cohort": cohort, "label": label, "panels": panels})
    return cohorts


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return a figure for each cohort."""
    final = None if context.final is None else context.final.name
    return [
        Drawing(
            f"decision_curve_{file_name(cohort['cohort'])}",
            f"Decision curves at the horizons, {cohort['label'].lower()}",
            draw_decision,
            (cohort["panels"],),
            {"final": final},
            "Net benefit of treating who is predicted to have the event by the horizon with at "
            "least the threshold's probability, censored patients counted by Kaplan-Meier. A "
            f"{'model' if final else 'design'} helps at thresholds where it lies above both "
            "treating all and treating none."
            + (
                " Band: 95 % confidence interval of the final model."
                if final and _bands(cohort)
                else ""
            )
            + context.pooled_note([cohort["cohort"]]),
        )
        for cohort in data
    ]


def _bands(cohort: dict[str, Any]) -> bool:
    return any(curve["low"] for panel in cohort["panels"] for curve in panel["curves"])
