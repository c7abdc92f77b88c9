"""``risk-signature``: a radiomic risk signature beside clinical terms, built in several ways.

No publication's method but the project's own question: whether radiomic features say anything of
survival that age, grade and the like do not. The clinical Cox model, the signature alone and both
together stand side by side, and so do other ways of building the signature.
"""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd
from pydantic import Field, field_validator

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.designs.framework.banks import feature_bank
from gliofuse.designs.framework.base import Design, DesignSettings
from gliofuse.designs.framework.context import Available, FitContext
from gliofuse.designs.framework.cox import COX_CHOICE, fit_cox, names_in
from gliofuse.designs.framework.models import ALL, Model, Role
from gliofuse.designs.framework.signatures import (
    SIGNATURE_METHODS,
    FittedSignature,
    FittedSurvival,
    SignatureMethod,
    SignaturePart,
    check_method,
    fit_integrated,
    fit_signature,
    restored_survival,
)
from gliofuse.designs.framework.stable import stable_only
from gliofuse.designs.framework.state import FittedState
from gliofuse.inputs import (
    CaseData,
    Input,
    RadiomicFeatures,
    StandardisedRadiomicFeatures,
    radiomic_features,
)

__all__ = ["RiskSignature", "RiskSignatureSettings"]


class RiskSignatureSettings(DesignSettings):
    """Settings of ``risk-signature``."""

    radiomics: str = Field("original", description="Feature bank: design, preset or file.")
    normalisation: str = Field(
        "zscore",
        description="Of each volume over the brain; histogram: onto the scale of the fold's "
        "training patients.",
    )
    region: str = Field("whole", description="Of the tumour, for the radiomics.")
    method: SignatureMethod | None = Field(
        None,
        description="How the signature is built: offset, cox, stability, ridge or paper; by "
        "default offset where there are covariates, else cox.",
    )
    compared: tuple[SignatureMethod, ...] = Field(
        (), description="Further ways, each with a model of its own (all: every one)."
    )
    admit: Literal["gain", "always"] = Field(
        "gain",
        description="Whether the signature enters the integrated model only where out of fold it "
        "says something beyond the clinical terms (Akaike's criterion), or always.",
    )
    terms: Literal["all", "eliminate"] = Field(
        "all", description="Clinical terms: all, or those that p values below 0.05 leave."
    )
    splines: tuple[str, ...] = Field(
        (), description="Covariates with a restricted cubic spline, for example age."
    )
    features: int = Field(10, ge=1, description="Kept by the forest's importance.")
    trees: int = Field(100, ge=10, description="Of the forest.")
    folds: int = Field(5, ge=3, description="Of penalties and of out-of-fold scores.")
    stable_features: str | None = Field(
        None, description="Admit only these: stable_features.csv of `gliofuse stability`."
    )

    @field_validator("compared", mode="before")
    @classmethod
    def _every(cls, given: object) -> object:
        if given in ("all", ["all"], ("all",)):
            return tuple(SIGNATURE_METHODS)
        return names_in(given)

    _listed = field_validator("splines", mode="before")(names_in)


