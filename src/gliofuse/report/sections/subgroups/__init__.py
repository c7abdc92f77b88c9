"""Performance in groups of patients that the study names."""

from __future__ import annotations

from typing import Any

from gliofuse.records import SUBGROUPS
from gliofuse.report.context import Context
from gliofuse.report.plain import intervals_folded, records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import readable

__all__ = ["data"]

_FIGURES = ("auc", "sensitivity", "specificity", "observed_expected")


def data(context: Context, found: Findings) -> list[dict[str, Any]]:
    """Return for each cohort the table of groups of every model, the leading one first."""
    table = context.table(SUBGROUPS)
    if table is None:
        return []
    rows = intervals_folded(records(table))
    cohorts = []
    for cohort in context.cohorts:
        own = [row for row in rows if row["cohort"] == cohort]
        names = context.in_order(dict.fromkeys(row["model"] for row in own))
        names.sort(key=lambda name: not context.is_final(name))
        if names:
            cohorts.append(
                {
                    "label": context.cohort_label(cohort),
                    "figures": list(_FIGURES),
                    "models": [
                        {
                            "label": context.label(name),
                            "rows": [
                                {**row, "variable": readable(row["variable"])}
                                for row in own
                                if row["model"] == name
                            ],
                        }
                        for name in names
                    ],
                }
            )
    return cohorts
