"""What every design is: settings, a plan for a cohort, a fit, and a fitted design that predicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gliofuse.cohort import Endpoint, TwoClassEndpoint
from gliofuse.cohort.endpoints import endpoint_kinds
from gliofuse.designs.framework.context import Available, FitContext
from gliofuse.designs.framework.models import Model, check_models
from gliofuse.designs.framework.networks import NetworkSignature
from gliofuse.designs.framework.state import FittedState
from gliofuse.errors import EndpointError, SettingError, did_you_mean
from gliofuse.inputs import CaseData, Input
from gliofuse.records import Nomogram

__all__ = [
    "Design",
    "DesignSettings",
    "FittedDesign",
    "NetworkDesignSettings",
    "Paper",
    "parse_settings",
]


class DesignSettings(BaseModel):
    """Settings that every design has.

    ``preset`` sets the effort: ``paper`` is the publication's, ``quick`` fits two cores and names
    in the report what it left out or made smaller.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Literal["paper", "quick"] = Field(
        "quick", description="Effort: the publication's, for a GPU, or what two cores manage."
    )


class NetworkDesignSettings(DesignSettings):
    """Settings that every design with networks has."""

    prior: Literal["training", "weighted"] = Field(
        "training",
        description="Shares of the classes that probabilities refer to: the training patients', "
        "or those that class weights or duplication made of them.",
    )
    epoch_choice: Literal["auto", "auc", "loss"] = Field(
        "auto",
        description="Validation figure that chooses a network's epoch; auto: as the preset, but "
        "the loss below 100 training patients.",
    )


@dataclass(frozen=True)
class Paper:
    """The publication behind a design, with the figures that it reports on its own patients.

    ``sequences`` are those of its MRI that the method reads, none where it reads any. ``results``
    has the columns ``cohort, model, metric, value``; the metrics are named as in the
    evaluation and lie in 0..1. They are printed beside one's own, never expected of them.
    ``labels`` says how a reader would write the models, by name. ``outcome`` is what the
    publication predicts, in words, ``outcome_column`` how a clinical column of it is called, as a
    part of its name in small letters, and ``outcome_classes`` the class of each of its values,
    where a cut divides them.
    """

    citation: str
    doi: str = ""
    sequences: tuple[str, ...] = ()
    results: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["cohort", "model", "metric", "value"])
    )
    labels: Mapping[str, str] = field(default_factory=dict)
    outcome: str = ""
    outcome_column: str = ""
    outcome_classes: Mapping[str, int] = field(default_factory=dict)

    def predicts(self, endpoint: Endpoint) -> bool:
        """Whether an endpoint is the publication's own, as far as its column and rule tell."""
        if len(endpoint.classes) != 2 or not self.outcome_column:
            return False
        name, *others = endpoint.columns
        if others or self.outcome_column not in name.casefold():
            return False
        if not self.outcome_classes:
            return True
        values = pd.DataFrame({name: list(self.outcome_classes)})
        values.index = pd.Index(map(str, values.index), name="case_id")
        try:
            outcome, _ = endpoint.outcome(values)
        except EndpointError:  # a rule over other values, such as `== IV`
            return False
        return outcome["y_true"].tolist() == list(self.outcome_classes.values())

    def results_beside(self, endpoint: Endpoint) -> pd.DataFrame:
        """Return the figures that may stand beside one's own: none unless there are two classes.

        The publications predict two; the accuracy of two classes beside that of three would
        compare what cannot be compared.
        """
        return self.results if len(endpoint.classes) == 2 else self.results.iloc[:0]


