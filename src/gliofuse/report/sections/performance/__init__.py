"""The table of models for each cohort, in the form of the design's paper."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import ModelRecord
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing
from gliofuse.report.intervals import about_test, interval_sentence, name_of_test
from gliofuse.report.naming import sequence_label
from gliofuse.report.plain import interval, records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.performance.figure import draw_forest

__all__ = ["data", "drawings"]


def data(context: Context, found: Findings) -> dict[str, Any]:
    """Return for each cohort the table of models.

    Returns
    -------
    dict
        ``cohorts``, each with ``cohort``, ``label``, ``patients``, ``metrics`` (columns of
        the paper's table),
        ``other_metrics``, ``rows`` and ``grid``.
    """
    return {"cohorts": [_one_cohort(context, cohort) for cohort in context.cohorts]}


def drawings(data: dict[str, Any], context: Context) -> list[Drawing]:
    """Return the forest plot of the main figure of merit."""
    metric = context.headline
    panels = [
        {
            "label": cohort["label"],
            "rows": [
                {"model": row["model"], "label": row["label"], **row["cells"][cohort["headline"]]}
                for row in cohort["rows"]
                if cohort["headline"] in row["cells"]
            ],
        }
        for cohort in data["cohorts"]
    ]
    final = None if context.final is None else context.final.name
    title = f"{context.metric_label(metric)} of every {'model' if final else 'design'}"
    caption = "Square: estimate; line: 95 % confidence interval; dashed: chance"
    if final:
        caption += "; bold and blue: the final model"
    if any(row["paper"] is not None for panel in panels for row in panel["rows"]):
        caption += "; open diamond: the publication, on other patients"
    options = {"final": final, "metric": context.metric_label(metric)}
    return [Drawing("forest", title, draw_forest, (panels,), options, f"{caption}.")]


def _one_cohort(context: Context, cohort: str) -> dict[str, Any]:
    own = context.metrics[context.metrics["cohort"] == cohort]
    present = list(dict.fromkeys(own["metric"]))
    head, usual = context.headline_on(cohort), context.evaluation.headline
    wished = [head if name == usual else name for name in context.wished_metrics]
    metrics = [name for name in dict.fromkeys(wished) if name in present]
    others = [name for name in present if name not in metrics and name not in context.horizons]
    tests = _tests_against_final(context, cohort)
    rows = [
        {
            "model": model,
            "label": context.label(model),
            "final": context.is_final(model),
            "cells": {name: _cell(context, cohort, model, name) for name in [*metrics, *others]},
            **tests.get(model, {"p": None, "p_holm": None}),
        }
        for model in context.in_order(own["model"].unique())
    ]
    return {
        "cohort": cohort,
        "label": context.cohort_label(cohort),
        "patients": context.patients_line(cohort),
        "headline": head,
        "metrics": metrics,
        "other_metrics": others,
        "rows": rows,
        "notes": [text for name, text in context.kind.notes.items() if name in present],
        "intervals": interval_sentence(
            own.get("interval", pd.Series(dtype=str)).dropna(), resamples=context.resamples
        ),
        "test": name_of_test(_test_intervals(context, cohort)),
        "about_test": about_test(_test_intervals(context, cohort), resamples=context.resamples),
        "has_tests": any(row["p"] is not None for row in rows),
        "has_holm": any(row["p_holm"] is not None for row in rows),
        "paper_cohort": context.paper_cohort(cohort),
        "paper_metrics": [
            name for name in metrics if any(row["cells"][name]["paper"] is not None for row in rows)
        ],
        "grid": _grid(context, cohort, [row["model"] for row in rows]),
    }


def _cell(context: Context, cohort: str, model: str, metric: str) -> dict[str, Any]:
    paper = context.paper_value(cohort, model, metric)
    return {**interval(context.metric(cohort, model, metric)), "paper": paper}


def _grid(context: Context, cohort: str, models: list[str]) -> dict[str, Any] | None:
    """Return the main figure as groups by kinds, where several kinds share several groups."""
    known = {model.name: model for model in context.models}
    family = [known[name] for name in models if name in known and known[name].group]
    for part in ("group", "kind", "group"):  # each round may leave others alone
        family = [
            model
            for model in family
            if sum(getattr(other, part) == getattr(model, part) for other in family) > 1
        ]
    kinds = list(dict.fromkeys(model.kind for model in family))
    groups = list(dict.fromkeys(model.group for model in family))
    if len(kinds) < 2 or len(groups) < 2:
        return None
    at = {(model.group, model.kind): model for model in family}
    return {
        "metric": context.headline_on(cohort),
        "kinds": [kind[:1].upper() + kind[1:] for kind in kinds],
        "groups": [_group_label(group) for group in groups],
        "cells": [
            [_grid_cell(context, cohort, at.get((group, kind))) for kind in kinds]
            for group in groups
        ],
    }


def _grid_cell(context: Context, cohort: str, model: ModelRecord | None) -> dict[str, Any]:
    if model is None:
        return {**interval(None), "paper": None, "final": False}
    cell = _cell(context, cohort, model.name, context.headline_on(cohort))
    return {**cell, "final": context.is_final(model.name)}


def _group_label(group: str) -> str:
    label = sequence_label(group)
    return label[:1].upper() + label[1:]


def _test_intervals(context: Context, cohort: str) -> list[str]:
    table = context.table(context.kind.tests)
    if table is None or "interval" not in table:
        return []
    return table.loc[table["cohort"] == cohort, "interval"].dropna().unique().tolist()


def _tests_against_final(context: Context, cohort: str) -> dict[str, dict[str, Any]]:
    table = context.table(context.kind.tests)
    if table is None or context.final is None:
        return {}
    tests = {}
    for row in records(table[table["cohort"] == cohort]):
        pair = [row["model_a"], row["model_b"]]
        if context.final.name in pair:
            other = pair[1] if pair[0] == context.final.name else pair[0]
            tests[other] = {"p": row["p"], "p_holm": row["p_holm"]}
    return tests
