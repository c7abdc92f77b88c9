"""Who was studied: flow of patients, endpoint, split, centres."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import COHORT, EXCLUDED, FAILED_CASES, FOLDS, PREDICTIONS, TableFile
from gliofuse.report.context import Context
from gliofuse.report.sections import Findings
from gliofuse.report.sections.patients.split import split_short, split_words

__all__ = ["data"]

_SIDES = ("training", "validation", "test", "external")


def data(context: Context, found: Findings) -> dict[str, Any]:
    """Count the patients from the manifest to the analysis.

    Returns
    -------
    dict
        ``manifest``, ``excluded`` (reason, n, case_ids), ``n_failed``, ``analysed``, ``classes``
        (label, n), ``folds`` (patients per side), ``centers``, ``endpoint`` and ``split``.
    """
    excluded = context.table(EXCLUDED)
    known: set[str] = set(context.predictions["case_id"])
    for file in (COHORT, EXCLUDED, FAILED_CASES):
        known |= _case_ids(context, file)
    return {
        "manifest": max(len(known), context.run.n_cases),
        "excluded": _reasons(excluded),
        "n_excluded": len(_case_ids(context, EXCLUDED)),
        "n_failed": len(_case_ids(context, FAILED_CASES)),
        "analysed": context.run.n_cases,
        "classes": [{"label": label, "n": n} for _, label, n in context.classes],
        "folds": _folds(context),
        "centers": _centers(context),
        "endpoint": context.endpoint_words,
        "preprocessing": context.run.preprocessing,
        "split": {
            "kind": context.split.kind,
            "words": split_words(context.split, context.sides, alike=context.kind.alike),
            "note": context.run.split_note,
            "short": split_short(context.split, context.sides, alike=context.kind.alike),
        },
    }


def _case_ids(context: Context, file: TableFile) -> set[str]:
    table = context.table(file)
    return set() if table is None else set(table["case_id"])


def _reasons(excluded: pd.DataFrame | None) -> list[dict[str, Any]]:
    if excluded is None:
        return []
    reasons = [
        {
            "reason": str(reason),
            "n": int(rows["case_id"].nunique()),
            "case_ids": list(dict.fromkeys(rows["case_id"])),
        }
        for reason, rows in excluded.groupby("reason", sort=False)
    ]
    return sorted(reasons, key=lambda entry: -entry["n"])


def _folds(context: Context) -> list[dict[str, Any]]:
    table = context.table(FOLDS)
    if table is None:
        return []
    counts = table.groupby(["fold", "cohort"], sort=False)["case_id"].nunique().unstack()
    names = [name for name in _SIDES if name in counts]
    counts = counts.fillna(0).astype(int)
    return [
        {"fold": str(fold), **{name: int(counts.loc[fold, name]) for name in names}}
        for fold in dict.fromkeys(table["fold"])
    ]


def _centers(context: Context) -> list[dict[str, Any]]:
    """Return the analysed patients of each centre by class."""
    table = context.table(COHORT)
    if table is None or "center" not in table or table["center"].isna().all():
        return []
    outcomes = context.outcomes(context.table(PREDICTIONS))
    rows = []
    for center, members in table.groupby("center", sort=True):
        own = outcomes.reindex(members["case_id"]).dropna()
        if own.empty:
            continue
        counts = [
            {"label": label, "n": int((own == value).sum())} for value, label, _ in context.classes
        ]
        rows.append({"center": str(center), "n": len(own), "classes": counts})
    return rows
