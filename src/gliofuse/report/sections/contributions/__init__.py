"""What each part weighs in the models that put parts together."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.records import COEFFICIENTS, CONTRIBUTIONS
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing
from gliofuse.report.naming import feature_label
from gliofuse.report.sections import Findings
from gliofuse.report.sections.contributions.figure import draw_contributions
from gliofuse.report.wording import readable

__all__ = ["INTERCEPT", "data", "drawings"]

INTERCEPT = "(intercept)"
_MOST_TERMS = 12


def data(context: Context, found: Findings) -> list[dict[str, Any]] | None:
    """Return for each fusion model its terms with their coefficient in every fold.

    Where the run wrote no contributions, models with few coefficients stand for them.
    """
    table = context.table(CONTRIBUTIONS)
    if table is None:
        table = _few_terms(context.table(COEFFICIENTS))
    if table is None:
        return None
    table = table[table["term"] != INTERCEPT].dropna(subset=["coefficient"])
    models = []
    for model in context.in_order(table["model"].unique()):
        own = table[table["model"] == model]
        terms = [
            {
                "term": str(term),
                "label": _term_label(context, str(term)),
                "mean": float(rows["coefficient"].mean()),
                "values": [float(value) for value in rows["coefficient"]],
            }
            for term, rows in own.groupby("term", sort=False)
        ]
        models.append({"model": model, "label": context.label(model), "terms": terms})
    return models


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return the figure of all coefficients."""
    return [
        Drawing(
            "contributions",
            "Coefficients of the fusion models",
            draw_contributions,
            (data,),
            {},
            "Bar: mean over the folds; circles: the single folds; blue: speaks for the positive "
            "class, orange: against it. Contributions share out what correlated parts have in "
            "common and are no proof of a cause.",
        )
    ]


def _few_terms(table: pd.DataFrame | None) -> pd.DataFrame | None:
    if table is None:
        return None
    terms = table.groupby("model")["term"].nunique()
    return table[table["model"].isin(terms[terms <= _MOST_TERMS].index)]


def _term_label(context: Context, term: str) -> str:
    """A term is a model's signature, a feature, or a clinical variable."""
    if any(model.name == term for model in context.models):
        return context.label(term)
    label = feature_label(term)
    return readable(label) if label == term else label
