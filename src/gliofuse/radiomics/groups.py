"""Groups of features of one image: every derived image once, every region and family on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gliofuse.imaging.boxes import bounding_box
from gliofuse.radiomics.discretise import discretise
from gliofuse.radiomics.families import FAMILIES, Inside
from gliofuse.radiomics.image_types import image_type_of
from gliofuse.radiomics.parameters import RadiomicsSettings, Setting
from gliofuse.radiomics.region import Region

__all__ = ["Group", "compute_groups", "groups", "image_values", "region_values"]


@dataclass(frozen=True, order=True)
class Group:
    """Features that are computed together: one family on one derived image in one region.

    ``image`` is a name such as ``wavelet-LLH``; empty for a family that no image enters.
    """

    region: str
    image: str
    family: str

    @property
    def of_image(self) -> bool:
        """Whether an image enters the values; the shape of a region, say, is without one."""
        return FAMILIES[self.family].of_image


def groups(settings: RadiomicsSettings, regions: Collection[str]) -> list[Group]:
    """Return the groups that the settings ask for, in the order of the feature names."""
    return [
        *(
            Group(region, "", family)
            for region in regions
            for family in settings.featureClass
            if not FAMILIES[family].of_image
        ),
        *(
            Group(region, image, family)
            for region in regions
            for image_type in settings.imageType
            for image in settings.image_names(image_type)
            for family in settings.featureClass
            if FAMILIES[family].of_image
        ),
    ]


def region_values(region: Region, family: str, wanted: Collection[str]) -> dict[str, float]:
    """Return wanted features that no image enters, as ``original_<family>_<Feature>``."""
    compute = FAMILIES[family].from_region
    assert compute is not None, family
    values = compute(region)
    return {f"original_{family}_{name}": values[name] for name in wanted}


def compute_groups(
    image_zyx: np.ndarray,
    spacing_mm: tuple[float, float, float],
    masks: Mapping[str, np.ndarray],
    settings: RadiomicsSettings,
    wanted: Collection[Group],
) -> dict[Group, dict[str, float]]:
    """Compute groups of first-order and texture features of one image.

    Each filter runs once, over the box around all regions.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
        The whole image, in the type of its file.
    spacing_mm : tuple of float
        Voxel size (z, y, x).
    masks : dict of str to ndarray of bool, shape (z, y, x)
        Regions by name; none empty.
    settings : RadiomicsSettings
    wanted : collection of Group
        Groups that no image enters are passed over.

    Returns
    -------
    dict
        For each group its values by full feature name.
    """
    needed = [group for group in wanted if group.of_image]
    out: dict[Group, dict[str, float]] = {group: {} for group in needed}
    used = {name: masks[name] for name in dict.fromkeys(group.region for group in needed)}
    if not used:
        return out
    union = (
        np.logical_or.reduce(list(used.values())) if len(used) > 1 else next(iter(used.values()))
    )
    box = bounding_box(union)
    regions = {}
    for name, mask in used.items():
        inner = bounding_box(mask[box])
        regions[name] = (inner, Region(mask[box][inner], spacing_mm))
    chosen = _settings_of(settings, {group.image for group in needed})
    families: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for group in needed:
        wanted_here = families.setdefault((group.image, group.region), {})
        wanted_here[group.family] = settings.wanted(group.family)
    for image, cropped in _images(image_zyx, spacing_mm, box, union, chosen):
        for name, (inner, region) in regions.items():
            if (image, name) not in families:
                continue
            values = image_values(
                cropped[inner], region, chosen[image_type_of(image)], families[image, name]
            )
            for family, found in values.items():
                out[Group(name, image, family)] = {
                    f"{image}_{family}_{feature}": value for feature, value in found.items()
                }
    return out


def image_values(
    image_zyx: np.ndarray,
    region: Region,
    setting: Setting,
    families: Mapping[str, Collection[str]],
) -> dict[str, dict[str, float]]:
    """Return the wanted features of each family of one image in one region.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
        The image on the region's bounding box. A voxel may be NaN (the kurtosis of a local binary
        pattern): it takes a grey level above all others and no part in the first-order features.
    region : Region
    setting : Setting
    families : dict of str to collection of str
        Wanted features by family.

    Returns
    -------
    dict of str to dict of str to float
    """
    values = image_zyx[region.mask].astype(np.float64)
    ordered = np.sort(values)  # NaN last
    known = int(np.searchsorted(ordered, np.nan)) if np.isnan(ordered[-1]) else len(ordered)
    levels = discretise(
        values,
        bin_width=setting.binWidth,
        bin_count=setting.binCount,
        dtype=image_zyx.dtype,
        bounds=(float(ordered[0]), float(ordered[known - 1])) if known else None,
    )
    inside = Inside(region, levels, ordered[:known])
    out = {}
    for family, names in families.items():
        compute = FAMILIES[family].from_image
        assert compute is not None, family
        found = compute(inside, setting)
        out[family] = {name: found[name] for name in names}
    return out


def _images(
    image_zyx: np.ndarray,
    spacing_mm: tuple[float, float, float],
    box: tuple[slice, slice, slice],
    mask: np.ndarray,
    chosen: Mapping[str, Setting],
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each derived image on ``box``; one call for all lets filters share work."""
    if set(chosen) == {"Original"}:
        yield "original", image_zyx[box]
        return
    from gliofuse.radiomics.filters import derived_images

    options = {
        image_type: {key: value for key, value in setting.model_dump().items() if value is not None}
        for image_type, setting in chosen.items()
    }
    yield from derived_images(image_zyx, spacing_mm, box, mask, options)


def _settings_of(settings: RadiomicsSettings, images: Collection[str]) -> dict[str, Setting]:
    """Return the settings of each image type that ``images`` need, with the sigmas they need."""
    out = {}
    for image_type in settings.imageType:
        setting = settings.image_settings(image_type)
        names = settings.image_names(image_type)
        if image_type == "LoG":
            sigmas = [
                s for s, name in zip(setting.sigma or (), names, strict=True) if name in images
            ]
            if sigmas:
                out[image_type] = setting.updated({"sigma": tuple(sigmas)})
        elif any(name in images for name in names):
            out[image_type] = setting
    return out
