"""PyRadiomics' own class, for scripts that configure it step by step.

Replace ``from radiomics import featureextractor`` by
``from gliofuse.radiomics import featureextractor``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from gliofuse.errors import SettingError, did_you_mean
from gliofuse.radiomics.extractor import RadiomicsExtractor, changed
from gliofuse.radiomics.families import FAMILIES
from gliofuse.radiomics.image_types import IMAGE_TYPES
from gliofuse.radiomics.parameters import RadiomicsSettings, Setting

__all__ = ["RadiomicsFeatureExtractor"]


class RadiomicsFeatureExtractor(RadiomicsExtractor):
    """The extractor with PyRadiomics' methods to switch features and images on and off.

    Examples
    --------
    >>> extractor = RadiomicsFeatureExtractor(binWidth=10)
    >>> extractor.settings["binWidth"] = 5
    >>> extractor.disableAllFeatures()
    >>> extractor.enableFeaturesByName(firstorder=["Mean", "Skewness"])
    >>> extractor.params.feature_names()
    ('original_firstorder_Mean', 'original_firstorder_Skewness')
    """

    @property
    def settings(self) -> MutableMapping[str, Any]:
        """The settings; setting one changes the extractor, an unknown one is an error."""
        return _Settings(self)

    @property
    def enabledImagetypes(self) -> dict[str, dict[str, Any]]:
        """The derived images that are on, each with settings of its own."""
        return dict(self.params.imageType)

    @property
    def enabledFeatures(self) -> dict[str, list[str]]:
        """The families that are on; an empty list is every feature."""
        return dict(self.params.featureClass)

    def loadParams(self, paramsFile: str | os.PathLike[str]) -> None:
        """Take everything from a parameter file."""
        self.params = RadiomicsSettings.from_params(paramsFile)

    def loadJSONParams(self, JSON_configuration: str) -> None:
        """Take everything from a parameter file's content as JSON."""
        self.params = RadiomicsSettings.from_params(json.loads(JSON_configuration))

    def addProvenance(self, provenance_on: bool = True) -> None:
        """Switch the ``diagnostics_*`` entries on or off."""
        self.settings["additionalInfo"] = provenance_on

    def enableAllFeatures(self) -> None:
        """Enable every feature of every family but the deprecated."""
        self.params = changed(self.params, featureClass={family: [] for family in FAMILIES})

    def disableAllFeatures(self) -> None:
        """Disable every family."""
        self.params = self.params.model_copy(update={"featureClass": {}})

    def enableFeatureClassByName(self, featureClass: str, enabled: bool = True) -> None:
        """Enable or disable a family."""
        _check(featureClass, FAMILIES, "feature class")
        classes = {k: v for k, v in self.params.featureClass.items() if k != featureClass}
        if enabled:
            classes[featureClass] = []
        self.params = self.params.model_copy(update={"featureClass": classes})

    def enableFeaturesByName(self, **features: list[str] | None) -> None:
        """Enable features by family, for example ``firstorder=["Mean"]``."""
        self.params = changed(self.params, featureClass={**self.params.featureClass, **features})

    def enableAllImageTypes(self) -> None:
        """Enable every derived image with its default settings."""
        self.params = changed(self.params, imageType={name: {} for name in IMAGE_TYPES})

    def disableAllImageTypes(self) -> None:
        """Disable every derived image."""
        self.params = self.params.model_copy(update={"imageType": {}})

    def enableImageTypeByName(
        self, imageType: str, enabled: bool = True, customArgs: Mapping[str, Any] | None = None
    ) -> None:
        """Enable or disable a derived image, with settings of its own."""
        _check(imageType, IMAGE_TYPES, "image type")
        types = {k: v for k, v in self.params.imageType.items() if k != imageType}
        if enabled:
            self.params = changed(self.params, imageType={**types, imageType: customArgs})
        else:
            self.params = self.params.model_copy(update={"imageType": types})

    def enableImageTypes(self, **imageTypes: Mapping[str, Any] | None) -> None:
        """Enable derived images by name, each with settings of its own."""
        self.params = changed(self.params, imageType={**self.params.imageType, **imageTypes})


class _Settings(MutableMapping[str, Any]):
    """PyRadiomics' dictionary of settings, checked as a parameter file is."""

    def __init__(self, extractor: RadiomicsFeatureExtractor) -> None:
        self._extractor = extractor

    def __getitem__(self, name: str) -> Any:
        _check(name, Setting.model_fields, "setting")
        return getattr(self._extractor.params.setting, name)

    def __setitem__(self, name: str, value: Any) -> None:
        params = self._extractor.params
        self._extractor.params = changed(params, setting={**params.setting.given(), name: value})

    def __delitem__(self, name: str) -> None:
        params = self._extractor.params
        kept = {key: value for key, value in params.setting.given().items() if key != name}
        self._extractor.params = changed(params, setting=kept)

    def __iter__(self) -> Iterator[str]:
        return iter(Setting.model_fields)

    def __len__(self) -> int:
        return len(Setting.model_fields)


def _check(name: str, allowed: Any, what: str) -> None:
    if name not in allowed:
        raise SettingError(f"{what} {name!r} is unknown: {did_you_mean(name, allowed)}")
