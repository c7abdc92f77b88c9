"""The extractor with PyRadiomics' interface: image and mask in, a dictionary of features out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from gliofuse.radiomics.families import FAMILIES
from gliofuse.radiomics.groups import compute_groups, groups, region_values
from gliofuse.radiomics.loading import load_and_preprocess
from gliofuse.radiomics.parameters import RadiomicsSettings
from gliofuse.radiomics.region import Region

__all__ = ["RadiomicsExtractor", "RadiomicsWarning", "changed", "one_level"]


class RadiomicsWarning(UserWarning):
    """Features came out, and they may not be what was meant."""


class RadiomicsExtractor:
    """Extract the features that PyRadiomics' ``RadiomicsFeatureExtractor`` would, faster.

    Parameters
    ----------
    params : RadiomicsSettings, path or mapping, optional
        Settings, or a PyRadiomics parameter file or dictionary; by default every feature of the
        original image at bin width 25.
    **changes
        Single settings on top, for example ``binWidth=10``.

    Examples
    --------
    >>> from gliofuse.imaging import Volume
    >>> image = Volume(np.arange(120.0).reshape(4, 5, 6))
    >>> mask = Volume((image.array > 30).astype(np.uint8))
    >>> extractor = RadiomicsExtractor.from_params({"featureClass": {"firstorder": ["Mean"]}})
    >>> extractor.execute(image, mask)["original_firstorder_Mean"]
    75.0
    """

    def __init__(
        self,
        params: RadiomicsSettings | str | os.PathLike[str] | Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        if isinstance(params, RadiomicsSettings):
            settings = params
        else:
            settings = (
                RadiomicsSettings() if params is None else RadiomicsSettings.from_params(params)
            )
        if changes:
            settings = changed(settings, setting={**settings.setting.given(), **changes})
        self.params = settings

    @classmethod
    def from_params(cls, params: str | os.PathLike[str] | Mapping[str, Any]) -> RadiomicsExtractor:
        """Make an extractor from a PyRadiomics parameter file or dictionary."""
        return cls(params)

    @classmethod
    def from_preset(cls, name: str) -> RadiomicsExtractor:
        """Make an extractor from a preset, for example ``"original"``."""
        return cls(RadiomicsSettings.preset(name))

    def execute(
        self,
        image: Any,
        mask: Any,
        label: int | None = None,
        label_channel: int | None = None,
    ) -> dict[str, Any]:
        """Return the features of one image in one region.

        Parameters
        ----------
        image, mask : path, Volume or SimpleITK.Image
            On one grid, unless ``correctMask`` is set.
        label : int, optional
            Value of the region in the mask; the setting's (1) by default.
        label_channel : int, optional
            Channel of a mask with several, the setting's (0) by default.

        Returns
        -------
        dict
            ``diagnostics_*`` entries (unless ``additionalInfo`` is off), then
            ``<image>_<family>_<Feature>`` with float values. Points and sizes in the diagnostics
            are (x, y, z), as in PyRadiomics.

        Raises
        ------
        ImageError, GeometryError
            If a file cannot be read, a voxel is not finite, or the grids differ.
        RegionError
            If the label is not in the mask or the region breaks a minimum.
        """
        given = {"label": label, "label_channel": label_channel}
        changes = {key: value for key, value in given.items() if value is not None}
        settings = self.params
        if changes:
            settings = changed(settings, setting={**settings.setting.given(), **changes})
        diagnostics: dict[str, Any] | None = None
        if settings.setting.additionalInfo:
            from gliofuse.radiomics.diagnostics import first_entries

            diagnostics = first_entries(settings)
        prepared = load_and_preprocess(image, mask, settings.setting, diagnostics=diagnostics)
        if message := one_level(prepared.image.array[prepared.texture_mask], settings):
            warnings.warn(message, RadiomicsWarning, stacklevel=2)
        out: dict[str, Any] = diagnostics or {}
        wanted = groups(settings, [""])
        region = Region(prepared.mask[prepared.box], prepared.image.spacing_mm)
        for group in wanted:
            if not group.of_image:
                out.update(region_values(region, group.family, settings.wanted(group.family)))
        values = compute_groups(
            prepared.image.array,
            prepared.image.spacing_mm,
            {"": prepared.texture_mask},
            settings,
            wanted,
        )
        by_name = {name: value for group in values.values() for name, value in group.items()}
        # PyRadiomics goes image by image, the groups family by family within an image type
        out.update((name, by_name[name]) for name in settings.feature_names() if name in by_name)
        out.update((name, value) for name, value in by_name.items() if name not in out)
        return out


def changed(settings: RadiomicsSettings, **changes: Any) -> RadiomicsSettings:
    """Return settings with whole parts replaced, checked as a parameter file is."""
    return RadiomicsSettings.from_params(
        {
            "setting": settings.setting.given(),
            "imageType": settings.imageType,
            "featureClass": settings.featureClass,
            **changes,
        }
    )


def one_level(values: np.ndarray, settings: RadiomicsSettings) -> str:
    """Say so if the bin width leaves one grey level of intensities that differ; empty if not."""
    setting = settings.setting
    if setting.binCount is not None or not any(FAMILIES[f].of_image for f in settings.featureClass):
        return ""
    low, high = float(values.min()), float(values.max())
    if low == high or low // setting.binWidth != high // setting.binWidth:
        return ""
    return (
        f"binWidth: {setting.binWidth:g} puts the region's whole range {low:g} to {high:g} into "
        f"one grey level, so that the texture features say nothing; set a binCount (32, say), a "
        f"smaller binWidth, or normalizeScale"
    )