class RiskSignature(Design):
    """Clinical Cox model, radiomic signature, and both together."""

    name = "risk-signature"
    title = "A radiomic risk signature beside clinical terms"
    Settings = RiskSignatureSettings
    endpoints = (SurvivalEndpoint,)
    threshold = "median"
    choices = (
        "The signature's features are chosen by a forest on martingale residuals, which respect "
        "censoring, and weighed by a Cox elastic net; method offset, the default beside "
        "covariates, does both on what the clinical model's out-of-fold risk leaves unexplained.",
        "The signature's scores of training patients, by which the integrated model weighs it, are "
        "of fits that did not see them.",
        "The signature enters the integrated model only where its out-of-fold score raises twice "
        "the log partial likelihood of the clinical model by more than 2 with a positive "
        "coefficient (setting admit); else the integrated model is the clinical one.",
        COX_CHOICE,
    )
    settings: RiskSignatureSettings

    def __init__(self, settings: RiskSignatureSettings, available: Available) -> None:
        check_method(settings.method, available.clinical)
        super().__init__(settings, available)

    @property
    def method(self) -> SignatureMethod:
        """The way of the final model's signature."""
        return self.settings.method or ("offset" if self.available.clinical else "cox")

    @property
    def methods(self) -> tuple[SignatureMethod, ...]:
        """The ways of building the signature, the final one's first."""
        every = dict.fromkeys((self.method, *self.settings.compared))
        return tuple(one for one in every if one != "offset" or self.available.clinical)

    @property
    def models(self) -> tuple[Model, ...]:
        """The clinical model, each signature and each integrated model."""
        found, clinical = [], bool(self.available.clinical)
        if clinical:
            found.append(Model("clinical", "Clinical", "clinical", role="rival"))
        for way in self.methods:
            own, tail = way == self.method, f" ({SIGNATURE_METHODS[way]})"
            role: Role = "final" if own and not clinical else "rival" if own else "part"
            beyond = ", beyond the clinical risk" if way == "offset" else ""
            label = "Radiomic signature" + (beyond if own else tail)
            found.append(Model(_name("signature", way, own), label, "radiomics", ALL, role))
            if clinical:
                both, role = _name("integrated", way, own), "final" if own else "part"
                found.append(Model(both, "Integrated" + ("" if own else tail), "fusion", ALL, role))
        return tuple(found)

    @property
    def left_out(self) -> tuple[str, ...]:
        """That there is no clinical model, where no covariates are named."""
        if self.available.clinical:
            return ()
        return ("no covariates: the clinical and the integrated model left out",)

    @property
    def radiomics(self) -> RadiomicFeatures | StandardisedRadiomicFeatures:
        """The features of every sequence over the region."""
        return radiomic_features(
            settings=feature_bank(self.settings.radiomics),
            regions=(self.settings.region,),
            sequences=self.available.sequences,
            normalisation=self.settings.normalisation,
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The feature table."""
        return (self.radiomics,)

    def features(self, data: CaseData, part: SignaturePart) -> pd.DataFrame:
        """Return the patients' radiomic features."""
        return stable_only(data.table(self.radiomics), self.settings.stable_features)

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedSurvival:
        """Fit the clinical model, the signatures, and the models of both."""
        learners, settings = context.learners(training, validation), self.settings
        endpoint, columns = self.available.endpoint, self.available.clinical
        assert isinstance(endpoint, SurvivalEndpoint)
        shared: dict[str, Any] = {"splines": settings.splines, "terms": settings.terms}
        cox, signatures, beside = {}, {}, {}
        if columns:
            cox["clinical"] = fit_cox(learners, columns, endpoint, context, **shared)
        for way in self.methods:
            own = way == self.method
            name = _name("signature", way, own)
            offset = cox["clinical"].known["risk"] if way == "offset" else None
            signature = self._signature(way, learners, context, offset)
            signatures[name] = signature
            if not columns:
                continue
            both = _name("integrated", way, own)
            cox[both], enters = fit_integrated(
                signature, cox["clinical"], learners, context, admit=settings.admit, **shared
            )
            if enters:
                beside[both] = name
        return FittedSurvival(self, endpoint, {}, signatures, cox, beside, learners.survival)

    def restore(self, state: FittedState) -> FittedSurvival:
        """Return the fitted models."""
        return restored_survival(self, state, self.features)

    def _signature(
        self,
        way: SignatureMethod,
        learners: CaseData,
        context: FitContext,
        offset: pd.Series | None,
    ) -> FittedSignature:
        return fit_signature(
            way,
            learners,
            {learners.case_ids: (None, "")},
            self.features,
            context,
            top_k=self.settings.features,
            trees=self.settings.trees,
            folds=self.settings.folds,
            offset=offset,
        )


def _name(kind: str, way: str, own: bool) -> str:
    return kind if own else f"{kind}_{way}"
