"""The paired test of every two models, as squares."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import Context
from gliofuse.report.intervals import about_test, name_of_test
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_number, format_p

__all__ = ["data"]


def data(context: Context, found: Findings) -> list[dict[str, Any]] | None:
    """Return a square of tests for each cohort of a comparison.

    Where a model is final only the others are held against it, in the table of models.
    """
    table = context.table(context.kind.tests)
    if table is None or context.final is not None:
        return None
    squares = []
    for cohort in context.cohorts:
        own = records(table[table["cohort"] == cohort])
        pairs: dict[tuple[str, str], dict[str, Any]] = {}
        for row in own:
            difference = row["difference"]
            pairs[row["model_a"], row["model_b"]] = row
            turned = {**row, "difference": None if difference is None else -difference}
            pairs[row["model_b"], row["model_a"]] = turned
        names = context.in_order({name for pair in pairs for name in pair})
        if len(names) < 2:
            continue
        intervals = [] if "interval" not in table else [row["interval"] for row in own]
        squares.append(
            {
                "cohort": cohort,
                "label": context.cohort_label(cohort),
                "test": name_of_test(intervals),
                "about_test": about_test(intervals, resamples=context.resamples),
                "models": [context.label(name) for name in names],
                "holm": any(row["p_holm"] is not None for row in own),
                "cells": [[_cell(pairs.get((a, b))) for b in names] for a in names],
            }
        )
    return squares


def _cell(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    shown = row["p"] if row["p_holm"] is None else row["p_holm"]
    return {
        "difference": format_number(row["difference"], 3),
        "p": format_p(shown),
        "significant": shown is not None and shown < 0.05,
    }
