"""What each part weighs in the models that put parts together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from gliofuse.records import COEFFICIENTS, CONTRIBUTIONS
from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing
from gliofuse.report.naming import feature_label
from gliofuse.report.sections import Findings
from gliofuse.report.sections.contributions.figure import draw_contributions
from gliofuse.report.wording import readable

__all__ = ["INTERCEPT", "data", "drawings", "models_in"]

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
    for model, label, _, own in models_in(context, table):
        terms = [
            {
                "term": str(term),
                "label": _term_label(context, str(term)),
                "mean": float(rows["coefficient"].mean()),
                "values": [float(value) for value in rows["coefficient"]],
            }
            for term, rows in own.groupby("term", sort=False)
        ]
        models.append({"model": model, "label": label, "terms": terms})
    return models


def models_in(
    context: Context, table: pd.DataFrame
) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Give the rows of each model or, where a model has a part for each class, of each part.

    Yields
    ------
    model, label, class, rows : str, str, str, pandas.DataFrame
        The class is empty where there are no parts.
    """
    for model in context.in_order(table["model"].unique()):
        own = table[table["model"] == model]
        if "class" not in own or own["class"].isna().all():
            yield model, context.label(model), "", own
            continue
        for value, name, _ in context.classes:
            part = own[own["class"] == value]
            if len(part):
                yield model, f"{context.label(model)} ({name})", value, part


def drawings(data: list[dict[str, Any]], context: Context) -> list[Drawing]:
    """Return the figure of all coefficients."""
    return [
        Drawing(
            "contributions",
            "Coefficients of the fusion models",
            draw_contributions,
            (data,),
            {},
            f"Bar: mean over the folds; circles: the single folds; blue: {_meaning(context)}. "
            "Contributions share out what correlated parts have in "
            "common and are no proof of a cause.",
        )
    ]


def _meaning(context: Context) -> str:
    if context.kind.outcome is not None:
        return "raises the risk, orange: lowers it"
    positive = "positive " if len(context.classes) == 2 else ""
    return f"speaks for the {positive}class, orange: against it"


def _few_terms(table: pd.DataFrame | None) -> pd.DataFrame | None:
    if table is None:
        return None
    terms = table.groupby("model")["term"].nunique()
    return table[table["model"].isin(terms[terms <= _MOST_TERMS].index)]


def _term_label(context: Context, term: str) -> str:
    """A term is a model's signature (of a class), a feature, or a clinical variable."""
    model, _, of_class = term.partition("=")
    if any(known.name == model for known in context.models):
        label = context.label(model)
        return f"{label} ({context.class_label(of_class)})" if of_class else label
    label = feature_label(term)
    return readable(label) if label == term else label
