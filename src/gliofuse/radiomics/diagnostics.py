"""The ``diagnostics_*`` entries that PyRadiomics writes beside the features."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from typing import Any

import numpy as np

from gliofuse.imaging.volume import Volume
from gliofuse.radiomics.parameters import RadiomicsSettings
from gliofuse.radiomics.region import Region

__all__ = ["PYRADIOMICS_VERSION", "first_entries", "image_entries", "mask_entries"]

PYRADIOMICS_VERSION = "3.0.1"
"""The version whose names and values are followed."""

# What PyRadiomics' own extractor lists when a parameter file does not name it.
_LISTED = (
    "minimumROIDimensions", "minimumROISize", "normalize", "normalizeScale", "removeOutliers",
    "resampledPixelSpacing", "interpolator", "preCrop", "padDistance", "distances", "force2D",
    "force2Ddimension", "resegmentRange", "label", "additionalInfo",
)  # fmt: skip


def first_entries(settings: RadiomicsSettings) -> dict[str, Any]:
    """Return the versions and the configuration.

    ``diagnostics_Versions_PyRadiomics`` names the version followed, not one installed;
    ``diagnostics_Versions_gliofuse`` names this package's.
    """
    setting = settings.setting
    listed = {name: getattr(setting, name) for name in _LISTED}
    return {
        "diagnostics_Versions_PyRadiomics": PYRADIOMICS_VERSION,
        "diagnostics_Versions_gliofuse": version("gliofuse"),
        "diagnostics_Versions_Numpy": np.__version__,
        "diagnostics_Versions_SimpleITK": version("SimpleITK"),
        "diagnostics_Versions_PyWavelet": version("PyWavelets"),
        "diagnostics_Versions_Python": platform.python_version(),
        "diagnostics_Configuration_Settings": _plain({**listed, **setting.given()}),
        "diagnostics_Configuration_EnabledImageTypes": _plain(settings.imageType),
    }


def image_entries(image: Volume, stage: str) -> dict[str, Any]:
    """Return what is said of an image at a stage: ``original`` or ``interpolated``."""
    start = f"diagnostics_Image-{stage}_"
    out: dict[str, Any] = {}
    if stage == "original":
        out[start + "Hash"] = _sha1(image.array)
        out[start + "Dimensionality"] = "3D"
    array = image.array
    return {
        **out,
        start + "Spacing": image.spacing_mm[::-1],
        start + "Size": array.shape[::-1],
        start + "Mean": float(array.mean(dtype=np.float64)),
        start + "Minimum": float(array.min()),
        start + "Maximum": float(array.max()),
    }


def mask_entries(
    labels: Volume, inside: np.ndarray, stage: str, image: np.ndarray | None = None
) -> dict[str, Any]:
    """Return what is said of a region at a stage.

    Parameters
    ----------
    labels : Volume
        The mask with all its labels.
    inside : ndarray of bool, shape (z, y, x)
        The region.
    stage : {"original", "corrected", "interpolated", "resegmented"}
    image : ndarray, shape (z, y, x), optional
        For the intensities inside; PyRadiomics leaves them out for the original mask.
    """
    from gliofuse.imaging.boxes import bounding_box
    from gliofuse.radiomics.families.glszm import count_parts

    start = f"diagnostics_Mask-{stage}_"
    out: dict[str, Any] = {}
    if stage == "original":
        out[start + "Hash"] = _sha1(labels.array, np.uint32)
    box = bounding_box(inside)
    region = Region(inside[box], labels.spacing_mm)
    corner = [part.start for part in box]
    index = np.array(np.unravel_index(region.inside, region.mask.shape)).mean(axis=1) + corner
    out |= {
        start + "Spacing": labels.spacing_mm[::-1],
        start + "Size": inside.shape[::-1],
        start + "BoundingBox": (*corner[::-1], *region.mask.shape[::-1]),
        start + "VoxelNum": region.size,
        start + "VolumeNum": count_parts(region),
        start + "CenterOfMassIndex": tuple(index[::-1].tolist()),
        start + "CenterOfMass": tuple(labels.index_to_point(index).tolist()),
    }
    if image is not None:
        values = image[box][region.mask]
        out[start + "Mean"] = float(values.mean(dtype=np.float64))
        out[start + "Minimum"] = float(values.min())
        out[start + "Maximum"] = float(values.max())
    return out


def _sha1(array: np.ndarray, kind: Any = None) -> str:
    """Return the hash of the voxels as ``kind``, plane by plane so that no copy is held."""
    digest = hashlib.sha1(usedforsecurity=False)
    for plane in array:
        digest.update(np.ascontiguousarray(plane, dtype=kind).data)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
