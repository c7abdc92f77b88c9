"""Hazard ratios of the Cox models, each variable alone and all together, of training patients."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import HAZARD_RATIOS
from gliofuse.report.context import RunContext
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.naming import feature_label
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.hazard_ratios.figure import draw_hazard_ratios
from gliofuse.report.wording import format_interval, format_p, readable

__all__ = ["data", "drawings", "term_label"]

_PRIME = "'"  # ends the names of a spline's columns after the first
_KINDS = ("univariable", "multivariable")


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the first fold's table, a row a term, the final model first."""
    table = context.table(HAZARD_RATIOS)
    if table is None:
        return None
    fold = str(table["fold"].iloc[0])
    own = table[table["fold"].astype(str) == fold]
    names = context.in_order(own["model"].unique())
    names.sort(key=lambda name: not context.is_final(name))
    return {
        "fold": fold,
        "folds": int(table["fold"].nunique()),
        "models": [_one_model(context, name, own[own["model"] == name]) for name in names],
    }


def drawings(data: dict[str, Any], context: RunContext) -> list[Drawing]:
    """Return a forest plot for each model."""
    return [
        Drawing(
            f"hazard_ratios_{file_name(model['model'])}",
            f"Hazard ratios: {model['label']}",
            draw_hazard_ratios,
            ([row for row in model["rows"] if not row["spline"]],),
            {},
            f"All variables together, {_patients(model)}. Square: hazard ratio; line: 95 % "
            "confidence interval; dashed: 1, no effect. To the right of it the event comes "
            "earlier. Per unit of a number; of a level against the reference.",
        )
        for model in data["models"]
    ]


def term_label(name: str) -> str:
    """Return a model's term as a reader would write it.

    Examples
    --------
    >>> term_label("sex=M"), term_label("age''")
    ('Sex: M', "Age''")
    """
    variable, _, level = name.partition("=")
    if level:
        return f"{readable(variable)}: {level}"
    label = feature_label(name)
    return readable(name) if label == name else label


def _one_model(context: RunContext, name: str, own: pd.DataFrame) -> dict[str, Any]:
    rows = {kind: records(own[own["kind"] == kind]) for kind in _KINDS}
    by_term = {kind: {row["term"]: row for row in rows[kind]} for kind in _KINDS}
    terms = dict.fromkeys(row["term"] for kind in reversed(_KINDS) for row in rows[kind])
    first = (rows["multivariable"] or rows["univariable"])[0]
    return {
        "model": name,
        "label": context.label(name),
        "final": context.is_final(name),
        "n": first.get("n"),
        "events": first.get("events"),
        "rows": [
            {
                "term": term,
                "label": term_label(term),
                "spline": f"{term.rstrip(_PRIME)}{_PRIME}" in terms,
                **{kind: _shown(by_term[kind].get(term)) for kind in _KINDS},
                "estimate": _value(by_term["multivariable"].get(term), "hazard_ratio"),
                "low": _value(by_term["multivariable"].get(term), "ci_low"),
                "high": _value(by_term["multivariable"].get(term), "ci_high"),
            }
            for term in terms
        ],
    }


def _value(row: dict[str, Any] | None, name: str) -> float | None:
    return None if row is None else row.get(name)


def _shown(row: dict[str, Any] | None) -> dict[str, str]:
    if row is None:
        return {"figures": "", "p": "", "note": ""}
    figures = (row.get("hazard_ratio"), row.get("ci_low"), row.get("ci_high"))
    return {
        "figures": format_interval(*figures, digits=2, exponent=True),
        "p": format_p(row.get("p")),
        "note": row.get("note") or "",
    }


def _patients(model: dict[str, Any]) -> str:
    if model["n"] is None:
        return "of the training patients"
    return f"{int(model['n'])} training patients with {int(model['events'])} events"
