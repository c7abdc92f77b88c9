"""Settings of a segmenter's plan and training, and the named sets of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from gliofuse.errors import SettingError, did_you_mean

__all__ = ["PRESETS", "SegmentationSettings", "segmentation_settings"]


class SegmentationSettings(BaseModel):
    """How a segmenter is planned and trained.

    Attributes
    ----------
    network : {"residual", "recombination"}
        Residual-encoder U-Net, or the U-Net of recombination blocks of the design
        ``deep-radiomics``.
    outputs : {"auto", "regions", "labels"}
        ``regions`` predicts whole, core and enhancing as nested regions, one sigmoid each;
        ``labels`` one softmax over the labels. ``auto`` takes regions where the labels allow.
    dimensions : {"auto", "2", "3"}
        ``2`` reads axial slices with their neighbours, ``3`` patches. ``auto`` takes slices where
        they are at least three times as thick as their pixels.
    neighbours : int
        Slices on each side that a two-dimensional network sees as further channels.
    stages : {"two", "coarse", "fine"}
        Whole head at ``coarse_mm``, then the found region at ``fine_mm``; or one of the two alone.
    coarse_mm, fine_mm : float, optional
        Voxel size; in two dimensions of the plane alone, slices stay as thick as they are.
        ``fine_mm=None`` takes the cohort's median.
    margin_mm : float
        Added to the found region on every side before the second stage looks at it.
    coarse_share : float
        Weight of the first stage's probabilities in the result; the rest is the second's.
    patch_voxels : int
        Most voxels of a patch.
    width, widest : int
        Channels of the first stage of the encoder, and the most that doubling may reach.
    blocks : int
        Residual blocks of each stage of the encoder.
    epochs, steps, batch_size : int
        An epoch is ``steps`` batches.
    minutes : float, optional
        Most time of each stage's training; the learning rate falls by the share that is used up
        of it, or of the epochs, whichever is more.
    optimiser : {"adamw", "sgd"}
    learning_rate, weight_decay : float
    schedule : {"polynomial", "plateau"}
        ``polynomial``: to 0 with the power 0.9. ``plateau``: times ``plateau_factor`` after
        ``plateau_epochs`` epochs without a lower validation loss (training loss without
        validation patients).
    averaging : float
        Decay of the running average of the weights that is validated and kept; 0 keeps the
        weights themselves.
    foreground : float
        Share of the patches that are centred on tumour.
    sequence_dropout : float
        Chance that a sequence is blanked in a training patch; never all of them.
    mirror : tuple of {"x", "y", "z"}
        Axes that training mirrors at random, and prediction if asked to.
    validation_fraction : float
        Share of the patients that choose the epoch; with 0 the last epoch is kept.
    precision : {"auto", "32", "16-mixed", "bf16-mixed"}
        ``auto``: mixed on a GPU, and bfloat16 on a CPU that has matrix units for it.
    device, devices
        As in :class:`gliofuse.deep.training.TrainingSettings`.
    loader_workers : int
        Processes that cut patches.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: Literal["residual", "recombination"] = "residual"
    outputs: Literal["auto", "regions", "labels"] = "auto"
    dimensions: Literal["auto", "2", "3"] = "auto"
    neighbours: int = Field(default=1, ge=0, le=3)
    stages: Literal["two", "coarse", "fine"] = "two"
    coarse_mm: float = Field(default=2.5, gt=0)
    fine_mm: float | None = Field(default=None, gt=0)
    margin_mm: float = Field(default=12.0, ge=0)
    coarse_share: float = Field(default=0.4, ge=0, lt=1)
    patch_voxels: PositiveInt = 128**3
    width: PositiveInt = 32
    widest: PositiveInt = 320
    blocks: PositiveInt = 2
    epochs: PositiveInt = 300
    steps: PositiveInt = 250
    batch_size: PositiveInt = 2
    minutes: float | None = Field(default=None, gt=0)
    optimiser: Literal["adamw", "sgd"] = "sgd"
    learning_rate: float = Field(default=1e-2, gt=0)
    weight_decay: float = Field(default=3e-5, ge=0)
    schedule: Literal["polynomial", "plateau"] = "polynomial"
    plateau_factor: float = Field(default=0.5, gt=0, lt=1)
    plateau_epochs: PositiveInt = 10
    averaging: float = Field(default=0.99, ge=0, lt=1)
    foreground: float = Field(default=0.5, ge=0, le=1)
    sequence_dropout: float = Field(default=0.35, ge=0, lt=1)
    mirror: tuple[Literal["x", "y", "z"], ...] = ("x",)
    validation_fraction: float = Field(default=0.2, ge=0, lt=1)
    precision: Literal["auto", "32", "16-mixed", "bf16-mixed"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    devices: PositiveInt = 1
    loader_workers: int = Field(default=0, ge=0)


PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # minutes on two cores: slices, narrow networks
        "quick": {
            "dimensions": "2",
            "patch_voxels": 128**2,
            "width": 16,
            "widest": 128,
            "blocks": 1,
            "epochs": 20,
            "steps": 40,
            "batch_size": 8,
            "minutes": 4.0,
            "optimiser": "adamw",
            "learning_rate": 2e-3,
            "weight_decay": 1e-2,
            "validation_fraction": 0.0,
        },
        # a GPU
        "full": {"mirror": ("x", "y", "z")},
        # as the design's paper trains its own; no stages, no dropout of sequences
        "paper": {
            "network": "recombination",
            "dimensions": "3",
            "stages": "fine",
            "width": 64,
            "epochs": 200,
            "batch_size": 1,
            "optimiser": "adamw",
            "learning_rate": 5e-4,
            "weight_decay": 0.0,
            "schedule": "plateau",
            "averaging": 0.0,
            "sequence_dropout": 0.0,
        },
    }
)
"""Sets of settings by name; what they leave out keeps its default."""


def segmentation_settings(
    preset: str = "quick", changes: Mapping[str, Any] | None = None
) -> SegmentationSettings:
    """Return a preset's settings with some of them changed.

    Raises
    ------
    SettingError
        If the preset or a setting is unknown, or a value is outside what it allows.

    Examples
    --------
    >>> segmentation_settings("quick", {"width": 24}).width
    24
    """
    if preset not in PRESETS:
        raise SettingError(f"preset {preset!r} is unknown: {did_you_mean(preset, PRESETS)}")
    given = dict(changes or {})
    unknown = [name for name in given if name not in SegmentationSettings.model_fields]
    if unknown:
        raise SettingError(
            f"segmentation setting {unknown[0]!r} is unknown: "
            f"{did_you_mean(unknown[0], SegmentationSettings.model_fields)}"
        )
    if "dimensions" in given:
        given["dimensions"] = str(given["dimensions"])
    try:
        return SegmentationSettings(**{**PRESETS[preset], **given})
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise SettingError(
            f"segmentation setting {where!r}: {problem['msg']} (got {problem.get('input')!r})"
        ) from None
