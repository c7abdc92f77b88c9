"""The logistic model behind the nomogram and its calculator."""

from __future__ import annotations

from typing import Any

from gliofuse.errors import InputError
from gliofuse.records import NOMOGRAM, Nomogram, NomogramTerm
from gliofuse.report.context import RunContext
from gliofuse.report.drawing import Drawing
from gliofuse.report.sections import Findings
from gliofuse.report.sections.nomogram.figure import draw_nomogram
from gliofuse.report.wording import readable, signs

__all__ = ["data", "drawings", "nomogram_data"]


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the final model's terms on their own scales, where it has such a form."""
    try:
        model = context.folder.read(NOMOGRAM)
    except InputError as error:
        context.problems.append(str(error))
        return None
    return None if model is None else nomogram_data(model)


def nomogram_data(model: Nomogram) -> dict[str, Any]:
    """Return a nomogram as figure and calculator need it.

    Returns
    -------
    dict
        ``intercept``, ``outcome``, ``fitted_on`` and ``terms``: ``name``, ``label``, ``unit``,
        ``coefficient`` per unit and either ``levels`` or ``min``, ``max``, ``step`` and ``start``
        (where the calculator begins).
    """
    return {
        "intercept": model.intercept,
        "outcome": signs(model.outcome),
        "fitted_on": model.fitted_on,
        "terms": [_term(term) for term in model.terms],
    }


def drawings(data: dict[str, Any], context: RunContext) -> list[Drawing]:
    """Return the nomogram."""
    return [
        Drawing(
            "nomogram",
            "Nomogram",
            draw_nomogram,
            (data,),
            {},
            "Read each variable's points off the uppermost scale, add them, and read the "
            f"probability beneath the total. The model was fitted on {data['fitted_on']}; what it "
            "does on other patients is told by the results above.",
        )
    ]


def _term(term: NomogramTerm) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": term.name,
        "label": readable(term.label),
        "unit": term.unit,
        "coefficient": term.coefficient,
        "levels": [{"label": label, "value": value} for label, value in term.levels.items()],
    }
    if term.min is not None and term.max is not None:
        step = _step(term.min, term.max)
        middle = min(term.max, max(term.min, round((term.min + term.max) / 2 / step) * step))
        shown |= {"min": term.min, "max": term.max, "step": step, "start": float(f"{middle:.6g}")}
    return shown


def _step(low: float, high: float) -> float:
    """Return a round step of about a hundredth of the range."""
    width = (high - low) / 100
    return next((step for step in (0.001, 0.01, 0.1, 1.0, 10.0) if step >= width), 100.0)
