"""The logistic model behind the nomogram and its calculator."""

from __future__ import annotations

from typing import Any

from gliofuse.report.sections.context import RunContext
from gliofuse.report.wording import format_number, model_label

__all__ = ["nomogram"]

_MOST_TERMS = 12


def nomogram(context: RunContext) -> dict[str, Any] | None:
    """Return the final model's terms on their own scales, or ``None`` where it has no such form.

    Returns
    -------
    dict or None
        ``intercept``, ``outcome``, ``fitted_on`` and ``terms``: ``name``, ``label``, ``unit``,
        ``coefficient`` per unit and either ``levels`` or ``min``, ``max``, ``step`` and ``start``
        (where the calculator begins).
    """
    given = context.tables.json("tables/nomogram.json")
    if not isinstance(given, dict) or not given.get("terms"):
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
        "label": model_label(str(given.get("label") or name)),
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
