"""The design ``rdl``: its settings, how it is fitted, and how the fitted one predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from gliofuse.cohort import Endpoint, MulticlassEndpoint, TwoClassEndpoint
from gliofuse.designs.framework.banks import feature_bank
from gliofuse.designs.framework.base import Design, FittedDesign, NetworkDesignSettings
from gliofuse.designs.framework.classes import (
    column_names,
    model_coefficients,
    model_columns,
    one_vs_rest,
    out_of_fold,
    patient_contributions,
    probabilities,
    score_columns,
    several_classes,
)
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.models import ALL, Model, sequence_label
from gliofuse.designs.framework.networks import (
    EPOCH_CHOICE,
    PRIOR_CHOICE,
    NetworkRecipe,
    NetworkSignature,
    fit_network_signature,
)
from gliofuse.designs.framework.selection import SELECTION_CHOICE
from gliofuse.designs.framework.stable import stable_only
from gliofuse.designs.framework.state import FittedState
from gliofuse.designs.rdl.paper import BANK, NETWORKS, PAPER
from gliofuse.features import columns_of
from gliofuse.inputs import CaseData, Input, RadiomicFeatures, TumourSlices
from gliofuse.signature import (
    NestedPipeline,
    RidgeSignature,
    SingleSequenceSettings,
    WeightedFusion,
    single_sequence_signature,
)

__all__ = ["RDL", "FittedRDL", "RDLSettings"]


class RDLSettings(NetworkDesignSettings):
    """Settings of ``rdl``; each default is the paper's unless its description says otherwise."""

    radiomics: str = Field(
        "rdl", description="Feature bank: a design's name, a preset, or a parameter file."
    )
    normalisation: Literal["minmax", "zscore", "percentile", "none"] = Field(
        "minmax", description="Of each volume over all its voxels."
    )
    region: str = Field("whole", description="Necrosis, oedema and enhancing tumour together.")
    alpha: float = Field(0.05, gt=0, lt=1, description="Of the t-test.")
    folds: int = Field(10, ge=2, description="Of LASSO and of the grid searches.")
    scoring: Literal["neg_log_loss", "roc_auc", "balanced_accuracy", "accuracy"] = Field(
        "neg_log_loss", description="Of the grid searches; the paper does not state its own."
    )
    selection: Literal["nested", "paper"] = Field(
        "nested",
        description="Whether features are selected anew in the folds of every inner choice, or "
        "once, as in the paper.",
    )
    second_level: Literal["out-of-fold", "in-sample"] = Field(
        "out-of-fold",
        description="How a training patient's signature enters the next level; the paper's is "
        "in-sample, the project's out-of-fold.",
    )
    fusion: Literal["weights", "ridge"] = Field(
        "weights",
        description="Of signatures: weights >= 0 of their log-odds, shrunk towards equal ones, or "
        "the paper's ridge regression.",
    )
    inner_folds: int | None = Field(
        None, ge=2, description="Of the out-of-fold signatures; 5, networks 5 (quick: 2)."
    )
    networks: Literal["all", "fusion", "none"] | None = Field(
        None, description="Deep models to train: all (paper), fusion (quick) or none."
    )
    epochs: int | None = Field(None, ge=1, description="Overrides the preset's.")
    stable_features: str | None = Field(
        None, description="Admit only these: stable_features.csv of `gliofuse stability`."
    )


