"""From files to voxels: loading, checks, and what PyRadiomics' preprocessing leaves to describe."""

from __future__ import annotations

import os
from typing import Any

from gliofuse.errors import ImageError, InputError
from gliofuse.imaging.finite import check_finite
from gliofuse.imaging.volume import Volume
from gliofuse.radiomics.parameters import Setting
from gliofuse.radiomics.preprocess import Preprocessed, preprocess

__all__ = ["as_volume", "load_and_preprocess"]


def as_volume(source: Any, what: str, *, channel: int = 0) -> tuple[Volume, str]:
    """Return a volume and what to call it, from a path, a Volume or a SimpleITK image.

    Raises
    ------
    ImageError
        If ``source`` is none of these, or cannot be read.
    """
    if isinstance(source, Volume):
        return source, f"the {what}"
    if isinstance(source, str | os.PathLike):
        return Volume.read(source), str(source)
    if hasattr(source, "GetPixelID"):
        if source.GetNumberOfComponentsPerPixel() > 1:
            import SimpleITK as sitk

            source = sitk.VectorIndexSelectionCast(source, channel)
        return Volume.from_sitk(source), f"the {what}"
    raise ImageError(f"the {what} must be a path, a Volume or a SimpleITK image, got {source!r}")


def load_and_preprocess(
    image: Any, mask: Any, setting: Setting, *, diagnostics: dict[str, Any] | None = None
) -> Preprocessed:
    """Load, check and preprocess one image and one label of its mask.

    Parameters
    ----------
    image, mask : path, Volume or SimpleITK.Image
    setting : Setting
    diagnostics : dict, optional
        Takes the ``diagnostics_*`` entries of each stage.

    Raises
    ------
    ImageError, GeometryError, RegionError
        See :meth:`gliofuse.radiomics.RadiomicsExtractor.execute`.
    """
    picture, image_name = as_volume(image, "image")
    labels, mask_name = as_volume(mask, "mask", channel=setting.label_channel)
    check_finite(picture, image_name)
    try:
        prepared = preprocess(picture, labels, setting)
    except InputError as error:
        # the same error, with the files that it is about
        raise type(error)(f"{image_name} with {mask_name}: {error}") from error
    if diagnostics is not None:
        _describe(picture, labels, prepared, setting, diagnostics)
    return prepared


def _describe(
    picture: Volume,
    labels: Volume,
    prepared: Preprocessed,
    setting: Setting,
    diagnostics: dict[str, Any],
) -> None:
    from gliofuse.radiomics.diagnostics import image_entries, mask_entries

    inside = labels.array if labels.array.dtype == bool else labels.array == setting.label
    diagnostics.update(image_entries(picture, "original"))
    diagnostics.update(mask_entries(labels, inside, "original"))
    image = prepared.image
    if "interpolated" in prepared.steps:
        diagnostics.update(image_entries(image, "interpolated"))
        diagnostics.update(mask_entries(image, prepared.mask, "interpolated", image.array))
    if "corrected" in prepared.steps:
        diagnostics.update(mask_entries(image, prepared.mask, "corrected", image.array))
    if "resegmented" in prepared.steps:
        diagnostics.update(mask_entries(image, prepared.texture_mask, "resegmented", image.array))
