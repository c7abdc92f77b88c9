"""A network as a signature: trained on the training patients, and its out-of-fold probabilities.

The designs call this; how slices are read and networks are trained is :mod:`gliofuse.deep`'s.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

from gliofuse.cohort import SurvivalEndpoint, TwoClassEndpoint
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.state import PortableNetwork
from gliofuse.errors import InputError
from gliofuse.inputs import CaseData, Input, TumourPatches, TumourSlices
from gliofuse.signature import SignatureWarning

__all__ = [
    "EPOCH_CHOICE",
    "FEW_PATIENTS",
    "PRIOR_CHOICE",
    "QUICK_TRAINING",
    "NetworkPreset",
    "NetworkRecipe",
    "NetworkSignature",
    "fit_network_signature",
    "halves",
    "on_one_scale",
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


#: For a design's ``choices``: what its probabilities refer to.
PRIOR_CHOICE = (
    "Class weights, and slices drawn or shown more often, are undone in the probabilities: these "
    "refer to the training patients' share of the positive class, not to equal shares (setting "
    "prior: weighted leaves them as trained)."
)

#: For a design's ``choices``: what chooses a network's epoch.
EPOCH_CHOICE = (
    "Below 100 training patients a network's epoch is chosen by the validation patients' loss, "
    "since the AUC of a handful of patients takes few values and hits 1 by chance (setting "
    "epoch_choice); models without epochs learn from the patients put aside for it, too."
)
#: Training patients below which a validation AUC, and half of the patients, are too few.
FEW_PATIENTS = 100
#: Share of its first epoch's training loss by which a network that learns does better later.
_LEAST_FALL = 0.02


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
    guide : Endpoint, optional
        Two classes that such a network learns beside survival, where survival is the outcome.
    weights : str, optional
        Pretrained weights: a path, or ``imagenet``.
    prior : {"training", "weighted"}
        What the probabilities refer to: the training patients' shares of the classes, or the
        shares that the training made of them by class weights, sampling or duplication.
    epoch_choice : {"auto", "auc", "loss"}
        Validation figure that chooses the epoch; ``auto`` takes that of ``training``, but the loss
        below 100 training patients.
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
    guide: TwoClassEndpoint | None = None
    weights: str | None = None
    prior: Literal["training", "weighted"] = "training"
    epoch_choice: Literal["auto", "auc", "loss"] = "auto"

    def dataset(self, data: CaseData, *, augmented: bool, seed: int) -> Any:
        """Return the samples of a group of patients; labels are given where they are known."""
        survival = None
        if self.survival is not None and data.outcome is not None:
            survival = self.survival.outcome(data.clinical)[0].reindex(data.clinical.index)
        return data.store(self.request).dataset(
            data.case_ids,
            None if data.outcome is None else self.classes(data),
            sequences=self.sequences,
            augmentation=self.augmentation if augmented else None,
            center_crop=self.center_crop,
            shape=None if self.shape is None else shape_features(data.table(self.shape)),
            survival=survival,
            seed=seed,
        )

    def classes(self, data: CaseData) -> pd.Series:
        """Return the classes that are learned, -1 where a patient's is not known."""
        assert data.outcome is not None
        if "y_true" in data.outcome.columns:
            return data.y
        classes = pd.Series(-1, index=list(data.case_ids))
        if self.guide is not None:
            known = self.guide.outcome(data.clinical)[0]["y_true"].reindex(classes.index)
            classes = known.fillna(-1).astype(int)
        return classes

    def training_of(self, patients: int, device: str) -> Any:
        """Return the training settings for so many training patients."""
        choice = self.epoch_choice
        if choice == "auto":
            choice = "loss" if patients < FEW_PATIENTS else self.training.selection
        return self.training.model_copy(update={"device": device, "selection": choice})

    def prior_shift(self, training: CaseData) -> float:
        """Return what unequal classes made equal in training add to the log-odds, to be undone."""
        outcome = training.outcome
        if self.prior == "weighted" or self.training.balance == "none":
            return 0.0
        if outcome is None or "y_true" not in outcome.columns:  # no probability is made of it
            return 0.0
        positive = int((training.y == 1).sum())
        return float(np.log((len(training) - positive) / positive))


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

    ``prior_shift`` is taken off the log-odds of that probability (see `NetworkRecipe.prior`).
    ``out_of_fold`` holds the training patients' probabilities from networks that did not see
    them, for fitting a second level; ``None`` where no second level asked for it.
    """

    recipe: NetworkRecipe
    trained: Any
    out_of_fold: pd.Series | None = None
    prior_shift: float = 0.0

    @classmethod
    def restored(cls, recipe: NetworkRecipe, kept: PortableNetwork) -> NetworkSignature:
        """Return the signature that :meth:`portable` was taken of, without its training."""
        return cls(recipe, kept.trained, prior_shift=kept.prior_shift)

    def portable(self) -> PortableNetwork:
        """Return what the signature predicts with, without its recipe."""
        return PortableNetwork(self.trained, self.prior_shift)

    def predict(self, data: CaseData) -> pd.Series:
        """Return the probability of the positive class (mean over a patient's samples)."""
        return self.patients(data)["probability"]

    def patients(self, data: CaseData) -> pd.DataFrame:
        """Return what the network says of each patient, as `TrainedNetwork.predict` does."""
        samples = self.recipe.dataset(data.without_outcome(), augmented=False, seed=0)
        table = self.trained.predict(samples).loc[list(data.case_ids)]
        weighted = table["probability"] * np.exp(-self.prior_shift)
        return table.assign(probability=weighted / (weighted + 1 - table["probability"]))

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

    settings = recipe.training_of(len(training), context.device)

    def train(group: CaseData, step: str = "") -> Any:
        return train_network(
            recipe.network,
            recipe.dataset(group, augmented=True, seed=context.seed),
            None
            if validation is None
            else recipe.dataset(validation, augmented=False, seed=context.seed),
            settings=settings,
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
        parts = []
        for number, (rest, part) in enumerate(_inner_split(training, inner_folds, context)):
            trained = train(rest, f"inner{number}")
            signature = NetworkSignature(recipe, trained, prior_shift=recipe.prior_shift(rest))
            parts.append(signature.predict(part))
        held_out = on_one_scale(parts).loc[list(training.case_ids)].rename(name)
    trained = train(training)
    _warn_of_nothing_learned(name, trained.curves)
    return NetworkSignature(recipe, trained, held_out, recipe.prior_shift(training))


def _warn_of_nothing_learned(name: str, curves: pd.DataFrame) -> None:
    """Warn where the training loss has hardly fallen from the first epoch to its lowest."""
    losses = curves["training_loss"].dropna()
    if len(losses) > 1 and losses.min() > (1 - _LEAST_FALL) * losses.iloc[0]:
        warnings.warn(
            f"{name}: the training loss fell by less than {_LEAST_FALL:.0%} over the epochs; the "
            "network has learned next to nothing: more epochs, another learning rate, or look at "
            "its input",
            SignatureWarning,
            stacklevel=3,
        )


def halves(training: CaseData, context: FitContext) -> tuple[CaseData, CaseData]:
    """Return the two stratified halves of the training patients, for fits across them.

    Raises
    ------
    InputError
        If a class has fewer than two patients.
    """
    (first, second), _ = _inner_split(training, 2, context)
    return first, second


def on_one_scale(parts: Sequence[pd.Series]) -> pd.Series:
    """Return the probabilities of several networks' held-out patients, pooled.

    Each network is as sure of itself as its own training made it, so that pooled as they are the
    probabilities rank the networks, not the patients. Their log-odds are brought to the common
    mean and standard deviation; the parts are stratified, so that no part has more events.

    Parameters
    ----------
    parts : sequence of Series
        Probabilities by patient, a series a network. A part of fewer than three patients keeps
        its spread.

    Examples
    --------
    >>> sure, unsure = pd.Series([0.01, 0.5, 0.99]), pd.Series([0.49, 0.5, 0.51])
    >>> on_one_scale([sure, unsure]).round(2).tolist()
    [0.09, 0.5, 0.91, 0.09, 0.5, 0.91]
    """
    scores = [np.log(p / (1 - p)) for p in (part.clip(1e-6, 1 - 1e-6) for part in parts)]
    centre = float(np.mean([score.mean() for score in scores]))
    spreads = [float(score.std(ddof=0)) if len(score) > 2 else 0.0 for score in scores]
    common = float(np.mean([spread for spread in spreads if spread > 0] or [0.0]))
    pooled = pd.concat(
        [
            centre + (score - score.mean()) * (common / spread if spread > 0 else 1.0)
            for score, spread in zip(scores, spreads)
        ]
    )
    return 1 / (1 + np.exp(-pooled))


def _inner_split(
    training: CaseData, folds: int, context: FitContext
) -> list[tuple[CaseData, CaseData]]:
    from gliofuse.signature import stratified_folds

    classes = _classes_or_events(training)
    smallest = int(classes.value_counts().min())
    if smallest < 2:
        raise InputError(
            "networks that predict patients they did not learn from need at least 2 training "
            f"patients of each class (got {smallest}); use fewer folds, or settings: "
            "{second_level: in-sample} or {cross_fit: false}"
        )
    names = list(training.case_ids)
    people = None if context.groups is None else context.groups.loc[names].to_numpy()
    parts = stratified_folds(classes.to_numpy(), min(folds, smallest), context.seed, people)
    return [
        (
            training.subset(names[i] for i in rest),
            training.subset(names[i] for i in part),
        )
        for rest, part in parts
    ]


def _classes_or_events(data: CaseData) -> pd.Series:
    """Return what inner folds are stratified by."""
    classes = data.outcome is not None and "y_true" in data.outcome.columns
    return data.y if classes else data.survival["event"]
