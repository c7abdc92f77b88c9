"""Decision curves with the lines of treating all and none."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import DECISION_CURVE
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing
from gliofuse.report.sections import Findings
from gliofuse.report.sections.calibration import MOST_CURVES, band
from gliofuse.report.sections.decision.figure import draw_decision
from gliofuse.report.wording import cohort_label

__all__ = ["data", "decision_curves", "drawings"]

_REFERENCES = ("treat all", "treat none")


def data(context: Context, found: Findings) -> list[dict[str, Any]] | None:
    """Return one panel a cohort."""
    table = context.table(DECISION_CURVE)
    if table is None:
        return None
    panels = []
    for cohort in context.cohorts:
        curves = decision_curves(context, table[table["cohort"] == cohort])
        if curves:
            panels.append({"cohort": cohort, "label": cohort_label(cohort), "curves": curves})
    return panels


def decision_curves(context: Context, own: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the curves of one panel: the models', then treating all and none."""
    names = list(own["model"].unique())
    models = context.drawn([name for name in names if name not in _REFERENCES], MOST_CURVES)
    curves = []
    for model in models + [name for name in names if name in _REFERENCES]:
        rows = own[own["model"] == model].dropna(subset=["threshold", "net_benefit"])
        rows = rows.sort_values("threshold", kind="stable")
        reference = model in _REFERENCES
        curves.append(
            {
                "model": model,
                "label": model.capitalize() if reference else context.label(model),
                "reference": reference,
                "threshold": rows["threshold"].tolist(),
                "net_benefit": rows["net_benefit"].tolist(),
                **band(rows),
            }
        )
    return curves


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return the figure of the curves."""
    final = None if context.final is None else context.final.name
    caption = (
        "Net benefit: true positives minus false positives weighted by the odds of the threshold, "
        f"per patient. A {'model' if final else 'design'} helps at thresholds where it lies above "
        "both treating all and treating none."
    )
    if final:
        caption += " Band: 95 % confidence interval of the final model."
    caption += context.pooled_note(panel["cohort"] for panel in data)
    options = {"final": final}
    return [Drawing("decision_curve", "Decision curves", draw_decision, (data,), options, caption)]
