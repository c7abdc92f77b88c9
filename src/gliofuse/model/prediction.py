"""What a model says of a patient, as `prediction.json` holds it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from gliofuse.cohort import Endpoint, SurvivalEndpoint
from gliofuse.model.description import ModelDescription
from gliofuse.records.files import JsonFile, Record
from gliofuse.version import __version__

__all__ = ["PREDICTION", "Contribution", "ModelPrediction", "Prediction", "predictions_of"]

NO_INTERVAL = (
    "none: the model is one fit, which says nothing of how far another sample's would lie from it"
)
RESEARCH = "Research software; nothing that it says may guide the care of a patient."


class Contribution(Record):
    """What a term adds to a patient's log-odds, or log relative hazard."""

    term: str
    contribution: float
    of_class: str = Field(default="", description="Where there are more than two.")


class ModelPrediction(Record):
    """What one of the design's models says."""

    name: str
    label: str
    kind: str = ""
    role: str = "part"
    probability: float | None = Field(default=None, description="Of the positive class.")
    probabilities: dict[str, float] = Field(
        default_factory=dict, description="By class, where there are more than two."
    )
    risk: float | None = Field(default=None, description="Log relative hazard.")
    survival: dict[str, float | None] = Field(
        default_factory=dict, description="Probability to be free of the event, by horizon."
    )
    threshold: float | None = None
    called: str | None = Field(
        default=None, description="The class at the threshold, or the risk group."
    )
    rank: float | None = Field(
        default=None,
        description="Share of the study's patients of whom the model says less.",
    )
    contributions: tuple[Contribution, ...] = Field(
        default=(),
        description="They sum to the log-odds or the log relative hazard; none of a model that is "
        "not linear.",
    )


class Prediction(Record):
    """What a model says of a patient."""

    case_id: str
    outcome: str = Field(description="What is predicted.")
    classes: tuple[str, ...] = ()
    design: str
    final_model: str
    models: tuple[ModelPrediction, ...]
    interval: tuple[float, float] | None = None
    interval_note: str = NO_INTERVAL
    clinical: dict[str, Any] = Field(
        default_factory=dict, description="The clinical values that entered, by variable."
    )
    mask: str = Field(default="", description="Where the tumour mask is from.")
    warnings: tuple[str, ...] = ()
    checks: dict[str, Any] = Field(
        default_factory=dict, description="What the model's further parts say, by part."
    )
    model: str = Field(default="", description="The study, and the patients that were learned of.")
    model_sha256: str = Field(default="", description="Of the model's list of checksums.")
    request: str = Field(default="", description="Hash of the model, the files and the values.")
    gliofuse_version: str = __version__
    note: str = RESEARCH

    @property
    def final(self) -> ModelPrediction:
        """What the model says that the design proposes."""
        return next(one for one in self.models if one.name == self.final_model)

    @property
    def probability(self) -> float | None:
        """The final model's probability of the positive class."""
        return self.final.probability


PREDICTION = JsonFile("prediction.json", "What the model says of a patient.", record=Prediction)


def predictions_of(
    description: ModelDescription,
    endpoint: Endpoint,
    scores: pd.DataFrame,
    contributions: pd.DataFrame,
) -> dict[str, Prediction]:
    """Return the patients' predictions, by ``case_id``.

    Parameters
    ----------
    description : ModelDescription
    endpoint : Endpoint
    scores : pandas.DataFrame
        As :meth:`~gliofuse.designs.FittedDesign.predict` gives them.
    contributions : pandas.DataFrame
        As :meth:`~gliofuse.designs.FittedDesign.contributions` gives them.
    """
    added = {
        key: _added(own) for key, own in contributions.groupby(["case_id", "model"], sort=False)
    }
    found = {}
    for case_id, row in scores.iterrows():
        models = tuple(
            _of_model(description, endpoint, one, row[one.name]).model_copy(
                update={"contributions": added.get((case_id, one.name), ())}
            )
            for one in description.models
        )
        found[str(case_id)] = Prediction(
            case_id=str(case_id),
            outcome=endpoint.describe(),
            classes=endpoint.classes,
            design=description.design,
            final_model=description.final_model,
            models=models,
            model=f"{description.name}, fitted on {description.fitted_on}",
        )
    return found


def _of_model(
    description: ModelDescription, endpoint: Endpoint, model: Any, score: Any
) -> ModelPrediction:
    columns = endpoint.prediction_columns
    several = isinstance(score, pd.Series)
    values = score.astype(float).to_dict() if several else {columns[0]: float(score)}
    threshold = description.thresholds.get(model.name)
    own: dict[str, Any] = {"threshold": threshold}
    first = values[columns[0]]
    if isinstance(endpoint, SurvivalEndpoint):
        own["risk"] = first
        own["survival"] = {
            endpoint.horizon_label(time): None if np.isnan(values[name]) else values[name]
            for time, name in zip(endpoint.horizon_times, columns[1:], strict=True)
        }
        if threshold is not None:
            own["called"] = "high risk" if first > threshold else "low risk"
    elif len(columns) == 1:
        own["probability"] = first
        if threshold is not None:
            own["called"] = endpoint.classes[int(first >= threshold)]
    else:
        own["probabilities"] = {
            name: values[column] for name, column in zip(endpoint.classes, columns, strict=True)
        }
        own["called"] = max(own["probabilities"], key=own["probabilities"].__getitem__)
    if len(columns) == 1 or isinstance(endpoint, SurvivalEndpoint):
        own["rank"] = _rank(description.known_scores.get(model.name), first)
    named = {key: getattr(model, key) for key in ("name", "label", "kind", "role")}
    return ModelPrediction(**named, **own)


def _rank(quantiles: tuple[float, ...] | None, value: float) -> float | None:
    if quantiles is None:
        return None
    return float(np.interp(value, quantiles, np.linspace(0, 1, len(quantiles))))


def _added(rows: pd.DataFrame) -> tuple[Contribution, ...]:
    classes = rows["class"].fillna("") if "class" in rows else [""] * len(rows)
    return tuple(
        Contribution(term=str(term), contribution=float(value), of_class=str(name))
        for term, value, name in zip(rows["term"], rows["contribution"], classes, strict=True)
    )
