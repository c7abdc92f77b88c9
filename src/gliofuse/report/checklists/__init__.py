"""Reporting checklists, answered from the run where the run can answer."""

from __future__ import annotations

from gliofuse.report.checklists.fill import filled_checklists

__all__ = ["filled_checklists"]
