"""How well the models did on patients they did not learn from."""

from __future__ import annotations

from gliofuse.records.files import TableFile, count, flag, number, text
from gliofuse.records.predictions import MODEL

__all__ = [
    "ADDED_BENEFIT",
    "CALIBRATION",
    "CALIBRATION_SUMMARY",
    "CASE_MIX",
    "CLASS_CONFUSION",
    "CLINICAL_IMPACT",
    "CONFUSION",
    "DECISION_CURVE",
    "DELONG",
    "METRICS",
    "OPTIMISM",
    "PAPER_RESULTS",
    "RECALIBRATION",
    "ROC",
]

_COHORT = text("Cohort: validation, test or external.")
_LOW = number("Lower bound of the 95 % confidence interval.")
_HIGH = number("Upper bound.")
_INTERVAL = text(
    "How the limits were found: `delong`, `newcombe`, `wilson` or `bootstrap`; of survival "
    "`jackknife`, `influence` (normal, from what each patient adds), `log-log` or `wald`. With "
    "`_refits` they hold what refitting adds, since the patients have trained each other's models.",
    optional=True,
)
_LOW_IF_ANY = number("Lower bound of the 95 % confidence interval.", optional=True)
_HIGH_IF_ANY = number("Upper bound.", optional=True)
_CLASS = text("The class against the rest (multiclass endpoint).", optional=True)
_HORIZON = number("The time by which the event counts (survival endpoint).", optional=True)
_EVENTS = count("Of these with the event (survival endpoint).", optional=True)
_APPARENT = flag("Whether the patients are the training ones.", optional=True)

METRICS = TableFile(
    "metrics.csv",
    "Figures of merit of every model and cohort, each with its interval.",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "metric": text("Name of the figure of merit."),
        "class": text(
            "The class that it is of, empty over all classes (multiclass endpoint).", optional=True
        ),
        "horizon": number("The time that it is of (survival endpoint).", optional=True),
        "estimate": number("Its value; empty where the patients do not define it."),
        "ci_low": _LOW_IF_ANY,
        "ci_high": _HIGH_IF_ANY,
        "interval": _INTERVAL,
        "n": count("Patients."),
        "n_positive": count("Of these positive (binary endpoint).", optional=True),
        "n_class": count("Of these of the class (multiclass endpoint).", optional=True),
        "events": _EVENTS,
        "tau": number("Up to where times are used (survival endpoint).", optional=True),
        "apparent": _APPARENT,
        "note": text("What the patients lack, if anything.", optional=True),
    },
)
CONFUSION = TableFile(
    "confusion.csv",
    "Confusion matrices at each model's threshold (binary endpoint).",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "true_positive": count("Positives called positive."),
        "false_positive": count("Negatives called positive."),
        "true_negative": count("Negatives called negative."),
        "false_negative": count("Positives called negative."),
        "apparent": _APPARENT,
    },
    optional=True,
)
CLASS_CONFUSION = TableFile(
    "class_confusion.csv",
    "Confusion matrices of several classes, a row a cell (multiclass endpoint).",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "y_true": text("The true class."),
        "called": text("The class of the largest probability."),
        "n": count("Patients."),
        "share": number("Of the patients of the true class."),
        "ci_low": _LOW,
        "ci_high": _HIGH,
        "apparent": _APPARENT,
    },
    optional=True,
)
ROC = TableFile(
    "roc.csv",
    "ROC curves, a row a threshold.",
    columns={
        "class": _CLASS,
        "threshold": number("From this probability on a patient is called positive."),
        "sensitivity": number("Share of positives called positive."),
        "specificity": number("Share of negatives called negative."),
        "sensitivity_low": _LOW,
        "sensitivity_high": _HIGH,
        "specificity_low": _LOW,
        "specificity_high": _HIGH,
        "cohort": _COHORT,
        "model": MODEL,
    },
    optional=True,
)
DELONG = TableFile(
    "delong.csv",
    "Paired tests of the AUCs of two models, of macro AUCs with several classes: the final model "
    "against each other one; in a comparison of designs every two.",
    columns={
        "model_a": MODEL,
        "model_b": text("The model that it is compared with."),
        "auc_a": number("AUC of the first."),
        "auc_b": number("AUC of the second."),
        "difference": number("AUC of the first minus that of the second."),
        "ci_low": _LOW,
        "ci_high": _HIGH,
        "p": number("p value."),
        "p_holm": number("The same, adjusted by Holm for all tests of the cohort."),
        "n": count("Patients."),
        "interval": _INTERVAL,
        "cohort": _COHORT,
    },
    optional=True,
)
CALIBRATION = TableFile(
    "calibration.csv",
    "Calibration curves of the final model and its rivals.",
    columns={
        "class": _CLASS,
        "horizon": _HORIZON,
        "kind": text("`curve`, or `groups` of patients of like risk (survival endpoint).",
                     optional=True),
        "predicted": number("Predicted probability."),
        "observed": number("Observed share; 1 - Kaplan-Meier (survival endpoint)."),
        "ci_low": _LOW_IF_ANY,
        "ci_high": _HIGH_IF_ANY,
        "n": count("Patients of the group (survival endpoint).", optional=True),
        "cohort": _COHORT,
        "model": MODEL,
    },
    optional=True,
)  # fmt: skip
CALIBRATION_SUMMARY = TableFile(
    "calibration_summary.csv",
    "Calibration in numbers, each with its interval (`_low`, `_high`).",
    columns={
        "class": _CLASS,
        "horizon": _HORIZON,
        "slope": number("Calibration slope, ideally 1."),
        "slope_low": _LOW,
        "slope_high": _HIGH,
        "intercept": number("Calibration in the large, ideally 0."),
        "intercept_low": _LOW,
        "intercept_high": _HIGH,
        "observed_expected": number("Observed by expected positives, ideally 1."),
        "observed_expected_low": _LOW,
        "observed_expected_high": _HIGH,
        "brier": number("Brier score, the lower the better."),
        "brier_low": _LOW,
        "brier_high": _HIGH,
        "ici": number("Integrated calibration index: mean distance of the curve from the diagonal "
                      "(survival endpoint).", optional=True),
        "n": count("Patients."),
        "n_positive": count("Of these positive, of the class, or with the event by the horizon."),
        "note": text("What the patients did not allow, if anything."),
        "cohort": _COHORT,
        "model": MODEL,
    },
    optional=True,
)  # fmt: skip
DECISION_CURVE = TableFile(
    "decision_curve.csv",
    "Decision curves of the final model and its rivals, with treating all and none.",
    columns={
        "model": text("Name of the model, or `treat all`, `treat none`."),
        "horizon": _HORIZON,
        "threshold": number("Threshold probability."),
        "net_benefit": number("Net benefit per patient."),
        "ci_low": _LOW_IF_ANY,
        "ci_high": _HIGH_IF_ANY,
        "n": count("Patients."),
        "cohort": _COHORT,
    },
    optional=True,
)
ADDED_BENEFIT = TableFile(
    "added_benefit.csv",
    "Net benefit of the final model less that of the clinical one.",
    columns={
        "model": MODEL,
        "against": text("The model that it is compared with."),
        "horizon": _HORIZON,
        "threshold": number("Threshold probability."),
        "net_benefit": number("Net benefit per patient of the first."),
        "net_benefit_against": number("Of the second."),
        "difference": number("The first minus the second."),
        "ci_low": _LOW,
        "ci_high": _HIGH,
        "n": count("Patients."),
        "cohort": _COHORT,
    },
    optional=True,
)
CLINICAL_IMPACT = TableFile(
    "clinical_impact.csv",
    "Of 1,000 patients, how many the final model calls high-risk, and how many rightly.",
    columns={
        "threshold": number("Threshold probability."),
        "high_risk": number("Patients called high-risk."),
        "high_risk_low": _LOW,
        "high_risk_high": _HIGH,
        "high_risk_with_event": number("Of these positive."),
        "high_risk_with_event_low": _LOW,
        "high_risk_with_event_high": _HIGH,
        "cohort": _COHORT,
        "model": MODEL,
    },
    optional=True,
)
PAPER_RESULTS = TableFile(
    "paper_results.csv",
    "The publication's own figures on its own patients, in the order of its table.",
    columns={
        "cohort": text("The publication's cohort."),
        "model": MODEL,
        "metric": text("Name of the figure of merit."),
        "value": number("In 0..1."),
    },
)

