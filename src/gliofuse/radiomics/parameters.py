"""What to extract: PyRadiomics' parameter files, checked, and two presets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gliofuse.errors import SettingError, did_you_mean
from gliofuse.radiomics.families import FAMILIES
from gliofuse.radiomics.image_types import IMAGE_TYPES, image_names

__all__ = ["PRESETS", "PYRADIOMICS_FAMILIES", "RadiomicsSettings", "Setting"]

_FLOAT_TRIPLE = tuple[float, float, float]


class Setting(BaseModel):
    """The ``setting`` part of a parameter file; names and defaults are PyRadiomics'.

    A filter's own settings are ``None`` until given, which leaves the filter's default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: int = Field(1, ge=1, description="Value of the region in the mask.")
    label_channel: int = Field(0, ge=0, description="Channel of a mask with several.")
    additionalInfo: bool = Field(True, description="Write the diagnostics_* entries.")
    geometryTolerance: float | None = Field(
        None, gt=0, description="Allowed difference of image and mask in origin and axes, mm."
    )
    correctMask: bool = Field(False, description="Resample a mask of other geometry.")
    minimumROIDimensions: int = Field(2, ge=1, le=3, description="Axes longer than one voxel.")
    minimumROISize: int | None = Field(None, ge=0, description="More voxels than this.")
    normalize: bool = Field(False, description="z-score the whole image first.")
    normalizeScale: float = Field(1.0, gt=0, description="Factor after normalising.")
    removeOutliers: float | None = Field(None, gt=0, description="Clip beyond so many SD.")
    resampledPixelSpacing: _FLOAT_TRIPLE | None = Field(
        None, description="Voxel size (x, y, z) in mm to resample to; 0 keeps an axis."
    )
    interpolator: str | int | None = Field("sitkBSpline", description="SimpleITK's name.")
    padDistance: int = Field(5, ge=0, description="Voxels kept around the region.")
    preCrop: bool = Field(False, description="Crop, so that filters see padDistance voxels around.")
    resegmentRange: tuple[float, ...] | None = Field(
        None, min_length=1, max_length=2, description="Keep voxels inside this range."
    )
    resegmentMode: Literal["absolute", "relative", "sigma"] = "absolute"
    resegmentShape: bool = Field(False, description="Resegment for the shape features too.")
    binWidth: float = Field(25.0, gt=0, description="Width of a grey level.")
    binCount: int | None = Field(None, ge=1, le=4096, description="Number of grey levels instead.")
    voxelArrayShift: float = Field(0.0, description="Added to intensities in Energy and RMS.")
    distances: tuple[int, ...] = Field((1,), min_length=1, description="GLCM, GLDM, NGTDM.")
    force2D: bool = Field(False, description="Texture within planes only.")
    force2Ddimension: int = Field(0, ge=0, le=2, description="0 z, 1 y, 2 x: across the planes.")
    symmetricalGLCM: bool = Field(True, description="Count each pair both ways.")
    weightingNorm: Literal["manhattan", "euclidean", "infinity", "no_weighting"] | None = None
    gldm_a: float = Field(0.0, ge=0, description="Difference within which voxels depend.")
    sigma: tuple[int | float, ...] | None = Field(None, min_length=1, description="LoG, mm.")
    wavelet: str | None = None
    level: int | None = Field(None, ge=1)
    start_level: int | None = Field(None, ge=0)
    gradientUseSpacing: bool | None = None
    lbp2DRadius: float | None = Field(None, gt=0)
    lbp2DSamples: int | None = Field(None, ge=1)
    lbp2DMethod: Literal["default", "ror", "uniform", "var"] | None = None
    lbp3DLevels: int | None = Field(None, ge=1)
    lbp3DIcosphereRadius: float | None = Field(None, gt=0)
    lbp3DIcosphereSubdivision: int | None = Field(None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _as_lists(cls, data: Any) -> Any:
        """Take a single number for a list, as PyRadiomics' files write it."""
        if isinstance(data, dict):
            data = {
                key: (value,)
                if key in ("distances", "sigma", "resegmentRange")
                and isinstance(value, int | float)
                else value
                for key, value in data.items()
            }
        return data

    def updated(self, changes: Mapping[str, Any]) -> Setting:
        """Return the settings of one image type: these with ``changes`` on top."""
        return self if not changes else Setting(**{**self.given(), **changes})

    def given(self) -> dict[str, Any]:
        """Return what was given, without the defaults."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


def _every_family() -> dict[str, list[str]]:
    return {family: [] for family in FAMILIES}


class RadiomicsSettings(BaseModel):
    """Which features of which derived images, and how.

    Parameters
    ----------
    setting : Setting
        Preprocessing, discretisation and texture.
    imageType : dict of str to dict
        Derived images, each with settings of its own on top of ``setting``.
    featureClass : dict of str to list of str
        Families and the features wanted; an empty list is all of them but the deprecated.

    Examples
    --------
    >>> settings = RadiomicsSettings.preset("original")
    >>> len(settings.feature_names())
    107
    >>> RadiomicsSettings.from_params({"setting": {"binwidth": 10}})
    Traceback (most recent call last):
    gliofuse.errors.SettingError: parameters: setting has no 'binwidth'; did you mean ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    setting: Setting = Setting.model_validate({})
    imageType: dict[str, dict[str, Any]] = {"Original": {}}
    featureClass: dict[str, list[str]] = Field(default_factory=_every_family)

    @classmethod
    def from_params(cls, params: str | os.PathLike[str] | Mapping[str, Any]) -> RadiomicsSettings:
        """Read a PyRadiomics parameter file (YAML or JSON) or dictionary.

        Parameters
        ----------
        params : path or mapping
            With any of ``setting``, ``imageType``, ``featureClass`` and ``voxelSetting``; the last
            concerns voxel-based maps and is left aside.

        Raises
        ------
        SettingError
            If the file is missing or no YAML, a key is unknown, or a value is not allowed.
        """
        source, data = ("parameters", params) if isinstance(params, Mapping) else _read(params)
        _check_keys(
            source,
            "a parameter file",
            data,
            ("setting", "imageType", "featureClass", "voxelSetting"),
        )
        setting = _mapping(source, "setting", data.get("setting"))
        images = _mapping(source, "imageType", data.get("imageType")) or {"Original": {}}
        families = _mapping(source, "featureClass", data.get("featureClass")) or _every_family()
        _check_keys(source, "setting", setting, Setting.model_fields)
        _check_keys(source, "imageType", images, IMAGE_TYPES)
        base = _setting(source, "setting", setting)
        custom: dict[str, dict[str, Any]] = {}
        for name, changes in images.items():
            own = _mapping(source, f"imageType {name}", changes)
            _check_keys(source, f"imageType {name}", own, Setting.model_fields)
            _setting(source, f"imageType {name}", {**setting, **own})
            custom[name] = dict(own)
        wanted = {name: _features(source, name, given) for name, given in families.items()}
        return cls(setting=base, imageType=custom, featureClass=wanted)

    @classmethod
    def preset(cls, name: str) -> RadiomicsSettings:
        """Return one of :data:`PRESETS`, ``shape`` or ``original``.

        Raises
        ------
        SettingError
            If there is no preset of that name.
        """
        if name not in PRESETS:
            raise SettingError(
                f"radiomics preset {name!r} is unknown: {did_you_mean(name, PRESETS)}"
            )
        return cls.from_params(PRESETS[name])

    def image_settings(self, image_type: str) -> Setting:
        """Return the settings that hold for one image type."""
        return self.setting.updated(self.imageType[image_type])

    def wanted(self, family: str) -> tuple[str, ...]:
        """Return the features of a family in PyRadiomics' order; empty if it is off."""
        if family not in self.featureClass:
            return ()
        chosen, known = self.featureClass[family], FAMILIES[family]
        return tuple(name for name in known.every_name if name in (chosen or known.names))

    def image_names(self, image_type: str) -> tuple[str, ...]:
        """Return the names, as PyRadiomics spells them, of the images of one image type."""
        return image_names(image_type, self.image_settings(image_type))

    def feature_names(self) -> tuple[str, ...]:
        """Return the name of every feature that one image and region give, without diagnostics."""
        return (
            *(
                f"original_{family}_{name}"
                for family in self.featureClass
                if not FAMILIES[family].of_image
                for name in self.wanted(family)
            ),
            *(
                f"{image}_{family}_{name}"
                for image_type in self.imageType
                for image in self.image_names(image_type)
                for family in self.featureClass
                if FAMILIES[family].of_image
                for name in self.wanted(family)
            ),
        )


def _read(path: str | os.PathLike[str]) -> tuple[str, Mapping[str, Any]]:
    import yaml

    source = Path(path)
    if not source.is_file():
        raise SettingError(f"{source}: no such parameter file; give a YAML file or a preset's name")
    try:
        data = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingError(f"{source}: not a YAML file ({' '.join(str(error).split())})") from error
    return str(source), _mapping(str(source), "a parameter file", data)


def _mapping(source: str, what: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise SettingError(f"{source}: {what} must be made of 'key: value' lines, got {value!r}")
    return value


def _check_keys(source: str, what: str, data: Mapping[str, Any], allowed: Any) -> None:
    for key in data:
        if key not in allowed:
            raise SettingError(
                f"{source}: {what} has no {key!r}; {did_you_mean(str(key), allowed)}"
            )


def _setting(source: str, what: str, data: Mapping[str, Any]) -> Setting:
    try:
        return Setting(**data)
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][0] if first["loc"] else what
        raise SettingError(
            f"{source}: {what}: {name} got {data.get(str(name))!r}: {first['msg']}"
        ) from error


def _features(source: str, family: str, given: Any) -> list[str]:
    if family not in FAMILIES:
        extra = "; shape2D is not offered" if family == "shape2D" else ""
        raise SettingError(
            f"{source}: featureClass has no {family!r}; {did_you_mean(family, FAMILIES)}{extra}"
        )
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, list | tuple):
        raise SettingError(f"{source}: featureClass {family} must be a list, got {given!r}")
    known = FAMILIES[family]
    for name in given:
        if name in known.equals:
            raise SettingError(
                f"{source}: {family} {name} is deprecated and gives no value; it equals "
                f"{known.equals[name]}"
            )
        if name not in known.every_name:
            raise SettingError(
                f"{source}: featureClass {family} has no {name!r}; "
                f"{did_you_mean(str(name), known.names)}"
            )
    return list(given)


#: By name, so that a family that is added later changes no bank that was published.
PYRADIOMICS_FAMILIES = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")

PRESETS: dict[str, dict[str, Any]] = {
    "shape": {"featureClass": {"shape": []}},
    # 32 levels, since PyRadiomics' bin width of 25 leaves one grey level of normalised images
    "original": {
        "setting": {"binCount": 32},
        "featureClass": {family: [] for family in PYRADIOMICS_FAMILIES},
    },
}
"""Parameter files by name: ``shape`` has 14 features, ``original`` (no derived images) 107."""
