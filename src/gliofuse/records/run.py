"""What a run, a fold and a comparison note about themselves."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from gliofuse.cohort import SplitSettings
from gliofuse.records.files import JsonFile, Record

__all__ = [
    "COMPARISON",
    "DONE",
    "NOMOGRAM",
    "RUN",
    "ComparedDesign",
    "ComparisonRecord",
    "DesignRecord",
    "FoldRecord",
    "LogrankRecord",
    "ModelRecord",
    "Nomogram",
    "NomogramTerm",
    "RunRecord",
]


class ModelRecord(Record):
    """A model of a design, as data: tables, colours and grids follow from this, not its name."""

    name: str = Field(description="As in the tables.")
    label: str = Field(description="As a reader would write it.")
    kind: str = Field(
        default="", description="What it is made of: radiomics, deep, clinical, fusion ..."
    )
    group: str = Field(default="", description="What it is a model of: a sequence, a region, all.")
    role: Literal["final", "rival", "part"] = Field(
        default="part",
        description="`final` is what the design proposes; a `rival` is drawn against it; a `part` "
        "stands in the tables.",
    )


class DesignRecord(Record):
    """The design of a run."""

    name: str
    title: str
    citation: str = Field(default="", description="Of the publication behind it.")
    doi: str = ""
    notes: tuple[str, ...] = Field(default=(), description="What the publication leaves open.")
    preset: str = Field(default="", description="Effort: paper or quick.")
    paper_labels: dict[str, str] = Field(
        default_factory=dict,
        description="Labels of the publication's models that the run left out, by name.",
    )
    paper_outcome: str = Field(default="", description="What the publication predicts, in words.")
    paper_outcome_is_ours: bool = Field(
        default=False, description="Whether the run predicts the same."
    )


class LogrankRecord(Record):
    """A log-rank test; of cross-validated calls with what refitting adds to the variance."""

    statistic: float
    p: float
    degrees: int = 1


class RunRecord(Record):
    """What a run is: design, models, endpoint, split, patients, versions."""

    name: str = Field(default="", description="The study's name.")
    gliofuse_version: str = Field(description="That ran it.")
    python: str = Field(default="", description="Version of Python.")
    platform: str = Field(default="", description="Operating system and machine.")
    packages: dict[str, str] = Field(default_factory=dict, description="Version by package.")
    command: str = Field(default="", description="The command line.")
    design: DesignRecord
    models: tuple[ModelRecord, ...] = Field(description="In the order of the paper's table.")
    risk_model: str | None = Field(
        default=None, description="Model by whose score survival curves divide the patients."
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="What of the paper's form is missing."
    )
    endpoint: dict[str, Any] = Field(description="As in the study file, with its `kind`.")
    endpoint_text: str = Field(description="As on the command line.")
    split: SplitSettings = Field(description="As carried out.")
    split_note: str = Field(default="", description="What of the split could not be as asked.")
    threshold: str = Field(
        default="half",
        description="Rule by which a patient is called positive: half (0.5), or youden (learned "
        "on training patients).",
    )
    source: Literal["images", "table"] = Field(
        default="images", description="What the study started from."
    )
    synthetic: bool = Field(
        default=False, description="Whether the patients are a phantom's, made up by gliofuse."
    )
    source_file: str = Field(default="", description="The manifest or the feature table.")
    preprocessing: str = Field(default="", description="What was done to raw scans.")
    sequences: tuple[str, ...] = Field(default=(), description="That the design read.")
    n_cases: int = Field(description="Patients who were analysed.")
    class_counts: dict[str, int] = Field(
        default_factory=dict,
        description="Analysed patients by what the split is stratified by: 0 and 1 of a binary "
        "endpoint, the classes of a multiclass one.",
    )
    telling_columns: tuple[str, ...] = Field(
        default=(),
        description="Clinical columns that say the outcome, the endpoint's own among them; the "
        "characteristics of its groups leave them out.",
    )
    giveaways: tuple[str, ...] = Field(
        default=(),
        description="Features and covariates that tell the classes apart all by themselves, with "
        "their AUC.",
    )
    settings_hash: str = Field(description="Of the study's definition.")
    warnings: tuple[str, ...] = Field(default=(), description="Of the fits, once each.")
    logrank: dict[str, LogrankRecord] = Field(
        default_factory=dict, description="Tests of the survival curves, by what the groups are."
    )
    started: str = Field(default="", description="ISO 8601, UTC.")
    finished: str = Field(default="", description="ISO 8601, UTC.")
    seconds: float = Field(default=0.0, description="From the last start to the end.")

    @model_validator(mode="after")
    def _models_are_told_apart(self) -> RunRecord:
        names = [model.name for model in self.models]
        if len(set(names)) < len(names):
            raise ValueError(f"models must have different names (got {', '.join(names)})")
        if (finals := sum(model.role == "final" for model in self.models)) != 1:
            raise ValueError(f"one model must have the role 'final' (got {finals})")
        return self

    @property
    def final(self) -> ModelRecord:
        """The model that the design proposes."""
        return next(model for model in self.models if model.role == "final")

    @property
    def rivals(self) -> tuple[ModelRecord, ...]:
        """The models that are drawn against the final one."""
        return tuple(model for model in self.models if model.role == "rival")


class FoldRecord(Record):
    """That a fold was finished, for what, and at what cost."""

    fingerprint: str = Field(description="Hash of patients, settings, inputs and version.")
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    warnings: dict[str, int] = Field(
        default_factory=dict, description="How often the fit gave each warning."
    )


class ComparedDesign(Record):
    """A design in a comparison."""

    name: str = Field(description="As in the comparison's tables.")
    run_folder: str = Field(description="Relative to the comparison's folder.")
    final_model: str = Field(description="The model that stands for the design.")


class ComparisonRecord(Record):
    """What was compared."""

    designs: tuple[ComparedDesign, ...]
    command: str = ""
    seconds: float = 0.0


class NomogramTerm(Record):
    """A variable of a nomogram: of ``levels``, or of numbers from ``min`` to ``max``.

    Of numbers ``coefficients`` has one value, or with ``knots`` one a column of a restricted
    cubic spline: the variable itself, then Harrell's truncated cubes divided by the square of the
    distance of the outer knots.
    """

    name: str
    label: str
    unit: str = ""
    levels: dict[str, float] = Field(
        default_factory=dict, description="Share in the linear predictor by level."
    )
    coefficients: tuple[float, ...] = Field(
        default=(), description="Linear predictor per unit, or per unit of each spline column."
    )
    knots: tuple[float, ...] = Field(default=(), description="Of a restricted cubic spline.")
    min: float | None = Field(default=None, description="Least value among the patients fitted.")
    max: float | None = None

    @model_validator(mode="after")
    def _has_a_scale(self) -> NomogramTerm:
        if self.levels:
            return self
        if self.min is None or self.max is None:
            raise ValueError(f"term {self.name!r} needs min and max, or levels")
        wanted = len(self.knots) - 1 if self.knots else 1
        if len(self.coefficients) != wanted:
            raise ValueError(
                f"term {self.name!r} needs {wanted} coefficients (got {len(self.coefficients)})"
            )
        return self

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest value of a variable of numbers."""
        if self.min is None or self.max is None:
            raise ValueError(f"term {self.name!r} has levels, no range")
        return self.min, self.max


