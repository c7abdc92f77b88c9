"""Whether the probabilities can be used: calibration, decision curve, nomogram, survival."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.report.sections.context import RunContext
from gliofuse.report.tables import intervals_folded, plain, records
from gliofuse.report.wording import cohort_label, model_label

__all__ = [
    "calibration",
    "clinical_impact",
    "decision_curve",
    "kaplan_meier",
    "thresholds",
    "timing",
]

_TREAT = ("treat all", "treat none", "all", "none", "treat_all", "treat_none")
_MOST_CURVES = 5


def calibration(context: RunContext) -> dict[str, Any] | None:
    """Return calibration curves per cohort and the table of slope, intercept and Brier score."""
    table = context.tables.table("calibration.csv", "cohort", "model", "predicted", "observed")
    summary = context.tables.table("calibration_summary.csv", "cohort", "model")
    if table is None and summary is None:
        return None
    panels = []
    if table is not None:
        table = table[table["cohort"] != "training"]
        for cohort in _ordered_cohorts(context, table):
            own = table[table["cohort"] == cohort]
            curves = [
                _curve(own[own["model"] == model], model)
                for model in _chosen_models(context, own["model"].unique())
            ]
            panels.append(
                {
                    "cohort": cohort,
                    "label": cohort_label(cohort),
                    "curves": curves,
                    "probabilities": _probabilities(context, cohort),
                }
            )
    rows = intervals_folded(records(summary))
    rows = [row for row in rows if row["cohort"] != "training"]
    known = ("cohort", "model", "n", "n_positive", "apparent")
    columns = [
        name
        for name in (rows[0] if rows else {})
        if name not in known and any(row[name] not in (None, "") for row in rows)
    ]
    order = {name: place for place, name in enumerate(context.models)}
    rows.sort(key=lambda row: (str(row["cohort"]), order.get(str(row["model"]), len(order))))
    return {
        "panels": panels,
        "columns": columns,
        "rows": [
            {
                "cohort": cohort_label(str(row["cohort"])),
                "cohort_name": str(row["cohort"]),
                "model": str(row["model"]),
                "label": model_label(str(row["model"])),
                "final": row["model"] == context.final,
                "values": [row[name] for name in columns],
            }
            for row in rows
        ],
    }


def _ordered_cohorts(context: RunContext, table: pd.DataFrame) -> list[str]:
    found = list(table["cohort"].unique())
    return [name for name in context.cohorts if name in found] + [
        name for name in found if name not in context.cohorts
    ]


def _chosen_models(context: RunContext, names: Any) -> list[str]:
    """The final model first, then those that stand last in the paper's table, a handful in all."""
    ordered = context.in_order([name for name in names if str(name).lower() not in _TREAT])
    if context.final is None:
        return ordered
    final = [name for name in ordered if name == context.final]
    return final + [name for name in ordered[::-1] if name != context.final][: _MOST_CURVES - 1]


def _curve(rows: pd.DataFrame, model: str) -> dict[str, Any]:
    rows = rows.dropna(subset=["predicted", "observed"]).sort_values("predicted", kind="stable")
    return {
        "model": str(model),
        "label": model_label(model),
        "predicted": rows["predicted"].tolist(),
        "observed": rows["observed"].tolist(),
        **_band(rows),
    }


def _band(rows: pd.DataFrame) -> dict[str, list[float]]:
    """Return the bounds of a curve, or none where any of them is missing."""
    bounds = ["ci_low", "ci_high"]
    if not set(bounds) <= set(rows.columns) or rows[bounds].isna().any(axis=None):
        return {"low": [], "high": []}
    return {"low": rows["ci_low"].tolist(), "high": rows["ci_high"].tolist()}


def _probabilities(context: RunContext, cohort: str) -> dict[str, list[float]]:
    table = context.predictions
    own = table[(table["cohort"] == cohort) & (table["model"] == context.final)]
    patients = own.groupby("case_id").agg(y=("y_true", "first"), p=("probability", "mean"))
    return {
        "negative": [float(value) for value in patients.loc[patients["y"] == 0, "p"]],
        "positive": [float(value) for value in patients.loc[patients["y"] == 1, "p"]],
    }


