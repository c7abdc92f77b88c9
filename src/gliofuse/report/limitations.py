"""Plain sentences on what the run's figures can't carry, computed from the run itself."""

from __future__ import annotations

from typing import Any

from gliofuse.report.sections.context import HELD_OUT, RunContext
from gliofuse.report.wording import format_interval, format_number, model_label, plural

__all__ = ["limitations"]

#: Patients of the rarer class below which validation figures are unsteady (Vergouwe et al.,
#: J Clin Epidemiol 2005;58:475; Collins et al., Stat Med 2016;35:214).
_ENOUGH_EVENTS = 100
#: Patients of the rarer class per model term, the usual rule of thumb (Peduzzi et al.,
#: J Clin Epidemiol 1996;49:1373).
_EVENTS_PER_VARIABLE = 10
_WIDE_INTERVAL = 0.15


def limitations(context: RunContext, summary: dict[str, Any]) -> list[dict[str, str]]:
    """Return the limitations as ``{"title", "text"}``, the gravest first.

    Parameters
    ----------
    context
        The run.
    summary
        What the other sections found; see :func:`gliofuse.report.summary.summarise`.
    """
    found = [
        *_size(summary),
        *_interval(summary),
        *_below_chance(context, summary),
        *_overtaken(context, summary),
        *_events_per_variable(summary),
        *_split(context, summary),
        *_centres(context, summary),
        *_validation(context),
        *_calibration(context, summary),
        *_many_models(context),
        *_missing_patients(summary),
        *_preset(context),
    ]
    found.append(
        {
            "title": "Apparent performance is not shown",
            "text": "How well the models do on the patients they learned from is left out on "
            "purpose: it says little about new patients.",
        }
    )
    found.append(
        {
            "title": "Research use only",
            "text": "The models have not been tested in clinical use. This report and its "
            "calculator are no medical device and must not guide the care of a patient.",
        }
    )
    return found


def _rarer(summary: dict[str, Any]) -> int | None:
    patients = summary["patients"]
    if patients["positive"] is None:
        return None
    return int(min(patients["positive"], patients["negative"]))


def _size(summary: dict[str, Any]) -> list[dict[str, str]]:
    rarer = _rarer(summary)
    if rarer is None or rarer >= _ENOUGH_EVENTS:
        return []
    return [
        {
            "title": "Few patients",
            "text": f"The rarer class has {plural(rarer, 'patient')}. Figures of merit become "
            f"steady with about {_ENOUGH_EVENTS} or more in each class; here another sample of "
            "patients could give clearly different ones.",
        }
    ]


def _interval(summary: dict[str, Any]) -> list[dict[str, str]]:
    head = summary["headline"]
    if not head or head["low"] is None or head["high"] is None:
        return []
    found = []
    width = head["high"] - head["low"]
    if head["low"] <= 0.5:
        found.append(
            {
                "title": "Not shown to be better than chance",
                "text": f"The interval of the final model's AUC, {head['text']}, "
                f"{'lies below' if head['high'] < 0.5 else 'holds'} 0.5.",
            }
        )
    if width > _WIDE_INTERVAL:
        found.append(
            {
                "title": "Wide confidence interval",
                "text": f"The final model's AUC lies between {format_number(head['low'], 2)} and "
                f"{format_number(head['high'], 2)} with 95 % confidence: a width of "
                f"{format_number(width, 2)}.",
            }
        )
    return found


def _below_chance(context: RunContext, summary: dict[str, Any]) -> list[dict[str, str]]:
    """Say what an AUC below 0.5 means in a cross-validation of few patients."""
    names = [
        row["label"]
        for cohort in summary["cohorts"]
        if cohort["cohort"] == context.primary
        for row in cohort["rows"]
        if (high := row["cells"].get("auc", {}).get("high")) is not None and high < 0.5
    ]
    if not names or context.split.get("kind") != "kfold":
        return []
    return [
        {
            "title": "Below chance is no finding",
            "text": f"The interval of {', '.join(names)} lies below 0.5. In cross-validation of "
            "few patients a model that has found nothing tends to that side: what the patients put "
            "aside have more of, the training patients have less of. It is no reversed effect.",
        }
    ]


def _overtaken(context: RunContext, summary: dict[str, Any]) -> list[dict[str, str]]:
    """Name the models that did better than the final one on the same patients."""
    for cohort in summary["cohorts"]:
        if cohort["cohort"] != context.primary:
            continue
        rows = [
            (row["label"], row["cells"]["auc"]["estimate"], row["final"])
            for row in cohort["rows"]
            if "auc" in row["cells"] and row["cells"]["auc"]["estimate"] is not None
        ]
        own = next((auc for _, auc, final in rows if final), None)
        if own is None:
            continue
        better = [f"{label} ({format_number(auc, 2)})" for label, auc, _ in rows if auc > own]
        if better:
            return [
                {
                    "title": "The final model is not the best here",
                    "text": "On the same patients a higher AUC than the final model's "
                    f"({format_number(own, 2)}) was reached by: {', '.join(better)}. Whether by "
                    "more than chance is told by the tests beside them.",
                }
            ]
    return []


