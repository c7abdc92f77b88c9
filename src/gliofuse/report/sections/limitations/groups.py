"""Limitations that lie in how patients hang together: centres, people, doubles."""

from __future__ import annotations

from gliofuse.records import COHORT, SIMILAR
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import plural

__all__ = ["center_giveaway", "rows_of_one_person", "similar_cases"]

_NAMED = 5

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


def similar_cases(context: RunContext) -> Limit | None:
    """Name the pairs of patients who may be one person under two ids."""
    pairs = records(context.table(SIMILAR))
    if not pairs:
        return None
    named = [f"{row['case_a']} and {row['case_b']} ({row['how']})" for row in pairs[:_NAMED]]
    more = f" and {len(pairs) - _NAMED} more ({SIMILAR.path})" if len(pairs) > _NAMED else ""
    return {
        "title": "Patients who are nearly identical",
        "text": f"{'; '.join(named)}{more}. If they are one person, models were tested on patients "
        "they had learned, and the figures are too good.",
    }


def rows_of_one_person(context: RunContext) -> Limit | None:
    """Say that rows of one person are counted as if they were independent."""
    column, table = context.split.group, context.table(COHORT)
    if column is None or table is None or column not in table:
        return None
    rows, people = len(table), int(table[column].nunique())
    if rows == people:
        return None
    return {
        "title": "Several rows of one person",
        "text": f"{plural(rows, 'row')} are of {plural(people, 'person', 'people')}. A person's "
        "rows stand on one side of every split, but intervals and tests count them as if they were "
        "independent, and are too narrow.",
    }
