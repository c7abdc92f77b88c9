"""Who took part: the cohort, who was left out, how the patients were divided."""

from __future__ import annotations

from gliofuse.records.files import TableFile, count, number, text

__all__ = [
    "CASE_ID",
    "CENTER_CHARACTERISTICS",
    "CHARACTERISTICS",
    "COHORT",
    "EXCLUDED",
    "FAILED_CASES",
    "FOLDS",
    "MISSING",
    "NOTES",
    "SAMPLE_SIZE",
    "SIMILAR",
]

CASE_ID = text("The patient.")
SIDE = text("Side of the split: training, validation, test or external.")

COHORT = TableFile(
    "cohort.csv",
    "The patients who take part, as a manifest: a row a patient.",
    columns={"case_id": CASE_ID, "center": text("The patient's centre.", optional=True)},
    others="paths of the images and the mask by sequence, and the clinical columns as given",
)
EXCLUDED = TableFile(
    "excluded.csv",
    "Patients who were left out before anything was computed.",
    columns={"case_id": CASE_ID, "reason": text("Why.")},
)
FAILED_CASES = TableFile(
    "failed_cases.csv",
    "Patients whose images could not be processed; the others were not affected.",
    columns={
        "case_id": CASE_ID,
        "stage": text("What was being computed."),
        "error": text("The error, in its own words."),
    },
)
NOTES = TableFile(
    "notes.csv",
    "Patients for whom a stated rule was applied, such as a tumour that is larger than the patch.",
    columns={"case_id": CASE_ID, "note": text("What was found and what was done.")},
)
MISSING = TableFile(
    "missing.csv",
    "Clinical variables that may enter a model, and how many patients lack each.",
    columns={
        "variable": text("The clinical column."),
        "n": count("Patients."),
        "n_missing": count("Of these without a value."),
        "imputed": text("What stands in for it inside a fold."),
    },
    optional=True,
)
SAMPLE_SIZE = TableFile(
    "sample_size.csv",
    "The patients held against Riley's criteria.",
    columns={
        "part": text("Development, or validation on which patients."),
        "assumption": text("What is taken to be true of the model."),
        "criterion": text("The criterion; `parameters` counts candidates, the others patients."),
        "present": number("Patients, or candidates, that there are."),
        "needed": number("That the criterion needs; of candidates, that the patients carry."),
    },
    optional=True,
)
SIMILAR = TableFile(
    "similar_cases.csv",
    "Pairs of patients who are nearly identical and may be one person under two ids.",
    columns={
        "case_a": CASE_ID,
        "case_b": text("The other."),
        "what": text("What is alike."),
        "how": text("How far."),
    },
    optional=True,
)
FOLDS = TableFile(
    "folds.csv",
    "How the patients were divided, a row for each patient and fold.",
    columns={"case_id": CASE_ID, "fold": text("The fold."), "cohort": SIDE},
)
_CHARACTERISTICS = {
    "variable": text("The clinical column."),
    "level": text("A level of it, or the form of its summary."),
    "smd": number("Largest standardised difference of two groups.", optional=True),
    "p": number("p value of the test between the groups."),
    **{
        f"p_{cohort}": number(f"The same, training against {cohort} patients.", optional=True)
        for cohort in ("validation", "test", "external")
    },
    "test": text("The test."),
}
CHARACTERISTICS = TableFile(
    "characteristics.csv",
    "Clinical characteristics by cohort or, in cross-validation, by class.",
    columns=_CHARACTERISTICS,
    others="one a group of patients, its name with its size: the summary as text",
)
CENTER_CHARACTERISTICS = TableFile(
    "center_characteristics.csv",
    "Clinical characteristics by centre, where there are several.",
    columns=_CHARACTERISTICS,
    others="one a centre, its name with its size: the summary as text",
    optional=True,
)