def decision_curve(context: RunContext) -> list[dict[str, Any]]:
    """Return decision curves, one panel a cohort, with the treat-all and treat-none lines."""
    table = context.tables.table(
        "decision_curve.csv", "cohort", "model", "threshold", "net_benefit"
    )
    if table is None:
        return []
    table = table[table["cohort"] != "training"]
    panels = []
    for cohort in _ordered_cohorts(context, table):
        own = table[table["cohort"] == cohort]
        names = list(own["model"].unique())
        reference = [name for name in names if str(name).lower() in _TREAT]
        curves = []
        for model in _chosen_models(context, names) + reference:
            rows = own[own["model"] == model].dropna(subset=["threshold", "net_benefit"])
            rows = rows.sort_values("threshold", kind="stable")
            curves.append(
                {
                    "model": str(model),
                    "label": model_label(str(model)),
                    "reference": model in reference,
                    "threshold": rows["threshold"].tolist(),
                    "net_benefit": rows["net_benefit"].tolist(),
                    **_band(rows),
                }
            )
        panels.append({"cohort": cohort, "label": cohort_label(cohort), "curves": curves})
    return panels


def clinical_impact(context: RunContext) -> dict[str, Any] | None:
    """Return the final model's numbers of high-risk patients, and of those with the event."""
    columns = ("threshold", "high_risk", "high_risk_with_event")
    table = context.tables.table("clinical_impact.csv", *columns)
    if table is None:
        return None
    if "cohort" in table:
        table = table[table["cohort"] == context.primary]
    model = context.final
    if "model" in table:
        if context.final not in set(table["model"]) and len(table):
            model = str(table["model"].iloc[-1])
        table = table[table["model"] == model]
    table = table.dropna(subset=list(columns)).sort_values("threshold", kind="stable")
    if table.empty:
        return None
    bounds = [
        name for name in table.columns if name.endswith(("_low", "_high")) and name not in columns
    ]
    return {
        "label": model_label(str(model)),
        **{name: [plain(value) for value in table[name]] for name in (*columns, *bounds)},
    }


#: What the two curves of a plot stand for, by the table's ``groups``.
_SURVIVAL_TITLES = {
    "class": "Survival of the two classes as they are",
    "called": "Survival by the final model's held-out call",
}


def kaplan_meier(context: RunContext) -> list[dict[str, Any]]:
    """Return the plots of survival: curves with numbers at risk, and the log-rank test."""
    columns = ("groups", "group", "time_days", "survival")
    table = context.tables.table("tables/kaplan_meier.csv", *columns)
    if table is None:
        return []
    tests = context.run.get("logrank") or {}
    return [
        {
            "name": f"kaplan_meier_{kind}",
            "title": _SURVIVAL_TITLES.get(str(kind), str(kind)),
            "groups": [_survival_curve(str(group), rows) for group, rows in own],
            "logrank": tests.get(kind),
        }
        for kind, part in table.groupby("groups", sort=False)
        for own in [part.groupby("group", sort=False)]
    ]


def _survival_curve(label: str, rows: pd.DataFrame) -> dict[str, Any]:
    rows = rows.dropna(subset=["time_days", "survival"]).sort_values("time_days", kind="stable")
    return {
        "label": label,
        "time_days": rows["time_days"].tolist(),
        "survival": rows["survival"].tolist(),
        "low": rows["ci_low"].tolist() if "ci_low" in rows else [],
        "high": rows["ci_high"].tolist() if "ci_high" in rows else [],
        "at_risk": [plain(value) for value in rows["at_risk"]] if "at_risk" in rows else [],
    }


def timing(context: RunContext) -> list[dict[str, Any]]:
    """Return how long each stage took, summed over folds."""
    table = context.tables.table("tables/timing.csv", "stage", "seconds")
    if table is None:
        return []
    sums = table.groupby("stage", sort=False)["seconds"].sum()
    total = float(sums.sum()) or 1.0
    return [
        {"stage": str(stage), "seconds": float(value), "share": float(value) / total}
        for stage, value in sums.items()
    ]


def thresholds(context: RunContext) -> list[dict[str, Any]]:
    """Return each model's decision thresholds over the folds (lowest, median, highest)."""
    table = context.tables.table("thresholds.csv", "model", "threshold")
    if table is None:
        return []
    return [
        {
            "model": name,
            "label": model_label(name),
            "low": float(values.min()),
            "median": float(values.median()),
            "high": float(values.max()),
        }
        for name in context.in_order(table["model"].unique())
        if len(values := table.loc[table["model"] == name, "threshold"].dropna())
    ]
