"""ROC curves of every model, a figure a cohort."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import ROC
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.sections import Findings
from gliofuse.report.sections.roc.figure import draw_roc
from gliofuse.report.wording import format_interval

__all__ = ["auc_text", "data", "drawings", "roc_curve"]

_MANY = 6  # with more curves the figure has several panels


def data(context: Context, found: Findings) -> list[dict[str, Any]] | None:
    """Return for each cohort its curves, in the order of the paper's table."""
    table = context.table(ROC)
    if table is None:
        return None
    cohorts = []
    for cohort in context.cohorts:
        own = table[table["cohort"] == cohort]
        curves = [
            {
                "model": model,
                "label": context.label(model),
                "auc_text": auc_text(context.metric(cohort, model, "auc")),
                **roc_curve(own[own["model"] == model]),
            }
            for model in context.in_order(own["model"].unique())
        ]
        if curves:
            label = context.cohort_label(cohort)
            cohorts.append({"cohort": cohort, "label": label, "curves": curves})
    return cohorts


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return a figure for each cohort."""
    final = None if context.final is None else context.final.name
    return [
        Drawing(
            f"roc_{file_name(cohort['cohort'])}",
            f"ROC curves, {cohort['label'].lower()}",
            draw_roc,
            (cohort["curves"],),
            {"final": final},
            _caption(final is not None, len(cohort["curves"]))
            + context.pooled_note([cohort["cohort"]], area=True),
        )
        for cohort in data
    ]


def _caption(with_final: bool, count: int) -> str:
    brackets = "In brackets: 95 % confidence interval of the AUC."
    if not with_final:
        return brackets
    repeated = ", repeated in each panel" if count > _MANY else ""
    return (
        f"The thick blue curve is the final model{repeated}, its band the 95 % confidence interval "
        f"of the sensitivity, point by point. {brackets}"
    )


def auc_text(row: dict[str, Any] | None) -> str:
    """Return an AUC with its interval, as it stands in a legend."""
    row = row or {}
    return format_interval(row.get("estimate"), row.get("ci_low"), row.get("ci_high"), 2)


def roc_curve(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return a curve's points as rates, with the band of the true positive rate if it is whole."""
    rows = rows.dropna(subset=["sensitivity", "specificity"])
    curve = {
        "false_positive_rate": (1 - rows["specificity"]).tolist(),
        "true_positive_rate": rows["sensitivity"].tolist(),
    }
    bounds = rows[["sensitivity_low", "sensitivity_high"]]
    if not bounds.isna().any(axis=None):
        curve |= {
            "low": rows["sensitivity_low"].tolist(),
            "high": rows["sensitivity_high"].tolist(),
        }
    return curve
