"""How well the models did centre by centre and in other groups of patients."""

from __future__ import annotations

from gliofuse.records.files import Column, TableFile, count, number, text
from gliofuse.records.predictions import MODEL

__all__ = ["CENTERS", "CENTER_ALONE", "CENTER_SUMMARY", "SUBGROUPS"]

_COHORT = text("Cohort: validation, test or external.")


def _with_bounds(name: str, about: str) -> dict[str, Column]:
    return {
        name: number(about),
        f"{name}_low": number("Lower bound of the 95 % confidence interval."),
        f"{name}_high": number("Upper bound."),
    }


_FIGURES = {
    "n": count("Patients."),
    "n_positive": count("Of these positive."),
    **_with_bounds("auc", "AUC among them; empty where they are of one class."),
    **_with_bounds("sensitivity", "Share of positives called positive."),
    **_with_bounds("specificity", "Share of negatives called negative."),
    **_with_bounds("observed_expected", "Observed by expected positives, ideally 1."),
}

CENTERS = TableFile(
    "centers.csv",
    "Figures of the final model and its rivals centre by centre (binary endpoint).",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "center": text("The centre."),
        **_FIGURES,
    },
    optional=True,
)
CENTER_SUMMARY = TableFile(
    "center_summary.csv",
    "Random-effects mean of the centres' AUCs, on their log odds.",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "n_centers": count("Centres with an AUC."),
        **_with_bounds("auc", "Mean over centres."),
        "prediction_low": number("Lower bound for the AUC of a further centre (95 %)."),
        "prediction_high": number("Upper bound; empty with fewer than three centres."),
        "tau2": number("Variance between centres, of log odds."),
        "i2": number("Share of the spread that is between centres, 0 to 1."),
    },
    optional=True,
)
CENTER_ALONE = TableFile(
    "center_alone.csv",
    "How far the centre alone gives the class away.",
    columns={
        "cohort": _COHORT,
        "n": count("Patients."),
        "n_centers": count("Centres."),
        **_with_bounds("auc", "AUC of the training prevalence of the patient's centre."),
        "cramers_v": number("Of centre and class in all analysed patients, corrected for bias."),
    },
    optional=True,
)
SUBGROUPS = TableFile(
    "subgroups.csv",
    "Figures of the final model and its rivals in groups of patients (binary endpoint).",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "variable": text("The clinical column."),
        "group": text("Its level."),
        **_FIGURES,
    },
    optional=True,
)
