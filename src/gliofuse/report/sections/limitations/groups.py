"""Limitations that lie in how patients hang together: centres, people, doubles."""

from __future__ import annotations

from typing import Any

from gliofuse.records import COHORT, SIMILAR
from gliofuse.report.context import Context, RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_interval, plural

__all__ = ["center_calibration", "center_giveaway", "rows_of_one_person", "similar_cases"]

_NAMED = 5

Limit = dict[str, str]


def center_giveaway(context: Context, found: Findings) -> Limit | None:
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


def center_calibration(context: RunContext, found: Findings) -> Limit | None:
    """Name the centres whose events the models of the other centres did not foresee.

    Only where each centre was predicted by another model: a slope over all of them would be of how
    the centres differ.
    """
    if context.split.kind != "center" or context.split.external:
        return None
    rows: list[dict[str, Any]] = next(
        (
            cohort["models"][0]["rows"]
            for cohort in found["centers"] or []
            if cohort["cohort"] == context.primary
        ),
        [],
    )
    ratios = [(row["group"], row["observed_expected"]) for row in rows]
    off = [
        f"{center} {format_interval(ratio['estimate'], ratio['low'], ratio['high'], 2)}"
        for center, ratio in ratios
        if ratio["low"] is not None and not ratio["low"] <= 1 <= ratio["high"]
    ]
    if not off:
        return None
    return {
        "title": "Probabilities are not calibrated",
        "text": f"Observed over expected events (ideal 1) in {plural(len(off), 'centre')} of "
        f"{len(ratios)}: {'; '.join(off)}. The models do not know how many patients of a further "
        "centre are positive: recalibrate in each centre before probabilities are read as risks.",
    }


def similar_cases(context: Context) -> Limit | None:
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


def rows_of_one_person(context: Context) -> Limit | None:
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
