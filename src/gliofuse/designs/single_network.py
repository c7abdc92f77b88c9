"""``single-network``: any one of the networks, trained on slices or patches of the tumour.

No publication's method but the plain question of what a network sees; ``gliofuse train`` runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pydantic import Field, model_validator

from gliofuse.cohort import MulticlassEndpoint, SurvivalEndpoint, TwoClassEndpoint
from gliofuse.designs import deep_radiomics, rdl, shape_resnet
from gliofuse.designs.framework.banks import feature_bank
from gliofuse.designs.framework.base import Design, FittedDesign, NetworkDesignSettings
from gliofuse.designs.framework.classes import model_columns
from gliofuse.designs.framework.context import Available, FitContext
from gliofuse.designs.framework.cox import risk_only
from gliofuse.designs.framework.models import ALL, Model
from gliofuse.designs.framework.networks import (
    EPOCH_CHOICE,
    PRIOR_CHOICE,
    QUICK_TRAINING,
    NetworkPreset,
    NetworkRecipe,
    NetworkSignature,
    fit_network_signature,
)
from gliofuse.designs.framework.state import FittedState
from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.inputs import CaseData, Input, RadiomicFeatures, TumourPatches, TumourSlices

__all__ = ["PUBLISHED", "FittedSingleNetwork", "SingleNetwork", "SingleNetworkSettings"]


#: The presets of the networks that a design publishes, as that design has them.
PUBLISHED: Mapping[str, Mapping[str, NetworkPreset]] = {
    "densenet121": rdl.NETWORKS,
    "csg-densenet121": rdl.NETWORKS,
    "se-resnet18-3d": deep_radiomics.NETWORKS,
    "resnet18-3d": deep_radiomics.NETWORKS,
    "dual-resnet18": deep_radiomics.DUAL_NETWORK,
    "shape-resnet50": shape_resnet.NETWORKS,
    "resnet50": shape_resnet.NETWORKS,
    "resnet50-3d": shape_resnet.NETWORKS_3D,
}


def network_preset(network: str, preset: str) -> NetworkPreset:
    """Return what a network is shown and how it is trained.

    A network that no design publishes is shown the slices with most tumour, or the tumour's patch,
    at its own size, and trained as in preset quick.

    Parameters
    ----------
    network : str
        Name in :data:`gliofuse.deep.networks.NETWORKS`.
    preset : {"paper", "quick"}

    Raises
    ------
    SettingError
        For an unknown network.

    Examples
    --------
    >>> network_preset("densenet121", "paper").images["size"]
    64
    """
    from gliofuse.deep.networks import NETWORKS

    if network not in NETWORKS:
        raise SettingError(f"network: got {network!r}; {did_you_mean(network, NETWORKS)}")
    if network in PUBLISHED:
        return PUBLISHED[network][preset]
    spec = NETWORKS[network]
    if spec.input == "patches":
        return NetworkPreset(QUICK_TRAINING, {"size_zyx": spec.size}, augmentation="flips")
    images = {"size": spec.size[0], "which": "k-largest", "k": 6, "margin": 0.1}
    return NetworkPreset(QUICK_TRAINING, images, augmentation="flips")


class SingleNetworkSettings(NetworkDesignSettings):
    """Settings of ``single-network``."""

    network: str = Field("csg-densenet121", description="Which of the package's networks.")
    region: str = Field("whole", description="The tumour that slices or patches are cut around.")
    training: dict[str, Any] = Field(
        default_factory=dict, description="Training settings that replace the preset's."
    )
    images: dict[str, Any] = Field(
        default_factory=dict, description="Settings of the slices or patches, likewise."
    )
    augmentation: str | None = Field(None, description="Name of one, in place of the preset's.")
    weights: str | None = Field(None, description="Pretrained weights: a path, or imagenet.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the network's class."
    )

    @model_validator(mode="after")
    def _known(self) -> SingleNetworkSettings:
        """Refuse what is misspelt before anything is read."""
        from gliofuse.deep.data import augmentation_preset

        _ = self.hyperparameters, self.cut
        augmentation_preset(self.augmentation or "none")
        return self

    @property
    def shown(self) -> NetworkPreset:
        """The network's preset, before the study's own changes."""
        return network_preset(self.network, self.preset)

    @property
    def hyperparameters(self) -> Any:
        """The training settings."""
        return self.shown.hyperparameters(**self.training)

    @property
    def cut(self) -> Any:
        """The settings of slices or patches."""
        from gliofuse.deep.networks import NETWORKS

        patches = NETWORKS[self.network].input == "patches"
        return (self.shown.patches if patches else self.shown.slices)(**self.images)


class SingleNetwork(Design):
    """One network, its heat maps and its curves."""

    name = "single-network"
    title = "One network on the tumour's slices or patches"
    Settings = SingleNetworkSettings
    endpoints = (TwoClassEndpoint, SurvivalEndpoint)
    why_not = {MulticlassEndpoint: "the networks are built and trained for two classes"}
    choices = (
        "A network that one of the designs publishes is trained and shown what it is there, others "
        "what the project chose, where the study does not say otherwise.",
        PRIOR_CHOICE,
        EPOCH_CHOICE,
    )
    settings: SingleNetworkSettings

    def __init__(self, settings: SingleNetworkSettings, available: Available) -> None:
        super().__init__(settings, available)
        if not (available.images and available.deep):
            raise InputError(
                "design single-network reads images with a network: it needs --cohort and the "
                "extra 'deep' (pip install 'gliofuse[deep]')"
            )
        if self._of_survival and not self._spec.needs_survival:
            raise InputError(
                f"network {settings.network!r} learns classes, not survival "
                f"({available.endpoint.describe()!r}): --set network=dual-resnet18 does"
            )
        if self._spec.needs_survival and available.survival is None:
            raise InputError(
                f"network {settings.network!r} learns survival beside the classes: give its "
                "columns, for example --survival os_days,died"
            )

    @property
    def _of_survival(self) -> bool:
        return isinstance(self.available.endpoint, SurvivalEndpoint)

    @property
    def _spec(self) -> Any:
        from gliofuse.deep.networks import NETWORKS

        return NETWORKS[self.settings.network]

    @property
    def models(self) -> tuple[Model, ...]:
        """The network, by its name."""
        name = self.settings.network
        return (Model(name, self._spec.label, "deep", group=ALL, role="final"),)

    @property
    def needs_validation(self) -> bool:
        """The network chooses its epoch on patients put aside."""
        return True

    @property
    def clinical_columns(self) -> tuple[str, ...]:
        """The survival columns, for a network that learns them; no other."""
        survival = self.available.survival
        return survival.columns if survival is not None and self._spec.needs_survival else ()

    @property
    def images(self) -> TumourSlices | TumourPatches:
        """What the network is shown."""
        kind = TumourPatches if self._spec.input == "patches" else TumourSlices
        return kind(
            settings=self.settings.cut,
            region=self.settings.region,
            sequences=self.available.sequences,
        )

    @property
    def shape(self) -> RadiomicFeatures | None:
        """The shape features of the tumour, for a network that takes them beside the image."""
        if not self._spec.needs_shape:
            return None
        return RadiomicFeatures(
            settings=feature_bank("shape"),
            regions=(self.settings.region,),
            sequences=self.available.sequences[:1],  # shape is the mask's: any one will do
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The images, and the shape features where the network takes them."""
        return (self.images,) if self.shape is None else (self.images, self.shape)

    @property
    def recipe(self) -> NetworkRecipe:
        """How the network is trained."""
        from gliofuse.deep.data import augmentation_preset

        settings = self.settings
        return NetworkRecipe(
            network=settings.network,
            request=self.images,
            sequences=self.available.sequences,
            training=settings.hyperparameters.model_copy(
                update={"balance": "none"} if self._of_survival else {}
            ),
            options=settings.options or None,
            augmentation=augmentation_preset(settings.augmentation or settings.shown.augmentation),
            center_crop=settings.shown.center_crop,
            shape=self.shape,
            survival=self.available.survival if self._spec.needs_survival else None,
            weights=settings.weights,
            prior=settings.prior,
            # what the study says of the training goes before what is usual for so few patients
            epoch_choice="loss"
            if self._of_survival
            else settings.training.get("selection", settings.epoch_choice),
        )

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedSingleNetwork:
        """Train the network; without validation patients its last epoch is kept."""
        name = self.final_model
        signature = fit_network_signature(self.recipe, training, validation, context, name=name)
        return FittedSingleNetwork(self, {name: signature})

    def restore(self, state: FittedState) -> FittedSingleNetwork:
        """Return the trained network."""
        name = self.final_model
        signature = NetworkSignature.restored(self.recipe, state.networks[name])
        return FittedSingleNetwork(self, {name: signature})


class FittedSingleNetwork(FittedDesign):
    """The trained network of :class:`SingleNetwork`."""

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return the network's probability of the positive class, or its risk, by ``case_id``."""
        endpoint = self.design.available.endpoint
        if isinstance(endpoint, SurvivalEndpoint):
            scores = {
                name: risk_only(network.patients(data)["risk"], endpoint)
                for name, network in self.networks.items()
            }
        else:
            (column,) = endpoint.prediction_columns
            scores = {
                name: network.predict(data).to_frame(column)
                for name, network in self.networks.items()
            }
        return model_columns(scores, endpoint).rename_axis(index="case_id")

    def patient_tables(self, data: CaseData) -> dict[str, pd.DataFrame]:
        """Return ``network_patients``: what the network says of each patient, in full.

        Columns ``case_id, model, probability, slices`` (slices or patches of the patient),
        ``spread`` (the probability's standard deviation over them) and, from a network that learns
        survival, ``risk``.
        """
        (network,) = self.networks.values()
        table = network.patients(data).reset_index()
        table.insert(1, "model", self.design.final_model)
        return {"network_patients": table}
