"""Limitation: the final model's probabilities do not come true, on average or in their spread."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import Context, RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_interval

__all__ = ["answer", "calibration"]

Interval = dict[str, Any]

_JUDGED = {
    "slope": "calibration slope",
    "intercept": "intercept",
    "observed_expected": "ratio of observed to expected events",
}


def calibration(context: RunContext, found: Findings) -> dict[str, str] | None:
    """Judge calibration in the large (observed over expected, intercept) and the slope."""
    summary = found["calibration"] or found["class_calibration"] or found["horizon_calibration"]
    if summary is None:
        return None
    _, verdicts = _judged(context, summary)
    if not verdicts:
        return None
    return {
        "title": "Probabilities are not calibrated",
        "text": " ".join(verdicts) + " Recalibrate before they are read as risks.",
    }


def answer(context: Context, summary: dict[str, Any]) -> str:
    """Answer whether the final model's probabilities can be used, as far as calibration tells."""
    known, verdicts = _judged(context, summary)
    if verdicts:
        return f"Not as they are. {' '.join(verdicts)} Recalibrate before they are read as risks."
    if not known:
        return ""
    return (
        f"Nothing speaks against it, as far as these patients can tell: the {known} of "
        f"{context.label(context.final.name) if context.final else 'the model'} hold their ideal "
        "values in their intervals. How wide these are says how much that excludes."
    )


def _judged(context: Context, summary: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the names of the figures that could be judged, and what is wrong with them."""
    verdicts, known = [], dict[str, None]()
    for row in summary["rows"]:
        if row["final"] and row["cohort_name"] == context.primary:
            figures = dict(zip(summary["columns"], row["values"], strict=True))
            which = f" of {row['class']}" if row["class"] else ""
            verdicts += [*_in_the_large(figures, which), *_spread(figures, which)]
            known |= {
                name: None
                for key, name in _JUDGED.items()
                if (one := figures.get(key)) is not None and one["low"] is not None
            }
    return " and ".join(", ".join(known).rsplit(", ", 1)), verdicts


def _in_the_large(figures: dict[str, Interval], which: str) -> list[str]:
    """Say whether the events were fewer or more than the probabilities add up to."""
    ratio = _missing_its_ideal(figures.get("observed_expected"), 1)
    intercept = _missing_its_ideal(figures.get("intercept"), 0)
    named = [
        f"{name}{which} is {_text(figure)} (ideal {ideal})"
        for name, figure, ideal in (
            ("observed over expected events", ratio, 1),
            ("the calibration intercept", intercept, 0),
        )
        if figure is not None
    ]
    if not named:
        return []
    high = (
        ratio["high"] < 1
        if ratio is not None
        else intercept is not None and (intercept["high"] < 0)
    )
    sentence = " and ".join(named)
    return [
        f"{sentence[0].upper()}{sentence[1:]}: on average the probabilities are too "
        f"{'high' if high else 'low'}."
    ]


def _spread(figures: dict[str, Interval], which: str) -> list[str]:
    """Say whether the probabilities rise with the events, and lie too far apart or too close."""
    slope = _missing_its_ideal(figures.get("slope"), 1)
    if slope is None:
        return []
    if slope["high"] <= 0:
        verdict = "patients of higher probability had fewer events"
    elif slope["low"] <= 0:
        verdict = "it is not shown that events rise with the probability"
    elif slope["high"] < 1:
        verdict = "the probabilities are too extreme"
    else:
        verdict = "the probabilities are too timid"
    return [f"The calibration slope{which} is {_text(slope)} (ideal 1): {verdict}."]


def _missing_its_ideal(figure: Interval | None, ideal: float) -> Interval | None:
    """Return a figure whose interval is known and does not hold its ideal."""
    if figure is None or figure["low"] is None or figure["high"] is None:
        return None
    return None if figure["low"] <= ideal <= figure["high"] else figure


def _text(figure: Interval) -> str:
    return format_interval(figure["estimate"], figure["low"], figure["high"], 2)
