"""How two masks of one tumour differ: overlap, distance of their surfaces, volume, lesions."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage

from gliofuse.errors import ImageError
from gliofuse.imaging import bounding_box
from gliofuse.segmentation.cleaning import components

__all__ = ["MaskFigures", "compare_masks"]


@dataclass(frozen=True)
class MaskFigures:
    """Figures of a predicted mask against a reference.

    Attributes
    ----------
    dice, jaccard : float
        1 where both are empty.
    hd95_mm : float
        The larger, over both directions, of the 95th percentiles of the distances from one
        surface to the other. 0 where both are empty, NaN where one is.
    asd_mm : float
        Average symmetric surface distance: mean over the voxels of both surfaces.
    volume_mm3, reference_mm3 : float
    volume_error_mm3 : float
        Predicted minus reference.
    lesions, lesions_found, lesions_false : int
        Connected pieces of the reference, those of them that the prediction touches, and pieces of
        the prediction that touch none.
    """

    dice: float
    jaccard: float
    hd95_mm: float
    asd_mm: float
    volume_mm3: float
    reference_mm3: float
    volume_error_mm3: float
    lesions: int
    lesions_found: int
    lesions_false: int

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def compare_masks(
    predicted: np.ndarray, reference: np.ndarray, spacing_mm: tuple[float, float, float]
) -> MaskFigures:
    """Compare two masks of one grid.

    Parameters
    ----------
    predicted, reference : ndarray of bool, shape (z, y, x)
    spacing_mm : tuple of three floats
        (z, y, x).

    Raises
    ------
    ImageError
        If the shapes differ.

    Notes
    -----
    A surface is the voxels of a mask that have a neighbour, by a face, outside it; distances run
    between voxel centres in mm.

    References
    ----------
    .. [1] Maier-Hein L et al. Metrics reloaded: recommendations for image analysis validation.
       Nat Methods 2024;21:195-212.

    Examples
    --------
    >>> a = np.zeros((1, 1, 6), bool); a[..., 1:4] = True
    >>> b = np.zeros((1, 1, 6), bool); b[..., 2:5] = True
    >>> found = compare_masks(a, b, (1.0, 1.0, 2.0))
    >>> round(found.dice, 3), found.jaccard, round(found.hd95_mm, 3), found.volume_error_mm3
    (0.667, 0.5, 1.8, 0.0)
    """
    ours, theirs = np.asarray(predicted).astype(bool), np.asarray(reference).astype(bool)
    if ours.shape != theirs.shape:
        raise ImageError(f"masks must have one shape, got {ours.shape} and {theirs.shape}")
    union = ours | theirs
    unit = float(np.prod(spacing_mm))
    if not union.any():
        return MaskFigures(1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0)
    box = bounding_box(union, pad=1)
    ours, theirs = ours[box], theirs[box]
    both, a, b = int((ours & theirs).sum()), int(ours.sum()), int(theirs.sum())
    hd95, asd = _distances(ours, theirs, spacing_mm) if a and b else (float("nan"), float("nan"))
    return MaskFigures(
        dice=2 * both / (a + b),
        jaccard=both / (a + b - both),
        hd95_mm=hd95,
        asd_mm=asd,
        volume_mm3=a * unit,
        reference_mm3=b * unit,
        volume_error_mm3=(a - b) * unit,
        **_lesions(ours, theirs),
    )


def _surface(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1)  # the image's border is outside
    inner = ndimage.binary_erosion(padded)[1:-1, 1:-1, 1:-1]
    return np.asarray(mask & ~inner)


def _distances(
    ours: np.ndarray, theirs: np.ndarray, spacing_mm: tuple[float, float, float]
) -> tuple[float, float]:
    """Return HD95 and the average symmetric distance."""
    one, other = _surface(ours), _surface(theirs)
    to_other = ndimage.distance_transform_edt(~other, sampling=spacing_mm)[one]
    to_one = ndimage.distance_transform_edt(~one, sampling=spacing_mm)[other]
    hd95 = max(np.percentile(to_other, 95), np.percentile(to_one, 95))
    return float(hd95), float(np.concatenate([to_other, to_one]).mean())


def _lesions(ours: np.ndarray, theirs: np.ndarray) -> dict[str, int]:
    reference, count = components(theirs)
    pieces, ours_count = components(ours)
    found = np.unique(reference[ours])
    touching = np.unique(pieces[theirs])
    return {
        "lesions": count,
        "lesions_found": int((found > 0).sum()),
        "lesions_false": ours_count - int((touching > 0).sum()),
    }
