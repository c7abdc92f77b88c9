"""``single-network``: any one of the networks, trained on slices or patches of the tumour.

No publication's method but the plain question of what a network sees; ``gliofuse train`` runs it.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from pydantic import Field, model_validator

from gliofuse.cohort import MulticlassEndpoint
from gliofuse.designs.framework.base import Design, DesignSettings, FittedDesign
from gliofuse.designs.framework.context import Available, FitContext
from gliofuse.designs.framework.models import ALL, Model
from gliofuse.designs.framework.networks import NetworkRecipe, fit_network_signature
from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.inputs import CaseData, Input, RadiomicFeatures, TumourPatches, TumourSlices

__all__ = ["FittedSingleNetwork", "SingleNetwork", "SingleNetworkSettings"]


class SingleNetworkSettings(DesignSettings):
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
        from gliofuse.deep.networks import NETWORKS

        if self.network not in NETWORKS:
            raise SettingError(
                f"network: got {self.network!r}; {did_you_mean(self.network, NETWORKS)}"
            )
        _ = self.hyperparameters, self.geometry
        augmentation_preset(self.augmentation or "none")
        return self

    @property
    def hyperparameters(self) -> Any:
        """The training settings."""
        from gliofuse.deep.training import TrainingSettings

        return TrainingSettings.preset(self.network, self.preset, **self.training)

    @property
    def geometry(self) -> Any:
        """The settings of slices or patches."""
        from gliofuse.deep.data import input_preset

        return input_preset(self.network, self.preset).changed(**self.images)


class SingleNetwork(Design):
    """One network, its heat maps and its curves."""

    name = "single-network"
    title = "One network on the tumour's slices or patches"
    Settings = SingleNetworkSettings
    why_not = {MulticlassEndpoint: "the networks are built and trained for two classes"}
    choices = (
        "How the network is trained and what it is shown are the project's presets, where the "
        "study does not say otherwise.",
    )
    settings: SingleNetworkSettings

    def __init__(self, settings: SingleNetworkSettings, available: Available) -> None:
        super().__init__(settings, available)
        if not (available.images and available.deep):
            raise InputError(
                "design single-network reads images with a network: it needs --cohort and the "
                "extra 'deep' (pip install 'gliofuse[deep]')"
            )
        if self._spec.needs_survival and available.survival is None:
            raise InputError(
                f"network {settings.network!r} learns survival beside the classes: give its "
                "columns, for example --survival os_days,died"
            )

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
            settings=self.settings.geometry.settings,
            region=self.settings.region,
            sequences=self.available.sequences,
        )

    @property
    def shape(self) -> RadiomicFeatures | None:
        """The shape features of the tumour, for a network that takes them beside the image."""
        from gliofuse.radiomics import RadiomicsSettings

        if not self._spec.needs_shape:
            return None
        return RadiomicFeatures(
            settings=RadiomicsSettings.preset("shape"),
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
            training=settings.hyperparameters,
            options=settings.options or None,
            augmentation=augmentation_preset(
                settings.augmentation or settings.geometry.augmentation
            ),
            center_crop=settings.geometry.center_crop,
            shape=self.shape,
            survival=self.available.survival if self._spec.needs_survival else None,
            weights=settings.weights,
        )

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedSingleNetwork:
        """Train the network; without validation patients its last epoch is kept."""
        name = self.final_model
        signature = fit_network_signature(self.recipe, training, validation, context, name=name)
        return FittedSingleNetwork(self, {name: signature})


class FittedSingleNetwork(FittedDesign):
    """The trained network of :class:`SingleNetwork`."""

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return the network's probability of the positive class, by ``case_id``."""
        scores = {name: network.predict(data) for name, network in self.networks.items()}
        return pd.DataFrame(scores).rename_axis("case_id")

    def patient_tables(self, data: CaseData) -> dict[str, pd.DataFrame]:
        """Return ``network_patients``: what the network says of each patient, in full.

        Columns ``case_id, model, probability, slices`` (slices or patches of the patient),
        ``spread`` (the probability's standard deviation over them) and, from a network that learns
        survival, ``risk``.
        """
        (network,) = self.networks.values()
        samples = network.recipe.dataset(data, augmented=False, seed=0)
        table = network.trained.predict(samples).reset_index()
        table.insert(1, "model", self.design.final_model)
        return {"network_patients": table}
