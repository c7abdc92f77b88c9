"""What the fits found: selected features, coefficients, training curves, heat, survival, time.

Tables with ``by_fold`` are written by each fold. A design may add tables of its own; they are
kept beside these and not checked.
"""

from __future__ import annotations

from gliofuse.records.files import TableFile, count, number, text
from gliofuse.records.patients import CASE_ID
from gliofuse.records.predictions import MODEL

__all__ = [
    "BY_COLUMN",
    "COEFFICIENTS",
    "CONTRIBUTIONS",
    "CORRELATION",
    "CURVES",
    "HEAT_SHARES",
    "KAPLAN_MEIER",
    "MODEL_CHOICE",
    "NETWORK_PATIENTS",
    "NOMOGRAM_AXES",
    "ODDS_RATIOS",
    "SELECTED_FEATURES",
    "TIMING",
]

_FOLD = text("The fold.")
_CLASS = text("The class against the rest, where there are more than two.", optional=True)

SELECTED_FEATURES = TableFile(
    "tables/selected_features.csv",
    "The features that each model kept.",
    columns={
        "model": MODEL,
        "class": _CLASS,
        "feature": text("Column of the feature table; `(intercept)` where there is one."),
        "coefficient": number("Its coefficient in a linear model.", optional=True),
        "frequency": number(
            "Share of random halves of the patients in which it is selected, 1 without these "
            "(survival).",
            optional=True,
        ),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)
CONTRIBUTIONS = TableFile(
    "tables/contributions.csv",
    "What each part weighs in the fusion models.",
    columns={
        "model": MODEL,
        "class": _CLASS,
        "term": text("The signature or variable; `(intercept)` too."),
        "coefficient": number("Log odds per standard deviation where terms are standardised."),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)
COEFFICIENTS = TableFile(
    "tables/coefficients.csv",
    "Coefficients of the models with clinical variables, on standardised terms.",
    columns={
        "model": MODEL,
        "term": text("The variable; `(intercept)` too."),
        "coefficient": number("Log odds per standard deviation."),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)
ODDS_RATIOS = TableFile(
    "tables/odds_ratios.csv",
    "Odds ratios of the models with clinical variables, of the training patients; by maximum "
    "likelihood, without the models' own weak penalty.",
    columns={
        "model": MODEL,
        "term": text("The variable."),
        "odds_ratio": number("Per unit of the variable.", optional=True),
        "ci_low": number("Lower bound of the 95 % confidence interval.", optional=True),
        "ci_high": number("Upper bound.", optional=True),
        "p": number("Wald's p value.", optional=True),
        "note": text("Why figures are missing.", optional=True),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)
MODEL_CHOICE = TableFile(
    "tables/imaging_model_choice.csv",
    "How the candidates for one model did inside the training patients.",
    columns={
        "model": MODEL,
        "classifier": text("The classifier behind it."),
        "training_cv_auc": number("Mean AUC over the folds inside the training patients."),
        "chosen": text("`yes` where it was taken."),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)
CURVES = TableFile(
    "tables/curves.csv",
    "The networks' training, an epoch a row.",
    columns={
        "epoch": count("From 1."),
        "learning_rate": number("Of the epoch.", optional=True),
        "training_loss": number("Mean loss of the training patients."),
        "training_auc": number("AUC of the training patients.", optional=True),
        "validation_loss": number("Mean loss of the validation patients.", optional=True),
        "validation_auc": number("AUC of the validation patients.", optional=True),
        "seconds": number("Duration of the epoch.", optional=True),
        "seconds_data": number("Of these, waiting for data.", optional=True),
        "seconds_step": number("Of these, in the network.", optional=True),
        "seconds_validation": number("Of these, on the validation patients.", optional=True),
        "memory_mb": number("Highest memory so far, in MB.", optional=True),
        "model": MODEL,
        "fold": _FOLD,
    },
    others="further measures of the training",
    by_fold=True,
    optional=True,
)
NETWORK_PATIENTS = TableFile(
    "tables/network_patients.csv",
    "What a network says of each patient beside the prediction; training patients too.",
    columns={
        "case_id": CASE_ID,
        "model": MODEL,
        "probability": number("Of the positive class, the mean over slices or patches."),
        "slices": count("Number of slices or patches."),
        "spread": number("Standard deviation of the probability over them."),
        "risk": number("From a network that learns survival; higher is worse.", optional=True),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)
CORRELATION = TableFile(
    "tables/correlation.csv",
    "How the final model's features correlate in the first fold's training patients.",
    columns={
        "feature_a": text("A feature."),
        "feature_b": text("Another."),
        "correlation": number("Pearson's coefficient."),
        "ci_low": number("Lower bound of the 95 % confidence interval."),
        "ci_high": number("Upper bound."),
        "n": count("Patients."),
        "fold": _FOLD,
    },
    by_fold=True,
    optional=True,
)
HEAT_SHARES = TableFile(
    "tables/heat_shares_{model}.csv",
    "Where a network looks: shares of the heat of some held-out patients, a file a network.",
    columns={
        "case_id": CASE_ID,
        "model": MODEL,
        "items": count("Slices or patches that were explained."),
        "heat_inside": number("Share of the heat in the tumour."),
        "heat_edge": number("Share within 5 mm of its edge."),
        "heat_outside": number("Share elsewhere."),
        "area_inside": number("Share of what the network saw that is tumour."),
        "area_edge": number("Share that is edge."),
        "area_outside": number("Share that is elsewhere."),
        "heat_preference": number("Heat in the tumour by its share of what was seen."),
        "heat_file": text("The heat as an image."),
        "figure_file": text("The picture."),
    },
    optional=True,
)
#: Before the name of a clinical column, what the groups of survival curves are.
BY_COLUMN = "by "

KAPLAN_MEIER = TableFile(
    "tables/kaplan_meier.csv",
    "Survival of held-out patients by class, as they are and as the final model calls them, and by "
    "the score that a design divides them by; of a survival endpoint by cohort and risk group.",
    columns={
        "group": text("The group of patients."),
        "time": number("In the unit of a survival endpoint, else in days; starts at 0."),
        "survival": number("Share alive."),
        "ci_low": number("Lower bound of the 95 % confidence interval."),
        "ci_high": number("Upper bound."),
        "at_risk": count("Patients at risk just before."),
        "events": count("Events at this time."),
        "censored": count("Patients censored at this time."),
        "groups": text("What the groups are: `class`, `called` or `score`; `all` or `risk` of a "
                       "survival endpoint; `by ` and a clinical column, of all patients."),
        "cohort": text("Cohort (survival endpoint).", optional=True),
        "model": text("The model whose risk groups these are; empty of all patients (survival "
                      "endpoint).", optional=True),
    },
    optional=True,
)  # fmt: skip
NOMOGRAM_AXES = TableFile(
    "tables/nomogram_{model}.csv",
    "The ticks of every axis of a nomogram.",
    columns={
        "variable": text("The variable; empty on the lower axes.", optional=True),
        "value": text("Its value or level.", optional=True),
        "points": number("Points that the value gives.", optional=True),
        "total_points": number("A sum of points.", optional=True),
        "linear_predictor": number("The model's linear predictor at the sum.", optional=True),
        "horizon": text("Of the probability of survival (Cox).", optional=True),
        "probability": number("Probability at the sum.", optional=True),
    },
    optional=True,
)
TIMING = TableFile(
    "tables/timing.csv",
    "How long the stages took; what was computed before a stop counts.",
    columns={"stage": text("The stage."), "seconds": number("Seconds.")},
)
