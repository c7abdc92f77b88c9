"""Report: a run folder's tables drawn as figures and one self-contained HTML page."""

from __future__ import annotations

from typing import Any

__all__ = ["summarise", "write_comparison_report", "write_report"]

_HOMES = {
    "summarise": "gliofuse.report.summary",
    "write_comparison_report": "gliofuse.report.comparison",
    "write_report": "gliofuse.report.html",
}


def __getattr__(name: str) -> Any:
    # Drawing libraries load with the first report, not with the package.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
