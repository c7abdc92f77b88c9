"""The models behind the nomograms and their calculators, the final model's first."""

from __future__ import annotations

from typing import Any

from gliofuse.errors import InputError
from gliofuse.records import NOMOGRAM, Nomogram, NomogramTerm
from gliofuse.report.context import RunContext
from gliofuse.report.drawing import Drawing, file_name
from gliofuse.report.sections import Findings
from gliofuse.report.sections.nomogram.figure import draw_nomogram
from gliofuse.report.wording import each_horizon, readable, signs

__all__ = ["data", "drawings", "nomogram_data"]


def data(context: RunContext, found: Findings) -> list[dict[str, Any]]:
    """Return the models that have such a form, on their variables' own scales."""
    try:
        models = context.folder.nomograms()
    except InputError as error:
        context.problems.append(str(error))
        return []
    names = sorted(context.in_order(models), key=lambda name: not context.is_final(name))
    return [
        {
            "model": name,
            "label": context.label(name),
            "final": context.is_final(name),
            "file": NOMOGRAM.path.format(model=name),
            **nomogram_data(models[name]),
        }
        for name in names
    ]


def nomogram_data(model: Nomogram) -> dict[str, Any]:
    """Return a nomogram as figure and calculator need it.

    Returns
    -------
    dict
        ``record`` (the nomogram), ``outcome``, ``fitted_on``, ``answers`` (what the calculator
        gives) and ``calculator``: ``link``, ``intercept``, ``baseline`` and ``terms``, each with
        ``levels`` and what they add, or ``coefficients``, ``knots``, ``min``, ``max``, ``step``
        and ``start`` (where the calculator begins).
    """
    terms = tuple(term.model_copy(update={"label": readable(term.label)}) for term in model.terms)
    shown = model.model_copy(update={"terms": terms, "outcome": signs(model.outcome)})
    cox = model.link == "cox"
    return {
        "record": shown.model_dump(),
        "link": model.link,
        "outcome": shown.outcome,
        "fitted_on": model.fitted_on,
        "answers": [f"{each_horizon(label)} survival" for label in model.baseline]
        if cox
        else [f"Probability of {shown.outcome}"],
        "calculator": {
            "link": model.link,
            "intercept": model.intercept,
            "baseline": [
                {"label": label, "survival": value} for label, value in model.baseline.items()
            ],
            "terms": [_term(term) for term in terms],
        },
    }


def drawings(data: list[dict[str, Any]], context: RunContext) -> list[Drawing]:
    """Return the nomograms."""
    return [
        Drawing(
            f"nomogram_{file_name(entry['model'])}",
            f"Nomogram: {entry['label']}",
            draw_nomogram,
            (Nomogram.model_validate(entry["record"]),),
            {},
            "Read each variable's points off the uppermost scale, add them, and read "
            f"{_read(entry)} beneath the total. The model was fitted on {entry['fitted_on']}; what "
            "it does on other patients is told by the results above.",
        )
        for entry in data
    ]


def _read(entry: dict[str, Any]) -> str:
    if entry["link"] == "cox":
        return f"the probability of being free of the event ({entry['outcome']})"
    return "the probability"


def _term(term: NomogramTerm) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": term.name,
        "label": term.label,
        "unit": term.unit,
        "coefficients": list(term.coefficients),
        "knots": list(term.knots),
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
