"""Predicting patients into a folder: resumable, one bad patient never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from gliofuse.cohort import Case, Cohort
from gliofuse.compute import error_line
from gliofuse.errors import GliofuseError
from gliofuse.files import file_state, settings_hash, write_csv, write_parquet
from gliofuse.model.prediction import PREDICTION, Prediction
from gliofuse.model.prepare import Preparation
from gliofuse.model.trained import TrainedModel

__all__ = [
    "CohortPredictions",
    "explain_patient",
    "predict_into",
    "predict_patient",
    "write_predictions",
]


@dataclass(frozen=True)
class CohortPredictions:
    """What was predicted of a cohort.

    Attributes
    ----------
    predictions : dict of str to Prediction
        By ``case_id``.
    failed : pandas.DataFrame
        ``case_id, stage, error``.
    """

    predictions: dict[str, Prediction]
    failed: pd.DataFrame

    @property
    def table(self) -> pd.DataFrame:
        """A row a patient and model: what it says, the threshold and the call."""
        rows = [row for one in self.predictions.values() for row in _rows(one)]
        return pd.DataFrame(rows)


def predict_patient(
    model: TrainedModel, case: Case, folder: Path, preparation: Preparation | None = None
) -> Prediction:
    """Predict a patient and write ``prediction.json``, or read the one that is there.

    One that is there counts if it is of the same model, files and values.

    Raises
    ------
    InputError
        As :meth:`TrainedModel.predict`.
    """
    preparation = preparation or Preparation()
    request = _request(model, case, preparation)
    path = folder / PREDICTION.path
    if PREDICTION.raw(path).get("request") == request:
        return PREDICTION.load(path)
    ready, mask = preparation.apply(case, folder)
    found = model.predict_case(ready, cache=folder / "cache")
    found = found.model_copy(update={"request": request, "mask": mask})
    PREDICTION.write(path, found)
    return found


def explain_patient(
    model: TrainedModel,
    found: Prediction,
    case: Case,
    folder: Path,
    preparation: Preparation | None = None,
) -> dict[str, Path]:
    """Draw where the networks look in a patient who was predicted into this folder.

    Explained is the class that the final model calls; of survival a higher risk.

    Returns
    -------
    dict of str to Path
        The figure by the network's label; empty of a model without networks.
    """
    if not model.fitted.networks or found.final_model != model.description.final_model:
        return {}
    ready = (preparation or Preparation()).applied(case, folder)
    ready = replace(ready, case_id=quote(ready.case_id, safe=" "))  # it names files
    final, called = found.final, 1
    if final.probabilities:
        shares = list(final.probabilities.values())
        called = shares.index(max(shares))
    elif final.probability is not None and final.threshold is not None:
        called = int(final.probability >= final.threshold)
    drawn = model.explain_case(
        ready, folder / "gradcam", class_index=called, cache=folder / "cache"
    )
    labels = {one.name: one.label for one in model.description.models}
    return {labels.get(name, name): Path(one["figure_file"]) for name, one in drawn.items()}


def predict_into(
    model: TrainedModel,
    cohort: Cohort,
    out: Path,
    *,
    preparation: Preparation | None = None,
    progress: Callable[[int], None] | None = None,
) -> CohortPredictions:
    """Predict a cohort's patients into a folder, one after the other on all cores.

    Parameters
    ----------
    model : TrainedModel
    cohort : Cohort
    out : path
        Gets ``patients/<case_id>/prediction.json`` and what :func:`write_predictions` writes.
        Called again, it does only what is not there.
    preparation : Preparation, optional
    progress : callable, optional
        Called with the number of patients done so far.
    """
    found: dict[str, Prediction] = {}
    failed = []
    for done, case in enumerate(cohort, 1):
        folder = out / "patients" / quote(case.case_id, safe="")
        try:
            found[case.case_id] = predict_patient(model, case, folder, preparation)
        except GliofuseError as error:
            failed.append((case.case_id, "predicting", str(error)))
        except Exception as error:  # the other patients go on
            failed.append((case.case_id, "predicting", error_line(error)))
        if progress is not None:
            progress(done)
    result = CohortPredictions(found, pd.DataFrame(failed, columns=["case_id", "stage", "error"]))
    write_predictions(result, out)
    return result


def write_predictions(predictions: CohortPredictions, out: Path) -> None:
    """Write ``predictions.parquet``, the same as CSV, and ``failed_cases.csv``."""
    table = predictions.table
    write_parquet(out / "predictions.parquet", table)
    write_csv(out / "predictions.csv", table)
    write_csv(out / "failed_cases.csv", predictions.failed)


def _request(model: TrainedModel, case: Case, preparation: Preparation) -> str:
    settings = preparation.preprocessing
    segmenter = preparation.segmenter
    files: Mapping[str, Any] = {**case.images, **({"mask": case.mask} if case.mask else {})}
    return settings_hash(
        {
            "model": model.sha256,
            "files": {name: file_state(path) for name, path in files.items()},
            "clinical": {
                one.name: str(case.clinical.get(one.name)) for one in model.description.clinical
            },
            "preprocessing": None if settings is None else settings.model_dump(mode="json"),
            "segmenter": None if segmenter is None else repr(segmenter.trained),
        }
    )


def _rows(prediction: Prediction) -> list[dict[str, Any]]:
    rows = []
    for one in prediction.models:
        row: dict[str, Any] = {"case_id": prediction.case_id, "model": one.name}
        if one.probabilities:
            row |= {f"probability_{name}": value for name, value in one.probabilities.items()}
        elif one.risk is not None:
            row |= {"risk": one.risk}
            row |= {f"survival {name}": value for name, value in one.survival.items()}
        else:
            row["probability"] = one.probability
        row |= {"threshold": one.threshold, "called": one.called, "rank": one.rank}
        rows.append({**row, "warnings": "; ".join(prediction.warnings)})
    return rows