class Nomogram(Record):
    """A logistic or Cox model on its variables' own scales.

    The linear predictor is ``intercept`` plus what each term adds. A logistic model's probability
    is the expit of it; a Cox model's survival at a horizon is ``baseline ** exp(predictor)``.
    """

    outcome: str = Field(description="What the probability is of, or what ends survival.")
    fitted_on: str
    link: Literal["logistic", "cox"] = "logistic"
    intercept: float = Field(
        default=0.0, description="Of a Cox model what centring takes off the predictor."
    )
    baseline: dict[str, float] = Field(
        default_factory=dict,
        description="Survival of a patient whose predictor is 0, by horizon (Cox).",
    )
    terms: tuple[NomogramTerm, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_a_baseline(self) -> Nomogram:
        if self.link == "cox" and not self.baseline:
            raise ValueError("a Cox nomogram needs the baseline's survival at a horizon")
        return self


RUN = JsonFile("run.json", "What the run is, and that it was finished.", record=RunRecord)
DONE = JsonFile(
    "done.json", "That the fold was finished, for which inputs and settings.", record=FoldRecord
)
COMPARISON = JsonFile("compare.json", "What was compared.", record=ComparisonRecord)
NOMOGRAM = JsonFile(
    "tables/nomogram_{model}.json",
    "A model of the first fold as a nomogram, a file a model; the report's calculators work from "
    "these.",
    optional=True,
    record=Nomogram,
)
