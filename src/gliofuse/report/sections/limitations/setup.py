"""Limitations that lie in the patients, the split and the settings."""

from __future__ import annotations

from gliofuse.cohort import DRAWN_SHARE
from gliofuse.report.context import HELD_OUT, Context, RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.wording import plural

__all__ = [
    "centres",
    "events_per_variable",
    "giveaway",
    "many_models",
    "missing_patients",
    "preset",
    "remarks",
    "size",
    "split",
    "synthetic",
    "validation",
]

Limit = dict[str, str]
#: Patients of the rarest class below which validation figures are unsteady (Vergouwe et al.,
#: J Clin Epidemiol 2005;58:475; Collins et al., Stat Med 2016;35:214).
_ENOUGH_EVENTS = 100


def giveaway(context: Context) -> Limit | None:
    """Say that a single feature or covariate tells the classes apart."""
    telling = context.run.giveaways
    if not telling:
        return None
    more = f" and {len(telling) - 3} more" if len(telling) > 3 else ""
    return {
        "title": "A single column tells the classes apart",
        "text": f"Of all patients together, {', '.join(telling[:3])}{more} "
        f"{'do' if len(telling) > 1 else 'does'} so alone. Such a column is more often the outcome "
        "under another name, or measured after it, than a predictor: look at it before anything "
        "here is believed.",
    }


def _rarest(context: Context) -> int | None:
    """Return the patients of the rarest class among those whose figures stand first."""
    own = context.predictions[context.predictions["cohort"] == context.primary]
    counts = context.outcomes(own).value_counts()
    return min((int(counts.get(value, 0)) for value, _, _ in context.classes), default=None)


def _rarest_words(context: Context) -> str:
    return "rarer class" if len(context.classes) == 2 else "rarest class"


def size(context: Context) -> Limit | None:
    """Say that there are few patients."""
    rarest = _rarest(context)
    if rarest is None or rarest >= _ENOUGH_EVENTS:
        return None
    return {
        "title": "Few patients",
        "text": f"Of the patients whose figures stand first, the {_rarest_words(context)} has "
        f"{plural(rarest, 'patient')}. Figures of merit "
        f"become steady with about {_ENOUGH_EVENTS} or more in each class; here another sample of "
        "patients could give clearly different ones.",
    }


def events_per_variable(context: RunContext, found: Findings) -> list[Limit]:
    """Say that there are few patients for the candidates, and that their choice is unsteady."""
    limits = []
    size, features = found["sample_size"], found["selection"]
    carried = max(size["carried"], key=lambda row: row["carried"], default=None) if size else None
    if carried and carried["candidates"] and carried["candidates"] > carried["carried"]:
        limits.append(
            {
                "title": "Few patients for the candidates",
                "text": f"{plural(carried['candidates'], 'parameter')} could have entered the "
                "models; by Riley's criteria the training patients of a fold carry "
                f"{carried['carried']} even where {carried['assumption']} is expected. "
                "Penalties soften this but do not remove it.",
            }
        )
    if not features:
        return limits
    unsteady = [
        model["label"]
        for model in features["models"]
        if features["folds"] > 1 and model["n_in_every_fold"] < model["n_features"] / 2
    ]
    if unsteady:
        limits.append(
            {
                "title": "The choice of features is unsteady",
                "text": "Less than half of the chosen features were chosen in every fold by: "
                f"{', '.join(unsteady)}. A single feature should not be read as a finding.",
            }
        )
    return limits


def _models(context: Context) -> str:
    folds, repeats = context.split.folds, context.split.repeats
    if repeats == 1:
        return f"{folds} models, one a fold"
    return f"{folds * repeats} models, one for each of {folds} folds in {repeats} repeats"


def synthetic(context: Context) -> Limit | None:
    """Say that the patients are made up."""
    if not context.run.synthetic:
        return None
    return {
        "title": "Synthetic patients",
        "text": "The patients were made by gliofuse's phantom. The figures show that the software "
        "runs, and nothing about glioma.",
    }


