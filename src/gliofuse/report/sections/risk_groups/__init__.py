"""Survival of the patients below and above the models' thresholds."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import KAPLAN_MEIER, RISK_GROUPS, RISK_TESTS, THRESHOLDS
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.plain import intervals_folded, records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.survival import p_text, survival_curve
from gliofuse.report.sections.survival.figure import draw_survival
from gliofuse.report.wording import format_interval, format_number, format_p

__all__ = ["data", "drawings"]

_TESTS = {
    "logrank": "log-rank",
    "wilcoxon": "Gehan's Wilcoxon",
    "tarone-ware": "Tarone-Ware",
    "peto": "Peto-Peto",
    "fleming-harrington": "Fleming-Harrington",
    "hazard ratio": "hazard ratio, high against low",
    "rmst difference": "difference of restricted means, high less low",
}
_ALL = "all"
_RISK = "risk"


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return for each cohort and model its groups, tests and curves, the final model first."""
    groups, tests, curves = (
        context.table(file) for file in (RISK_GROUPS, RISK_TESTS, KAPLAN_MEIER)
    )
    if groups is None:
        return None
    cohorts = [_one_cohort(context, cohort, groups, tests, curves) for cohort in context.cohorts]
    return {
        "cohorts": [cohort for cohort in cohorts if cohort["models"]],
        "rule": context.run.threshold,
        "thresholds": _thresholds(context),
    }


def drawings(data: dict[str, Any], context: Context) -> list[Drawing]:
    """Return a figure a cohort and model that has curves."""
    return [
        Drawing(
            model["figure"],
            f"Survival by risk group of {model['label']}, {cohort['label'].lower()}",
            draw_survival,
            (model["curves"],),
            {"p_text": p_text(model["p"]), "unit": context.unit, "scale": 1.0},
            "Kaplan-Meier curves with 95 % confidence intervals and, beneath, the patients still "
            "at risk. Curves at their right end rest on few patients.",
        )
        for cohort in data["cohorts"]
        for model in cohort["models"]
    ]


def _one_cohort(
    context: Context,
    cohort: str,
    groups: pd.DataFrame,
    tests: pd.DataFrame | None,
    curves: pd.DataFrame | None,
) -> dict[str, Any]:
    own = groups[groups["cohort"] == cohort]
    names = context.in_order(own["model"].unique())
    names.sort(key=lambda name: not context.is_final(name))
    return {
        "cohort": cohort,
        "label": context.cohort_label(cohort),
        "models": [
            {
                "model": name,
                "label": context.label(name),
                "final": context.is_final(name),
                "figure": f"kaplan_meier_{file_name(cohort)}_{file_name(name)}",
                **_groups(context, own[own["model"] == name]),
                **_tests(_of(tests, cohort, name), context.digits),
                "curves": _curves(_of(curves, cohort, name)),
            }
            for name in names
        ],
    }


def _of(table: pd.DataFrame | None, cohort: str, model: str) -> pd.DataFrame | None:
    if table is None or not {"cohort", "model"} <= set(table):
        return None
    return table[(table["cohort"] == cohort) & (table["model"] == model)]


def _groups(context: Context, own: pd.DataFrame) -> dict[str, Any]:
    """Return a model's groups, with survival at the horizons that any of them reaches."""
    rows = intervals_folded(records(own))
    times = [
        time
        for time in getattr(context.endpoint, "horizon_times", ())
        if any((row.get(f"survival_{time:g}") or {}).get("estimate") is not None for row in rows)
    ]
    return {
        "horizons": [context.horizon_label(time) for time in times],
        "tau": next((row["tau"] for row in rows if row.get("tau") is not None), None),
        "groups": [
            {
                "group": row["group"],
                "n": row["n"],
                "events": row["events"],
                "median": _median(row["median"], context.digits),
                "rmst": _interval(row["rmst"], context.digits),
                "survival": [row[f"survival_{time:g}"] for time in times],
            }
            for row in rows
        ],
    }


def _interval(found: dict[str, Any], digits: int) -> str:
    return format_interval(found["estimate"], found["low"], found["high"], digits)


def _median(found: dict[str, Any], digits: int) -> str:
    """Return a median survival; an open upper bound is said to be open."""
    if found["estimate"] is None:
        low = found["low"]
        return "not reached" if low is None else f"not reached (from {format_number(low, digits)})"
    if found["low"] is not None and found["high"] is None:
        estimate, low = (format_number(found[name], digits) for name in ("estimate", "low"))
        return f"{estimate} (from {low})"
    return _interval(found, digits)


def _tests(own: pd.DataFrame | None, digits: int) -> dict[str, Any]:
    rows = records(own)
    by_name = {row["test"]: row for row in rows}
    ratio = by_name.get("hazard ratio")
    return {
        "p": by_name.get("logrank", {}).get("p"),
        "refits": any(bool(row["refits"]) for row in rows),
        "hazard_ratio": None
        if ratio is None or ratio.get("estimate") is None
        else format_interval(ratio["estimate"], ratio["ci_low"], ratio["ci_high"], 2),
        "tests": [
            {
                "test": _TESTS.get(row["test"], row["test"]),
                "estimate": ""
                if row.get("estimate") is None
                else format_interval(
                    row["estimate"],
                    row["ci_low"],
                    row["ci_high"],
                    digits if row["test"] == "rmst difference" else 2,
                ),
                "statistic": "" if row.get("statistic") is None else f"{row['statistic']:.2f}",
                "p": format_p(row.get("p")),
                "note": row.get("note") or "",
            }
            for row in rows
        ],
    }


def _curves(own: pd.DataFrame | None) -> list[dict[str, Any]]:
    if own is None:
        return []
    own = own[own["groups"] == _RISK]
    return [survival_curve(str(group), rows) for group, rows in own.groupby("group", sort=False)]


def _thresholds(context: Context) -> list[dict[str, Any]]:
    """Return each model's threshold: lowest, median and highest of the folds; and its p value."""
    table = context.table(THRESHOLDS)
    if table is None:
        return []
    return [
        {
            "model": name,
            "label": context.label(name),
            "low": float(values.min()),
            "median": float(values.median()),
            "high": float(values.max()),
            "folds": len(values),
            "p_corrected": _median_p(table.loc[values.index]),
        }
        for name in context.in_order(table["model"].unique())
        if len(values := table.loc[table["model"] == name, "threshold"].dropna())
    ]


def _median_p(own: pd.DataFrame) -> float | None:
    if "p_corrected" not in own or own["p_corrected"].isna().all():
        return None
    return float(own["p_corrected"].median())
