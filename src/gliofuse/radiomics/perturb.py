"""Small changes of an image and a region, such as another scan or another reader would bring.

The kinds follow A. Zwanenburg et al., "Assessing robustness of radiomic features by image
perturbation", Sci. Rep. 9, 614 (2019), doi:10.1038/s41598-018-36938-4; the sizes are the
project's choice and stand in :class:`PerturbationSettings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.errors import RegionError, SettingError, did_you_mean
from gliofuse.imaging.boxes import bounding_box
from gliofuse.imaging.volume import Volume

__all__ = [
    "PERTURBATIONS",
    "PerturbationSettings",
    "add_noise",
    "change_volume",
    "move",
    "perturb",
    "vary_contour",
]

Region = NDArray[np.bool_]
Mm = tuple[float, float, float]

_SMOOTHING_MM = 1.5  # orders voxels of equal distance to the surface, so that it stays smooth


@dataclass(frozen=True)
class PerturbationSettings:
    """How far each perturbation goes.

    Parameters
    ----------
    volume_fraction : float
        Part of the volume that erosion takes off and dilation adds.
    contour_sd_mm, contour_correlation_mm : float
        Spread of the contour noise and width of its bumps.
    shift_voxels : float
        Translation along x and along y.
    rotation_degrees : float
        Rotation in the slices' plane.
    noise_fraction : float
        Spread of the intensity noise, as a part of the region's own.
    bin_factor : float
        Factor on the width of a grey level (the inverse on a bin count).

    Raises
    ------
    SettingError
        If an amount is not above 0, or the fraction of the volume or the bin factor has no sense.
    """

    volume_fraction: float = 0.15
    contour_sd_mm: float = 1.0
    contour_correlation_mm: float = 4.0
    shift_voxels: float = 0.4
    rotation_degrees: float = 3.0
    noise_fraction: float = 0.05
    bin_factor: float = 1.25

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise SettingError(f"perturbation {name} must be above 0, got {value!r}")
        if self.volume_fraction >= 1 or self.bin_factor <= 1:
            raise SettingError(
                "volume_fraction must be below 1 and bin_factor above 1, got "
                f"{self.volume_fraction!r} and {self.bin_factor!r}"
            )


def change_volume(region: Region, spacing_mm: Mm, fraction: float) -> Region:
    """Take voxels off the surface or add them to it until the volume has changed by a fraction.

    Parameters
    ----------
    region : ndarray of bool, shape (z, y, x)
    spacing_mm : tuple of float
        Along z, y, x.
    fraction : float
        Above -1; -0.15 erodes by 15 % of the volume, 0.15 dilates by it.

    Returns
    -------
    ndarray of bool, shape (z, y, x)

    Examples
    --------
    >>> ball = np.linalg.norm(np.indices((15, 15, 15)) - 7, axis=0) < 5
    >>> int(ball.sum()), int(change_volume(ball, (1, 1, 1), -0.2).sum())
    (485, 388)
    """
    from scipy import ndimage

    count = int(np.count_nonzero(region))
    target = round(count * (1 + fraction))
    radius_mm = (3 * count * float(np.prod(spacing_mm)) / (4 * np.pi)) ** (1 / 3)
    box = _around(region, spacing_mm, 2 * max(spacing_mm) + radius_mm * abs(fraction))
    crop = region[box]
    distance = _signed_distance_mm(crop, spacing_mm)
    smooth = ndimage.gaussian_filter(
        crop.astype(np.float64), [_SMOOTHING_MM / step for step in spacing_mm]
    )
    order = np.lexsort((smooth.ravel(), distance.ravel().round(6)))[::-1]
    changed = np.zeros(crop.size, bool)
    changed[order[:target]] = True
    return _placed(changed.reshape(crop.shape), box, region.shape)


def vary_contour(
    region: Region,
    spacing_mm: Mm,
    rng: np.random.Generator,
    *,
    sd_mm: float = 1.0,
    correlation_mm: float = 4.0,
) -> Region:
    """Push the surface in and out by a smooth random field.

    Parameters
    ----------
    region : ndarray of bool, shape (z, y, x)
    spacing_mm : tuple of float
    rng : Generator
    sd_mm : float
        Standard deviation of the displacement.
    correlation_mm : float
        Width of the Gaussian that smooths the field.

    Returns
    -------
    ndarray of bool, shape (z, y, x)
    """
    from scipy import ndimage

    box = _around(region, spacing_mm, 4 * sd_mm + max(spacing_mm))
    crop = region[box]
    field = ndimage.gaussian_filter(
        rng.normal(size=crop.shape), [correlation_mm / step for step in spacing_mm], mode="wrap"
    )
    field *= sd_mm / max(float(field.std()), 1e-12)
    return _placed(_signed_distance_mm(crop, spacing_mm) + field > 0, box, region.shape)


def move(
    image: Volume, region: Region, *, shift_voxels: float = 0.0, degrees: float = 0.0
) -> tuple[Volume, Region]:
    """Translate along x and y and rotate about the region's centre in the slices' plane.

    The image is interpolated linearly, the region linearly and cut at one half.

    Parameters
    ----------
    image : Volume
    region : ndarray of bool, shape (z, y, x)
    shift_voxels : float
        Of each of the two axes.
    degrees : float

    Returns
    -------
    image : Volume
        In the same voxel type.
    region : ndarray of bool, shape (z, y, x)
    """
    import SimpleITK as sitk

    target = image.to_sitk()
    centre = np.argwhere(region).mean(axis=0)
    transform = sitk.VersorRigid3DTransform()
    transform.SetCenter(image.index_to_point(centre).tolist())
    transform.SetRotation(image.direction[:, 2].tolist(), float(np.deg2rad(degrees)))
    steps = np.array([0.0, shift_voxels, shift_voxels]) * np.array(image.spacing_mm)
    transform.SetTranslation((image.direction @ steps[::-1]).tolist())
    moved = sitk.Resample(target, target, transform, sitk.sitkLinear, 0.0)
    mask = image.with_array(region.astype(np.float32)).to_sitk()
    inside = sitk.Resample(mask, target, transform, sitk.sitkLinear, 0.0)
    return image.with_array(sitk.GetArrayFromImage(moved)), sitk.GetArrayFromImage(inside) > 0.5


def add_noise(
    image: Volume, region: Region, rng: np.random.Generator, *, fraction: float = 0.05
) -> Volume:
    """Add Gaussian noise whose spread is a fraction of the intensities' spread in the region.

    An integer image stays one, so that the noise alone makes the difference.
    """
    spread = fraction * float(np.std(image.array[region], dtype=np.float64))
    noisy = image.array + rng.normal(0.0, spread, image.shape)
    if np.issubdtype(image.array.dtype, np.integer):
        limits = np.iinfo(image.array.dtype)
        noisy = np.clip(np.rint(noisy), limits.min, limits.max)
    return image.with_array(noisy.astype(image.array.dtype))


def _erosion(image: Volume, region: Region, rng: Any, how: PerturbationSettings) -> Any:
    return image, change_volume(region, image.spacing_mm, -how.volume_fraction)


def _dilation(image: Volume, region: Region, rng: Any, how: PerturbationSettings) -> Any:
    return image, change_volume(region, image.spacing_mm, how.volume_fraction)


def _contour(image: Volume, region: Region, rng: Any, how: PerturbationSettings) -> Any:
    changed = vary_contour(
        region,
        image.spacing_mm,
        rng,
        sd_mm=how.contour_sd_mm,
        correlation_mm=how.contour_correlation_mm,
    )
    return image, changed


def _translation(image: Volume, region: Region, rng: Any, how: PerturbationSettings) -> Any:
    return move(image, region, shift_voxels=how.shift_voxels)


def _rotation(image: Volume, region: Region, rng: Any, how: PerturbationSettings) -> Any:
    return move(image, region, degrees=how.rotation_degrees)


def _noise(image: Volume, region: Region, rng: Any, how: PerturbationSettings) -> Any:
    return add_noise(image, region, rng, fraction=how.noise_fraction), region


def _nothing(image: Volume, region: Region, rng: Any, how: PerturbationSettings) -> Any:
    return image, region


PERTURBATIONS: dict[str, Callable[..., tuple[Volume, Region]]] = {
    "erosion": _erosion,
    "dilation": _dilation,
    "contour": _contour,
    "translation": _translation,
    "rotation": _rotation,
    "noise": _noise,
    "binning": _nothing,  # changes the settings, not the image
}
"""Perturbations by name."""


def perturb(
    name: str,
    image: Volume,
    region: Region,
    rng: np.random.Generator,
    settings: PerturbationSettings | None = None,
) -> tuple[Volume, Region]:
    """Apply one perturbation.

    Parameters
    ----------
    name : str
        One of :data:`PERTURBATIONS`.
    image : Volume
    region : ndarray of bool, shape (z, y, x)
    rng : Generator
        Used by ``contour`` and ``noise``.
    settings : PerturbationSettings, optional

    Returns
    -------
    image : Volume
    region : ndarray of bool, shape (z, y, x)

    Raises
    ------
    SettingError
        If there is no such perturbation.
    RegionError
        If it leaves no voxel.
    """
    if name not in PERTURBATIONS:
        raise SettingError(f"perturbation {name!r} is unknown; {did_you_mean(name, PERTURBATIONS)}")
    changed, inside = PERTURBATIONS[name](image, region, rng, settings or PerturbationSettings())
    if not inside.any():
        raise RegionError(
            f"{name} leaves no voxel of a region of {int(region.sum())}; leave small regions out, "
            "or perturb less"
        )
    return changed, inside


def _signed_distance_mm(region: Region, spacing_mm: Mm) -> NDArray[np.float64]:
    """Distance to the nearest voxel of the other kind: positive inside, negative outside."""
    from scipy import ndimage

    inside = ndimage.distance_transform_edt(region, sampling=spacing_mm)
    outside = ndimage.distance_transform_edt(~region, sampling=spacing_mm)
    return np.asarray(np.where(region, inside, -outside))


def _around(region: Region, spacing_mm: Mm, margin_mm: float) -> tuple[slice, slice, slice]:
    return bounding_box(region, pad=[int(np.ceil(margin_mm / step)) + 1 for step in spacing_mm])


def _placed(crop: Region, box: tuple[slice, slice, slice], shape: tuple[int, ...]) -> Region:
    whole = np.zeros(shape, bool)
    whole[box] = crop
    return whole
