"""Whether hazards are proportional: tests and scaled Schoenfeld residuals over time."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import HAZARD_RATIOS, PROPORTIONAL_HAZARDS, SCHOENFELD
from gliofuse.report.context import RunContext
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.plain import plain, records
from gliofuse.report.sections import Findings
from gliofuse.report.sections.hazard_ratios import term_label
from gliofuse.report.sections.proportional_hazards.figure import draw_schoenfeld
from gliofuse.report.wording import format_p

__all__ = ["data", "drawings"]

_GLOBAL = "GLOBAL"
_MOST_PANELS = 9


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the first fold's tests and residuals, the final model first."""
    table = context.table(PROPORTIONAL_HAZARDS)
    if table is None:
        return None
    fold = str(table["fold"].iloc[0])
    own = table[table["fold"].astype(str) == fold]
    names = context.in_order(own["model"].unique())
    names.sort(key=lambda name: not context.is_final(name))
    return {
        "fold": fold,
        "models": [
            {
                "model": name,
                "label": context.label(name),
                "final": context.is_final(name),
                "rows": [_row(row) for row in records(own[own["model"] == name])],
                "panels": _panels(context, fold, name),
            }
            for name in names
        ],
    }


def drawings(data: dict[str, Any], context: RunContext) -> list[Drawing]:
    """Return the residuals of each model."""
    return [
        Drawing(
            f"schoenfeld_{file_name(model['model'])}",
            f"Schoenfeld residuals: {model['label']}",
            draw_schoenfeld,
            (model["panels"],),
            {"unit": context.unit},
            f"A dot an event of the training patients of {data['fold']}: an estimate of the log "
            "hazard ratio at that time. Line: a smooth mean; dashed: the model's coefficient. "
            "Where hazards are proportional the line is level.",
        )
        for model in data["models"]
        if model["panels"]
    ]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    everything = row["term"] == _GLOBAL
    return {
        "term": row["term"],
        "label": "all together" if everything else term_label(row["term"]),
        "global": everything,
        "chi2": "" if row.get("chi2") is None else f"{row['chi2']:.2f}",
        "degrees": row["degrees"],
        "value": row.get("p"),
        "p": format_p(row.get("p")),
        "rejected": row.get("p") is not None and row["p"] < 0.05,
    }


def _panels(context: RunContext, fold: str, model: str) -> list[dict[str, Any]]:
    table, ratios = context.table(SCHOENFELD), context.table(HAZARD_RATIOS)
    if table is None:
        return []
    own = table[(table["fold"].astype(str) == fold) & (table["model"] == model)]
    return [
        {
            "label": term_label(str(term)),
            "time": rows["time"].tolist(),
            "residual": rows["scaled_residual"].tolist(),
            "coefficient": _coefficient(ratios, fold, model, str(term)),
        }
        for term, rows in own.dropna(subset=["scaled_residual"]).groupby("term", sort=False)
    ][:_MOST_PANELS]


def _coefficient(ratios: pd.DataFrame | None, fold: str, model: str, term: str) -> float | None:
    if ratios is None or "coefficient" not in ratios:
        return None
    own = ratios[
        (ratios["fold"].astype(str) == fold)
        & (ratios["model"] == model)
        & (ratios["term"] == term)
        & (ratios["kind"] == "multivariable")
    ]["coefficient"]
    return None if own.empty else plain(own.iloc[0])
