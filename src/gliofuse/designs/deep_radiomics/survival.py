"""Survival of ``deep-radiomics``: a signature of a 2D network's and radiomic features, nomograms.

Features of a network that learned grade and survival together from the largest tumour slice stand
beside the radiomic ones of one sequence; a forest keeps ten, an elastic net weighs them. The
signature divides patients into high and low risk at the training median, and enters a Cox model
with the clinical terms: the integrated nomogram, held against one without it.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from gliofuse.cohort import SurvivalEndpoint, TwoClassEndpoint, parse_endpoint
from gliofuse.designs.deep_radiomics.grading import DeepRadiomics
from gliofuse.designs.deep_radiomics.paper import (
    BANK,
    DUAL_NETWORK,
    PAPER,
    lacking_sequences,
    of_sequence_and_network,
    read_sequences,
)
from gliofuse.designs.framework.banks import feature_bank
from gliofuse.designs.framework.base import Design, NetworkDesignSettings
from gliofuse.designs.framework.context import Available, FitContext
from gliofuse.designs.framework.cox import COX_CHOICE, fit_cox, names_in
from gliofuse.designs.framework.models import ALL, Model, Role, sequence_label
from gliofuse.designs.framework.networks import (
    NetworkRecipe,
    NetworkSignature,
    fit_network_signature,
    halves,
)
from gliofuse.designs.framework.signatures import (
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
from gliofuse.errors import EndpointError
from gliofuse.inputs import CaseData, Input, RadiomicFeatures, TumourSlices
from gliofuse.signature import SignatureWarning

__all__ = ["DeepRadiomicsSurvival", "DeepRadiomicsSurvivalSettings"]

_CNN = "cnn_dual"
_SIGNATURE = "signature"


class DeepRadiomicsSurvivalSettings(NetworkDesignSettings):
    """Settings of ``deep-radiomics`` for a survival endpoint."""

    radiomics: str = Field("deep-radiomics", description="Feature bank: design, preset or file.")
    normalisation: str = Field("zscore", description="Of each volume over the brain.")
    region: str = Field("whole", description="Of the tumour, for the radiomics.")
    sequence: str | None = Field(
        None,
        description="Whose radiomics are used; choose: that which tells best who outlives the "
        "median (preset paper), else t1ce, the paper's best.",
    )
    guide: str | None = Field(
        None, description='Classes that the network learns beside survival, such as "grade >= 3".'
    )
    method: SignatureMethod = Field("cox", description="How the signature is built.")
    admit: Literal["gain", "always"] | None = Field(
        None,
        description="Whether the signature enters the integrated model only where out of fold it "
        "says something beyond the clinical terms (gain; quick), or always (paper).",
    )
    terms: Literal["all", "eliminate"] | None = Field(
        None, description="Clinical terms: all (quick), or those that p values leave (paper)."
    )
    splines: tuple[str, ...] = Field(
        (), description="Covariates with a restricted cubic spline, for example age."
    )
    features: int = Field(10, ge=1, description="Kept by the forest's importance.")
    trees: int = Field(100, ge=10, description="Of the forest.")
    folds: int = Field(5, ge=3, description="Of penalties and of out-of-fold scores.")
    networks: bool = Field(True, description="Whether the network is trained.")
    cross_fit: bool = Field(
        True,
        description="Weigh deep features of networks that did not learn from the weighed, two more "
        "of half of the patients each (the paper: no).",
    )
    stable_features: str | None = Field(
        None, description="Admit only these: stable_features.csv of `gliofuse stability`."
    )
    weights: str | None = Field(None, description="Pretrained weights of the network (imagenet).")
    epochs: int | None = Field(None, ge=1, description="Overrides the preset's.")

    _listed = field_validator("splines", mode="before")(names_in)


class DeepRadiomicsSurvival(Design):
    """A deep-radiomics signature and two nomograms.

    The paper states 788 radiomic features of T1-Gd, the best of three sequences by Levene's test,
    a forest and an SVM on the median survival; a 2D ResNet18 with ImageNet weights of the slice
    of the largest tumour area, which learns grade and survival time together, 512 features;
    z-score, ten features by a forest on survival time, weights of an elastic net; risk groups at
    the training median; nomograms by uni- and multivariable Cox regression at p < 0.05.
    """

    name = DeepRadiomics.name
    title = "A deep-radiomics signature of survival, with nomograms"
    paper = PAPER
    Settings = DeepRadiomicsSurvivalSettings
    bank = BANK
    endpoints = (SurvivalEndpoint,)
    threshold = "median"
    choices: ClassVar[tuple[str, ...]] = (
        "Masks come from the manifest; the paper's are its segmentation network's.",
        "The network learns survival by Cox's partial likelihood, which uses the censored patients "
        "too; the paper regresses the time. Its optimiser is not named there: Adam at 1e-4, and "
        "AdamW in preset quick.",
        "The forest learns the martingale residuals of a Cox model without terms, and the elastic "
        "net is that of the partial likelihood; method=paper takes the forest on survival time.",
        "Scores of training patients, by which the integrated model weighs the signature, are of "
        "signatures that did not see them; the paper does not say so of its own.",
        "The paper weighs features of the network that learned from the same patients, where they "
        "tell survival as they never will in a new patient. A network learns from one half and the "
        "signature from the other, both ways, averaged, at three times the time (setting "
        "cross_fit); the CNN model is the network of all training patients.",
        "The epoch is chosen by the validation loss.",
        COX_CHOICE,
    )
    settings: DeepRadiomicsSurvivalSettings

    def __init__(self, settings: DeepRadiomicsSurvivalSettings, available: Available) -> None:
        check_method(settings.method, available.clinical)
        super().__init__(settings, available)
        self._guide = _guide(settings.guide)

    @property
    def _networks(self) -> bool:
        return self.settings.networks and self.available.images and self.available.deep

    @property
    def sequences(self) -> tuple[str, ...]:
        """The paper's t1, t1ce and t2, or those of them that the cohort has."""
        return read_sequences(self.available)

    @property
    def _chooses(self) -> bool:
        wanted, paper = self.settings.sequence, self.settings.preset == "paper"
        return len(self.sequences) > 1 and (wanted == "choose" or (wanted is None and paper))

    @property
    def fused_sequence(self) -> str:
        """The sequence whose radiomics are used, unless the training patients choose it."""
        wanted = self.settings.sequence or "t1ce"
        return wanted if wanted in self.sequences else self.sequences[0]

    @property
    def models(self) -> tuple[Model, ...]:
        """Radiomics per sequence, the network, the signature, and the two nomograms."""
        clinical = bool(self.available.clinical)
        return (
            *(Model(f"radiomics_{s}", f"Radiomics {sequence_label(s)}", "radiomics", s)
              for s in self.sequences),
            *((Model(_CNN, "CNN (grade and survival)", "deep", ALL),) if self._networks else ()),
            Model(_SIGNATURE, "Deep-radiomics signature" if self._networks else "Signature",
                  "hybrid" if self._networks else "radiomics", ALL, _role(not clinical)),
            *((Model("clinical", "Clinical nomogram", "clinical", role="rival"),
               Model("integrated", "Integrated nomogram", "fusion", ALL, "final"))
              if clinical else ()),
        )  # fmt: skip

    @property
    def clinical_columns(self) -> tuple[str, ...]:
        """The covariates, and what guides the network."""
        own = () if self._guide is None else self._guide.columns
        return tuple(dict.fromkeys((*self.available.clinical, *own)))

    @property
    def needs_validation(self) -> bool:
        """The network chooses its epoch on patients put aside."""
        return self._networks

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of the paper's form is missing, and why."""
        notes = lacking_sequences(self.available)
        if not self._networks:
            notes.append("no images, no extra 'deep' or networks=false: the network left out")
        elif self._guide is None:
            notes.append("no classes named (setting guide): the network learns survival alone")
        if not self.available.clinical:
            notes.append("no covariates: both nomograms left out")
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

    @property
    def slices(self) -> TumourSlices:
        """The slices that the network reads."""
        preset = DUAL_NETWORK[self.settings.preset]
        return TumourSlices(
            settings=preset.slices(normalisation=self.settings.normalisation),
            region=self.settings.region,
            sequences=self.sequences,
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The feature table, and the slices."""
        return (self.radiomics, self.slices) if self._networks else (self.radiomics,)

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedSurvival:
        """Train the network, build the signatures, and fit both nomograms."""
        learners, endpoint = context.learners(training, validation), self.available.endpoint
        assert isinstance(endpoint, SurvivalEndpoint)
        choice = self._choice(learners, context) if self._chooses else None
        best = self.fused_sequence if choice is None else _chosen(choice)
        paper = self.settings.preset == "paper"
        terms = self.settings.terms or ("eliminate" if paper else "all")
        shared: dict[str, Any] = {"splines": self.settings.splines, "terms": terms}
        cox, beside, offset = {}, {}, None
        if self.available.clinical:
            cox["clinical"] = fit_cox(
                learners, self.available.clinical, endpoint, context, **shared
            )
            offset = cox["clinical"].known["risk"]
        signatures = {
            f"radiomics_{sequence}": self._signature(
                sequence, learners, {learners.case_ids: (None, "")}, context, offset
            )
            for sequence in self.sequences
        }
        networks, parts = self._trained(training, validation, context)
        signatures[_SIGNATURE] = (
            self._signature(best, learners, parts, context, offset)
            if parts
            else signatures[f"radiomics_{best}"]
        )
        if self.available.clinical:
            admit = self.settings.admit or ("always" if paper else "gain")
            cox["integrated"], enters = fit_integrated(
                signatures[_SIGNATURE], cox["clinical"], learners, context, admit=admit, **shared
            )
            if enters:
                beside["integrated"] = _SIGNATURE
        return FittedDeepRadiomicsSurvival(
            self, endpoint, networks, signatures, cox, beside, learners.survival, choice
        )

    def restore(self, state: FittedState) -> FittedSurvival:
        """Return the network, signatures and nomograms."""
        recipes = {_CNN: self.recipe} if self._networks else {}
        return restored_survival(self, state, self.features, recipes)

    def _trained(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> tuple[dict[str, NetworkSignature], dict[tuple[str, ...], tuple[NetworkSignature, str]]]:
        """Return the network, and for each part of the signature's patients theirs."""
        if not self._networks:
            return {}, {}
        fit = fit_network_signature
        network = fit(self.recipe, training, validation, context, name=_CNN)
        if not self.settings.cross_fit:
            everybody = context.learners(training, validation).case_ids
            warnings.warn(
                f"{_CNN} has learned from the patients whose deep features the signature weighs: "
                "what it says of them out of fold is too good, and so is its weight in the "
                "integrated model (setting cross_fit)",
                SignatureWarning,
                stacklevel=2,
            )
            return {_CNN: network}, {everybody: (network, "")}
        two, parts = halves(training, context), {}
        for number, (seen, unseen) in enumerate((two, two[::-1]), 1):
            half = fit(self.recipe, seen, validation, context, name=f"{_CNN}_half{number}")
            graded = context.learners(unseen, validation).case_ids
            parts[graded] = (half, f"-half{number}")
        return {_CNN: network}, parts

    @property
    def recipe(self) -> NetworkRecipe:
        """How the network is trained."""
        from gliofuse.deep.data import augmentation_preset

        preset = DUAL_NETWORK[self.settings.preset]
        unguided = {} if self._guide is not None else {"balance": "none"}
        return NetworkRecipe(
            network="dual-resnet18",
            request=self.slices,
            sequences=self.sequences,
            training=preset.hyperparameters(epochs=self.settings.epochs, **unguided),
            augmentation=augmentation_preset(preset.augmentation),
            survival=self.available.endpoint,  # type: ignore[arg-type]
            guide=self._guide,
            weights=self.settings.weights,
            epoch_choice="loss",
        )

    def _signature(
        self,
        sequence: str,
        learners: CaseData,
        parts: dict[tuple[str, ...], Any],
        context: FitContext,
        offset: pd.Series | None,
    ) -> FittedSignature:
        return fit_signature(
            self.settings.method,
            learners,
            parts,
            self.features,
            context,
            sequence=sequence,
            top_k=self.settings.features,
            trees=self.settings.trees,
            folds=self.settings.folds,
            offset=offset,
        )

    def features(self, data: CaseData, part: SignaturePart) -> pd.DataFrame:
        """Return the radiomic features of the part's sequence and of its network, if it has one."""
        table = stable_only(data.table(self.radiomics), self.settings.stable_features)
        return of_sequence_and_network(table, part.sequence, part.network, data, part.suffix)

    def _choice(self, learners: CaseData, context: FitContext) -> pd.DataFrame:
        """Return how well each sequence's radiomics tell who outlives the median."""
        from gliofuse.survival import best_sequence

        parts = {
            one: SignaturePart(None, learners.case_ids, sequence=one) for one in self.sequences
        }
        found = best_sequence(
            {one: self.features(learners, part) for one, part in parts.items()},
            learners.survival,
            folds=self.settings.folds,
            seed=context.seed,
            people=context.groups,
        )
        return pd.DataFrame(
            {
                "model": "radiomics_" + found.table["sequence"],
                "classifier": "svm",
                "training_cv_auc": found.table["auc"],
                "chosen": np.where(found.table["sequence"] == found.name, "yes", ""),
                "n": found.table["n"],
                "left_out": found.table["left_out"],
            }
        )


class FittedDeepRadiomicsSurvival(FittedSurvival):
    """The network, signatures and nomograms of :class:`DeepRadiomicsSurvival`."""

    def __init__(self, *arguments: Any) -> None:
        *shared, self.choice = arguments
        super().__init__(*shared)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the fit's tables, and how the sequence was chosen."""
        found = super().tables()
        return found if self.choice is None else found | {"imaging_model_choice": self.choice}


def _role(final: bool) -> Role:
    return "final" if final else "rival"


def _chosen(choice: pd.DataFrame) -> str:
    name = str(choice.loc[choice["chosen"] == "yes", "model"].iloc[0])
    return name.removeprefix("radiomics_")


def _guide(text: str | None) -> TwoClassEndpoint | None:
    if text is None:
        return None
    endpoint = parse_endpoint(text)
    if not isinstance(endpoint, TwoClassEndpoint):
        raise EndpointError(
            f"guide: {text!r} is {endpoint.kind}; the network learns two classes beside survival, "
            'for example "grade >= 3"'
        )
    return endpoint
