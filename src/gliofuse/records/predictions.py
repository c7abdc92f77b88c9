"""What the models said of each patient."""

from __future__ import annotations

from gliofuse.records.files import TableFile, number, text
from gliofuse.records.patients import CASE_ID

__all__ = ["APPARENT", "FOLD_PREDICTIONS", "PREDICTIONS", "PREDICTIONS_CSV", "THRESHOLDS"]

MODEL = text("Name of the model.")
_COLUMNS = {
    "case_id": CASE_ID,
    "fold": text("The fold whose models predicted."),
    "cohort": text("Side of the split on which the patient stood: training rows are never shown "
                   "as performance."),
    "model": MODEL,
}  # fmt: skip
_OTHERS = (
    "those of the endpoint: binary `y_true` (0 or 1) and `probability` of the positive class; "
    "multiclass `y_true` (the class) and a probability a class; survival `time`, `event` (and "
    "`competing`), `risk` (higher is worse) and `survival_<h>`, that of no event by each "
    "horizon"
)

PREDICTIONS = TableFile(
    "predictions.parquet",
    "Every patient's prediction by every model of every fold; evaluation reads nothing else.",
    columns=_COLUMNS,
    others=_OTHERS,
)
PREDICTIONS_CSV = TableFile(
    "predictions.csv",
    "The same table for other programs.",
    columns=_COLUMNS,
    others=_OTHERS,
)
FOLD_PREDICTIONS = TableFile(
    "predictions.parquet",
    "The predictions of the fold's models.",
    columns=_COLUMNS,
    others=_OTHERS,
)
APPARENT = TableFile(
    "tables/apparent.csv",
    "What the models say of the patients that they were fitted on, where the predictions have "
    "what others fitted without them said: how far they over-fit, never how well they do.",
    columns={name: column for name, column in _COLUMNS.items() if name != "cohort"},
    others=_OTHERS,
    optional=True,
)
THRESHOLDS = TableFile(
    "thresholds.csv",
    "The probability, or the risk, from which a patient is called positive, or high-risk, found on "
    "training patients.",
    columns={
        "fold": text("The fold."),
        "model": MODEL,
        "threshold": number("A probability in 0..1; of survival a risk."),
        "statistic": number("Largest standardised log-rank statistic (rule `optimal`).",
                            optional=True),
        "p_corrected": number("Its p value, corrected for the search (rule `optimal`).",
                              optional=True),
    },
    optional=True,
)  # fmt: skip
