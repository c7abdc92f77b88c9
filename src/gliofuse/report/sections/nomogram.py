"""The logistic model behind the nomogram and its calculator."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.report.sections.context import RunContext
from gliofuse.report.sections.patients import endpoint_words
from gliofuse.report.wording import format_number, model_label, plural

__all__ = ["nomogram"]

_MOST_TERMS = 12


def nomogram(context: RunContext) -> dict[str, Any] | None:
    """Return the final model's terms on their own scales, or ``None`` where it has no such form.

    Read from ``nomogram.json``; without it, put together from the final model's coefficients of
    the first fold (``coefficients.csv``, of standardised terms) and the table that they were
    fitted on (``nomogram_data.csv``), which gives each term's mean, spread and range.

    Returns
    -------
    dict or None
        ``intercept``, ``outcome``, ``fitted_on`` and ``terms``: ``name``, ``label``, ``unit``,
        ``coefficient`` per unit and either ``levels`` or ``min``, ``max``, ``step`` and ``start``
        (where the calculator begins).
    """
    given = context.tables.json("nomogram.json") or context.tables.json("tables/nomogram.json")
    if not isinstance(given, dict) or not given.get("terms"):
        given = _of_first_fold(context)
    if given is None:
        return None
    try:
        terms = [_term(term, number) for number, term in enumerate(given["terms"], 1)]
        return {
            "intercept": float(given.get("intercept", 0.0)),
            "terms": terms,
            "outcome": str(given.get("outcome") or "the positive class"),
            "fitted_on": str(given.get("fitted_on") or "this study's patients"),
        }
    except (KeyError, TypeError, ValueError):
        return None  # not in the form agreed: the section is left out


def _term(given: dict[str, Any], number: int) -> dict[str, Any]:
    name = str(given.get("name", f"term {number}"))
    term: dict[str, Any] = {
        "name": name,
        "label": str(given.get("label") or name),
        "unit": str(given.get("unit") or ""),
        "coefficient": float(given["coefficient"]),
        "levels": _levels(given.get("levels")),
    }
    if not term["levels"]:
        low, high = float(given["min"]), float(given["max"])
        step = float(given.get("step") or _step(low, high))
        middle = min(high, max(low, round((low + high) / 2 / step) * step))
        term |= {"min": low, "max": high, "step": step, "start": float(f"{middle:.6g}")}
    return term


def _of_first_fold(context: RunContext) -> dict[str, Any] | None:
    coefficients = context.tables.table("tables/coefficients.csv", "model", "term", "coefficient")
    data = context.tables.table("tables/nomogram_data.csv")
    if coefficients is None or data is None:
        return None
    own = coefficients[coefficients["model"] == context.final]
    fitted_on = "this study's training patients"
    if "fold" in own and "fold" in data and len(own):
        fold = own["fold"].iloc[0]
        own, data = own[own["fold"] == fold], data[data["fold"] == fold]
        fitted_on = f"the {plural(len(data), 'training patient')} of {fold}"
    slopes = dict(zip(own["term"], own["coefficient"].astype(float), strict=True))
    intercept = slopes.pop("(intercept)", 0.0)
    if not slopes or len(slopes) > _MOST_TERMS or not set(slopes) <= set(data.columns):
        return None
    terms = []
    for name, slope in slopes.items():
        values = pd.to_numeric(data[name], errors="coerce").dropna()
        spread = float(values.std(ddof=0)) if len(values) else 0.0
        if not spread > 0:
            continue  # the same in every patient: its standardised value is 0
        # From one standard deviation to one unit.
        intercept -= slope * float(values.mean()) / spread
        terms.append({"name": name, "coefficient": slope / spread, **_scale(name, values)})
    outcome = endpoint_words(context)
    return {"intercept": intercept, "terms": terms, "outcome": outcome, "fitted_on": fitted_on}


def _scale(name: str, values: pd.Series) -> dict[str, Any]:
    variable, _, level = name.partition("=")
    if level:
        return {"label": f"{model_label(variable)}: {level}", "levels": {"no": 0, "yes": 1}}
    if set(values) <= {0, 1}:
        return {"label": model_label(name), "levels": {"0": 0, "1": 1}}
    return {"label": model_label(name), "min": float(values.min()), "max": float(values.max())}


def _step(low: float, high: float) -> float:
    """Return a round step of about a hundredth of the range."""
    width = (high - low) / 100
    return next((step for step in (0.001, 0.01, 0.1, 1.0, 10.0) if step >= width), 100.0)


def _levels(given: Any) -> list[dict[str, Any]]:
    """Accept ``{"female": 0, "male": 1}``, ``[{"label": ..., "value": ...}]`` and ``[0, 1]``."""
    if not given:
        return []
    if isinstance(given, dict):
        return [{"label": str(label), "value": float(value)} for label, value in given.items()]
    levels = []
    for place, level in enumerate(given):
        if isinstance(level, dict):
            value = level.get("value", place)
            levels.append({"label": str(level.get("label", value)), "value": float(value)})
        elif isinstance(level, int | float):
            levels.append({"label": format_number(level, 0), "value": float(level)})
        else:
            levels.append({"label": str(level), "value": float(place)})
    return levels
