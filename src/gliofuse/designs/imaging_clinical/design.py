"""The design ``imaging-clinical``: its settings, how it is fitted, how the fitted one predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from gliofuse.cohort import Endpoint, MulticlassEndpoint, TwoClassEndpoint
from gliofuse.designs.framework.absent import ABSENT_CHOICE, with_absent
from gliofuse.designs.framework.banks import feature_bank
from gliofuse.designs.framework.base import Design, DesignSettings, FittedDesign
from gliofuse.designs.framework.classes import (
    column_names,
    each_class,
    log_odds,
    mean_fold_auc,
    model_coefficients,
    model_columns,
    one_vs_rest,
    out_of_fold,
    patient_contributions,
    probabilities,
    score_columns,
    several_classes,
)
from gliofuse.designs.framework.clinical import FittedClinical, fit_clinical, odds_ratios
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.models import Model
from gliofuse.designs.framework.selection import SELECTION_CHOICE
from gliofuse.designs.framework.stable import stable_only
from gliofuse.designs.framework.state import FittedState
from gliofuse.designs.imaging_clinical.paper import (
    BANK,
    KINDS,
    OVERALL,
    PAPER,
    REGIONS,
    SLICES,
)
from gliofuse.features import columns_of
from gliofuse.inputs import (
    HISTOGRAM,
    CaseData,
    Input,
    PretrainedFeatures,
    RadiomicFeatures,
    StandardisedRadiomicFeatures,
    radiomic_features,
)
from gliofuse.records import Nomogram
from gliofuse.signature import (
    ImagingSignatureSettings,
    imaging_signature,
    selected_features,
)

__all__ = ["FittedImagingClinical", "ImagingClinical", "ImagingClinicalSettings"]

_SCORE = "imaging_score"


class ImagingClinicalSettings(DesignSettings):
    """Settings of ``imaging-clinical``."""

    radiomics: str = Field("imaging-clinical", description="Feature bank: design, preset or file.")
    normalisation: Literal["minmax", "zscore", "percentile", "histogram", "none"] = Field(
        "zscore",
        description="Of each volume; histogram: onto the scale of the fold's training patients "
        "(radiomic features; the network's images are then z-scored).",
    )
    network: str = Field("resnet34", description="Whose features are taken, as it is.")
    weights: str | None = Field(
        None, description="Pretrained weights of the network: a path, or imagenet."
    )
    allow_random: bool = Field(
        False, description="Take features of random weights when there are no pretrained ones."
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="Of the t-test.")
    folds: int = Field(10, ge=2, description="Of LASSO's cross-validation.")
    lasso_scoring: Literal["auto", "auc", "deviance"] = Field(
        "auto",
        description="Of LASSO's penalty: auc (paper); auto turns to the strongest within one "
        "standard error of the least deviance where folds hold fewer than 10 of the rarer class.",
    )
    lasso_rule: Literal["best", "one-se"] = Field(
        "best", description="The best penalty, or the strongest within one standard error of it."
    )
    max_features: int | Literal["n/10"] = Field(
        "n/10", description="Where backward elimination stops; the rule of thumb is n/10."
    )
    classifier: Literal["logistic", "forest", "svm"] = Field(
        "logistic", description="Of the imaging models; all three are compared in a table."
    )
    compare_classifiers: bool | None = Field(
        None, description="Fit all three classifiers for the table (paper: yes, quick: no)."
    )
    selection: Literal["nested", "paper"] = Field(
        "nested",
        description="Whether features are selected anew in the folds of every inner choice, or "
        "once, as in the paper.",
    )
    selection_folds: int = Field(5, ge=2, description="That choose the imaging model.")
    stable_features: str | None = Field(
        None, description="Admit only these: stable_features.csv of `gliofuse stability`."
    )
    imaging_model: str | None = Field(
        None, description="Fix the imaging model by name instead of choosing it."
    )


class ImagingClinical(Design):
    """An imaging score from sub-region features, then a clinical fusion model.

    The paper states the regions, the t-test at 0.05, LASSO by 10-fold AUC, backward elimination by
    AIC, the nine imaging models, the choice by mean 5-fold AUC on the training patients, and the
    logistic fusion with clinical variables.
    """

    name = "imaging-clinical"
    title = "Imaging score plus clinical variables for a molecular marker"
    paper = PAPER
    Settings = ImagingClinicalSettings
    bank = BANK
    threshold = "youden"
    endpoints = (TwoClassEndpoint, MulticlassEndpoint)
    choices_for_images = (
        "The paper's appendix with its 1,111 radiomic features is not available; original, "
        "wavelet and LoG images (sigma 1, 2, 3 mm) in 32 grey levels are used.",
        "The paper's WhiteStripe-like normalisation is a z-score of each volume (setting "
        "normalisation), its N4 correction the cohort's own affair.",
        "The slice of a region's largest area is cut to the region's square, of at least 16 "
        "voxels a side and without a margin; the paper says only that it is cropped.",
    )
    choices = (
        "Selection is repeated inside every fold of the cross-validation that chooses the model, "
        "which holds the classes alike in its folds and goes by the mean of their AUCs.",
        "LASSO's penalty is that of the best mean AUC, as in the paper, where a fold holds 10 "
        "patients of the rarer class; where it holds fewer, the strongest within one standard "
        "error of the least deviance, which in simulated cohorts of 40 to 150 ranks new patients "
        "about as well and lies less far off in its probabilities (at 40: log loss 0.98 against "
        "1.34). Where nothing is left, the feature most correlated with the class stays.",
        "Backward elimination stops at a tenth of the training patients; the paper's rule of thumb "
        "is 10 to 15 patients a feature.",
        "Imaging models have no class weights and no penalty after selection, but a ridge where "
        "the classes are separated. The forest has 500 trees; the SVM's grid is scored by AUC, "
        "and its probabilities are Platt's.",
        "The clinical and fusion models are logistic on standardised variables with a weak penalty "
        "(L2, C = 1), since a score that separates the classes has no finite coefficient; their "
        "odds ratios are those of the same variables without it.",
        "A missing clinical value is the training patients' median or most frequent level.",
        ABSENT_CHOICE,
        SELECTION_CHOICE,
        "A training patient's imaging score is out-of-fold when it enters the fusion model.",
        "The paper's cut-off of 0.48 is its own; here each fold's is Youden's on its training "
        "patients, from out-of-fold scores, unless the study names another rule.",
        "The paper has two classes; for more, imaging models are fitted for each class against the "
        "rest, chosen by the mean AUC over classes, and the clinical models are multinomial.",
    )
    settings: ImagingClinicalSettings

    @property
    def sequences(self) -> tuple[str, ...]:
        """t1ce and flair; where the cohort has neither, whatever it has."""
        usual = tuple(s for s in PAPER.sequences if s in self.available.sequences)
        return usual or self.available.sequences

    @property
    def regions(self) -> dict[str, str]:
        """The paper's regions that the masks offer, by their expressions."""
        found = {
            name: region for name, region in REGIONS.items() if region in self.available.regions
        }
        return found or {OVERALL: "whole"}

    @property
    def _deep(self) -> bool:
        wanted = self.settings.weights is not None or self.settings.allow_random
        return self.available.images and self.available.deep and wanted

    @property
    def imaging_models(self) -> tuple[Model, ...]:
        """The paper's nine, or those of them that the cohort allows."""
        places = [*self.regions] if len(self.regions) == 1 else [*self.regions, OVERALL]
        kinds = KINDS if self._deep else ("radiomics",)
        return tuple(
            Model(name := f"{place}_{KINDS[kind]}", PAPER.labels[name], kind, place)
            for place in places
            for kind in kinds
        )

    @property
    def models(self) -> tuple[Model, ...]:
        """The imaging models, the score of the one that is chosen, the clinical one, the fusion.

        Without clinical variables the imaging score is the final one.
        """
        kind = "hybrid" if self._deep else "radiomics"
        role: Literal["rival", "final"] = "rival" if self.available.clinical else "final"
        found = (*self.imaging_models, Model(_SCORE, "Imaging score", kind, role=role))
        if not self.available.clinical:
            return found
        return (
            *found,
            Model("clinical", "Clinical", "clinical", role="rival"),
            Model("fusion", "Fusion", "fusion", role="final"),
        )

    @property
    def risk_model(self) -> str | None:
        """The imaging score: the paper calls patients above its cut-off high-risk."""
        return _SCORE

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of the paper's eleven models is missing, and why."""
        notes = [
            f"no {sequence}: its features left out"
            for sequence in PAPER.sequences
            if sequence not in self.available.sequences and self.available.images
        ]
        if tuple(self.regions) == (OVERALL,):
            notes.append("the masks don't tell oedema from tumour: only the overall models")
        if not self._deep:
            notes.append(
                "no pretrained weights (settings: weights, or allow_random): the deep and hybrid "
                "models left out"
            )
        elif self.settings.weights is None:
            notes.append("the deep features come from RANDOM weights, not from a trained network")
        if not self.available.clinical:
            notes.append("no clinical covariates named: the clinical and fusion models left out")
        return tuple(notes)

    @property
    def radiomics(self) -> RadiomicFeatures | StandardisedRadiomicFeatures:
        """The feature bank over each region."""
        return radiomic_features(
            settings=feature_bank(self.settings.radiomics),
            regions=tuple(self.regions.values()),
            sequences=self.sequences,
            normalisation=self.settings.normalisation,
        )

    @property
    def deep_features(self) -> PretrainedFeatures:
        """The frozen network's output on each region's largest slice."""
        from gliofuse.deep.data.slices import SliceSettings

        own = self.settings.normalisation
        normalisation = "zscore" if own == HISTOGRAM else own
        return PretrainedFeatures(
            network=self.settings.network,
            slices=SliceSettings(**SLICES, normalisation=normalisation),
            regions=tuple(self.regions.values()),
            sequences=self.sequences,
            weights=self.settings.weights,
            allow_random=self.settings.allow_random,
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The radiomic table and, with weights, the deep one."""
        return (self.radiomics, self.deep_features) if self._deep else (self.radiomics,)

    def features(self, data: CaseData, model: Model) -> pd.DataFrame:
        """Return the features of one imaging model: its region(s), its kind(s)."""
        regions = [
            region for name, region in self.regions.items() if model.group in (name, OVERALL)
        ]
        tables = []
        if model.kind in ("radiomics", "hybrid"):
            tables.append(stable_only(data.table(self.radiomics), self.settings.stable_features))
        if model.kind in ("deep", "hybrid"):
            tables.append(data.table(self.deep_features))
        table = pd.concat(tables, axis=1)
        return with_absent(table[columns_of(table, region=regions)])

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedImagingClinical:
        """Fit the imaging models, choose one, and fuse its score with the clinical variables."""
        training = context.learners(training, validation)
        y, endpoint, own = training.y, self.available.endpoint, self.settings.classifier
        folds = self.settings.selection_folds
        inner: dict[str, Any] = {"folds": folds, "seed": context.seed, "groups": context.groups}
        imaging: dict[str, Any] = {}
        known: dict[str, pd.DataFrame] = {}
        rows: list[tuple[str, str, float]] = []
        for model in self.imaging_models:
            features = self.features(training, model)
            for classifier in self._classifiers:
                estimator = self._imaging_model(context, classifier)
                found = out_of_fold(estimator, features, y, endpoint, **inner)
                area = mean_fold_auc(y, found, endpoint, **inner)
                rows.append((model.name, classifier, area))
                if classifier == own:
                    known[model.name] = found
                    imaging[model.name] = estimator.fit(features, y)
        choice = pd.DataFrame(rows, columns=["model", "classifier", "training_cv_auc"])
        used = choice[choice["classifier"] == own].set_index("model")
        chosen = self.settings.imaging_model or str(used["training_cv_auc"].idxmax())
        known[_SCORE] = known[chosen]
        clinical: dict[str, FittedClinical] = {}
        if self.available.clinical:
            score = _imaging_score(known[chosen], endpoint)
            for name, beside in (("clinical", None), ("fusion", score)):
                clinical[name] = fit_clinical(
                    training,
                    self.available.clinical,
                    endpoint,
                    context,
                    folds=folds,
                    beside=beside,
                )
                known[name] = clinical[name].known
        return FittedImagingClinical(self, imaging, chosen, choice, known, clinical, y)

    def restore(self, state: FittedState) -> FittedImagingClinical:
        """Return the fitted models."""
        endpoint = self.available.endpoint
        names = ("clinical", "fusion") if self.available.clinical else ()
        return FittedImagingClinical(
            self,
            {model.name: state.estimators[model.name] for model in self.imaging_models},
            state.values["chosen"],
            pd.DataFrame(),
            {},
            {name: FittedClinical.restored(state.part(name), endpoint) for name in names},
            pd.Series(dtype=float),
        )

    @property
    def _classifiers(self) -> tuple[str, ...]:
        """The classifier of the imaging models, and those it is compared with."""
        own, wanted = self.settings.classifier, self.settings.compare_classifiers
        compared = self.settings.preset == "paper" if wanted is None else wanted
        others = [one for one in ("logistic", "forest", "svm") if one != own]
        return (own, *others) if compared else (own,)

    def _imaging_model(self, context: FitContext, classifier: str) -> Any:
        chain = imaging_signature(
            ImagingSignatureSettings(
                alpha=self.settings.alpha,
                folds=self.settings.folds,
                lasso_scoring=self.settings.lasso_scoring,
                lasso_rule=self.settings.lasso_rule,
                max_features=self.settings.max_features,
                classifier=classifier,
                selection=self.settings.selection,
                seed=context.seed,
            ),
            people=context.groups,
        )
        return one_vs_rest(chain, self.available.endpoint)


class FittedImagingClinical(FittedDesign):
    """The fitted models of :class:`ImagingClinical`.

    Attributes
    ----------
    chosen : str
        The imaging model whose log-odds are the imaging score.
    """

    design: ImagingClinical

    def __init__(
        self,
        design: ImagingClinical,
        imaging: Mapping[str, Any],
        chosen: str,
        choice: pd.DataFrame,
        known: dict[str, pd.DataFrame],
        clinical: Mapping[str, FittedClinical],
        y: pd.Series,
    ) -> None:
        super().__init__(design)
        self.imaging = dict(imaging)
        self.chosen = chosen
        self.choice = choice
        self.known = known
        self.clinical = dict(clinical)
        self.y = y

    def out_of_fold(self) -> dict[str, pd.DataFrame]:
        """Return every model's probabilities of the training patients."""
        return self.known

    def imaging_score(self, data: CaseData) -> pd.DataFrame:
        """Return the imaging score: the log-odds of the chosen imaging model, of each class.

        For the logistic classifier that is the intercept plus the sum of coefficient x feature.
        """
        features = self._chosen_features(data)
        endpoint = self.design.available.endpoint
        found = probabilities(self.imaging[self.chosen], features, endpoint)
        return _imaging_score(found, endpoint)

    def state(self) -> FittedState:
        """Return the imaging models, which of them is chosen, and the clinical ones."""
        parts = {name: one.state() for name, one in self.clinical.items()}
        joined = FittedState.joined(parts)
        return FittedState(
            estimators={**self.imaging, **joined.estimators},
            values={"chosen": self.chosen, **joined.values},
        )

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return each model's probabilities, by ``case_id``."""
        endpoint = self.design.available.endpoint
        scores: dict[str, pd.DataFrame] = {}
        for model in self.design.imaging_models:
            features = self.design.features(data, model)
            scores[model.name] = probabilities(self.imaging[model.name], features, endpoint)
        scores[_SCORE] = scores[self.chosen]
        for name, fitted in self.clinical.items():
            beside = _imaging_score(scores[_SCORE], endpoint) if name == "fusion" else None
            scores[name] = fitted.predict(data, beside)
        return model_columns(scores, endpoint)[list(self.names)].rename_axis(index="case_id")

    def contributions(self, data: CaseData, predicted: pd.DataFrame) -> pd.DataFrame:
        """Return what each feature adds to the score, and each variable to the clinical models."""
        endpoint = self.design.available.endpoint
        chosen = self.imaging[self.chosen]
        found = [patient_contributions(_SCORE, chosen, self._chosen_features(data), endpoint)]
        if several_classes(endpoint):  # the clinical models are multinomial
            return found[0]
        for name, fitted in self.clinical.items():
            score = _imaging_score(score_columns(predicted, [_SCORE], endpoint), endpoint)
            beside = score if name == "fusion" else None
            table = fitted.terms(data, beside)
            found.append(patient_contributions(name, fitted.model, table, endpoint))
        linear = [one for one in found if len(one)]  # a forest adds no row
        return pd.concat(linear, ignore_index=True)

    def selected_features(self, data: CaseData) -> pd.DataFrame:
        """Return the values of the features of the chosen imaging model."""
        chosen = self.imaging[self.chosen]
        kept = each_class(
            chosen,
            lambda chain: pd.DataFrame({"feature": selected_features(chain)}),
            self.design.available.endpoint,
        )
        values = self._chosen_features(data)[list(dict.fromkeys(kept["feature"]))]
        return values.fillna(values.median())  # for the picture of how they correlate

    def _chosen_features(self, data: CaseData) -> pd.DataFrame:
        (chosen,) = (model for model in self.design.imaging_models if model.name == self.chosen)
        return self.design.features(data, chosen)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return selected features, the choice of the imaging model, and the clinical models."""
        endpoint = self.design.available.endpoint
        tables = {
            "selected_features": model_coefficients(self.imaging, endpoint, term="feature"),
            "imaging_model_choice": self.choice.assign(
                chosen=np.where(self.choice["model"] == self.chosen, "yes", "")
            ),
        }
        if several_classes(endpoint) or not self.clinical:
            return tables  # coefficients are of one probability
        models = {name: fitted.model for name, fitted in self.clinical.items()}
        return tables | {
            "coefficients": model_coefficients(models, endpoint),
            "odds_ratios": pd.concat(
                [
                    odds_ratios(fitted.table, self.y).assign(model=name)
                    for name, fitted in self.clinical.items()
                ]
            ),
        }

    def nomograms(self) -> dict[str, Nomogram | None]:
        """Return the fusion and the clinical model, where the probability is one."""
        if several_classes(self.design.available.endpoint):
            return {}
        return {name: self.clinical[name].nomogram() for name in reversed(self.clinical)}


def _imaging_score(probability: pd.DataFrame, endpoint: Endpoint) -> pd.DataFrame:
    return log_odds(probability).set_axis(column_names(_SCORE, endpoint), axis=1)
