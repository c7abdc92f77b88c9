"""How well the models did centre by centre and in other groups of patients."""

from __future__ import annotations

from gliofuse.records.files import Column, TableFile, count, number, text
from gliofuse.records.predictions import MODEL

__all__ = ["CENTERS", "CENTER_ALONE", "CENTER_SUMMARY", "SUBGROUPS"]

_COHORT = text("Cohort: validation, test or external.")


def _with_bounds(name: str, about: str, *, optional: bool = False) -> dict[str, Column]:
    return {
        name: number(about, optional=optional),
        f"{name}_low": number("Lower bound of the 95 % confidence interval.", optional=optional),
        f"{name}_high": number("Upper bound.", optional=optional),
    }


_TWO_CLASSES = {
    "auc": "AUC among them; empty where they are of one class.",
    "sensitivity": "Share of positives called positive.",
    "specificity": "Share of negatives called negative.",
    "observed_expected": "Observed by expected positives, ideally 1.",
}
_FIGURES = {
    "n": count("Patients."),
    "n_positive": count("Of these positive (binary endpoint).", optional=True),
    **{
        column: kind
        for name, about in _TWO_CLASSES.items()
        for column, kind in _with_bounds(name, about, optional=True).items()
    },
    "events": count("Of these with the event (survival endpoint).", optional=True),
    **_with_bounds(
        "c_index",
        "C of pairs among them; empty where none can be compared (survival endpoint).",
        optional=True,
    ),
}

CENTERS = TableFile(
    "centers.csv",
    "Figures of the final model and its rivals centre by centre (binary and survival endpoint).",
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
    "Figures of the final model and its rivals in groups of patients (binary and survival "
    "endpoint).",
    columns={
        "cohort": _COHORT,
        "model": MODEL,
        "variable": text("The clinical column."),
        "group": text("Its level."),
        **_FIGURES,
    },
    optional=True,
)
