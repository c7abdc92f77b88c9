"""How well models told who lives how long; times are in the endpoint's unit throughout."""

from __future__ import annotations

from gliofuse.records.files import TableFile, count, flag, number, text
from gliofuse.records.predictions import MODEL

__all__ = [
    "BRIER_CURVE",
    "CONCORDANCE",
    "CUMULATIVE_INCIDENCE",
    "FOLLOW_UP",
    "RISK_GROUPS",
    "RISK_TESTS",
    "SCORE_CONTRASTS",
]

_COHORT = text("Cohort: validation, test or external.")
_LOW = number("Lower bound of the 95 % confidence interval.", optional=True)
_HIGH = number("Upper bound.", optional=True)
_AGAINST = text("The model that it is compared with.")
_INTERVAL = text(
    "How the limits were found; with `_refits` they hold what refitting adds, since the patients "
    "have trained each other's models."
)
_P_HOLM = number(
    "The same, adjusted by Holm for all tests of the cohort and metric.", optional=True
)

FOLLOW_UP = TableFile(
    "follow_up.csv",
    "How long the patients of each cohort were watched, and what that does not allow.",
    columns={
        "cohort": _COHORT,
        "n": count("Patients."),
        "events": count("Of these with the event."),
        "competing": count("Of these with a competing event.", optional=True),
        "median": number("Median follow-up, by the reverse Kaplan-Meier curve.", optional=True),
        "median_low": _LOW,
        "median_high": _HIGH,
        "longest": number("Longest time of a patient."),
        "training_longest": number("Longest time of a training patient.", optional=True),
        "tau": number("Up to where times are used: the shorter of the two."),
        "note": text("What could not be told of these patients, if anything.", optional=True),
    },
    optional=True,
)
CONCORDANCE = TableFile(
    "concordance.csv",
    "Paired tests of Harrell's C of two models: the final model against each other one; in a "
    "comparison of designs every two.",
    columns={
        "cohort": _COHORT,
        "model_a": MODEL,
        "model_b": _AGAINST,
        "c_a": number("C of the first."),
        "c_b": number("C of the second."),
        "difference": number("C of the first minus that of the second."),
        "ci_low": _LOW,
        "ci_high": _HIGH,
        "p": number("p value.", optional=True),
        "p_holm": _P_HOLM,
        "n": count("Patients."),
        "events": count("Of these with the event."),
        "interval": _INTERVAL,
    },
    optional=True,
)
BRIER_CURVE = TableFile(
    "brier_curve.csv",
    "Prediction error over time, against that of one Kaplan-Meier curve for everybody.",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "time": number("The time."),
        "brier": number("Brier score by then, the lower the better."),
        "kaplan_meier": number("The same of the cohort's Kaplan-Meier curve."),
        "ipa": number("Index of prediction accuracy: 1 - brier / kaplan_meier.", optional=True),
    },
    optional=True,
)
SCORE_CONTRASTS = TableFile(
    "score_contrasts.csv",
    "Time-dependent AUC and Brier score of two models held against each other at each horizon.",
    columns={
        "cohort": _COHORT,
        "model_a": MODEL,
        "model_b": _AGAINST,
        "horizon": number("The time."),
        "metric": text("`auc` or `brier`."),
        "estimate_a": number("Of the first."),
        "estimate_b": number("Of the second."),
        "difference": number("The first minus the second."),
        "ci_low": _LOW,
        "ci_high": _HIGH,
        "p": number("p value.", optional=True),
        "p_holm": _P_HOLM,
        "n": count("Patients."),
        "interval": _INTERVAL,
    },
    optional=True,
)
RISK_GROUPS = TableFile(
    "risk_groups.csv",
    "Survival of the patients below and above each model's threshold, a row a group.",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "group": text("`low risk` or `high risk`."),
        "n": count("Patients."),
        "events": count("Of these with the event."),
        "median": number("Median survival; empty where the curve stays above one half.",
                         optional=True),
        "median_low": _LOW,
        "median_high": number("Upper bound; empty where it is open.", optional=True),
        "rmst": number("Restricted mean survival time: the mean up to tau.", optional=True),
        "rmst_low": _LOW,
        "rmst_high": _HIGH,
        "tau": number("Up to where that mean goes.", optional=True),
    },
    others="survival at each horizon with its interval: `survival_<h>`, `survival_<h>_low`, "
    "`survival_<h>_high`; empty beyond the group's follow-up",
    optional=True,
)  # fmt: skip
RISK_TESTS = TableFile(
    "risk_tests.csv",
    "Tests of high against low risk, a row a test.",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "test": text("`logrank`, `wilcoxon`, `tarone-ware`, `peto` or `fleming-harrington`; "
                     "`hazard ratio` of a Cox model; `rmst difference` up to tau."),
        "estimate": number("The hazard ratio, or the difference: high against low.", optional=True),
        "ci_low": _LOW,
        "ci_high": _HIGH,
        "statistic": number("Chi-squared.", optional=True),
        "degrees": count("Its degrees of freedom."),
        "p": number("p value.", optional=True),
        "refits": flag("Whether test and limits hold what refitting adds."),
        "note": text("Why there are no figures, if so.", optional=True),
    },
    optional=True,
)  # fmt: skip
CUMULATIVE_INCIDENCE = TableFile(
    "cumulative_incidence.csv",
    "Aalen-Johansen curves where competing causes are coded, a row a time.",
    columns={
        "cohort": _COHORT,
        "model": text("The model whose risk groups these are; empty of all patients.",
                      optional=True),
        "group": text("`all patients`, `low risk` or `high risk`."),
        "cause": text("`event` or `competing`."),
        "time": number("The time; starts at 0."),
        "incidence": number("Share of patients with this cause by then."),
        "ci_low": _LOW,
        "ci_high": _HIGH,
        "at_risk": count("Patients at risk just before."),
    },
    optional=True,
)  # fmt: skip
