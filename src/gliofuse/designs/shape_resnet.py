"""``shape-resnet``: a slice network that is given the tumour's three-dimensional size and shape.

A 2D ResNet50 reads every tumour slice; its fourteen learned values are concatenated with the
fourteen shape features of the whole tumour, and a linear layer decides. A patient's probability is
the mean over the slices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import pandas as pd
from pydantic import Field

from gliofuse.cohort import MulticlassEndpoint
from gliofuse.designs.framework.banks import feature_bank
from gliofuse.designs.framework.base import Design, FittedDesign, NetworkDesignSettings, Paper
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.models import ALL, Model, sequence_label
from gliofuse.designs.framework.networks import (
    EPOCH_CHOICE,
    PRIOR_CHOICE,
    QUICK_TRAINING,
    NetworkPreset,
    NetworkRecipe,
    NetworkSignature,
    fit_network_signature,
)
from gliofuse.designs.framework.paper_results import paper_results
from gliofuse.designs.framework.state import FittedState
from gliofuse.errors import InputError
from gliofuse.inputs import CaseData, Input, RadiomicFeatures, TumourPatches, TumourSlices

__all__ = ["FittedShapeResNet", "ShapeResNet", "ShapeResNetSettings"]


_SEQUENCES = ("t1", "t1ce", "t2", "flair")


@dataclass(frozen=True)
class _Ablation:
    """What is left out of the training: steps of the augmentation, all of it, or duplication."""

    name: str
    label: str
    steps: tuple[str, ...] = ()
    augmented: bool = True
    duplicated: bool = True


_ABLATIONS = (
    _Ablation("no_augmentation", "no augmentation", augmented=False),
    _Ablation("no_cyclic_shift", "no cyclic shift", ("CyclicShift",)),
    _Ablation("no_rotation", "no rotation", ("Rotate",)),
    _Ablation("no_flip", "no flip", ("Flip",)),
    _Ablation("no_duplication", "no duplication", duplicated=False),
)


@dataclass(frozen=True)
class _Network:
    """One of the paper's networks: what it is, which sequences it reads, what is left out."""

    form: str
    group: str
    sequences: tuple[str, ...]
    ablation: _Ablation | None = None

    @property
    def model(self) -> Model:
        """The network as a model: the one with shape on all sequences is proposed."""
        label, kind, _ = _FORMS[self.form]
        name = f"{self.form}_{self.group}"
        label += f" {'all' if self.group == ALL else sequence_label(self.group)}"
        if self.ablation is not None:
            return Model(
                f"{name}_{self.ablation.name}", f"{label}, {self.ablation.label}", kind, self.group
            )
        if self.group != ALL or self.form == "3d":
            return Model(name, label, kind, self.group)
        return Model(name, label, kind, self.group, "final" if kind == "hybrid" else "rival")


#: Label and kind of each form of network, and its name in the registry of networks.
_FORMS = {
    "2d": ("2D", "deep", "resnet50"),
    "3d": ("3D", "deep", "resnet50-3d"),
    "2d_shape": ("2D + shape", "hybrid", "shape-resnet50"),
}

_PAPER = Paper(
    citation='Zeng et al. 2024 (Ivyspring), "explicit tumor size information"',
    outcome="WHO grade 2 against grades 3 and 4",
    outcome_column="grade",
    outcome_classes={"2": 0, "3": 1, "4": 1},
    sequences=_SEQUENCES,
    results=paper_results(
        ("auc", "accuracy", "apca", "sensitivity", "specificity"),
        {
            "validation": {
                "2d_t1": (0.6451, 0.7226, 0.6218, 0.8482, 0.3953),
                "2d_t2": (0.9178, 0.8774, 0.8149, 0.9554, 0.6744),
                "2d_t1ce": (0.9120, 0.8194, 0.7580, 0.9604, 0.5556),
                "2d_flair": (0.9079, 0.8452, 0.7787, 0.9533, 0.6042),
                "2d_all": (0.9565, 0.8774, 0.8171, 0.9811, 0.6531),
                "2d_shape_t1": (0.8284, 0.8129, 0.7396, 0.9259, 0.5532),
                "2d_shape_t2": (0.9499, 0.9097, 0.8558, 0.9735, 0.7381),
                "2d_shape_t1ce": (0.9317, 0.8839, 0.8239, 0.9478, 0.7000),
                "2d_shape_flair": (0.9227, 0.8903, 0.8352, 0.9407, 0.7297),
                "2d_shape_all": (0.9684, 0.9936, 0.9853, 1.0000, 0.9706),
                "3d_t1": (0.6631, 0.7871, 0.6792, 0.8385, 0.5200),
                "3d_t2": (0.7321, 0.6194, 0.6561, 0.9559, 0.3563),
                "3d_t1ce": (0.8250, 0.7742, 0.7061, 0.9216, 0.4906),
                "3d_flair": (0.7336, 0.7161, 0.6667, 0.9140, 0.4194),
                "3d_all": (0.6626, 0.6129, 0.6075, 0.8861, 0.3289),
                "2d_shape_all_no_augmentation": (0.9492, None, None, None, None),
                "2d_shape_all_no_cyclic_shift": (0.9582, None, None, None, None),
                "2d_shape_all_no_rotation": (0.9628, None, None, None, None),
                "2d_shape_all_no_flip": (0.9638, None, None, None, None),
                "2d_shape_all_no_duplication": (0.9480, None, None, None, None),
            }
        },
    ),
    labels={
        model.name: model.label
        for model in (
            *(_Network(f, g, ()).model for f in _FORMS for g in (*_SEQUENCES, ALL)),
            *(_Network("2d_shape", ALL, (), one).model for one in _ABLATIONS),
        )
    },
)

