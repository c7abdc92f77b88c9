"""What each network reads: the paper's input, and a smaller one for two cores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gliofuse.deep._checked import checked
from gliofuse.deep.data.patches import PatchSettings
from gliofuse.deep.data.slices import SliceSettings
from gliofuse.errors import SettingError, did_you_mean

__all__ = ["InputPreset", "input_preset"]


@dataclass(frozen=True)
class InputPreset:
    """How a network's images are cut and augmented.

    Parameters
    ----------
    settings : SliceSettings or PatchSettings
    augmentation : str
        For :func:`~gliofuse.deep.data.augmentation_preset`.
    center_crop : int, optional
        For the data set: the middle part of the cached image that the network reads.
    """

    settings: SliceSettings | PatchSettings
    augmentation: str = "none"
    center_crop: int | None = None

    def changed(self, **changes: Any) -> InputPreset:
        """Return the same with other settings of the slices or patches.

        Raises
        ------
        SettingError
            For an unknown setting or an unusable value.
        """
        kind = type(self.settings)
        what = "setting of slices" if kind is SliceSettings else "setting of patches"
        values = {**self.settings.model_dump(), **changes}
        return replace(self, settings=checked(kind, values, what))


_RDL = {
    "paper": InputPreset(SliceSettings(size=64)),
    "quick": InputPreset(
        SliceSettings(size=64, which="k-largest", k=6, margin=0.1), augmentation="flips"
    ),
}
_SHAPE = {
    "paper": InputPreset(
        SliceSettings(size=240, crop="center", pixels="tumour"),
        augmentation="class-crops",
        center_crop=160,
    ),
    "quick": InputPreset(
        SliceSettings(
            size=80, crop="center", center_size=160, pixels="tumour", which="k-largest", k=6
        ),
        augmentation="shifts",
    ),
}
_PATCH = {
    "paper": InputPreset(PatchSettings(size_zyx=(96, 128, 96), normalisation="zscore")),
    "quick": InputPreset(
        PatchSettings(size_zyx=(32, 48, 48), pixel_mm_zyx=(2.5, 2.5, 2.5), normalisation="zscore"),
        augmentation="quarters",
    ),
}
_PRESETS: dict[str, dict[str, InputPreset]] = {
    "densenet121": _RDL,
    "csg-densenet121": _RDL,
    "shape-resnet50": _SHAPE,
    "resnet50": _SHAPE,
    "resnet50-3d": {
        "paper": InputPreset(
            PatchSettings(size_zyx=(128, 160, 160), crop="middle", pixels="tumour"),
            augmentation="quarters",
        ),
        "quick": InputPreset(
            PatchSettings(size_zyx=(32, 64, 64), crop="whole", pixels="tumour"),
            augmentation="quarters",
        ),
    },
    "se-resnet18-3d": _PATCH,
    "resnet18-3d": _PATCH,
    "resnet34": {
        "paper": InputPreset(SliceSettings(size=224, which="largest", normalisation="zscore")),
        "quick": InputPreset(SliceSettings(size=224, which="largest", normalisation="zscore")),
    },
    "dual-resnet18": {
        "paper": InputPreset(
            SliceSettings(size=240, crop="center", which="largest", normalisation="zscore")
        ),
        "quick": InputPreset(
            SliceSettings(
                size=96,
                crop="center",
                center_size=192,
                which="k-largest",
                k=3,
                normalisation="zscore",
            ),
            augmentation="flips",
        ),
    },
}


def input_preset(network: str, preset: str) -> InputPreset:
    """Return how a network's images are cut.

    Parameters
    ----------
    network : str
        Name in :data:`gliofuse.deep.networks.NETWORKS`.
    preset : {"paper", "quick"}
        ``paper`` as published. ``quick`` takes the slices with most tumour, or coarser patches.

    Raises
    ------
    SettingError
        For an unknown network or preset.

    Examples
    --------
    >>> input_preset("densenet121", "paper").settings.size
    64
    """
    if network not in _PRESETS:
        raise SettingError(f"network: got {network!r}; {did_you_mean(network, _PRESETS)}")
    if preset not in _PRESETS[network]:
        raise SettingError(f"preset: got {preset!r}; {did_you_mean(preset, _PRESETS[network])}")
    return _PRESETS[network][preset]
