"""What a run can say to a checklist's item: full answer, part of one, or nothing.

Each function takes the report's summary and returns ``(status, answer, anchor)`` or ``None``;
``status`` is ``answered`` or ``partly``, ``anchor`` the report's section that shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gliofuse.report.wording import join_words, metric_label, plural

__all__ = ["ANSWERS"]

Summary = dict[str, Any]
Answer = tuple[str, str, str] | None
ANSWERS: dict[str, Callable[[Summary], Answer]] = {}


def _answers(function: Callable[[Summary], Answer]) -> Callable[[Summary], Answer]:
    ANSWERS[function.__name__] = function
    return function


def _full(answer: str, anchor: str) -> Answer:
    return "answered", answer, anchor


def _part(answer: str, anchor: str) -> Answer:
    return "partly", answer, anchor


def _settings(summary: Summary) -> dict[str, Any]:
    given = summary["study"].get("settings")
    return given if isinstance(given, dict) else {}


@_answers
def objectives(summary: Summary) -> Answer:
    what = "development with internal evaluation"
    if any(cohort["cohort"] == "external" for cohort in summary["cohorts"]):
        what = "development with external evaluation"
    return _part(f"Prediction of {summary['endpoint']}; {what}.", "done")


@_answers
def sources(summary: Summary) -> Answer:
    cohort = summary["study"].get("cohort")
    return _part(f"Manifest: {cohort}." if cohort else "See the flow of patients.", "patients")


@_answers
def centres(summary: Summary) -> Answer:
    found = summary["patients"]["centers"]
    if not found:
        return None
    return _part(f"{plural(len(found), 'centre')}, with patients per centre.", "patients")


@_answers
def eligibility(summary: Summary) -> Answer:
    found = summary["patients"]
    reasons = len(found["excluded"])
    return _part(
        f"{plural(found['n_excluded'], 'patient')} excluded from the given cohort for "
        f"{plural(reasons, 'reason')}; how the cohort itself was chosen is not recorded."
        if reasons
        else "Nobody of the given cohort was excluded; how the cohort itself was chosen is not "
        "recorded.",
        "patients",
    )


@_answers
def preparation(summary: Summary) -> Answer:
    return _part("The same settings for every patient; failed cases are listed.", "settings")


@_answers
def outcome(summary: Summary) -> Answer:
    return _part(f"{summary['endpoint']}; how it was determined is not recorded.", "patients")


@_answers
def predictor_choice(summary: Summary) -> Answer:
    return _full("Fixed by the design before the data were seen.", "design")


@_answers
def predictor_definition(summary: Summary) -> Answer:
    return _part("Feature names and extraction settings.", "settings")


@_answers
def sample_size(summary: Summary) -> Answer:
    found = summary["patients"]
    if found["positive"] is None:
        return None
    return _part(
        f"{found['analysed']} patients, {found['positive']} positive; no calculation was made "
        "beforehand by the software. What the size limits is said.",
        "limitations",
    )


@_answers
def missing(summary: Summary) -> Answer:
    return _part(
        "Patients who lack the endpoint or a needed image are excluded and listed with the reason. "
        "What a design does with a missing clinical value is said in its documentation.",
        "patients",
    )


@_answers
def split(summary: Summary) -> Answer:
    return _full(summary["split"]["words"] + " By patient, seeded.", "patients")


@_answers
def predictor_handling(summary: Summary) -> Answer:
    return _full("Scaling is learned on training patients in each fold; see the design.", "design")


@_answers
def building(summary: Summary) -> Answer:
    design = summary["design"]["title"]
    return _full(f"{design}; every step is fitted inside the fold, settings listed.", "design")


@_answers
def clusters(summary: Summary) -> Answer:
    if summary["split"].get("kind") == "center":
        return _full("Whole centres are kept apart as external patients.", "patients")
    return None


@_answers
def measures(summary: Summary) -> Answer:
    names = dict.fromkeys(
        metric_label(name)
        for cohort in summary["cohorts"]
        for name in [*cohort["metrics"], *cohort["other_metrics"]]
    )
    if not names:
        return None
    extra = [
        name
        for name, present in (
            ("calibration", summary["calibration"]),
            ("decision curve", summary["decision_curve"]),
            ("DeLong's test", any(cohort["has_tests"] for cohort in summary["cohorts"])),
        )
        if present
    ]
    return _full(join_words([*names, *extra]) + ".", "results")


@_answers
def updating(summary: Summary) -> Answer:
    return _full("None: no recalibration after fitting.", "design")


@_answers
def predictions(summary: Summary) -> Answer:
    return _full(
        "The fitted model of the fold predicts the patients put aside (predictions.parquet).",
        "results",
    )


@_answers
def imbalance(summary: Summary) -> Answer:
    found = summary["patients"]
    if found["positive"] is None:
        return None
    return _part(
        f"{found['positive']} positive, {found['negative']} negative; splits keep the shares. "
        "Class weights as the design says; probabilities are not recalibrated after them.",
        "design",
    )


@_answers
def output(summary: Summary) -> Answer:
    text = "A probability of the positive class"
    if summary["thresholds"]:
        return _full(text + "; thresholds learned on training patients are listed.", "results")
    return _part(text + ".", "results")


@_answers
def data_differences(summary: Summary) -> Answer:
    return _part(summary["split"]["words"], "patients")


@_answers
def code(summary: Summary) -> Answer:
    version = summary["provenance"]["gliofuse_version"]
    return _full(
        f"gliofuse {version or ''} (Apache-2.0); study file and versions in this report.",
        "settings",
    )


@_answers
def flow(summary: Summary) -> Answer:
    return _full("Flow of patients, with reasons of exclusion.", "patients")


@_answers
def characteristics(summary: Summary) -> Answer:
    return _full("Table of characteristics.", "patients") if summary["characteristics"] else None


@_answers
def data_comparison(summary: Summary) -> Answer:
    found = summary["characteristics"]
    return _part("Tests between groups.", "patients") if found and found["has_p"] else None


@_answers
def numbers(summary: Summary) -> Answer:
    if not summary["cohorts"]:
        return None
    return _full("Patients and positives stand at every table of results.", "results")


@_answers
def full_model(summary: Summary) -> Answer:
    if summary["nomogram"]:
        return _part("Nomogram with intercept and coefficients of its model.", "nomogram")
    if summary["selected_features"] or summary["contributions"]:
        return _part("Coefficients and selected features (tables/).", "inside")
    return None


@_answers
def performance(summary: Summary) -> Answer:
    if not summary["cohorts"]:
        return None
    return _part("Estimates with 95 % confidence intervals; no subgroups.", "results")


@_answers
def limitations(summary: Summary) -> Answer:
    return _part("Limits that can be told from the data.", "limitations")


@_answers
def poor_input(summary: Summary) -> Answer:
    return _part("Unreadable or mismatched images are refused and listed.", "patients")


@_answers
def guidelines(summary: Summary) -> Answer:
    return _part("TRIPOD+AI and CLEAR, as far as the run answers them.", "tripod-ai")


@_answers
def pipeline(summary: Summary) -> Answer:
    return _part("In words, not as a chart.", "design")


@_answers
def clinical_predictors(summary: Summary) -> Answer:
    terms = [term["label"] for term in (summary["nomogram"] or {"terms": []})["terms"]]
    return _part("In the final model: " + join_words(terms) + ".", "nomogram") if terms else None


@_answers
def preprocessing(summary: Summary) -> Answer:
    used = _settings(summary).get("normalisation")
    return _part(f"Normalisation: {used}.", "settings") if used else None


@_answers
def resampling(summary: Summary) -> Answer:
    return _stored(summary)


@_answers
def discretisation(summary: Summary) -> Answer:
    return _stored(summary)


def _stored(summary: Summary) -> Answer:
    tables = [name for name in summary["feature_tables"] if name.startswith("radiomics")]
    if not tables:
        return None
    return _part(f"Settings stored in the metadata of features/{tables[0]}.", "settings")


@_answers
def image_types(summary: Summary) -> Answer:
    if not summary["selected_features"]:
        return None
    return _part("The names of the features say image and class.", "inside")


@_answers
def extraction(summary: Summary) -> Answer:
    version = summary["provenance"]["gliofuse_version"]
    if not any(name.startswith("radiomics") for name in summary["feature_tables"]):
        return None
    if summary["study"].get("table"):
        return _part("Features were given as a table; how they came about is not recorded.", "done")
    return _full(
        f"gliofuse.radiomics {version or ''}, named and valued as PyRadiomics 3.", "settings"
    )


@_answers
def feature_numbers(summary: Summary) -> Answer:
    found = summary["selected_features"]
    if found and any(model["candidates"] for model in found["models"]):
        return _full("Candidates and kept features per model.", "inside")
    return _part("Kept features per model.", "inside") if found else None


@_answers
def defaults(summary: Summary) -> Answer:
    if not summary["study"]:
        return None
    return _part(
        "The study file and the version; defaults are those of the design in that version.",
        "settings",
    )


@_answers
def selection(summary: Summary) -> Answer:
    if not summary["selected_features"]:
        return None
    return _full("Features kept per fold, and how often each.", "inside")


@_answers
def model_choice(summary: Summary) -> Answer:
    return _full("The design names its final model beforehand.", "design")


@_answers
def testing(summary: Summary) -> Answer:
    external = any(cohort["cohort"] == "external" for cohort in summary["cohorts"])
    return _full("External and internal." if external else "Internal only.", "results")


@_answers
def uncertainty(summary: Summary) -> Answer:
    if not any(row["cells"] for cohort in summary["cohorts"] for row in cohort["rows"]):
        return None
    return _full("95 % intervals: DeLong for the AUC, bootstrap over patients else.", "results")


@_answers
def comparison(summary: Summary) -> Answer:
    if not any(cohort["has_tests"] for cohort in summary["cohorts"]):
        return None
    return _full("DeLong's paired test, with Holm's correction where given.", "results")


@_answers
def comparators(summary: Summary) -> Answer:
    others = [model["label"] for model in summary["models"] if not model["final"]]
    if not others:
        return None
    return _part(f"The final model beside {plural(len(others), 'other')}.", "results")


@_answers
def explanation(summary: Summary) -> Answer:
    means = [
        name
        for name, present in (
            ("contributions", summary["contributions"]),
            ("selected features", summary["selected_features"]),
            ("Grad-CAM", summary["gradcam"]),
        )
        if present
    ]
    return _full(join_words(means).capitalize() + ".", "inside") if means else None


@_answers
def feature_data(summary: Summary) -> Answer:
    return _part(
        "Stored in the run folder (features/); sharing is the authors' choice.", "settings"
    )