_PAPER_TRAINING: Mapping[str, Any] = {
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "betas": (0.9, 0.99),
    "weight_decay": 5e-4,
    "balance": "duplicate",
    "epochs": 20,
    "batch_size": 16,
}
#: What the 2D networks are shown and how they are trained. The paper's planes are 240 pixels of
#: 1 mm: slices of low-grade training patients are resized to 448, the middle 224 taken and of that
#: a random 160; all others give their middle 160, and so see 160 mm. Quick takes the same field of
#: view at half the resolution.
NETWORKS: dict[str, NetworkPreset] = {
    "paper": NetworkPreset(
        training=_PAPER_TRAINING,
        images={"size": 240, "crop": "center", "center_mm": 240.0, "pixels": "tumour"},
        augmentation="class-crops",
        center_crop=160,
    ),
    "quick": NetworkPreset(
        training=QUICK_TRAINING,
        images={
            "size": 80,
            "crop": "center",
            "center_mm": 160.0,
            "pixels": "tumour",
            "which": "k-largest",
            "k": 10,
        },
        augmentation="shifts",
    ),
}
#: The same of the 3D network: the middle 128 slices of 160 x 160; quick samples every 4 mm.
NETWORKS_3D: dict[str, NetworkPreset] = {
    "paper": NetworkPreset(
        training={**_PAPER_TRAINING, "batch_size": 4},
        images={
            "size_zyx": (128, 160, 160),
            "pixel_mm_zyx": (1.0, 1.0, 1.0),
            "crop": "middle",
            "pixels": "tumour",
        },
        augmentation="quarters",
    ),
    "quick": NetworkPreset(
        training={**QUICK_TRAINING, "batch_size": 4, "learning_rate": 3e-4},
        images={
            "size_zyx": (32, 40, 40),
            "pixel_mm_zyx": (4.0, 4.0, 4.0),
            "crop": "middle",
            "pixels": "tumour",
        },
        augmentation="quarters",
    ),
}


class ShapeResNetSettings(NetworkDesignSettings):
    """Settings of ``shape-resnet``."""

    region: str = Field("whole", description="The tumour; voxels outside are set to the least.")
    pixels: Literal["tumour", "brain"] = Field(
        "tumour", description="What the slices show: the tumour alone, or the whole brain."
    )
    comparators: bool | None = Field(
        None, description="Single sequences and 3D networks too (paper: yes, quick: no)."
    )
    ablate: bool = Field(False, description="The augmentation ablation too.")
    weights: str | None = Field(None, description="Pretrained weights of the 2D network.")
    epochs: int | None = Field(None, ge=1, description="Overrides the preset's.")
    slice_size: int | None = Field(
        None, ge=32, description="Pixels of a stored slice's side, in place of the preset's."
    )


