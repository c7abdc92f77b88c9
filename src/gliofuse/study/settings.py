"""The study file: what to run on which patients, checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from gliofuse.cohort import (
    Endpoint,
    SplitSettings,
    SurvivalEndpoint,
    endpoint_from_dict,
    parse_endpoint,
)
from gliofuse.errors import EndpointError, SettingError, did_you_mean
from gliofuse.preprocessing.settings import PreprocessingSettings, check_settings

__all__ = [
    "ComputeSettings",
    "EvaluationSettings",
    "SegmentationChoice",
    "StudySettings",
    "SurvivalColumns",
    "TableSettings",
    "read_study",
]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TableSettings(_Settings):
    """A study that starts from a feature table instead of images.

    Columns named ``<sequence>.<region>.<feature>`` keep their names; others are taken as features
    of ``sequence`` over the whole tumour.
    """

    features: Path = Field(description="Feature table, a row a patient: CSV or Parquet.")
    clinical: Path = Field(description="Clinical table, a row a patient.")
    id_column: str = Field(description="The patient's id in both tables.")
    sequence: str = Field(
        default="table", description="Of features whose names do not say where they come from."
    )


class SurvivalColumns(_Settings):
    """Clinical columns of survival: ``{time: os_days, event: died}``."""

    time: str = Field(description="Column of the time to the event or to the last visit.")
    event: str = Field(description="Column that says whether the event was seen, 0 or 1.")
    unit: str = Field(default="days", description="Of the times: days, weeks, months or years.")

    def build(self) -> SurvivalEndpoint:
        """Return them as an endpoint."""
        return SurvivalEndpoint(self.time, self.event, self.unit)


class ComputeSettings(_Settings):
    """Where and how wide a study runs; nothing here changes a result."""

    workers: int = Field(default=-1, description="Processes; -1 takes every usable core.")
    device: Literal["auto", "cpu", "gpu"] = Field(
        default="auto", description="For networks; auto takes a GPU where there is one."
    )
    scheduler: str | None = Field(default=None, description="Dask scheduler, tcp://host:8786.")
    cache: Path | None = Field(
        default=None, description="Folder of features shared between studies."
    )


class EvaluationSettings(_Settings):
    """How the predictions are judged."""

    subgroups: list[str] = Field(
        default_factory=list, description="Clinical columns to judge the models in groups of."
    )

    bootstrap: int = Field(
        default=2000, ge=100, description="Samples behind intervals that are bootstrapped."
    )
    threshold: Literal["half", "youden", "median", "optimal"] | None = Field(
        default=None,
        description="Of probabilities: 0.5 (half), or Youden's index; of risks of a survival "
        "endpoint: their median, or the cut of the largest log-rank statistic (optimal); each on "
        "the training patients only. None takes the design's own rule.",
    )


class SegmentationChoice(_Settings):
    """Predicted masks instead of drawn ones: of a segmenter that is there, or one trained a fold.

    ``{model: segmenter}`` needs no drawn mask; the segmenter must not have learned from a patient
    who is judged. ``{train: quick}`` trains one on each fold's training patients, whose masks it
    needs, and predicts everybody in the fold.
    """

    model: Path | None = Field(
        default=None,
        description="Folder of `gliofuse segment train` that saw none of the patients.",
    )
    train: str | None = Field(default=None, description="A preset of `gliofuse segment train`.")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="With train: changes of the preset."
    )
    flips: bool = Field(default=False, description="Average over mirrored images.")
    largest: bool = Field(default=False, description="Keep the largest connected part alone.")
    least_mm3: float = Field(
        default=0.0, ge=0, description="Remove parts smaller than this, in cubic millimetres."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> SegmentationChoice:
        if (self.model is None) == (self.train is None):
            raise ValueError("give either model (a segmenter's folder) or train (a preset)")
        if self.settings and self.train is None:
            raise ValueError("settings are for train; a model has its own")
        return self


def _endpoint(value: Any) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    if isinstance(value, str):
        return parse_endpoint(value)
    if not isinstance(value, Mapping):
        raise EndpointError(
            f'endpoint must be text such as "grade >= 3", or keys and values (got {value!r})'
        )
    return endpoint_from_dict(value)


#: In a study file ``"grade >= 3"``, or ``{kind: binary, column: grade, positive: ">= 3"}``.
EndpointField = Annotated[
    InstanceOf[Endpoint], BeforeValidator(_endpoint), PlainSerializer(lambda e: e.as_dict())
]


def _preprocessing(value: Any) -> PreprocessingSettings | None:
    if value is None or isinstance(value, PreprocessingSettings):
        return value
    if not isinstance(value, Mapping):
        raise SettingError(f"preprocess must hold keys and values, {{}} at least (got {value!r})")
    return check_settings(dict(value))


PreprocessingField = Annotated[PreprocessingSettings | None, BeforeValidator(_preprocessing)]


class StudySettings(_Settings):
    """One study: a design on a cohort, for an endpoint, over a split."""

    name: str = Field(default="study", description="As the report calls it.")
    cohort: Path | None = Field(
        default=None, description="Manifest, a row a patient (`gliofuse cohort scan` writes one)."
    )
    table: TableSettings | None = Field(
        default=None, description="A feature table, instead of a cohort of images."
    )
    preprocess: PreprocessingField = Field(
        default=None,
        description="Settings of preprocessing where the manifest names raw scans; {} takes the "
        "defaults.",
    )
    endpoint: EndpointField = Field(
        description='What to predict, as on the command line: "grade >= 3", "grade: 2, 3, 4", '
        '"os_days, died"; or keys and values.'
    )
    design: str = Field(
        default="rdl", description="One of `gliofuse designs`, or a file of one's own."
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="The design's own; `gliofuse designs NAME` lists them."
    )
    sequences: list[str] | None = Field(
        default=None, description="By default those that all patients have."
    )
    labels: str = Field(
        "auto",
        description="Label convention of the masks: auto, brats, brats2023, binary, or labels of "
        "one's own such as 1=necrosis,2=edema,3=nonenhancing,4=enhancing.",
    )
    segmentation: SegmentationChoice | None = Field(
        default=None, description="Predict the masks instead of taking those of the manifest."
    )
    covariates: list[str] = Field(
        default_factory=list, description="Clinical columns that may enter a clinical model."
    )
    complete_cases: bool = Field(
        default=False, description="Leave out patients who lack a covariate, imputing nothing."
    )
    survival: SurvivalColumns | None = Field(
        default=None, description="For Kaplan-Meier curves of the classes."
    )
    split: SplitSettings = Field(
        default=SplitSettings(), description="Who trains and who is tested on."
    )
    explain: int = Field(
        default=3, ge=0, description="Patients of the first fold to draw each network's heat of."
    )
    evaluation: EvaluationSettings = Field(
        default=EvaluationSettings(), description="How the predictions are judged."
    )
    compute: ComputeSettings = Field(
        default=ComputeSettings(), description="Where it runs; nothing here changes a result."
    )

    @model_validator(mode="after")
    def _one_source(self) -> StudySettings:
        if (self.cohort is None) == (self.table is None):
            raise ValueError("give either cohort (a manifest) or table (features and clinical)")
        if self.preprocess is not None and self.cohort is None:
            raise ValueError("preprocess needs a cohort of images")
        return self

    @model_validator(mode="after")
    def _one_survival(self) -> StudySettings:
        if self.survival and isinstance(self.endpoint, SurvivalEndpoint):
            raise EndpointError(
                f"endpoint {self.endpoint.describe()!r} is survival: leave out survival "
                f"({self.survival.time}, {self.survival.event}), which is for curves beside other "
                "endpoints"
            )
        return self

    @model_validator(mode="after")
    def _no_cut_of_a_censored_time(self) -> StudySettings:
        survival, columns = self.survival, self.endpoint.columns
        if survival and survival.time in columns and survival.event not in columns:
            raise EndpointError(
                f"endpoint {self.endpoint.describe()!r}: a cut of {survival.time!r} alone takes "
                f"patients who were censored early for patients who died; write for example "
                f'"{survival.event} within 730 of {survival.time}", which leaves them out'
            )
        return self

    @model_validator(mode="after")
    def _no_outcome_among_covariates(self) -> StudySettings:
        of_endpoint = f"the endpoint {self.endpoint.describe()!r}"
        of_survival = f"survival ({', '.join(self.survival_columns)})"
        told = dict.fromkeys(self.survival_columns, of_survival)
        told |= dict.fromkeys(self.endpoint.columns, of_endpoint)
        for name in self.covariates:
            if name in told:
                raise EndpointError(
                    f"covariates: {name!r} is a column of {told[name]}, which a model can't know of"
                    " a new patient; leave it out of the covariates"
                )
        return self

    def resolved(self) -> StudySettings:
        """Return the same study with every default of the design written out."""
        from gliofuse.designs import find_design, parse_settings
        from gliofuse.evaluation.endpoints import evaluation_of

        design = find_design(self.design, self.endpoint)
        own = parse_settings(design, self.settings)
        usual = evaluation_of(self.endpoint).rules
        own_rule = design.threshold if design.threshold in usual else usual[0]
        rule = self.evaluation.threshold or own_rule
        evaluation = self.evaluation.model_copy(update={"threshold": rule})
        return self.model_copy(
            update={"settings": own.model_dump(mode="json"), "evaluation": evaluation}
        )

    @property
    def survival_columns(self) -> tuple[str, ...]:
        """The columns of ``survival``; none where there is none."""
        return () if self.survival is None else (self.survival.time, self.survival.event)

    @property
    def threshold(self) -> str:
        """The rule by which patients are called positive; of a study that is :meth:`resolved`."""
        return self.evaluation.threshold or "half"

    @property
    def survival_endpoint(self) -> SurvivalEndpoint | None:
        """The endpoint where it is survival, else the survival columns beside it, if there are."""
        if isinstance(self.endpoint, SurvivalEndpoint):
            return self.endpoint
        return None if self.survival is None else self.survival.build()

    def definition(self) -> dict[str, Any]:
        """Return what defines the result, so neither its name, its pictures nor its computer."""
        left_out = {"name", "explain", "compute"}
        if self.preprocess is None:  # a study of finished images is what it was before
            left_out.add("preprocess")
        return self.model_dump(mode="json", exclude=left_out)


class _WithoutAliases(yaml.SafeLoader):
    """YAML without aliases: a study needs none, and a few lines of them can fill the memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.YAMLError(f"line {mark.line + 1}: write the value out instead of an alias")
        return super().compose_node(parent, index)


