"""How the run was made: command, versions, time by stage, the study file."""

from __future__ import annotations

from typing import Any

from gliofuse.records import TIMING
from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any]:
    """Return the packages, the seconds of each stage, and the study file as it was run."""
    return {
        "packages": dict(sorted(context.run.packages.items())),
        "timing": _timing(context),
        "study": context.folder.study(),
    }


def _timing(context: RunContext) -> list[dict[str, Any]]:
    table = context.table(TIMING)
    if table is None:
        return []
    sums = table.groupby("stage", sort=False)["seconds"].sum()
    total = float(sums.sum()) or 1.0
    return [
        {"stage": str(stage), "seconds": float(value), "share": float(value) / total}
        for stage, value in sums.items()
    ]
