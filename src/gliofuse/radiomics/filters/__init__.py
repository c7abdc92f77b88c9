"""Derived images, computed only where the region needs them and equal to the whole volume's.

Names, defaults and quirks are those of PyRadiomics 3.0.1. Each filter reads the region's
bounding box widened by as much as its memory reaches (its module says how much), so that the
values inside the box are those that filtering the whole volume would give.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.errors import ImageError, SettingError, did_you_mean
from gliofuse.radiomics.filters._window import Box
from gliofuse.radiomics.filters.gradient import gradient
from gliofuse.radiomics.filters.intensity import (
    exponential,
    largest_magnitude,
    logarithm,
    square,
    squareroot,
)
from gliofuse.radiomics.filters.laplacian import filled_box, laplacian_of_gaussian
from gliofuse.radiomics.filters.lbp2d import local_binary_patterns_2d
from gliofuse.radiomics.filters.lbp3d import local_binary_patterns_3d
from gliofuse.radiomics.filters.wavelet import wavelet_bands

__all__ = ["IMAGE_TYPES", "FilterBank", "derived_images"]

_log = logging.getLogger(__name__)
Named = Iterator[tuple[str, NDArray[Any]]]


class FilterBank:
    """The volume with its region, and what several filters need to know of it.

    Parameters
    ----------
    image : ndarray, shape (z, y, x)
    spacing_mm : tuple of float
        Along z, y, x.
    box : tuple of three slices
    mask : ndarray of bool
        The region, of the volume's shape or of ``box``'s.

    Raises
    ------
    ImageError
        If image, mask and box do not fit together.
    """

    def __init__(
        self,
        image: NDArray[Any],
        spacing_mm: tuple[float, float, float],
        box: Box,
        mask: NDArray[np.bool_],
    ) -> None:
        if image.ndim != 3:
            raise ImageError(f"image_zyx needs three axes (z, y, x), got shape {image.shape}")
        box_shape = tuple(extent.stop - extent.start for extent in box)
        mask_box = mask[box] if mask.shape == image.shape else mask
        if mask_box.shape != box_shape:
            raise ImageError(
                f"mask_zyx must have the image's shape {image.shape} or the box's {box_shape}, "
                f"got {mask.shape}"
            )
        z, y, x = (float(step) for step in spacing_mm)
        self.image = image
        self.spacing_mm = (z, y, x)
        self.box = box
        self.mask_box = mask_box
        self.crop = image[box]

    @cached_property
    def largest(self) -> float:
        """Largest absolute intensity of the whole volume."""
        return largest_magnitude(self.image)

    @cached_property
    def filled(self) -> Box:
        """Bounding box of the voxels that are not 0."""
        return filled_box(self.image)

    def images(self, image_type: str, options: Mapping[str, Any] | None = None) -> Named:
        """Yield name and values of the images of one type; see :func:`derived_images`."""
        _check_type(image_type)
        yield from IMAGE_TYPES[image_type](self, options or {})


def _original(source: FilterBank, options: Mapping[str, Any]) -> Named:
    yield "original", np.ascontiguousarray(source.crop)


def _rescaled(name: str, function: Callable[..., NDArray[np.float64]]) -> Callable[..., Named]:
    def images(source: FilterBank, options: Mapping[str, Any]) -> Named:
        yield name, function(source.crop, largest=source.largest)

    return images


def _gradient(source: FilterBank, options: Mapping[str, Any]) -> Named:
    use_spacing = bool(options.get("gradientUseSpacing", True))
    yield "gradient", gradient(source.image, source.spacing_mm, source.box, use_spacing=use_spacing)


def _log_images(source: FilterBank, options: Mapping[str, Any]) -> Named:
    sigmas = options.get("sigma") or ()
    for sigma in sigmas:
        if not sigma > 0:
            raise SettingError(f"LoG needs every sigma > 0 (mm), got {sigma!r}")
        needed = [max(4, math.ceil(sigma / step) + 1) for step in source.spacing_mm]
        if any(size < least for size, least in zip(source.image.shape, needed)):
            _log.warning(
                "no LoG image for sigma %s mm: it needs at least %s voxels (z, y, x), the image "
                "has %s",
                *(sigma, tuple(needed), source.image.shape),
            )
            continue
        name = f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D"
        yield (
            name,
            laplacian_of_gaussian(
                source.image,
                source.spacing_mm,
                source.box,
                sigma_mm=sigma,
                filled=source.filled,
            ),
        )


def _wavelet(source: FilterBank, options: Mapping[str, Any]) -> Named:
    axes = [2, 1, 0]
    if options.get("force2D", False):
        axes.remove(options.get("force2Ddimension", 0))
    yield from wavelet_bands(
        source.image,
        source.box,
        wavelet=options.get("wavelet", "coif1"),
        level=options.get("level", 1),
        start_level=options.get("start_level", 0),
        axes=tuple(axes),
    )


def _lbp_2d(source: FilterBank, options: Mapping[str, Any]) -> Named:
    yield (
        "lbp-2D",
        local_binary_patterns_2d(
            source.image,
            source.box,
            radius=options.get("lbp2DRadius", 1),
            samples=options.get("lbp2DSamples", 8),
            method=options.get("lbp2DMethod", "uniform"),
            axis=options.get("force2Ddimension", 0),
        ),
    )


def _lbp_3d(source: FilterBank, options: Mapping[str, Any]) -> Named:
    yield from local_binary_patterns_3d(
        source.image,
        source.box,
        source.mask_box,
        levels=options.get("lbp3DLevels", 2),
        radius=options.get("lbp3DIcosphereRadius", 1),
        subdivisions=options.get("lbp3DIcosphereSubdivision", 1),
    ).items()


IMAGE_TYPES: dict[str, Callable[[FilterBank, Mapping[str, Any]], Named]] = {
    "Original": _original,
    "Square": _rescaled("square", square),
    "SquareRoot": _rescaled("squareroot", squareroot),
    "Logarithm": _rescaled("logarithm", logarithm),
    "Exponential": _rescaled("exponential", exponential),
    "Gradient": _gradient,
    "LoG": _log_images,
    "Wavelet": _wavelet,
    "LBP2D": _lbp_2d,
    "LBP3D": _lbp_3d,
}
"""PyRadiomics' image types; each makes one or more derived images."""


