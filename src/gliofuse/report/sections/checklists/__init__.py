"""Reporting checklists, answered from the run where the run can answer."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> list[dict[str, Any]]:
    """Return TRIPOD+AI, CLEAR and METRICS, filled."""
    from gliofuse.report.sections.checklists.fill import filled_checklists

    return filled_checklists(context, found)
