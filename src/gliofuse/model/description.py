"""What a model is, as its `model.json` holds it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gliofuse.records.files import JsonFile, Record
from gliofuse.records.run import ModelRecord, Nomogram

__all__ = ["FORMAT", "MODEL", "ClinicalVariable", "HeldOut", "ModelDescription", "NetworkFile"]

#: Raised when a model of this version cannot be read by the last one.
FORMAT = 1


class ClinicalVariable(Record):
    """A clinical variable that the models read."""

    name: str
    levels: tuple[str, ...] = Field(default=(), description="Of a variable of words.")
    min: float | None = Field(default=None, description="Least value among the training patients.")
    max: float | None = None
    missing: str = Field(default="", description="What stands in for a missing value.")


class NetworkFile(Record):
    """A trained network."""

    file: str = Field(description="Its weights, relative to the folder.")
    prior_shift: float = 0.0
    description: dict[str, Any] = Field(description="What beside the weights it is made of.")


class HeldOut(Record):
    """A model's main figure of merit on patients who were new to it in its study."""

    metric: str
    estimate: float
    ci_low: float | None = None
    ci_high: float | None = None


class ModelDescription(Record):
    """What is needed to predict for a new patient, but for the estimators and weights."""

    format: int = FORMAT
    gliofuse_version: str
    python: str = ""
    packages: dict[str, str] = Field(default_factory=dict, description="Version by package.")
    name: str = Field(default="", description="The study's name.")
    fitted_on: str = Field(description="The patients that it was fitted on, in words.")
    n_training: int
    design: str
    design_sha256: str = Field(
        default="",
        description="Of the file of a design of one's own, which the folder does not hold.",
    )
    title: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    setting_files: dict[str, str] = Field(
        default_factory=dict, description="Files of the folder that settings name, by setting."
    )
    models: tuple[ModelRecord, ...]
    final_model: str
    endpoint: dict[str, Any]
    survival: dict[str, Any] | None = None
    source: Literal["images", "table"]
    sequences: tuple[str, ...]
    regions: tuple[str, ...] = ("whole",)
    convention: str = Field(default="binary", description="Of the masks' labels.")
    deep: bool = True
    features: tuple[str, ...] = Field(default=(), description="Columns of the feature table.")
    table_sequence: str = Field(
        default="", description="Sequence of a table's features that name none."
    )
    clinical: tuple[ClinicalVariable, ...] = ()
    seed: int = 0
    threshold_rule: str = ""
    thresholds: dict[str, float] = Field(
        default_factory=dict, description="By model, learned on the training patients."
    )
    known_scores: dict[str, tuple[float, ...]] = Field(
        default_factory=dict,
        description="Quantiles 0, 0.01, ..., 1 of what each model says of the study's patients, "
        "by model.",
    )
    known_scores_held_out: bool = Field(
        default=False,
        description="Whether those are of fits that did not see the patient; else they are the "
        "fit's own of the patients that it learned from, where the study held nobody out.",
    )
    nomogram: Nomogram | None = Field(
        default=None, description="The final model as a nomogram, where it can be drawn as one."
    )
    held_out: dict[str, HeldOut] = Field(
        default_factory=dict, description="By model; empty where the study held nobody out."
    )
    preprocessing: dict[str, Any] | None = Field(
        default=None, description="Settings by which raw scans were brought to finished images."
    )
    segmentation: dict[str, Any] | None = Field(
        default=None, description="How the masks were predicted, where they were not drawn."
    )
    networks: dict[str, NetworkFile] = Field(default_factory=dict)
    values: dict[str, Any] = Field(default_factory=dict, description="The rest of the fit.")


MODEL = JsonFile("model.json", "What the model is.", record=ModelDescription)