class RDL(Design):
    """Signature-level fusion of single-sequence radiomics and slice networks.

    The paper states the feature bank (1,967 a sequence), the t-test at 0.05, min-max scaling,
    LASSO, the elastic-net grid of 21 x 10 points with 10 folds and balanced class weights, the L2
    fusions over 21 points, DenseNet121 on 64 x 64 tumour crops, and the CSG module.
    """

    name = "rdl"
    title = "Radiomic and deep-learning fusion signatures"
    paper = PAPER
    Settings = RDLSettings
    bank = BANK
    endpoints = (TwoClassEndpoint, MulticlassEndpoint)
    choices = (
        "The paper trains the second level on in-sample first-level signatures; here they are "
        "out-of-fold unless second_level says otherwise.",
        "The grids are scored by the log loss, since their probabilities are fused and pooled, and "
        "AUC does not see calibration; the paper does not state its score.",
        "Signatures are fused by weights >= 0 of their log-odds, shrunk towards equal ones: in "
        "simulated cohorts of 36 patients that ranks new patients better than the paper's ridge "
        "regression, whose weights are often negative, and about as well in cohorts of 80 and 150; "
        "fusion: ridge takes the paper's. More than two classes are fused by ridge.",
        "LASSO's penalty is that of the least squared error of the label over 10 folds; where it "
        "leaves nothing, the feature most correlated with the class stays.",
        SELECTION_CHOICE,
        PRIOR_CHOICE,
        EPOCH_CHOICE,
        "The paper has two classes; for more, each radiomic signature and their fusion are fitted "
        "for each class against the rest.",
    )
    choices_for_images = (
        "The paper names neither SGD's momentum (0.9 is taken) nor weights or augmentation for its "
        "networks; none are used, but class weights and AdamW in preset quick.",
        "The tumour's square on a slice has at least 16 voxels a side and no margin.",
        "The paper gives no grey-level discretisation; 32 bins are used on the 0..1 images.",
        "The two stacked attention maps become one channel by a 1x1 convolution.",
    )
    settings: RDLSettings

    @property
    def _networks(self) -> str:
        if not (self.available.images and self.available.deep):
            return "none"
        if several_classes(self.available.endpoint):
            return "none"
        quick = "fusion" if self.settings.preset == "quick" else "all"
        return self.settings.networks or quick

    @property
    def models(self) -> tuple[Model, ...]:
        """The paper's eleven models, or those of them that this cohort and preset allow.

        ``rdl`` is the final one, or ``radiomics_fusion`` where no network is trained.
        """
        sequences = self.available.sequences
        networks = self._networks != "none"
        found = [
            *(Model(f"radiomics_{s}", f"Radiomics {sequence_label(s)}", "radiomics", s)
              for s in sequences),
            Model("radiomics_fusion", "Radiomics fusion", "radiomics", ALL,
                  "rival" if networks else "final"),
        ]  # fmt: skip
        if self._networks == "all" and len(sequences) > 1:
            found += [Model(f"dl_{s}", f"DL {sequence_label(s)}", "deep", s) for s in sequences]
        if networks:
            found += [
                Model("dl_fusion", "DL fusion", "deep", ALL, "rival"),
                Model("rdl", "RDL", "fusion", ALL, "final"),
            ]
        return tuple(found)

    def _single(self, kind: str) -> list[Model]:
        """The single-sequence models of one kind."""
        return [model for model in self.models if model.kind == kind and model.group != ALL]

    @property
    def needs_validation(self) -> bool:
        """Networks choose their epoch on patients put aside."""
        return self._networks != "none"

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of the paper's eleven models is missing, and why."""
        notes = [
            f"no {sequence}: radiomics_{sequence} and dl_{sequence} left out"
            for sequence in PAPER.sequences
            if sequence not in self.available.sequences and self.available.images
        ]
        if not self.available.images:
            notes.append("no images, a feature table: the deep models and rdl left out")
        elif not self.available.deep:
            notes.append("the extra 'deep' is not installed: the deep models and rdl left out")
        elif several_classes(self.available.endpoint):
            notes.append(
                "more than two classes: the paper's networks tell two apart, so the deep models "
                "and rdl left out"
            )
        elif self._networks == "none":
            notes.append("networks: none: the deep models and rdl left out")
        elif self._networks == "fusion":
            notes.append("the single-sequence deep models left out (preset paper trains them)")
        return tuple(notes)

    @property
    def radiomics(self) -> RadiomicFeatures:
        """The feature bank of every sequence over the whole tumour."""
        return RadiomicFeatures(
            settings=feature_bank(self.settings.radiomics),
            regions=(self.settings.region,),
            sequences=self.available.sequences,
            normalisation=self.settings.normalisation,
        )

    @property
    def slices(self) -> TumourSlices:
        """Every tumour slice, cropped to the tumour's square and resized to 64 x 64."""
        return TumourSlices(
            settings=NETWORKS[self.settings.preset].slices(
                normalisation=self.settings.normalisation
            ),
            region=self.settings.region,
            sequences=self.available.sequences,
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The feature table and, where a network is trained, the slices."""
        return (self.radiomics,) if self._networks == "none" else (self.radiomics, self.slices)

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedRDL:
        """Fit the signatures level by level on the training patients."""
        radiomics = self._fit_radiomics(context.learners(training, validation), context)
        if self._networks == "none":
            return FittedRDL(self, radiomics, known=radiomics.known)
        networks = self._fit_networks(training, validation, context)
        column = self.available.endpoint.prediction_columns[0]
        deep = self._network_signature(networks["dl_fusion"], training).to_frame(column)
        known = {**radiomics.known, "dl_fusion": deep}
        y = training.y  # whose signatures are known from both sides
        signatures = model_columns(known, self.available.endpoint).loc[
            y.index, ["radiomics_fusion", "dl_fusion"]
        ]
        rdl = self._fusion(context).fit(signatures, y)
        if self.settings.second_level == "out-of-fold":
            known["rdl"] = self._training_signature(rdl, signatures, y, context)
        return FittedRDL(self, radiomics, networks, rdl, known)

    def without(self, fitted: FittedDesign, sequences: tuple[str, ...]) -> FittedDesign | None:
        """Return the radiomic signatures of the single sequences."""
        assert isinstance(fitted, FittedRDL)
        settings = self.settings.model_copy(update={"networks": "none"})
        fewer = RDL(settings, replace(self.available, sequences=sequences))
        single = {one.name: fitted.radiomics.single[one.name] for one in fewer._single("radiomics")}
        return _FittedSignatures(fewer, single)

    def restore(self, state: FittedState) -> FittedRDL:
        """Return the fitted signatures."""
        single = {model.name: state.estimators[model.name] for model in self._single("radiomics")}
        radiomics = _RadiomicFusion(single, state.estimators["radiomics_fusion"], {})
        networks = {
            name: NetworkSignature.restored(recipe, state.networks[name])
            for name, recipe in self._recipes.items()
        }
        return FittedRDL(self, radiomics, networks, state.estimators.get("rdl"))

    def _fusion(self, context: FitContext) -> Any:
        if self.settings.fusion == "weights" and not several_classes(self.available.endpoint):
            return WeightedFusion()
        ridge = RidgeSignature(
            folds=self.settings.folds,
            scoring=self.settings.scoring,
            prior=self.settings.prior,
            random_state=context.seed,
        )
        chain = NestedPipeline([("ridge", ridge)], people=context.groups)
        return one_vs_rest(chain, self.available.endpoint)

    def features(self, data: CaseData) -> pd.DataFrame:
        """Return the radiomic features of every sequence, the stable ones where they are listed."""
        return stable_only(data.table(self.radiomics), self.settings.stable_features)

    def _fit_radiomics(self, training: CaseData, context: FitContext) -> _RadiomicFusion:
        y, table = training.y, self.features(training)
        endpoint = self.available.endpoint
        single: dict[str, Any] = {}
        known: dict[str, pd.DataFrame] = {}
        for model in self._single("radiomics"):
            features = table[columns_of(table, sequence=model.group)]
            estimator = self._signature(context)
            single[model.name] = estimator.fit(features, y)
            known[model.name] = self._training_signature(estimator, features, y, context)
        signatures = _side_by_side(known, endpoint)
        fusion = self._fusion(context).fit(signatures, y)
        known["radiomics_fusion"] = self._training_signature(fusion, signatures, y, context)
        return _RadiomicFusion(single, fusion, known)

    def _signature(self, context: FitContext) -> Any:
        chain = single_sequence_signature(
            SingleSequenceSettings(
                alpha=self.settings.alpha,
                folds=self.settings.folds,
                lasso_folds=self.settings.folds,
                scoring=self.settings.scoring,
                prior=self.settings.prior,
                selection=self.settings.selection,
                seed=context.seed,
            ),
            people=context.groups,
        )
        return one_vs_rest(chain, self.available.endpoint)

    def _training_signature(
        self, estimator: Any, features: pd.DataFrame, y: pd.Series, context: FitContext
    ) -> pd.DataFrame:
        """The training patients' signature as the next level sees it, one column a prediction."""
        endpoint = self.available.endpoint
        if self.settings.second_level == "in-sample":
            return probabilities(estimator, features, endpoint)
        folds = self.settings.inner_folds or 5
        return out_of_fold(
            estimator, features, y, endpoint, folds=folds, seed=context.seed, groups=context.groups
        )

    def _fit_networks(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> dict[str, NetworkSignature]:
        quick = 2 if self.settings.preset == "quick" else 5
        second_level = self.settings.second_level == "out-of-fold"
        return {
            name: fit_network_signature(
                recipe,
                training,
                validation,
                context,
                name=name,
                inner_folds=(self.settings.inner_folds or quick)
                if name == "dl_fusion" and second_level
                else 0,
            )
            for name, recipe in self._recipes.items()
        }

    def _network_signature(self, network: NetworkSignature, training: CaseData) -> pd.Series:
        return network.predict(training) if network.out_of_fold is None else network.out_of_fold

    @property
    def _recipes(self) -> dict[str, NetworkRecipe]:
        """How each network is trained, by model."""
        if self._networks == "none":
            return {}
        single = {
            model.name: self._recipe("densenet121", (model.group,))
            for model in self._single("deep")
        }
        return {**single, "dl_fusion": self._recipe("csg-densenet121", self.available.sequences)}

    def _recipe(self, network: str, sequences: tuple[str, ...]) -> NetworkRecipe:
        return NetworkRecipe(
            network=network,
            request=self.slices,
            sequences=sequences,
            training=NETWORKS[self.settings.preset].hyperparameters(epochs=self.settings.epochs),
            prior=self.settings.prior,
            epoch_choice=self.settings.epoch_choice,
        )


@dataclass(frozen=True)
class _RadiomicFusion:
    """The single-sequence models, their fusion, and what each says of the training patients.

    ``known`` is what the next level learns from: out of fold, unless the paper's in-sample
    signatures are asked for.
    """

    single: dict[str, Any]
    fusion: Any
    known: dict[str, pd.DataFrame] = field(repr=False)


class FittedRDL(FittedDesign):
    """The fitted signatures of :class:`RDL`."""

    design: RDL

    def __init__(
        self,
        design: RDL,
        radiomics: _RadiomicFusion,
        networks: dict[str, NetworkSignature] | None = None,
        rdl: Any = None,
        known: dict[str, pd.DataFrame] | None = None,
    ) -> None:
        super().__init__(design, networks)
        self.radiomics = radiomics
        self.rdl = rdl
        self.known = known or {}

    def out_of_fold(self) -> dict[str, pd.DataFrame]:
        """Return the training patients' signatures, unless these are in-sample."""
        return self.known if self.design.settings.second_level == "out-of-fold" else {}

    def state(self) -> FittedState:
        """Return the estimators by model, and the networks."""
        fusions = {"radiomics_fusion": self.radiomics.fusion}
        if self.rdl is not None:
            fusions["rdl"] = self.rdl
        return replace(super().state(), estimators={**self.radiomics.single, **fusions})

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return each model's probabilities, by ``case_id``."""
        table, endpoint = self.design.features(data), self.design.available.endpoint
        scores: dict[str, pd.DataFrame] = {}
        for model in self.design._single("radiomics"):
            features = table[columns_of(table, sequence=model.group)]
            scores[model.name] = probabilities(
                self.radiomics.single[model.name], features, endpoint
            )
        signatures = _side_by_side(scores, endpoint)
        scores["radiomics_fusion"] = probabilities(self.radiomics.fusion, signatures, endpoint)
        for name, network in self.networks.items():
            scores[name] = network.predict(data).to_frame(endpoint.prediction_columns[0])
        if self.rdl is not None:
            fused = model_columns(scores, endpoint)[["radiomics_fusion", "dl_fusion"]]
            scores["rdl"] = probabilities(self.rdl, fused, endpoint)
        return model_columns(scores, endpoint)[list(self.names)].rename_axis(index="case_id")

    def contributions(self, data: CaseData, predicted: pd.DataFrame) -> pd.DataFrame:
        """Return what each signature adds to the fusions."""
        endpoint = self.design.available.endpoint
        single = list(self.radiomics.single)
        fusions = {"radiomics_fusion": (self.radiomics.fusion, single)}
        if self.rdl is not None:
            fusions["rdl"] = (self.rdl, ["radiomics_fusion", "dl_fusion"])
        found = [
            patient_contributions(
                name, estimator, score_columns(predicted, models, endpoint), endpoint
            )
            for name, (estimator, models) in fusions.items()
        ]
        return pd.concat(found, ignore_index=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return selected features, contributions of the fusions, and training curves."""
        endpoint, single = self.design.available.endpoint, self.radiomics.single
        fusions = {"radiomics_fusion": self.radiomics.fusion}
        if self.rdl is not None:
            fusions["rdl"] = self.rdl
        return super().tables() | {
            "selected_features": model_coefficients(single, endpoint, term="feature"),
            "contributions": model_coefficients(fusions, endpoint),
        }


class _FittedSignatures(FittedDesign):
    """Some of the fitted single-sequence signatures, each by itself."""

    design: RDL

    def __init__(self, design: RDL, single: Mapping[str, Any]) -> None:
        super().__init__(design)
        self.single = single

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the signatures."""
        return tuple(self.single)

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return each signature's probabilities, by ``case_id``."""
        table, endpoint = self.design.features(data), self.design.available.endpoint
        scores = {
            one.name: probabilities(
                self.single[one.name], table[columns_of(table, sequence=one.group)], endpoint
            )
            for one in self.design._single("radiomics")
        }
        return model_columns(scores, endpoint)[list(self.names)].rename_axis(index="case_id")


def _side_by_side(scores: dict[str, pd.DataFrame], endpoint: Endpoint) -> pd.DataFrame:
    """Return models' predictions as the columns of the next level's table."""
    named = [own.set_axis(column_names(name, endpoint), axis=1) for name, own in scores.items()]
    return pd.concat(named, axis=1)
