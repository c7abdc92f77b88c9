"""Plain sentences on what a comparison of designs can't carry."""

from __future__ import annotations

from gliofuse.report.context import ComparisonContext
from gliofuse.report.sections import Findings
from gliofuse.report.sections.limitations.groups import (
    center_giveaway,
    rows_of_one_person,
    similar_cases,
)
from gliofuse.report.sections.limitations.setup import (
    centres,
    giveaway,
    missing_patients,
    size,
    split,
    synthetic,
    validation,
)
from gliofuse.report.sections.limitations.survival import ENOUGH_EVENTS
from gliofuse.report.wording import join_words, plural

__all__ = ["data"]

Limit = dict[str, str]


def data(context: ComparisonContext, found: Findings) -> list[Limit]:
    """Return the limitations as ``{"title", "text"}``, the gravest first."""
    limits = [
        synthetic(context),
        giveaway(context),
        similar_cases(context),
        center_giveaway(context, found),
        size(context) if context.kind.outcome is None else _few_events(context, found),
        _fitted_once(context),
        None if context.split.kind == "holdout" else split(context),
        centres(context, found),
        rows_of_one_person(context),
        validation(context),
        _quick(context),
        {
            "title": "Built from the papers",
            "text": "Designs of publications were built from what these state, on other patients "
            "and scanners; what was chosen here stands with each design. A design that does badly "
            "here may do so by these choices.",
        },
        missing_patients(found),
        {
            "title": "Research use only",
            "text": "The models have not been tested in clinical use. This report is no medical "
            "device and must not guide the care of a patient.",
        },
    ]
    return [entry for entry in limits if entry is not None]


def _few_events(context: ComparisonContext, found: Findings) -> Limit | None:
    rows = found["follow_up"]["rows"] if found["follow_up"] else []
    judged = next((row for row in rows if row["cohort"] == context.primary), None)
    if judged is None or judged["events"] >= ENOUGH_EVENTS:
        return None
    return {
        "title": "Few events",
        "text": f"Of the {plural(int(judged['n']), 'patient')} whose figures stand first, "
        f"{int(judged['events'])} had the event. Figures of merit become steady with about "
        f"{ENOUGH_EVENTS} events.",
    }


def _fitted_once(context: ComparisonContext) -> Limit | None:
    kind = context.split.kind
    if kind == "bootstrap" or (kind == "kfold" and context.split.repeats > 1):
        return None
    often = "once a part" if kind in ("kfold", "center") else "once"
    return {
        "title": "Each design was fitted with one seed",
        "text": f"Every design was fitted {often}, with the seed {context.split.seed}. With "
        "another division of the patients, or other starting weights of the networks, the order "
        "of the designs may be another.",
    }


def _quick(context: ComparisonContext) -> Limit | None:
    quick = [name for name, run in context.runs.items() if run.design.preset == "quick"]
    if not quick:
        return None
    return {
        "title": "Quick settings",
        "text": f"{join_words(quick)} ran with the preset “quick”: smaller inputs and shorter "
        f"training. {'They say' if len(quick) > 1 else 'It says'} nothing about the full form of "
        f"{plural(len(quick), 'design').removeprefix('1 ')}.",
    }