def read_study(path: str | os.PathLike[str]) -> StudySettings:
    """Read a study file; paths in it are relative to the file.

    Raises
    ------
    SettingError
        If the file is missing, is not YAML, or holds an unknown key or an unusable value.
    """
    source = Path(path)
    if not source.is_file():
        raise SettingError(f"study file {source} does not exist")
    try:
        given = yaml.load(source.read_text(encoding="utf-8"), Loader=_WithoutAliases)
    except yaml.YAMLError as error:
        raise SettingError(f"study file {source} is not YAML: {error}") from None
    if not isinstance(given, dict):
        raise SettingError(f"study file {source} must hold keys and values (got {given!r})")
    return check_study(given, base=source.parent, source=str(source))


def check_study(
    given: dict[str, Any], *, base: Path | None = None, source: str = "study"
) -> StudySettings:
    """Check a study's settings and make its paths absolute, relative to ``base``.

    Raises
    ------
    SettingError
        For an unknown key (with the nearest name) or a value outside what a key allows.
    """
    try:
        study = StudySettings(**given)
    except ValidationError as error:
        problem = error.errors()[0]
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, EndpointError | SettingError):
            raise cause from None
        where = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            allowed = _fields_at(problem["loc"][:-1])
            key = str(problem["loc"][-1])
            raise SettingError(
                f"{source}: unknown key {where!r}; {did_you_mean(key, allowed)}"
            ) from None
        raise SettingError(
            f"{source}: {where or 'settings'}: {problem['msg']} (got {problem.get('input')!r})"
        ) from None
    root = Path.cwd() if base is None else base
    if study.cohort is not None:
        study.cohort = (root / study.cohort).resolve()
    if study.table is not None:
        study.table.features = (root / study.table.features).resolve()
        study.table.clinical = (root / study.table.clinical).resolve()
    if study.preprocess is not None and study.preprocess.brain_mask is not None:
        own = str((root / study.preprocess.brain_mask).resolve())
        study.preprocess = study.preprocess.model_copy(update={"brain_mask": own})
    if study.segmentation is not None and study.segmentation.model is not None:
        study.segmentation.model = (root / study.segmentation.model).resolve()
    if study.compute.cache is not None:
        study.compute.cache = (root / study.compute.cache).resolve()
    return study


def _fields_at(location: tuple[Any, ...]) -> list[str]:
    model: Any = StudySettings
    for part in location:
        annotation = model.model_fields[str(part)].annotation
        candidates = [annotation, *getattr(annotation, "__args__", ())]
        model = next(
            choice
            for choice in candidates
            if isinstance(choice, type) and issubclass(choice, BaseModel)
        )
    return list(model.model_fields)
