"""Each design of a comparison: its publication, its models, what was chosen beside the paper."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import ComparisonContext
from gliofuse.report.naming import sequence_label
from gliofuse.report.sections import Findings
from gliofuse.report.wording import join_words

__all__ = ["data"]


def data(context: ComparisonContext, found: Findings) -> list[dict[str, Any]]:
    """Return each design with its title, citation, sequences, models, notes and what it lacks."""
    return [
        {
            "name": name,
            **run.design.model_dump(mode="json", include={"title", "citation", "doi", "notes"}),
            "preset": run.design.preset,
            "sequences": join_words([sequence_label(one) for one in run.sequences]),
            "models": [{"label": m.label, "final": m.role == "final"} for m in run.models],
            "left_out": list(run.left_out),
            "warnings": list(run.warnings),
        }
        for name, run in context.runs.items()
    ]
