"""``deep-radiomics``: 512 features of a 3D network beside 788 radiomic ones, graded by one SVM.

The tumour mask is both the radiomics' region and the place of the network's patch. Features are
concatenated, z-scored, tested by Levene, reduced by LASSO and a forest's importance to eight, and
put into a support vector machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.special import expit

from gliofuse.cohort import Endpoint, MulticlassEndpoint, SurvivalEndpoint
from gliofuse.designs.deep_radiomics.paper import (
    BANK,
    NETWORKS,
    PAPER,
    PROPOSED,
    VARIANTS,
    Variant,
    lacking_sequences,
    of_sequence_and_network,
    read_sequences,
)
from gliofuse.designs.framework.banks import feature_bank
from gliofuse.designs.framework.base import Design, FittedDesign, NetworkDesignSettings
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.models import Model, Role, sequence_label
from gliofuse.designs.framework.networks import (
    EPOCH_CHOICE,
    FEW_PATIENTS,
    PRIOR_CHOICE,
    NetworkRecipe,
    NetworkSignature,
    fit_network_signature,
    halves,
)
from gliofuse.designs.framework.selection import SELECTION_CHOICE
from gliofuse.designs.framework.stable import stable_only
from gliofuse.designs.framework.state import FittedState
from gliofuse.inputs import CaseData, Input, RadiomicFeatures, TumourPatches
from gliofuse.signature import IntegratedSignatureSettings, integrated_signature, selected_features

__all__ = ["DeepRadiomics", "DeepRadiomicsSettings", "FittedDeepRadiomics"]


def _role(final: bool, rival: bool) -> Role:
    return "final" if final else "rival" if rival else "part"


class DeepRadiomicsSettings(NetworkDesignSettings):
    """Settings of ``deep-radiomics``."""

    radiomics: str = Field("deep-radiomics", description="Feature bank: design, preset or file.")
    normalisation: str = Field("zscore", description="Of each volume over the brain.")
    region: str = Field("whole", description="Of the tumour, for the radiomics.")
    sequence: str = Field("t1ce", description="Whose radiomics are fused; the paper's best.")
    ablate: bool | None = Field(
        None, description="Complete MRI, and without SE, too (paper: yes, quick: no)."
    )
    features: int = Field(8, ge=1, description="Kept by the forest's importance.")
    trees: int = Field(100, ge=10, description="Of the forest.")
    cross_fit: bool | None = Field(
        None,
        description="Grade by deep features of networks that did not learn from the graded, two "
        "more of half of the patients each (from 100 training patients on; the paper: no).",
    )
    folds: int = Field(10, ge=2, description="Of LASSO and of the SVM's grid search.")
    selection: Literal["nested", "paper"] = Field(
        "nested",
        description="Whether features are selected anew in the folds of every inner choice, or "
        "once, as in the paper.",
    )
    stable_features: str | None = Field(
        None, description="Admit only these: stable_features.csv of `gliofuse stability`."
    )
    weights: str | None = Field(None, description="Pretrained weights of the 3D network.")
    epochs: int | None = Field(None, ge=1, description="Overrides the preset's.")


class DeepRadiomics(Design):
    """Feature-level fusion of a 3D network and radiomics for grading.

    The paper states 788 features, the patch of 96 x 128 x 96, 3D ResNet18 with squeeze and
    excitation behind the fourth stage, 512 features, z-score, Levene's test, LASSO, the best eight
    by a forest of 100 trees, and an SVM (RBF) with a grid over C and gamma.
    """

    name = "deep-radiomics"
    title = "3D network features and radiomics, fused for grading"
    paper = PAPER
    Settings = DeepRadiomicsSettings
    bank = BANK
    why_not: ClassVar = {
        MulticlassEndpoint: "its networks and its tests between classes tell two grades apart"
    }
    choices = (
        "Masks come from the manifest; the paper's are its segmentation network's.",
        "The paper does not name the network's optimiser; Adam at 1e-4 is used with class weights, "
        "and AdamW in preset quick.",
        "Patches are mirrored at random along x and y in training; the paper does not say.",
        "The SVM's grid is scored by the AUC over the folds, and its probabilities are Platt's.",
        "A tumour that does not fit the patch is shown in a larger one, resampled to its size.",
        "The complete MRI is resized to the patch's 96 x 128 x 96 and its voxels are no cubes; the "
        "paper does not say how it is made that small.",
        SELECTION_CHOICE,
        PRIOR_CHOICE,
        EPOCH_CHOICE,
        "The paper grades by features of the network that learned from the same patients, where "
        "they tell the grades apart as they never will in a new patient. From 100 training "
        "patients on (setting cross_fit) a network learns from one half and the grader from the "
        "other, both ways, averaged, at twice the time; below, halves are too few (on 34 phantoms "
        "they graded worse). The CNN models are networks of all training patients.",
    )
    settings: DeepRadiomicsSettings

    @classmethod
    def for_endpoint(cls, endpoint: Endpoint) -> type[Design]:
        """Return the publication's method for survival, where that is the endpoint."""
        from gliofuse.designs.deep_radiomics.survival import DeepRadiomicsSurvival

        return DeepRadiomicsSurvival if isinstance(endpoint, SurvivalEndpoint) else cls

    @property
    def sequences(self) -> tuple[str, ...]:
        """The paper's t1, t1ce and t2, or those of them that the cohort has."""
        return read_sequences(self.available)

    @property
    def fused_sequence(self) -> str:
        """The sequence whose radiomics are fused."""
        wanted = self.settings.sequence
        return wanted if wanted in self.sequences else self.sequences[0]

    @property
    def _variants(self) -> tuple[Variant, ...]:
        if not (self.available.images and self.available.deep):
            return ()
        ablate = self.settings.ablate
        every = self.settings.preset == "paper" if ablate is None else ablate
        return VARIANTS if every else (PROPOSED,)

    @property
    def models(self) -> tuple[Model, ...]:
        """Radiomics per sequence, networks alone, and the integrated models.

        The integrated one on patches with SE is final; without networks the radiomics that would
        be fused are.
        """
        alone = None if self._variants else self.fused_sequence
        return (
            *(Model(f"radiomics_{s}", f"Radiomics {sequence_label(s)}", "radiomics", s,
                    _role(s == alone, s == self.fused_sequence)) for s in self.sequences),
            *(Model(v.cnn, f"CNN ({v.label})", "deep", v.name, _role(False, v is PROPOSED))
              for v in self._variants),
            *(Model(f"integrated_{v.name}", f"Integrated ({v.label})", "hybrid", v.name,
                    _role(v is PROPOSED, False)) for v in self._variants),
        )  # fmt: skip

    @property
    def needs_validation(self) -> bool:
        """The networks choose their epoch on patients put aside."""
        return bool(self._variants)

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of the paper's form is missing, and why."""
        notes = lacking_sequences(self.available)
        if not self._variants:
            notes.append("no images, or no extra 'deep': the networks and integrated models")
        elif len(self._variants) == 1:
            notes.append("the ablation (complete MRI, without SE) left out (preset paper has it)")
        return tuple(notes)

    @property
    def radiomics(self) -> RadiomicFeatures:
        """The 788 features of each sequence over the whole tumour."""
        return RadiomicFeatures(
            settings=feature_bank(self.settings.radiomics),
            regions=(self.settings.region,),
            sequences=self.sequences,
            normalisation=self.settings.normalisation,
        )

    def patches(self, kind: str) -> TumourPatches:
        """The tumour's patch, or the complete volume at the same size; quick samples every 3 mm."""
        whole = {} if kind == "patch" else {"crop": "whole", "pixel_mm_zyx": None}
        return TumourPatches(
            settings=NETWORKS[self.settings.preset].patches(
                normalisation=self.settings.normalisation, **whole
            ),
            region=self.settings.region,
            sequences=self.sequences,
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The feature table, and the volumes that the networks read."""
        kinds = dict.fromkeys(variant.reads for variant in self._variants)
        return (self.radiomics, *(self.patches(kind) for kind in kinds))

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedDeepRadiomics:
        """Train the networks, then grade by radiomics alone and by both together."""
        learners = context.learners(training, validation)
        wanted = self.settings.cross_fit
        crossed = len(training) >= FEW_PATIENTS if wanted is None else wanted
        networks = {
            variant.cnn: self._network(variant, training, validation, context, variant.cnn)
            for variant in self._variants
        }
        graders: dict[str, tuple[_Grader, ...]] = {}
        for model in self.models:
            if model.kind == "radiomics":
                graders[model.name] = (self._grader(model, learners, None, context),)
            elif model.kind == "hybrid" and not crossed:
                own = networks[_variant(model).cnn]
                graders[model.name] = (self._grader(model, learners, own, context),)
            elif model.kind == "hybrid":
                graders[model.name] = self._cross_fitted(model, training, validation, context)
        return FittedDeepRadiomics(self, networks, graders)

    def restore(self, state: FittedState) -> FittedDeepRadiomics:
        """Return the networks and graders."""
        networks = {
            variant.cnn: NetworkSignature.restored(
                self._recipe(variant), state.networks[variant.cnn]
            )
            for variant in self._variants
        }
        graders: dict[str, tuple[_Grader, ...]] = {}
        for model in self.models:
            suffixes = state.values["graders"].get(model.name, ())
            graders[model.name] = tuple(
                self._restored_grader(model, suffix, state, networks) for suffix in suffixes
            )
        return FittedDeepRadiomics(self, networks, {name: g for name, g in graders.items() if g})

    def _restored_grader(
        self, model: Model, suffix: str, state: FittedState, networks: dict[str, NetworkSignature]
    ) -> _Grader:
        chain = state.estimators[model.name + suffix]
        if model.kind == "radiomics":
            return _Grader(chain, None, ())
        variant = _variant(model)
        if not suffix:
            return _Grader(chain, networks[variant.cnn], ())
        half = state.networks[variant.cnn + suffix]
        network = NetworkSignature.restored(self._recipe(variant), half)
        return _Grader(chain, network, (), suffix)

    def _network(
        self,
        variant: Variant,
        training: CaseData,
        validation: CaseData | None,
        context: FitContext,
        name: str,
    ) -> NetworkSignature:
        recipe = self._recipe(variant)
        return fit_network_signature(recipe, training, validation, context, name=name)

    def _cross_fitted(
        self, model: Model, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> tuple[_Grader, ...]:
        """Grade each half of the patients by the features of a network of the other half."""
        variant = _variant(model)
        parts = halves(training, context)
        graders = []
        for number, (seen, graded) in enumerate((parts, parts[::-1]), 1):
            name = f"{variant.cnn}_half{number}"
            network = self._network(variant, seen, validation, context, name)
            unseen = context.learners(graded, validation)
            graders.append(self._grader(model, unseen, network, context, f"-half{number}"))
        return tuple(graders)

    def _grader(
        self,
        model: Model,
        patients: CaseData,
        network: NetworkSignature | None,
        context: FitContext,
        suffix: str = "",
    ) -> _Grader:
        chain = integrated_signature(
            IntegratedSignatureSettings(
                top_k=self.settings.features,
                trees=self.settings.trees,
                folds=self.settings.folds,
                selection=self.settings.selection,
                seed=context.seed,
            ),
            people=context.groups,
        )
        features = self.features(patients, model, network, suffix)
        return _Grader(chain.fit(features, patients.y), network, patients.case_ids, suffix)

    def features(
        self, data: CaseData, model: Model, network: NetworkSignature | None, suffix: str = ""
    ) -> pd.DataFrame:
        """Return the radiomic features of one model and, if it is integrated, the deep ones.

        ``suffix`` is put behind the network's name, to tell two networks' features apart.
        """
        table = stable_only(data.table(self.radiomics), self.settings.stable_features)
        sequence = model.group if model.kind == "radiomics" else self.fused_sequence
        return of_sequence_and_network(table, sequence, network, data, suffix)

    def _recipe(self, variant: Variant) -> NetworkRecipe:
        from gliofuse.deep.data import augmentation_preset

        preset = NETWORKS[self.settings.preset]
        return NetworkRecipe(
            network=variant.network,
            request=self.patches(variant.reads),
            sequences=self.sequences,
            training=preset.hyperparameters(epochs=self.settings.epochs),
            augmentation=augmentation_preset(preset.augmentation),
            weights=self.settings.weights,
            prior=self.settings.prior,
            epoch_choice=self.settings.epoch_choice,
        )


@dataclass(frozen=True)
class _Grader:
    """A fitted chain, the network whose features it reads, and whom it learned from."""

    chain: Any
    network: NetworkSignature | None
    case_ids: tuple[str, ...]
    suffix: str = ""


def _variant(model: Model) -> Variant:
    (found,) = (variant for variant in VARIANTS if variant.name == model.group)
    return found


class FittedDeepRadiomics(FittedDesign):
    """The networks and graders of :class:`DeepRadiomics`."""

    design: DeepRadiomics

    def __init__(
        self,
        design: DeepRadiomics,
        networks: dict[str, NetworkSignature],
        graders: dict[str, tuple[_Grader, ...]],
    ) -> None:
        super().__init__(design, networks)
        self.graders = graders

    def _features(self, data: CaseData, model: Model, grader: _Grader) -> pd.DataFrame:
        return self.design.features(data, model, grader.network, grader.suffix)

    def state(self) -> FittedState:
        """Return the graders' chains, the networks, and those of halves of the patients."""
        found = super().state()
        chains = {f"{name}{g.suffix}": g.chain for name, own in self.graders.items() for g in own}
        models = {model.name: model for model in self.design.models}
        halves = {
            _variant(models[name]).cnn + grader.suffix: grader.network.portable()
            for name, own in self.graders.items()
            for grader in own
            if grader.network is not None and grader.suffix
        }
        suffixes = {name: [grader.suffix for grader in own] for name, own in self.graders.items()}
        return FittedState(chains, {**found.networks, **halves}, {"graders": suffixes})

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return each model's probability of the positive class, by ``case_id``."""
        scores: dict[str, Any] = {name: net.predict(data) for name, net in self.networks.items()}
        for model in self.design.models:
            if model.name in self.graders:
                found = [
                    grader.chain.predict_proba(self._features(data, model, grader))[:, 1]
                    for grader in self.graders[model.name]
                ]
                scores[model.name] = pd.Series(np.mean(found, axis=0), index=list(data.case_ids))
        return pd.DataFrame(scores).rename_axis("case_id")[list(self.names)]

    def out_of_fold(self) -> dict[str, pd.DataFrame]:
        """Return the graders' probabilities from the folds of their machines' grid search."""
        if self.design.settings.selection == "paper":
            return {}  # those folds have seen features that were chosen with their labels
        column = self.design.available.endpoint.prediction_columns[0]
        found = {}
        for name, graders in self.graders.items():
            parts = [
                pd.Series(expit(grader.chain[-1].held_out_), index=list(grader.case_ids))
                for grader in graders
            ]
            # patients of both graders, those put aside for the networks, get the mean
            found[name] = pd.concat(parts).groupby(level=0, sort=False).mean().to_frame(column)
        return found

    def selected_features(self, data: CaseData) -> pd.DataFrame:
        """Return the values of the final model's features, of both halves where it has two."""
        (final,) = (model for model in self.design.models if model.role == "final")
        tables = [
            self._features(data, final, grader)[selected_features(grader.chain)]
            for grader in self.graders[final.name]
        ]
        table = pd.concat(tables, axis=1)
        return table.loc[:, ~table.columns.duplicated()]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the selected features and the training curves."""
        chosen = [
            pd.DataFrame({"model": name, "feature": feature}, index=[0])
            for name, graders in self.graders.items()
            for feature in dict.fromkeys(f for g in graders for f in selected_features(g.chain))
        ]
        return super().tables() | {"selected_features": pd.concat(chosen, ignore_index=True)}
