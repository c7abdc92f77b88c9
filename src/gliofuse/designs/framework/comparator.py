"""The clinical comparator: every design's models stand beside one of clinical variables alone."""

from __future__ import annotations

import pandas as pd

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.designs.framework.base import Design, FittedDesign
from gliofuse.designs.framework.classes import model_columns
from gliofuse.designs.framework.clinical import FittedClinical, fit_clinical
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.cox import FittedCox, fit_cox
from gliofuse.designs.framework.models import Model, check_models
from gliofuse.designs.framework.state import FittedState
from gliofuse.inputs import CaseData, Input

__all__ = ["CLINICAL", "with_clinical_comparator"]

CLINICAL = Model("clinical", "Clinical", "clinical", role="rival")


def with_clinical_comparator(design: Design) -> Design:
    """Return the design with a model of the clinical variables alone, on the same folds.

    A design that has one of its own, and one for which no clinical variables are named, is returned
    as it is.
    """
    has_one = any(CLINICAL.name in (one.kind, one.name) for one in design.models)
    if has_one or not design.available.clinical:
        return design
    return _WithClinical(design)


class _WithClinical(Design):
    """A design, and the clinical model beside its own."""

    def __init__(self, design: Design) -> None:
        self.own = design
        # what a class says of itself, its instance says here; the endpoint was checked there
        own = ("name", "title", "paper", "Settings", "threshold", "choices_for_images")
        for name in (*own, "settings", "available"):
            setattr(self, name, getattr(design, name))
        check_models(self.name, self.models)

    @property
    def _kind(self) -> str:
        survival = isinstance(self.available.endpoint, SurvivalEndpoint)
        return "Cox regression" if survival else "logistic regression"

    @property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        """The design's choices, and the comparator."""
        return (
            *self.own.choices,
            f"The clinical model, a {self._kind} of the covariates alone, is the project's: it "
            "stands beside the paper's models to show what imaging adds.",
        )

    @property
    def models(self) -> tuple[Model, ...]:
        """The design's models and the clinical one."""
        return (*self.own.models, CLINICAL)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The design's inputs."""
        return self.own.inputs

    @property
    def clinical_columns(self) -> tuple[str, ...]:
        """The design's columns, and the covariates."""
        return tuple(dict.fromkeys((*self.own.clinical_columns, *self.available.clinical)))

    @property
    def risk_model(self) -> str | None:
        """The design's."""
        return self.own.risk_model

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the design leaves out."""
        return self.own.left_out

    @property
    def left_out_labels(self) -> dict[str, str]:
        """Labels of what it leaves out."""
        return self.own.left_out_labels

    @property
    def needs_validation(self) -> bool:
        """Whether the design needs validation patients."""
        return self.own.needs_validation

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedDesign:
        """Fit the design, and the clinical model on all patients that learn without epochs."""
        fitted = self.own.fit(training, validation, context)
        learners, endpoint = context.learners(training, validation), self.available.endpoint
        clinical: FittedClinical | FittedCox
        if isinstance(endpoint, SurvivalEndpoint):
            clinical = fit_cox(learners, self.available.clinical, endpoint, context)
        else:
            clinical = fit_clinical(learners, self.available.clinical, endpoint, context)
        return _FittedWithClinical(self, fitted, clinical)

    def without(self, fitted: FittedDesign, sequences: tuple[str, ...]) -> FittedDesign | None:
        """Return the design's own."""
        assert isinstance(fitted, _FittedWithClinical)
        return self.own.without(fitted.own, sequences)

    def restore(self, state: FittedState) -> FittedDesign:
        """Return the fitted design and the fitted clinical model."""
        endpoint, part = self.available.endpoint, state.part("clinical")
        clinical: FittedClinical | FittedCox
        if isinstance(endpoint, SurvivalEndpoint):
            clinical = FittedCox.restored(part, endpoint)
        else:
            clinical = FittedClinical.restored(part, endpoint)
        return _FittedWithClinical(self, self.own.restore(state.part("own")), clinical)


class _FittedWithClinical(FittedDesign):
    """A fitted design, and the fitted clinical model."""

    design: _WithClinical

    def __init__(
        self,
        design: _WithClinical,
        own: FittedDesign,
        clinical: FittedClinical | FittedCox,
    ) -> None:
        super().__init__(design, own.networks)
        self.own = own
        self.clinical = clinical

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return each model's predictions, by ``case_id``."""
        added = model_columns(
            {CLINICAL.name: self.clinical.predict(data)}, self.design.available.endpoint
        )
        return pd.concat([self.own.predict(data), added], axis=1).rename_axis(index="case_id")

    def state(self) -> FittedState:
        """Return the design's state, and the clinical model in it."""
        return FittedState.joined({"own": self.own.state(), "clinical": self.clinical.state()})

    def out_of_fold(self) -> dict[str, pd.DataFrame]:
        """Return the design's, and the clinical model's."""
        return {**self.own.out_of_fold(), CLINICAL.name: self.clinical.known}

    def contributions(self, data: CaseData, predicted: pd.DataFrame) -> pd.DataFrame:
        """Return the design's."""
        return self.own.contributions(data, predicted)

    def selected_features(self, data: CaseData) -> pd.DataFrame | None:
        """Return the design's selected features."""
        return self.own.selected_features(data)

    def patient_tables(self, data: CaseData) -> dict[str, pd.DataFrame]:
        """Return the design's tables of patients."""
        return self.own.patient_tables(data)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the design's tables."""
        return self.own.tables()
