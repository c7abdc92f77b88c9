"""What a run can say on its models and how they did.

Each function takes the run and what the report's sections found, and returns an
:class:`Answer` or ``None`` where the run can't tell.
"""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.sections.checklists.answer import Answer, answers, evaluated, full, part
from gliofuse.report.wording import join_words, plural, readable


@answers
def predictor_choice(run: RunContext, found: Findings) -> Answer:
    kept = "; which of them a model keeps is learned on training patients"
    kept = kept if found["selection"] else ""
    if run.run.source == "table":
        return part(f"The features of the given table{kept}; how they were chosen is not "
                    "recorded.", "design")  # fmt: skip
    return full(f"The features that the design computes{kept}.", "design")


@answers
def predictor_definition(run: RunContext, found: Findings) -> Answer:
    return part("Feature names and extraction settings.", "settings")


@answers
def predictor_handling(run: RunContext, found: Findings) -> Answer:
    return full("Scaling is learned on training patients in each fold; see the design.", "design")


@answers
def building(run: RunContext, found: Findings) -> Answer:
    title = run.run.design.title
    return full(f"{title}; every step is fitted inside the fold, settings listed.", "design")


@answers
def pipeline(run: RunContext, found: Findings) -> Answer:
    return part("In words, not as a chart.", "design")


@answers
def model_choice(run: RunContext, found: Findings) -> Answer:
    return full("The design names its final model beforehand.", "design")


@answers
def updating(run: RunContext, found: Findings) -> Answer:
    return full("None: no recalibration after fitting.", "design")


@answers
def defaults(run: RunContext, found: Findings) -> Answer | None:
    if not found["settings"]["study"]:
        return None
    return part(
        "The study file and the version; defaults are those of the design in that version.",
        "settings",
    )


@answers
def output(run: RunContext, found: Findings) -> Answer:
    if not found["thresholds"]:
        return part(f"{run.kind.output}.", "results")
    learned = found["thresholds"]["learned"]
    rule = "learned on each fold's training patients" if learned else "fixed at 0.5"
    return full(f"{run.kind.output}; thresholds {rule}.", "results")


@answers
def predictions(run: RunContext, found: Findings) -> Answer:
    return full("The fitted model of the fold predicts the patients put aside.", "results")


@answers
def measures(run: RunContext, found: Findings) -> Answer | None:
    names = dict.fromkeys(
        run.metric_label(name)
        for cohort in _cohorts(found)
        for name in [*cohort["metrics"], *cohort["other_metrics"]]
    )
    if not names:
        return None
    extra = [
        name
        for name, present in (
            ("calibration", _calibration(found)),
            ("decision curve", found["decision"] or found["horizon_decision"]),
            ("paired tests", any(cohort["has_tests"] for cohort in _cohorts(found))),
        )
        if present
    ]
    return full(join_words([*names, *extra]) + ".", "results")


@answers
def numbers(run: RunContext, found: Findings) -> Answer | None:
    if not _cohorts(found):
        return None
    return full("Patients and their outcomes stand at the tables of results.", "results")


@answers
def performance(run: RunContext, found: Findings) -> Answer | None:
    if not _cohorts(found):
        return None
    if found["subgroups"]:
        return full("Estimates with 95 % confidence intervals, also in groups.", "results")
    return part("Estimates with 95 % confidence intervals; no subgroups.", "results")


@answers
def testing(run: RunContext, found: Findings) -> Answer:
    return full(f"{evaluated(run).capitalize()}.", "results")


@answers
def uncertainty(run: RunContext, found: Findings) -> Answer | None:
    if not any(row["cells"] for cohort in _cohorts(found) for row in cohort["rows"]):
        return None
    texts = dict.fromkeys(cohort["intervals"] for cohort in _cohorts(found) if cohort["intervals"])
    return full(" ".join(texts), "results") if texts else None


@answers
def comparison(run: RunContext, found: Findings) -> Answer | None:
    if not any(cohort["has_tests"] for cohort in _cohorts(found)):
        return None
    tests = dict.fromkeys(cohort["test"] for cohort in _cohorts(found) if cohort["has_tests"])
    text = f"{join_words([*tests])}, with Holm's correction."
    return full(text[:1].upper() + text[1:], "results")


@answers
def comparators(run: RunContext, found: Findings) -> Answer | None:
    others = len(run.models) - 1
    if not others:
        return None
    return part(f"The final model beside {plural(others, 'other')}.", "results")


@answers
def full_model(run: RunContext, found: Findings) -> Answer | None:
    if found["nomogram"]:
        return part("Nomogram with the coefficients of its model.", "nomogram")
    if found["selection"] or found["contributions"]:
        return part("Coefficients and selected features (tables/).", "inside")
    return None


@answers
def clinical_predictors(run: RunContext, found: Findings) -> Answer | None:
    final = next((entry for entry in found["nomogram"] or [] if entry["final"]), None)
    if final is None:
        return None
    terms = [term["label"] for term in final["calculator"]["terms"]]
    return part(f"In the final model: {join_words(terms)}.", "nomogram")


@answers
def selection(run: RunContext, found: Findings) -> Answer | None:
    if not found["selection"]:
        return None
    return full("Features kept per fold, and how often each.", "inside")


@answers
def explanation(run: RunContext, found: Findings) -> Answer | None:
    means = [
        name
        for name, present in (
            ("contributions", found["contributions"]),
            ("selected features", found["selection"]),
            ("Grad-CAM", found["heat"]),
        )
        if present
    ]
    return full(readable(join_words(means)) + ".", "inside") if means else None


@answers
def limitations(run: RunContext, found: Findings) -> Answer:
    return part("Limits that can be told from the data.", "limitations")


def _calibration(found: Findings) -> Any:
    kinds = ("calibration", "class_calibration", "horizon_calibration")
    return next((found[kind] for kind in kinds if found[kind]), None)


def _cohorts(found: Findings) -> list[dict[str, Any]]:
    cohorts: list[dict[str, Any]] = found["performance"]["cohorts"]
    return cohorts
