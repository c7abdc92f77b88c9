"""How well the models did on patients they did not learn from, in the design's paper's form."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from gliofuse.report.sections.context import HELD_OUT, RunContext
from gliofuse.report.tables import records
from gliofuse.report.wording import (
    cohort_label,
    format_interval,
    format_number,
    format_p,
    metric_label,
    model_label,
)

__all__ = [
    "PAPER_METRICS",
    "cohort_results",
    "delong_tables",
    "headline",
    "misjudged",
    "paper_table",
]

#: Columns of each publication's own table, in its order.
PAPER_METRICS = {
    "rdl": ("auc", "accuracy", "sensitivity", "specificity"),
    "deep-radiomics": ("auc", "accuracy", "sensitivity", "precision"),
    "shape-resnet": ("auc", "accuracy", "apca", "sensitivity", "specificity"),
    "imaging-clinical": ("sensitivity", "specificity", "accuracy", "auc"),
}
_USUAL = ("auc", "accuracy", "sensitivity", "specificity")
_MOST_MISJUDGED = 12


def headline(context: RunContext) -> dict[str, Any] | None:
    """Return the final model's AUC on the patients that matter most, with the paper's value."""
    found = context.metric(context.primary, context.final, "auc")
    if found is None or context.final is None or context.primary is None:
        return None
    return {
        "model": context.final,
        "label": model_label(context.final),
        "cohort": context.primary,
        "cohort_label": _label_in_split(context, context.primary),
        "text": format_interval(found["estimate"], found.get("ci_low"), found.get("ci_high"), 2),
        "estimate": found["estimate"],
        "low": found.get("ci_low"),
        "high": found.get("ci_high"),
        "n": found.get("n"),
        "n_positive": found.get("n_positive"),
        "paper": _paper_value(context, context.primary, context.final, "auc"),
        "paper_cohort": _paper_cohort(context, context.primary),
        "others": [
            {
                "label": metric_label(name),
                "text": format_interval(row["estimate"], row.get("ci_low"), row.get("ci_high"), 2),
            }
            for name in ("sensitivity", "specificity", "accuracy")
            if (row := context.metric(context.primary, context.final, name))
        ],
    }


def cohort_results(context: RunContext) -> list[dict[str, Any]]:
    """Return for each cohort the table of models, with curves and confusion matrices.

    Returns
    -------
    list of dict
        ``cohort``, ``label``, ``n``, ``n_positive``, ``metrics`` (columns of the design's paper),
        ``other_metrics``, ``rows``, ``curves``, ``confusion``.
    """
    return [_one_cohort(context, cohort) for cohort in context.cohorts]


def _one_cohort(context: RunContext, cohort: str) -> dict[str, Any]:
    own = context.metrics[context.metrics["cohort"] == cohort]
    present = set(own["metric"])
    wished = PAPER_METRICS.get(str(context.design.get("name")), _USUAL)
    metrics = [name for name in wished if name in present]
    others = [name for name in dict.fromkeys(own["metric"]) if name not in metrics]
    tests = _tests_against_final(context, cohort)
    rows = []
    for model in context.in_order(own["model"].unique()):
        cells = {}
        for name in [*metrics, *others]:
            row = context.metric(cohort, model, name)
            cells[name] = {
                "estimate": row["estimate"] if row else None,
                "low": row.get("ci_low") if row else None,
                "high": row.get("ci_high") if row else None,
                "paper": _paper_value(context, cohort, model, name),
            }
        rows.append(
            {
                "model": model,
                "label": model_label(model),
                "final": model == context.final,
                "cells": cells,
                **tests.get(model, {"p": None, "p_holm": None}),
            }
        )
    counts = records(own.head(1))[0]
    return {
        "cohort": cohort,
        "label": _label_in_split(context, cohort),
        "n": counts.get("n"),
        "n_positive": counts.get("n_positive"),
        "metrics": metrics,
        "other_metrics": others,
        "rows": rows,
        "has_tests": any(row["p"] is not None for row in rows),
        "has_holm": any(row["p_holm"] is not None for row in rows),
        "paper_cohort": _paper_cohort(context, cohort),
        "paper_metrics": [
            name for name in metrics if any(row["cells"][name]["paper"] is not None for row in rows)
        ],
        "grid": _grid(context, cohort, [row["model"] for row in rows]),
        "curves": _curves(context, cohort),
        "confusion": _confusion(context, cohort),
    }


def _grid(context: RunContext, cohort: str, models: list[str]) -> dict[str, Any] | None:
    """Return the AUCs as kinds by groups where the models' names are made of both.

    ``radiomics_t1, dl_t1, radiomics_t2, dl_t2`` is such a family; a name that has no partner of
    another kind, or none of another group, is not part of it.
    """
    parts = {name: tuple(name.rsplit("_", 1)) for name in models if "_" in name}
    for place in (1, 0, 1):  # each round may leave others alone
        counts = Counter(part[place] for part in parts.values())
        parts = {name: part for name, part in parts.items() if counts[part[place]] > 1}
    kinds = list(dict.fromkeys(part[0] for part in parts.values()))
    groups = list(dict.fromkeys(part[1] for part in parts.values()))
    if len(kinds) < 2 or len(groups) < 2:
        return None
    cells = []
    for group in groups:
        row = []
        for kind in kinds:
            name = f"{kind}_{group}"
            found = context.metric(cohort, name, "auc") if name in parts else None
            row.append(
                {
                    "estimate": found["estimate"] if found else None,
                    "low": found.get("ci_low") if found else None,
                    "high": found.get("ci_high") if found else None,
                    "paper": _paper_value(context, cohort, name, "auc"),
                    "final": name == context.final,
                }
            )
        cells.append(row)
    return {
        "kinds": [model_label(kind) for kind in kinds],
        "groups": [model_label(group) for group in groups],
        "cells": cells,
    }


def _label_in_split(context: RunContext, cohort: str) -> str:
    if cohort == "test" and context.split.get("kind") == "kfold":
        return "Held-out patients, pooled over the folds"
    return cohort_label(cohort)


def _paper_value(context: RunContext, cohort: str, model: str, metric: str) -> float | None:
    table = context.tables.table("paper_results.csv", "cohort", "model", "metric", "value")
    if table is None:
        return None
    there = _paper_cohort(context, cohort)
    found = table[
        (table["cohort"] == there) & (table["model"] == model) & (table["metric"] == metric)
    ]["value"].dropna()
    return float(found.iloc[0]) if len(found) else None


def _paper_cohort(context: RunContext, cohort: str) -> str | None:
    """Return the publication's cohort to print beside one's own.

    The one of the same name; for held-out patients, where the publication has none, the one that
    comes nearest: external, test, then validation.
    """
    table = context.tables.table("paper_results.csv", "cohort", "model", "metric", "value")
    if table is None:
        return None
    present = set(table["cohort"])
    nearest = ("external", "test", "validation") if cohort in HELD_OUT else ()
    return next((name for name in (cohort, *nearest) if name in present), None)


def paper_table(context: RunContext) -> dict[str, Any] | None:
    """Return all figures that the publication reports, as its own table."""
    table = context.tables.table("paper_results.csv", "cohort", "model", "metric", "value")
    if table is None:
        return None
    wished = PAPER_METRICS.get(str(context.design.get("name")), _USUAL)
    metrics = [name for name in wished if name in set(table["metric"])]
    metrics += [name for name in dict.fromkeys(table["metric"]) if name not in metrics]
    values = {(row["cohort"], row["model"], row["metric"]): row["value"] for row in records(table)}
    pairs = dict.fromkeys(zip(table["cohort"], table["model"], strict=True))
    return {
        "metrics": metrics,
        "rows": [
            {
                "cohort": str(cohort),
                "label": model_label(model),
                "values": [format_number(values.get((cohort, model, name))) for name in metrics],
            }
            for cohort, model in pairs
        ],
    }


def _tests_against_final(context: RunContext, cohort: str) -> dict[str, dict[str, Any]]:
    table = context.tables.table("delong.csv", "cohort", "model_a", "model_b", "p")
    if table is None:
        return {}
    tests = {}
    for row in records(table[table["cohort"] == cohort]):
        pair = [str(row["model_a"]), str(row["model_b"])]
        if context.final in pair and pair[0] != pair[1]:
            other = pair[1] if pair[0] == context.final else pair[0]
            tests[other] = {"p": row["p"], "p_holm": row.get("p_holm")}
    return tests


def delong_tables(context: RunContext, *, least: int = 3) -> list[dict[str, Any]]:
    """Return for each cohort with ``least`` models or more the square of pairwise DeLong tests."""
    table = context.tables.table("delong.csv", "cohort", "model_a", "model_b", "p")
    if table is None:
        return []
    squares = []
    for cohort in context.cohorts:
        own = records(table[table["cohort"] == cohort])
        pairs: dict[tuple[str, str], dict[str, Any]] = {}
        for row in own:
            a, b = str(row["model_a"]), str(row["model_b"])
            difference = row.get("difference")
            pairs[a, b] = row
            pairs[b, a] = {**row, "difference": None if difference is None else -difference}
        names = context.in_order({name for pair in pairs for name in pair})
        if len(names) < least:
            continue
        squares.append(
            {
                "cohort": cohort,
                "label": _label_in_split(context, cohort),
                "models": [model_label(name) for name in names],
                "holm": any(row.get("p_holm") is not None for row in own),
                "cells": [[_delong_cell(pairs.get((a, b))) for b in names] for a in names],
            }
        )
    return squares


def _delong_cell(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    shown = row["p"] if row.get("p_holm") is None else row["p_holm"]
    return {
        "difference": format_number(row.get("difference"), 3),
        "p": format_p(shown),
        "significant": shown is not None and shown < 0.05,
    }


def _curves(context: RunContext, cohort: str) -> list[dict[str, Any]]:
    table = _roc_table(context)
    if table is None:
        return []
    own = table[table["cohort"] == cohort]
    curves = []
    for model in context.in_order(own["model"].unique()):
        rows = own[own["model"] == model]
        auc = context.metric(cohort, model, "auc") or {}
        curve: dict[str, Any] = {
            "model": model,
            "label": model_label(model),
            "auc_text": format_interval(
                auc.get("estimate"), auc.get("ci_low"), auc.get("ci_high"), 2
            ),
            "false_positive_rate": rows["false_positive_rate"].tolist(),
            "true_positive_rate": rows["true_positive_rate"].tolist(),
        }
        if {"low", "high"} <= set(rows.columns) and not rows[["low", "high"]].isna().any(axis=None):
            curve |= {"low": rows["low"].tolist(), "high": rows["high"].tolist()}
        curves.append(curve)
    return curves


def _roc_table(context: RunContext) -> pd.DataFrame | None:
    """Return the ROC points as rates, from a table of rates or of sensitivity and specificity."""
    table = context.tables.table("roc.csv", "cohort", "model")
    if table is None:
        return None
    if {"sensitivity", "specificity"} <= set(table.columns):
        table = table.assign(
            true_positive_rate=table["sensitivity"], false_positive_rate=1 - table["specificity"]
        )
    names = {"sensitivity_low": "low", "sensitivity_high": "high"}
    table = table.rename(columns=names if "low" not in table else {})
    if not {"true_positive_rate", "false_positive_rate"} <= set(table.columns):
        return None
    return table.dropna(subset=["false_positive_rate", "true_positive_rate"])


def _confusion(context: RunContext, cohort: str) -> list[dict[str, Any]]:
    counts = ("true_negative", "false_positive", "false_negative", "true_positive")
    table = context.tables.table("confusion.csv", "cohort", "model", *counts)
    if table is None:
        return []
    by_model = {str(row["model"]): row for row in records(table[table["cohort"] == cohort])}
    return [
        {
            "model": name,
            "label": model_label(name),
            **{key: by_model[name][key] or 0 for key in counts},
        }
        for name in context.in_order(by_model)
    ]


def misjudged(context: RunContext) -> dict[str, Any] | None:
    """Return the held-out patients whom the final model judged worst, and all probabilities.

    A patient who was predicted in several repeats has the mean probability.
    """
    table = context.predictions
    own = table[(table["model"] == context.final) & (table["cohort"] == context.primary)]
    if own.empty:
        return None
    patients = own.groupby("case_id", sort=True).agg(
        y_true=("y_true", "first"), probability=("probability", "mean")
    )
    patients["error"] = (patients["probability"] - patients["y_true"]).abs()
    worst = patients[patients["error"] > 0.5].sort_values("error", ascending=False, kind="stable")
    return {
        "label": _label_in_split(context, str(context.primary)),
        "n_wrong_side": len(worst),
        "rows": [
            {
                "case_id": str(case_id),
                "y_true": int(row["y_true"]),
                "probability": float(row["probability"]),
            }
            for case_id, row in worst.head(_MOST_MISJUDGED).iterrows()
        ],
        "negative": _probabilities(patients, 0),
        "positive": _probabilities(patients, 1),
    }


def _probabilities(patients: pd.DataFrame, label: int) -> list[float]:
    return [float(value) for value in patients.loc[patients["y_true"] == label, "probability"]]
