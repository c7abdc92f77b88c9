"""Patient by patient: every held-out probability of the final model, and the gravest errors."""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.report.context import HELD_OUT, RunContext
from gliofuse.report.drawing import Drawing
from gliofuse.report.sections import Findings
from gliofuse.report.sections.confusion import class_names
from gliofuse.report.sections.misjudged.figure import draw_probabilities

__all__ = ["data", "drawings"]

_MOST = 12


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the patients whom the final model judged worst, and all its probabilities.

    A patient who was predicted in several repeats has the mean probability.
    """
    table = context.predictions
    final = context.run.final.name
    own = table[(table["model"] == final) & (table["cohort"] == context.primary)]
    if own.empty:
        return None
    patients = own.groupby("case_id", sort=True).agg(
        y_true=("y_true", "first"), probability=("probability", "mean")
    )
    error = (patients["probability"] - patients["y_true"]).abs()
    worst = patients.assign(error=error)[error > 0.5]
    worst = worst.sort_values("error", ascending=False, kind="stable")
    known = found["thresholds"]["rows"] if found["thresholds"] else []
    threshold = next((t for t in known if t["model"] == final), None)
    return {
        "n_wrong_side": len(worst),
        "rows": [
            {
                "case_id": str(case_id),
                "y_true": int(row["y_true"]),
                "probability": float(row["probability"]),
            }
            for case_id, row in worst.head(_MOST).iterrows()
        ],
        "negative": _probabilities(patients, 0),
        "positive": _probabilities(patients, 1),
        "threshold": None if threshold is None else threshold["median"],
    }


def drawings(data: dict[str, Any], context: RunContext) -> list[Drawing]:
    """Return the figure of all probabilities by true class."""
    negative, positive = class_names(context)
    patient = "held-out patient" if context.primary in HELD_OUT else "validation patient"
    return [
        Drawing(
            "probabilities",
            "Predicted probabilities of the final model",
            draw_probabilities,
            (data["negative"], data["positive"]),
            {"names": (negative, positive), "threshold": data["threshold"]},
            f"A dot a {patient}; the bar is the middle patient of each class; dashed: the "
            "decision threshold (the median over folds where there are several).",
        )
    ]


def _probabilities(patients: pd.DataFrame, label: int) -> list[float]:
    return [float(value) for value in patients.loc[patients["y_true"] == label, "probability"]]
