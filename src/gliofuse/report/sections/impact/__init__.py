"""Clinical impact: of 1,000 patients, how many are called high-risk, and how many rightly."""

from __future__ import annotations

from typing import Any

from gliofuse.records import CLINICAL_IMPACT
from gliofuse.report.context import RunContext
from gliofuse.report.drawing import Drawing
from gliofuse.report.plain import plain
from gliofuse.report.sections import Findings
from gliofuse.report.sections.impact.figure import draw_impact

__all__ = ["data", "drawings"]

_COUNTS = ("high_risk", "high_risk_with_event")
_COLUMNS = ("threshold", *(f"{name}{end}" for name in _COUNTS for end in ("", "_low", "_high")))


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the final model's counts by threshold."""
    table = context.table(CLINICAL_IMPACT)
    if table is None:
        return None
    own = table[(table["cohort"] == context.primary) & (table["model"] == context.run.final.name)]
    own = own.dropna(subset=["threshold", *_COUNTS]).sort_values("threshold", kind="stable")
    if own.empty:
        return None
    return {
        "label": context.run.final.label,
        **{name: [plain(value) for value in own[name]] for name in _COLUMNS},
    }


def drawings(data: dict[str, Any], context: RunContext) -> list[Drawing]:
    """Return the clinical impact curve."""
    return [
        Drawing(
            "clinical_impact",
            f"Clinical impact of {data['label']}",
            draw_impact,
            (data,),
            {},
            "Of 1,000 patients like these: how many the model calls high-risk at each threshold, "
            "and how many of them are positive.",
        )
    ]
