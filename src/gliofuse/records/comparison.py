"""What only a comparison folder holds; its tables of performance are those of a run."""

from __future__ import annotations

from gliofuse.records.files import TableFile, count, flag, number, text
from gliofuse.records.patients import CASE_ID
from gliofuse.records.predictions import MODEL

__all__ = ["AGREEMENT", "COMPARISON_TIMING", "MISJUDGED"]

MISJUDGED = TableFile(
    "misjudged.csv",
    "Held-out patients and which designs misjudge them.",
    columns={
        "case_id": CASE_ID,
        "cohort": text("The patient's cohort."),
        "y_true": text("The true class; of survival what was seen, in words."),
        "n_models": count("Designs that judged the patient."),
        "n_wrong": count("Of these wrong."),
        "misjudged_by_all": flag("Whether all are."),
    },
    others="one a design: its probability, or risk",
    optional=True,
)
AGREEMENT = TableFile(
    "agreement.csv",
    "How alike two designs classify the held-out patients.",
    columns={
        "cohort": text("The cohort."),
        "model_a": MODEL,
        "model_b": text("The design that it is compared with."),
        "n": count("Patients."),
        "agreement": number("Share put into the same class, or risk group."),
        "kappa": number("Cohen's kappa."),
        "ci_low": number("Lower bound of kappa's 95 % confidence interval."),
        "ci_high": number("Upper bound."),
        "both_wrong": count("Patients whom both misjudge."),
        "spearman": number("Rank correlation of the risks (survival endpoint).", optional=True),
        "spearman_low": number("Lower bound of its interval.", optional=True),
        "spearman_high": number("Upper bound.", optional=True),
        "kendall": number("Kendall's tau-b of the risks (survival endpoint).", optional=True),
    },
    optional=True,
)
COMPARISON_TIMING = TableFile(
    "timing.csv",
    "How long each design's stages took, and its highest memory.",
    columns={
        "design": text("The design."),
        "stage": text("The stage."),
        "seconds": number("Seconds."),
        "peak_mb": number("Highest memory of one fold, in MB."),
    },
)
