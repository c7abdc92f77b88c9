"""How a comparison was made: command, versions, and the study file of each design."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import ComparisonContext
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: ComparisonContext, found: Findings) -> dict[str, Any]:
    """Return the packages and the study file of each design as it was run."""
    return {
        "packages": dict(sorted(context.run.packages.items())),
        "designs": [
            {
                "name": design.name,
                "hash": context.runs[design.name].settings_hash,
                "study": context.folder.run(design.run_folder).study(),
            }
            for design in context.record.designs
        ],
    }
