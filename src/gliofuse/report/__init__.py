"""Report: a run folder's tables drawn as figures and one self-contained HTML page."""

from __future__ import annotations

from typing import Any

__all__ = ["drawings", "summarise", "write_comparison_report", "write_report"]


def __getattr__(name: str) -> Any:
    # Drawing libraries load with the first report, not with the package.
    if name in __all__:
        from gliofuse.report import page

        return getattr(page, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