OPTIMISM = TableFile(
    "optimism.csv",
    "How much too well the models describe their own patients: .632+ estimates (split bootstrap).",
    columns={
        "model": MODEL,
        "metric": text("Name of the figure of merit."),
        "apparent": number("Of the model of all patients, on these."),
        "left_out": number("Mean of the models of parts of them, on the patients left out."),
        "no_information": number("Where the outcome has nothing to do with the predictions."),
        "estimate": number("The .632+ estimate."),
        "overfitting": number("Relative rate of over-fitting, 0 to 1."),
        "weight": number("What the patients left out count in the estimate."),
    },
    optional=True,
)
RECALIBRATION = TableFile(
    "recalibration.csv",
    "What simple recalibration of a handed-on model's probabilities would bring, each patient's "
    "from a fit to the others.",
    columns={
        "model": MODEL,
        "how": text("As handed on; intercept; intercept and slope."),
        "intercept": number("To be added to the log-odds; fitted to all patients.", optional=True),
        "slope": number("To multiply the log-odds by; fitted to all patients.", optional=True),
        "brier": number("Brier score; lower is better."),
        "observed_expected": number("Events over those expected; ideally 1."),
        "calibration_slope": number("Ideally 1."),
    },
    optional=True,
)
CASE_MIX = TableFile(
    "case_mix.csv",
    "How patients of an external validation differ from those whom the model learned from.",
    columns={
        "variable": text("The final model's score, or a clinical variable."),
        "development": text("The development patients."),
        "external": text("The patients of this validation."),
        "outside": text("Patients outside what the model has seen, if any.", optional=True),
    },
    optional=True,
)
