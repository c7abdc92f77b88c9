"""Limitations that lie in how patients hang together: centres, people, doubles."""

from __future__ import annotations

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings

__all__ = ["center_giveaway"]

Limit = dict[str, str]


def center_giveaway(context: RunContext, found: Findings) -> Limit | None:
    """Say that the centre alone tells the class."""
    telling = [
        cohort["alone"]
        for cohort in found["centers"] or []
        if cohort["alone"] and cohort["alone"]["together"]
    ]
    if not telling:
        return None
    return {
        "title": "Centre and class go together",
        "text": f"{telling[0]['sentence']} What looks like the tumour's class may be the centre's "
        "scanner or protocol; the figures within centres are free of this.",
    }