class FittedDesign(ABC):
    """A design after its fit on training patients.

    Parameters
    ----------
    design : Design
    networks : mapping of str to NetworkSignature, optional
        The trained networks, by model name.
    """

    def __init__(
        self, design: Design, networks: Mapping[str, NetworkSignature] | None = None
    ) -> None:
        self.design = design
        self.networks = dict(networks or {})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models, in the order of the paper's table."""
        return self.design.names

    @abstractmethod
    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return what each model predicts of each patient.

        Returns
        -------
        pandas.DataFrame
            Indexed by ``case_id``. A column a model where the endpoint has one prediction column
            (the probability of the positive class, in 0..1); else a column for each pair of model
            and prediction column.
        """

    def state(self) -> FittedState:
        """Return what the fit predicts with, for :meth:`Design.restore`; here the networks.

        Raises
        ------
        SettingError
            If the design says no way to keep it.
        """
        if type(self.design).restore is Design.restore:
            raise SettingError(
                f"design {self.design.name!r} cannot be handed on: it has no restore(); write it, "
                "and state() of its fitted design"
            )
        return FittedState(networks={name: one.portable() for name, one in self.networks.items()})

    def out_of_fold(self) -> dict[str, pd.DataFrame]:
        """Return training patients' predictions from fits that did not see them, by model.

        Columns as the endpoint's prediction columns, index ``case_id``. What is missing here is
        predicted by the fitted model itself.
        """
        return {}

    def predict_training(
        self, training: CaseData, apparent: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return :meth:`predict` of the training patients, out of fold where that is known.

        Thresholds are learned from these: on what a model says of the patients that it was fitted
        on, they would be those of classes which lie further apart than they do. ``apparent`` is
        what it says of them, where that is known.
        """
        scores = self.predict(training.without_outcome()) if apparent is None else apparent.copy()
        for model, own in self.out_of_fold().items():
            values = own.loc[own.index.intersection(scores.index)]
            columns = model if scores.columns.nlevels == 1 else [(model, c) for c in own.columns]
            scores.loc[values.index, columns] = values.to_numpy().squeeze()
        return scores

    def selected_features(self, data: CaseData) -> pd.DataFrame | None:
        """Return the values of the features behind the final model, where selection left few."""
        return None

    def patient_tables(self, data: CaseData) -> dict[str, pd.DataFrame]:
        """Return what the models say of each patient beside their predictions, by table name."""
        return {}

    def contributions(self, data: CaseData, predicted: pd.DataFrame) -> pd.DataFrame:
        """Return what each term adds to what the linear models say of each patient.

        Parameters
        ----------
        data : CaseData
        predicted : pandas.DataFrame
            What :meth:`predict` says of them.

        Returns
        -------
        pandas.DataFrame
            ``case_id, model, term, contribution``, with ``class`` where there are more than two. A
            patient's contributions to a model sum to its log-odds, or its log relative hazard.
        """
        return pd.DataFrame(columns=["case_id", "model", "term", "contribution"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return what the fit found, by table name; here the networks' training curves."""
        if not self.networks:
            return {}
        parts = [network.curves().assign(model=name) for name, network in self.networks.items()]
        return {"curves": pd.concat(parts, ignore_index=True)}

    def nomograms(self) -> dict[str, Nomogram | None]:
        """Return the models that can be drawn as nomograms, by model; ``None`` is left out."""
        return {}


class Design(ABC):
    """A published method on a given cohort.

    Parameters
    ----------
    settings : DesignSettings
        The design's own ``Settings``.
    available : Available
        What the cohort offers; the design plans its models and inputs by it.

    Raises
    ------
    EndpointError
        If the design does not predict this kind of endpoint.
    SettingError
        If its models cannot be told from each other.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[Paper] = Paper(citation="")
    Settings: ClassVar[type[DesignSettings]] = DesignSettings
    #: The publication's radiomic features, as a PyRadiomics parameter dictionary.
    bank: ClassVar[Mapping[str, Any] | None] = None
    #: The endpoints that the design predicts.
    endpoints: ClassVar[tuple[type[Endpoint], ...]] = (TwoClassEndpoint,)
    #: Why it does not predict others; half a sentence.
    why_not: ClassVar[Mapping[type[Endpoint], str]] = {}
    #: The rule by which patients are called positive, where the study does not name one: ``half``
    #: or ``youden``.
    threshold: ClassVar[str] = "half"
    #: What the publication leaves open and the project chose, a sentence each, for the report.
    choices: ClassVar[tuple[str, ...]] = ()
    #: The same on how images are read; not said of a study whose features came in a table.
    choices_for_images: ClassVar[tuple[str, ...]] = ()

    def __init__(self, settings: Any, available: Available) -> None:
        self.check_endpoint(available.endpoint)
        self.settings = settings
        self.available = available
        check_models(self.name, self.models)

    @classmethod
    def for_endpoint(cls, endpoint: Endpoint) -> type[Design]:
        """Return the class that predicts the endpoint, where a publication has several methods."""
        return cls

    @classmethod
    def check_endpoint(cls, endpoint: Endpoint) -> None:
        """Refuse an endpoint that the design does not predict.

        Raises
        ------
        EndpointError
            Saying why, and which kinds it predicts.
        """
        if isinstance(endpoint, cls.endpoints):
            return
        reasons = (why for kind, why in cls.why_not.items() if isinstance(endpoint, kind))
        reason = next(reasons, "it was not made for it")
        every = endpoint_kinds().items()
        predicted = ", ".join(name for name, kind in every if issubclass(kind, cls.endpoints))
        raise EndpointError(
            f"design {cls.name!r} cannot predict the {endpoint.kind} endpoint "
            f"{endpoint.describe()!r}: {reason}; it predicts {predicted}"
        )

    @property
    @abstractmethod
    def models(self) -> tuple[Model, ...]:
        """The models that the fit will yield, in the order of the paper's table."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the models."""
        return tuple(model.name for model in self.models)

    @property
    def left_out_labels(self) -> dict[str, str]:
        """Labels of the paper's models that are not among :attr:`models`, by name."""
        return {name: text for name, text in self.paper.labels.items() if name not in self.names}

    @property
    def final_model(self) -> str:
        """Name of the model that the design proposes."""
        return next(model.name for model in self.models if model.role == "final")

    @property
    def risk_model(self) -> str | None:
        """Name of the model whose calls divide the patients into high and low, if not the final."""
        return None

    @property
    @abstractmethod
    def inputs(self) -> tuple[Input, ...]:
        """What the fit needs to be given."""

    @property
    def clinical_columns(self) -> tuple[str, ...]:
        """Columns of the clinical table that the fit may read."""
        return self.available.clinical

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of the paper's full form is missing here, and why; a sentence each."""
        return ()

    @property
    def needs_validation(self) -> bool:
        """Whether a part of the non-test patients must be put aside to choose an epoch."""
        return False

    @abstractmethod
    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedDesign:
        """Fit every model on the training patients.

        Parameters
        ----------
        training : CaseData
        validation : CaseData or None
            Patients put aside to choose a network's epoch. What else learns from them is said by
            :meth:`FitContext.learners`: models without epochs do, where the split made them for
            that choice alone.
        context : FitContext
        """

    def without(self, fitted: FittedDesign, sequences: tuple[str, ...]) -> FittedDesign | None:
        """Return what of a fit predicts a patient who has these sequences alone.

        Parameters
        ----------
        fitted : FittedDesign
            A fit of this design.
        sequences : tuple of str
            Some of the design's, at least one.

        Returns
        -------
        FittedDesign or None
            Models that need no other sequence, as they were fitted; here ``None``: there are none.
        """
        return None

    def restore(self, state: FittedState) -> FittedDesign:
        """Return the fitted design that a state was taken of; it predicts the same.

        Of what the fit knew of its training patients nothing comes back: no out-of-fold
        predictions, no tables, no nomograms.

        Raises
        ------
        SettingError
            If the design says no way to.
        """
        raise SettingError(f"design {self.name!r} cannot be restored: it has no restore()")


def parse_settings(design: type[Design], given: dict[str, Any]) -> DesignSettings:
    """Check a design's settings; an unknown or unusable key is an error that says what is allowed.

    Raises
    ------
    SettingError
        For an unknown key (with the nearest name) or a value outside what the key allows.
    """
    try:
        return design.Settings(**given)
    except ValidationError as error:
        problem = error.errors()[0]
        cause = problem.get("ctx", {}).get("error")
        if isinstance(cause, SettingError):
            raise cause from None
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            known = design.Settings.model_fields
            raise SettingError(
                f"settings of design {design.name!r}: unknown key {key!r}; "
                f"{did_you_mean(key, known)}"
            ) from None
        raise SettingError(
            f"settings of design {design.name!r}: {key}: {problem['msg']} "
            f"(got {problem.get('input')!r})"
        ) from None