def split(context: Context) -> Limit | None:
    """Say what the way of splitting can't show."""
    if context.split.kind == "kfold":
        return {
            "title": "Cross-validation, not one model",
            "text": f"The figures pool the predictions of {_models(context)}, that share most "
            "training patients. They estimate how the method does, not one "
            "fitted model, and the intervals do not count the variation between training sets.",
        }
    if context.resamples:
        return {
            "title": "Resamples, not one model",
            "text": f"The figures are of {context.split.resamples} models, each fitted to "
            f"{DRAWN_SHARE:.1%} of the patients and judged on the others. A model of all patients "
            "may do better, and the .632+ estimate allows for that; it has no interval.",
        }
    if context.split.kind == "center" and not context.split.external:
        return {
            "title": "Each centre in turn, not one model",
            "text": "Each centre was predicted by another model, and the models share most of "
            "their training patients. The figures estimate how the method does in a centre that it "
            "has not seen, not one fitted model.",
        }
    if context.split.kind == "holdout":
        return {
            "title": "One split",
            "text": "The figures rest on one random division of the patients; another seed would "
            "give others. Repeated cross-validation shows how much.",
        }
    return None


def centres(context: Context, found: Findings) -> Limit | None:
    """Say that no centre was kept apart."""
    if "external" in context.cohorts:
        return None
    known = found["patients"]["centers"]
    if len(known) > 1:
        text = (
            f"The {len(known)} centres are mixed in training and test patients: how the models do "
            "in a centre they never saw is not known (split by centre to find out)."
        )
    elif known:
        text = (
            f"All patients come from one centre ({known[0]['center']}); scanners, protocols and "
            "patients elsewhere differ, and the figures may not hold there."
        )
    else:
        text = (
            "The cohort names no centres, so nothing here tells how the models do on scanners and "
            "patients of another place."
        )
    return {"title": "No external validation", "text": text}


def validation(context: Context) -> Limit | None:
    """Say that figures of validation patients are optimistic."""
    if "validation" not in context.cohorts:
        return None
    if not any(cohort in context.cohorts for cohort in HELD_OUT):
        return {
            "title": "Only validation patients",
            "text": "The figures are of patients who may have chosen a network's stopping point; "
            "they are optimistic.",
        }
    return {
        "title": "Validation figures are optimistic",
        "text": "Networks chose their stopping point on the validation patients; only the test "
        "and external figures are free of this.",
    }


def many_models(context: RunContext) -> Limit | None:
    """Say that the best of many models looks better than it is."""
    count = len(context.models)
    if count < 3:
        return None
    return {
        "title": "Many models",
        "text": f"{count} models were put against each other on the same patients; the best of "
        "them looks better than it is. The final model was named beforehand by the design, not "
        f"picked by its figures: {context.run.final.label}.",
    }


def missing_patients(found: Findings) -> Limit | None:
    """Say how many patients of the cohort are not in the analysis."""
    people = found["patients"]
    lost = people["manifest"] - people["analysed"]
    if lost <= 0:
        return None
    return {
        "title": "Patients left out",
        "text": f"{lost} of {plural(people['manifest'], 'patient')} "
        f"({lost / people['manifest']:.0%}) are not in the analysis. If they differ from the "
        "others, the figures do not speak for all.",
    }


def remarks(found: Findings) -> Limit | None:
    """Say that a rule was applied to some patients' images."""
    known = found["remarks"]
    if known is None:
        return None
    them = "it was" if known["n_patients"] == 1 else "they were"
    return {
        "title": "Patients with a remark",
        "text": f"The images of {plural(known['n_patients'], 'patient')} did not fit as they are, "
        f"such as a tumour that is larger than what a network reads; {them} treated by the rule "
        "that stands with the remark below.",
    }


def preset(context: RunContext) -> Limit | None:
    """Say that a quick run is not the publication's."""
    design = context.run.design
    if design.preset != "quick" or not design.citation:
        return None
    return {
        "title": "Quick settings",
        "text": "The preset “quick” makes inputs smaller and training shorter than in the "
        "publication, so its figures and these cannot be held against each other.",
    }
