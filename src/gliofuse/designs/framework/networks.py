"""A network as a signature: trained on the training patients, and its out-of-fold probabilities.

The designs call this; how slices are read and networks are trained is :mod:`gliofuse.deep`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.designs.framework.context import FitContext
from gliofuse.errors import InputError
from gliofuse.inputs import CaseData, Input, TumourPatches, TumourSlices

__all__ = [
    "QUICK_TRAINING",
    "NetworkPreset",
    "NetworkRecipe",
    "NetworkSignature",
    "fit_network_signature",
    "shape_features",
]

#: Training in minutes on two cores; a design's preset quick says what it changes of it.
QUICK_TRAINING: Mapping[str, Any] = {
    "optimiser": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 1e-2,
    "schedule": "cosine",
    "balance": "weights",
    "clip_norm": 1.0,
    "epochs": 12,
    "batch_size": 16,
    "skip_epochs": 3,
    "patience": 6,
    "norm_batches": 4,
    "items_per_patient": 4,
}


@dataclass(frozen=True)
class NetworkPreset:
    """What a network is shown and how it is trained, as a paper or a quick run has it.

    Parameters
    ----------
    training : mapping
        For :class:`gliofuse.deep.training.TrainingSettings`.
    images : mapping
        For :class:`gliofuse.deep.data.SliceSettings` or :class:`~gliofuse.deep.data.PatchSettings`.
    augmentation : str
        For :func:`gliofuse.deep.data.augmentation_preset`.
    center_crop : int, optional
        Side in pixels of the middle of each stored image, which is what the network reads.
    """

    training: Mapping[str, Any]
    images: Mapping[str, Any]
    augmentation: str = "none"
    center_crop: int | None = None

    def hyperparameters(self, *, epochs: int | None = None, **changes: Any) -> Any:
        """Return the training settings, with another number of epochs where one is given.

        Raises
        ------
        SettingError
            For an unknown setting or an unusable value.
        """
        from gliofuse.deep.checked import checked
        from gliofuse.deep.training import TrainingSettings

        given = {} if epochs is None else {"epochs": epochs}
        return checked(TrainingSettings, {**self.training, **given, **changes}, "training setting")

    def slices(self, **changes: Any) -> Any:
        """Return the settings of slices; raises as :meth:`hyperparameters`."""
        from gliofuse.deep.checked import checked
        from gliofuse.deep.data import SliceSettings

        return checked(SliceSettings, {**self.images, **changes}, "setting of slices")

    def patches(self, **changes: Any) -> Any:
        """Return the settings of patches; raises as :meth:`hyperparameters`."""
        from gliofuse.deep.checked import checked
        from gliofuse.deep.data import PatchSettings

        return checked(PatchSettings, {**self.images, **changes}, "setting of patches")


@dataclass(frozen=True)
class NetworkRecipe:
    """Which network is trained on which arrays, and how.

    Parameters
    ----------
    network : str
        Name in :data:`gliofuse.deep.networks.NETWORKS`.
    request : TumourSlices or TumourPatches
        The slices or patches that it reads.
    sequences : tuple of str
        The sequences among those of the request, in channel order.
    training : object
        :class:`gliofuse.deep.training.TrainingSettings`.
    options : dict, optional
        Further arguments of the network.
    augmentation : object, optional
        Settings of the augmentation of training samples.
    center_crop : int, optional
        Side of the middle square (or cube) that is read of each stored array.
    shape : Input, optional
        Feature table whose 14 shape features go into the network beside the image.
    survival : SurvivalEndpoint, optional
        Of the patients that are learned from, for a network with a survival head.
    weights : str, optional
        Pretrained weights: a path, or ``imagenet``.
    """

    network: str
    request: TumourSlices | TumourPatches
    sequences: tuple[str, ...]
    training: Any
    options: dict[str, Any] | None = None
    augmentation: Any = None
    center_crop: int | None = None
    shape: Input | None = None
    survival: SurvivalEndpoint | None = None
    weights: str | None = None

    def dataset(self, data: CaseData, *, augmented: bool, seed: int) -> Any:
        """Return the samples of a group of patients; labels are given where they are known."""
        survival = None
        if self.survival is not None and data.outcome is not None:
            survival = self.survival.outcome(data.clinical)[0].reindex(data.clinical.index)
        return data.store(self.request).dataset(
            data.case_ids,
            None if data.outcome is None else data.y,
            sequences=self.sequences,
            augmentation=self.augmentation if augmented else None,
            center_crop=self.center_crop,
            shape=None if self.shape is None else shape_features(data.table(self.shape)),
            survival=survival,
            seed=seed,
        )


def shape_features(table: pd.DataFrame) -> pd.DataFrame:
    """Return the 14 shape features of a feature table, in the order that the networks take them.

    Shape belongs to the mask, so it is the same under every sequence; the first one's is taken.
    """
    from gliofuse.deep.networks import SHAPE_FEATURES

    prefix = next(name for name in table.columns if ".original_shape_" in name).rsplit("_", 1)[0]
    return table[[f"{prefix}_{name}" for name in SHAPE_FEATURES]].set_axis(
        list(SHAPE_FEATURES), axis=1
    )


@dataclass(frozen=True)
class NetworkSignature:
    """A trained network, read as one probability a patient.

    ``out_of_fold`` holds the training patients' probabilities from networks that did not see
    them, for fitting a second level; ``None`` where no second level asked for it.
    """

    recipe: NetworkRecipe
    trained: Any
    out_of_fold: pd.Series | None = None

    def predict(self, data: CaseData) -> pd.Series:
        """Return the probability of the positive class (mean over a patient's samples)."""
        samples = self.recipe.dataset(data.without_outcome(), augmented=False, seed=0)
        return self.trained.predict(samples)["probability"].loc[list(data.case_ids)]

    def features(self, data: CaseData) -> pd.DataFrame:
        """Return the network's features (mean over a patient's samples), one row a patient."""
        from gliofuse.deep.training import extract_features

        samples = self.recipe.dataset(data.without_outcome(), augmented=False, seed=0)
        prefix = f"{'+'.join(self.recipe.sequences)}.{self.recipe.request.region}."
        return extract_features(self.trained, samples, prefix=prefix).loc[list(data.case_ids)]

    def curves(self) -> pd.DataFrame:
        """Return the training curves, one row an epoch."""
        return self.trained.curves


def fit_network_signature(
    recipe: NetworkRecipe,
    training: CaseData,
    validation: CaseData | None,
    context: FitContext,
    *,
    name: str,
    inner_folds: int = 0,
) -> NetworkSignature:
    """Train a network; with ``inner_folds`` also its out-of-fold probabilities.

    The inner networks choose their epoch on the same validation patients as the outer one, never
    on the part that they predict.

    Parameters
    ----------
    recipe : NetworkRecipe
    training, validation : CaseData
        ``validation`` chooses the epoch; ``None`` keeps the last one.
    context : FitContext
    name : str
        Name of the signature; its network goes into a folder of this name.
    inner_folds : int, default 0
        Folds of the out-of-fold probabilities; 0 makes none.
    """
    from gliofuse.deep.training import train_network

    def train(group: CaseData, step: str = "") -> Any:
        return train_network(
            recipe.network,
            recipe.dataset(group, augmented=True, seed=context.seed),
            None
            if validation is None
            else recipe.dataset(validation, augmented=False, seed=context.seed),
            settings=recipe.training.model_copy(update={"device": context.device}),
            options=recipe.options,
            weights=recipe.weights,
            directory=context.folder(f"{name}/{step}"),
            seed=context.seed,
            progress=None
            if context.watch is None
            else partial(context.watch, f"{name} {step}".strip()),
        )

    held_out = None
    if inner_folds:
        held_out = pd.Series(index=list(training.case_ids), dtype=float, name=name)
        for number, (rest, part) in enumerate(_inner_split(training, inner_folds, context)):
            signature = NetworkSignature(recipe, train(rest, f"inner{number}"))
            held_out.loc[list(part.case_ids)] = signature.predict(part)
    return NetworkSignature(recipe, train(training), held_out)


def _inner_split(
    training: CaseData, folds: int, context: FitContext
) -> list[tuple[CaseData, CaseData]]:
    from gliofuse.signature import stratified_folds

    smallest = int(training.y.value_counts().min())
    if smallest < 2:
        raise InputError(
            "out-of-fold network signatures need at least 2 training patients of each class "
            f"(got {smallest}); use fewer folds, or settings: {{second_level: in-sample}}"
        )
    names = list(training.case_ids)
    people = None if context.groups is None else context.groups.loc[names].to_numpy()
    parts = stratified_folds(training.y.to_numpy(), min(folds, smallest), context.seed, people)
    return [
        (
            training.subset(names[i] for i in rest),
            training.subset(names[i] for i in part),
        )
        for rest, part in parts
    ]
