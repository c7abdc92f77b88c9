"""Patients whose images could not be processed."""

from __future__ import annotations

from typing import Any

from gliofuse.records import FAILED_CASES
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> list[dict[str, Any]]:
    """Return a row a failure: patient, stage, error."""
    return records(context.table(FAILED_CASES))
