"""The design: its publication, what was chosen beside it, its models."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any]:
    """Return the design's title, citation, notes and models."""
    design = context.run.design
    return {
        **design.model_dump(mode="json"),
        "models": [{"label": m.label, "final": m.role == "final"} for m in context.models],
    }
