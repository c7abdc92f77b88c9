"""Centre by centre: figures within each, their summary, and the centre as a giveaway."""

from __future__ import annotations

from typing import Any

from gliofuse.evaluation import GIVEAWAY_V
from gliofuse.records import CENTER_ALONE, CENTER_SUMMARY, CENTERS
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.plain import interval, intervals_folded, records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.performance.figure import draw_forest
from gliofuse.report.wording import format_interval, format_number

__all__ = ["data", "drawings"]

_FIGURES = ("auc", "sensitivity", "specificity", "observed_expected")


def data(context: Context, found: Findings) -> list[dict[str, Any]]:
    """Return for each cohort the table of centres of every model, the leading one first."""
    table = context.table(CENTERS)
    if table is None:
        return []
    rows = intervals_folded(records(table))
    summaries = intervals_folded(records(context.table(CENTER_SUMMARY)))
    alone = {row["cohort"]: row for row in records(context.table(CENTER_ALONE))}
    cohorts = []
    for cohort in context.cohorts:
        own = [row for row in rows if row["cohort"] == cohort]
        if len({row["center"] for row in own}) < 2:
            continue
        names = context.in_order(dict.fromkeys(row["model"] for row in own))
        if context.final is not None and context.final.name in names:
            names = [context.final.name, *(n for n in names if n != context.final.name)]
        cohorts.append(
            {
                "cohort": cohort,
                "label": context.cohort_label(cohort),
                "figures": list(_FIGURES),
                "models": [_of_model(context, cohort, name, own, summaries) for name in names],
                "alone": _alone(alone.get(cohort)),
            }
        )
    return cohorts


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return a forest plot of the leading model's centres for each cohort."""
    shown = []
    for cohort in data:
        model = cohort["models"][0]
        rows = [
            {"model": "", "label": f"{row['group']} (n = {row['n']})", **row["auc"]}
            for row in model["rows"]
        ]
        rows.append({"model": "within", "label": "Within centres", **model["within"]})
        if model["summary"]:
            rows.append({"model": "mean", "label": "Mean of centres", **model["summary"]["auc"]})
        panel = {"label": cohort["label"], "rows": [{**row, "paper": None} for row in rows]}
        shown.append(
            Drawing(
                f"centers_{file_name(cohort['cohort'])}",
                f"AUC by centre, {model['label']}, {cohort['label'].lower()}",
                draw_forest,
                ([panel],),
                {"final": "within", "metric": "AUC"},
                "Square: estimate; line: 95 % confidence interval; dashed: chance. Blue: pairs of "
                "patients of one centre, all centres together.",
            )
        )
    return shown


def _of_model(
    context: Context,
    cohort: str,
    name: str,
    rows: list[dict[str, Any]],
    summaries: list[dict[str, Any]],
) -> dict[str, Any]:
    summary = next(
        (row for row in summaries if row["cohort"] == cohort and row["model"] == name), None
    )
    return {
        "label": context.label(name),
        "rows": [
            {"group": row["center"], **{key: row[key] for key in ("n", "n_positive", *_FIGURES)}}
            for row in rows
            if row["model"] == name
        ],
        "within": interval(context.metric(cohort, name, "auc_within_centers")),
        "pooled": interval(context.metric(cohort, name, "auc")),
        "summary": summary,
        "sentence": _summary_words(summary),
    }


def _summary_words(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    auc = row["auc"]
    mean = format_interval(auc["estimate"], auc["low"], auc["high"], 2)
    text = (
        f"Random-effects mean of {row['n_centers']} centres: {mean}; I² {100 * row['i2']:.0f} %, "
        f"τ² {format_number(row['tau2'], 2)} on log odds."
    )
    if row["prediction_low"] is not None:
        low, high = (format_number(row[f"prediction_{side}"], 2) for side in ("low", "high"))
        text += f" In a further centre the AUC is expected between {low} and {high}."
    return text


def _alone(row: dict[str, Any] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    together = row["cramers_v"] >= GIVEAWAY_V or (
        row["auc_low"] is not None and row["auc_low"] > 0.5
    )
    v = f"Cramér's V of centre and class is {format_number(row['cramers_v'], 2)}"
    if row["auc"] is None:
        sentence = f"{v}; the models trained on none of these centres."
    else:
        text = format_interval(row["auc"], row["auc_low"], row["auc_high"], 2)
        sentence = f"A model that knows a patient's centre alone reaches an AUC of {text}; {v}."
    return {"together": together, "sentence": sentence}