def _events_per_variable(summary: dict[str, Any]) -> list[dict[str, str]]:
    features, rarer = summary["selected_features"], _rarer(summary)
    if not features or not rarer:
        return []
    most = max(features["models"], key=lambda model: model["most"])
    ratio = rarer / max(1, most["most"])
    unsteady = [
        model
        for model in features["models"]
        if features["folds"] > 1 and model["n_in_every_fold"] < model["n_features"] / 2
    ]
    found = []
    if ratio < _EVENTS_PER_VARIABLE:
        found.append(
            {
                "title": "Few patients per feature",
                "text": f"{most['label']} kept up to {plural(most['most'], 'feature')}, at most "
                f"{format_number(ratio, 1)} patients of the rarer class for each; the usual rule "
                f"of thumb asks for {_EVENTS_PER_VARIABLE} or more. The penalty of the regression "
                "softens this but does not remove it.",
            }
        )
    if unsteady:
        found.append(
            {
                "title": "The choice of features is unsteady",
                "text": "Less than half of the chosen features were chosen in every fold by: "
                + ", ".join(model["label"] for model in unsteady)
                + ". A single feature should not be read as a finding.",
            }
        )
    return found


def _split(context: RunContext, summary: dict[str, Any]) -> list[dict[str, str]]:
    split = context.split
    if split.get("kind") == "kfold":
        return [
            {
                "title": "Cross-validation, not one model",
                "text": f"The figures pool the predictions of {split.get('folds', 'several')} "
                "models, one a fold, that share most training patients. They estimate how the "
                "method does, not one fitted model, and the intervals do not count the variation "
                "between training sets.",
            }
        ]
    if split.get("kind") == "holdout":
        return [
            {
                "title": "One split",
                "text": "The figures rest on one random division of the patients; another seed "
                "would give others. Repeated cross-validation shows how much.",
            }
        ]
    return []


def _centres(context: RunContext, summary: dict[str, Any]) -> list[dict[str, str]]:
    if "external" in context.cohorts:
        return []
    centres = summary["patients"]["centers"]
    if len(centres) > 1:
        text = (
            f"The {len(centres)} centres are mixed in training and test patients: how the models "
            "do in a centre they never saw is not known (split by centre to find out)."
        )
    elif len(centres) == 1:
        text = (
            f"All patients come from one centre ({centres[0]['center']}); scanners, protocols and "
            "patients elsewhere differ, and the figures may not hold there."
        )
    else:
        text = (
            "The cohort names no centres, so nothing here tells how the models do on scanners and "
            "patients of another place."
        )
    return [{"title": "No external validation", "text": text}]


def _validation(context: RunContext) -> list[dict[str, str]]:
    if "validation" not in context.cohorts:
        return []
    if not any(cohort in context.cohorts for cohort in HELD_OUT):
        return [
            {
                "title": "Only validation patients",
                "text": "The figures are of patients who may have chosen a network's stopping "
                "point; they are optimistic.",
            }
        ]
    return [
        {
            "title": "Validation figures are optimistic",
            "text": "Networks chose their stopping point on the validation patients; only the test "
            "and external figures are free of this.",
        }
    ]


def _calibration(context: RunContext, summary: dict[str, Any]) -> list[dict[str, str]]:
    found = summary["calibration"]
    if not found:
        return []
    for row in found["rows"]:
        if not row["final"] or row["cohort_name"] != context.primary:
            continue
        slope = dict(zip(found["columns"], row["values"], strict=True)).get("slope")
        if not isinstance(slope, dict) or None in (slope["low"], slope["high"]):
            continue
        text = format_interval(slope["estimate"], slope["low"], slope["high"], 2)
        if slope["high"] < 1:
            verdict = "the probabilities are too extreme"
        elif slope["low"] > 1:
            verdict = "the probabilities are too timid"
        else:
            continue
        return [
            {
                "title": "Probabilities are not calibrated",
                "text": f"The calibration slope is {text}, ideal is 1: {verdict} and should be "
                "recalibrated before they are read as risks.",
            }
        ]
    return []


def _many_models(context: RunContext) -> list[dict[str, str]]:
    count = len(context.models)
    if count < 3:
        return []
    return [
        {
            "title": "Many models",
            "text": f"{count} models were put against each other on the same patients; the best of "
            "them looks better than it is. The final model was named beforehand by the design, not "
            f"picked by its figures: {model_label(context.final or '')}.",
        }
    ]


def _missing_patients(summary: dict[str, Any]) -> list[dict[str, str]]:
    patients = summary["patients"]
    lost = patients["manifest"] - patients["analysed"]
    if patients["manifest"] <= 0 or lost <= 0:
        return []
    return [
        {
            "title": "Patients left out",
            "text": f"{lost} of {plural(patients['manifest'], 'patient')} "
            f"({lost / patients['manifest']:.0%}) are not in the analysis. If they differ from the "
            "others, the figures do not speak for all.",
        }
    ]


def _preset(context: RunContext) -> list[dict[str, str]]:
    settings = context.study.get("settings")
    given = settings.get("preset") if isinstance(settings, dict) else None
    if (context.design.get("preset") or given) != "quick":
        return []
    return [
        {
            "title": "Quick settings",
            "text": "The preset “quick” makes inputs smaller and training shorter than in the "
            "publication, so its figures and these cannot be held against each other.",
        }
    ]