class ShapeResNet(Design):
    """Late fusion of a slice network with fourteen shape features inside the network.

    The paper states ResNet50, the fourteen learned and fourteen shape values, the augmentations,
    the duplication of LGG slices, Adam at 1e-3 for 20 epochs of batches of 16, and the
    comparators: the same network without shape, and a 3D ResNet50 on 128 x 160 x 160.
    """

    name = "shape-resnet"
    title = "2D ResNet50 with explicit 3D tumour size and shape"
    paper = _PAPER
    Settings = ShapeResNetSettings
    why_not: ClassVar = {
        MulticlassEndpoint: "its networks are trained for two classes, by duplicating slices of "
        "the rarer"
    }
    choices = (
        "The paper does not say how shape features are scaled; they are standardised on the "
        "training patients.",
        PRIOR_CHOICE,
        EPOCH_CHOICE,
        "Each flip, the shift and the noise (1 % of the pixels) are drawn with probability one "
        "half (quick: the shift with 0.3), an angle always; the paper names the steps alone.",
        "The network without shape features and the 3D one keep their last layer of two outputs; a "
        "patient's probability is the mean over its slices.",
        "Enlarging the crops of one class alone lets a network learn the scale instead of the "
        "tumour; preset paper does as the paper, preset quick leaves the class-wise crops out.",
    )
    settings: ShapeResNetSettings

    @property
    def _comparators(self) -> bool:
        wanted = self.settings.comparators
        return self.settings.preset == "paper" if wanted is None else wanted

    @property
    def _groups(self) -> dict[str, tuple[str, ...]]:
        """Groups of sequences that a network reads: each alone (comparators), and all."""
        sequences = self.available.sequences
        single = {s: (s,) for s in sequences} if self._comparators and len(sequences) > 1 else {}
        return {**single, ALL: sequences}

    @property
    def _networks(self) -> tuple[_Network, ...]:
        forms = ("2d", "3d", "2d_shape") if self._comparators else ("2d", "2d_shape")
        groups = self._groups.items()
        *others, proposed = [_Network(form, *group) for form in forms for group in groups]
        left_out = _ABLATIONS if self.settings.ablate else ()
        return (*others, *(replace(proposed, ablation=one) for one in left_out), proposed)

    @property
    def models(self) -> tuple[Model, ...]:
        """The paper's fifteen and, with ``ablate``, five more; the proposed one comes last."""
        return tuple(network.model for network in self._networks)

    @property
    def needs_validation(self) -> bool:
        """The networks choose their epoch on patients put aside."""
        return True

    @property
    def left_out(self) -> tuple[str, ...]:
        """What of the paper's fifteen models is missing, and why."""
        notes = [
            f"no {sequence}: its single-sequence models left out"
            for sequence in _PAPER.sequences
            if sequence not in self.available.sequences
        ]
        if not self._comparators:
            notes.append(
                "the single-sequence and 3D comparators left out (preset paper trains them)"
            )
        if not self.settings.ablate:
            notes.append("the ablation of the augmentations left out (settings: ablate)")
        if self.settings.pixels == "tumour":
            notes.append("heat maps on the whole brain left out (settings: pixels: brain has them)")
        return tuple(notes)

    @property
    def shape(self) -> RadiomicFeatures:
        """The fourteen shape features of the tumour."""
        return RadiomicFeatures(
            settings=feature_bank("shape"),
            regions=(self.settings.region,),
            sequences=self.available.sequences[:1],
        )

    @property
    def slices(self) -> TumourSlices:
        """Tumour-only axial slices."""
        smaller = {} if self.settings.slice_size is None else {"size": self.settings.slice_size}
        return TumourSlices(
            settings=NETWORKS[self.settings.preset].slices(pixels=self.settings.pixels, **smaller),
            region=self.settings.region,
            sequences=self.available.sequences,
        )

    @property
    def patches(self) -> TumourPatches:
        """Tumour-only volumes for the 3D network."""
        return TumourPatches(
            settings=NETWORKS_3D[self.settings.preset].patches(),
            region=self.settings.region,
            sequences=self.available.sequences,
        )

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Shape features and slices, and the volumes where a 3D network is trained."""
        if not (self.available.images and self.available.deep):
            raise InputError(
                "design shape-resnet reads images with networks: it needs --cohort and the extra "
                "'deep' (pip install 'gliofuse[deep]')"
            )
        return (self.shape, self.slices, *((self.patches,) if self._comparators else ()))

    def fit(
        self, training: CaseData, validation: CaseData | None, context: FitContext
    ) -> FittedShapeResNet:
        """Train every network."""
        return FittedShapeResNet(
            self,
            {
                network.model.name: fit_network_signature(
                    self._recipe(network), training, validation, context, name=network.model.name
                )
                for network in self._networks
            },
        )

    def restore(self, state: FittedState) -> FittedShapeResNet:
        """Return the trained networks."""
        found = {
            network.model.name: NetworkSignature.restored(
                self._recipe(network), state.networks[network.model.name]
            )
            for network in self._networks
        }
        return FittedShapeResNet(self, found)

    def _recipe(self, network: _Network) -> NetworkRecipe:
        from gliofuse.deep.data import augmentation_preset

        *_, name = _FORMS[network.form]
        volume = network.form == "3d"
        preset = (NETWORKS_3D if volume else NETWORKS)[self.settings.preset]
        ablation = network.ablation or _Ablation("", "")
        balance = {} if ablation.duplicated else {"balance": "none"}
        return NetworkRecipe(
            network=name,
            request=self.patches if volume else self.slices,
            sequences=network.sequences,
            training=preset.hyperparameters(epochs=self.settings.epochs, **balance),
            augmentation=augmentation_preset(preset.augmentation, leave_out=ablation.steps)
            if ablation.augmented
            else None,
            center_crop=preset.center_crop,
            shape=self.shape if network.form == "2d_shape" else None,
            weights=None if volume else self.settings.weights,
            prior=self.settings.prior,
            epoch_choice=self.settings.epoch_choice,
        )


class FittedShapeResNet(FittedDesign):
    """The trained networks of :class:`ShapeResNet`; their curves hold seconds and memory."""

    def predict(self, data: CaseData) -> pd.DataFrame:
        """Return each network's probability of the positive class, by ``case_id``."""
        scores: dict[str, Any] = {name: net.predict(data) for name, net in self.networks.items()}
        return pd.DataFrame(scores).rename_axis("case_id")[list(self.names)]
