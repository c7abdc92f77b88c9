"""How the patients of an external validation differ from those that the model learned from."""

from __future__ import annotations

from typing import Any

from gliofuse.records import CASE_MIX
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return a row a variable."""
    table = context.table(CASE_MIX)
    return None if table is None or table.empty else {"rows": records(table)}
