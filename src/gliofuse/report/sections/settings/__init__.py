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
        **_timing(context),
        "study": context.folder.study(),
    }


def _timing(context: RunContext) -> dict[str, Any]:
    """Return the stages, what is left of the run's time beside them, and their sum."""
    table = context.table(TIMING)
    if table is None:
        return {"timing": [], "total": 0.0, "overlap": False}
    stages = table.groupby("stage", sort=False)["seconds"].sum().astype(float).to_dict()
    rest = context.run.seconds - sum(stages.values())
    if rest > 0:
        stages["evaluation and everything else"] = rest
    total = sum(stages.values())
    return {
        "timing": [
            {"stage": str(stage), "seconds": value, "share": value / (total or 1.0)}
            for stage, value in stages.items()
        ],
        "total": total,
        "overlap": rest <= 0,
    }
