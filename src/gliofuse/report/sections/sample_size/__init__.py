"""The patients held against the numbers that Riley's criteria ask for."""

from __future__ import annotations

from typing import Any

from gliofuse.records import SAMPLE_SIZE
from gliofuse.report.context import Context
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings

__all__ = ["data"]

_CRITERIA = {
    "shrinkage": "Overfitting: expected shrinkage of the coefficients of at least 0.9",
    "optimism": "Optimism of Nagelkerke's R² of at most 0.05",
    "risk": "Overall risk known to within 0.05",
    "observed_expected": "95 % interval of observed by expected at most 0.2 wide",
    "slope": "95 % interval of the calibration slope at most 0.4 wide",
    "auc": "95 % interval of the AUC at most 0.1 wide",
}
_PARAMETERS = "parameters"


def data(context: Context, found: Findings) -> dict[str, Any] | None:
    """Return the criteria for development and validation, and what the patients carry."""
    rows = records(context.table(SAMPLE_SIZE))
    if not rows:
        return None
    return {
        "rows": [
            {
                "part": row["part"].partition(":")[0].capitalize(),
                "assumption": row["assumption"],
                "criterion": _CRITERIA.get(row["criterion"], row["criterion"]),
                "present": int(row["present"]),
                "needed": int(row["needed"]),
                "enough": row["present"] >= row["needed"],
            }
            for row in rows
            if row["criterion"] != _PARAMETERS
        ],
        "carried": [
            {
                "assumption": row["assumption"],
                "candidates": None if row["present"] is None else int(row["present"]),
                "carried": int(row["needed"]),
            }
            for row in rows
            if row["criterion"] == _PARAMETERS
        ],
    }