def derived_images(
    image_zyx: NDArray[Any],
    spacing_zyx_mm: tuple[float, float, float],
    roi_bbox: Box,
    mask_zyx: NDArray[np.bool_],
    image_types: Mapping[str, Mapping[str, Any] | None],
) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the name and the values inside ``roi_bbox`` of every derived image asked for.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
        The whole volume, in the type it has in its file: integers, float32 and float64 are
        filtered differently, as PyRadiomics does.
    spacing_zyx_mm : tuple of float
        Voxel size along z, y, x.
    roi_bbox : tuple of three slices
        The box to fill.
    mask_zyx : ndarray of bool
        The region, either of the volume's shape or cropped to ``roi_bbox``. Only the 3D local
        binary patterns use it; they are 0 outside the region.
    image_types : mapping
        As in a PyRadiomics parameter file: ``{"Original": {}, "LoG": {"sigma": [2.0, 3.0]}}``.
        Options that a filter does not use are ignored.

    Yields
    ------
    name : str
        As PyRadiomics spells it: ``wavelet-LLH``, ``log-sigma-2-0-mm-3D``, ``lbp-3D-m1``, ...
    image : ndarray, shape of ``roi_bbox``
        float32 for gradient, LoG and the wavelet of a float32 image; the image's own type for
        the original and the 2D local binary pattern; else float64.

    Raises
    ------
    SettingError
        If an image type or one of its options is not allowed.
    ImageError
        If image, mask and box do not fit together.

    Examples
    --------
    >>> image = np.random.default_rng(0).normal(size=(12, 14, 16))
    >>> box = (slice(3, 8), slice(4, 9), slice(2, 9))
    >>> types = {"Original": {}, "LoG": {"sigma": [1.0]}}
    >>> for name, values in derived_images(image, (1, 1, 1), box, image > 0, types):
    ...     print(name, values.shape)
    original (5, 5, 7)
    log-sigma-1-0-mm-3D (5, 5, 7)
    """
    for name in image_types:
        _check_type(name)
    bank = FilterBank(image_zyx, spacing_zyx_mm, roi_bbox, mask_zyx)
    for name, options in image_types.items():
        yield from bank.images(name, options)


def _check_type(name: str) -> None:
    if name not in IMAGE_TYPES:
        raise SettingError(f"image type {name!r} is unknown; {did_you_mean(name, IMAGE_TYPES)}")
