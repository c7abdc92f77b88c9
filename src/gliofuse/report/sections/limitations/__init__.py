"""Plain sentences on what the run's figures can't carry, computed from the run itself."""

from __future__ import annotations

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.sections.limitations.calibration import calibration
from gliofuse.report.sections.limitations.groups import (
    center_calibration,
    center_giveaway,
    rows_of_one_person,
    similar_cases,
)
from gliofuse.report.sections.limitations.performance import below_chance, intervals, overtaken
from gliofuse.report.sections.limitations.setup import (
    centres,
    events_per_variable,
    giveaway,
    many_models,
    missing_patients,
    preset,
    remarks,
    size,
    split,
    synthetic,
    validation,
)
from gliofuse.report.sections.limitations.survival import (
    events,
    imaging_adds,
    left_out_horizons,
    not_proportional,
    searched_threshold,
)

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> list[dict[str, str]]:
    """Return the limitations as ``{"title", "text"}``, the gravest first."""
    limits = [
        synthetic(context),
        giveaway(context),
        similar_cases(context),
        center_giveaway(context, found),
        None if context.kind.outcome is None else imaging_adds(context, found),
        size(context) if context.kind.outcome is None else events(context, found),
        center_calibration(context, found) or calibration(context, found),
        *intervals(context, found),
        below_chance(context, found),
        overtaken(context, found),
        left_out_horizons(found),
        searched_threshold(found),
        not_proportional(found),
        *events_per_variable(context, found),
        split(context),
        centres(context, found),
        rows_of_one_person(context),
        validation(context),
        many_models(context),
        missing_patients(found),
        remarks(found),
        preset(context),
        {
            "title": "Apparent performance is not shown",
            "text": "How well the models do on the patients they learned from is left out on "
            "purpose: it says little about new patients.",
        },
        {
            "title": "Research use only",
            "text": "The models have not been tested in clinical use. This report"
            f"{' and its calculators are' if found['nomogram'] else ' is'} no medical device and "
            "must not guide the care of a patient.",
        },
    ]
    return [entry for entry in limits if entry is not None]
