"""Removing what is too small to be believed from a predicted mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gliofuse.errors import SettingError
from gliofuse.imaging import bounding_box

__all__ = ["CleanUp", "clean", "components"]


@dataclass(frozen=True)
class CleanUp:
    """What is taken out of a predicted mask.

    Parameters
    ----------
    largest : bool
        Keep the largest connected piece alone.
    least_mm3 : float
        Smaller pieces go, but for the largest.
    """

    largest: bool = False
    least_mm3: float = 0.0

    def __post_init__(self) -> None:
        if self.least_mm3 < 0:
            raise SettingError(f"least_mm3 must not be negative, got {self.least_mm3!r}")


def components(mask: np.ndarray) -> tuple[np.ndarray, int]:
    """Number the pieces of a mask, voxels joined by faces, edges or corners."""
    pieces, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    return pieces, int(count)


def clean(labels: np.ndarray, spacing_mm: tuple[float, ...], rule: CleanUp) -> np.ndarray:
    """Return labels (z, y, x) without the pieces that the rule takes out.

    Pieces are those of all labels together, so that a rim is not cut off from its oedema.

    Examples
    --------
    >>> labels = np.array([[[1, 2, 0, 1, 0]]], dtype=np.uint8)
    >>> clean(labels, (1, 1, 1), CleanUp(largest=True)).tolist()
    [[[1, 2, 0, 0, 0]]]
    """
    if not labels.any() or not (rule.largest or rule.least_mm3):
        return labels
    box = bounding_box(labels)
    pieces, count = components(labels[box] > 0)
    if count < 2:
        return labels
    sizes = np.bincount(pieces.ravel()).astype(float) * float(np.prod(spacing_mm))
    sizes[0] = -1.0
    kept = sizes >= rule.least_mm3
    if rule.largest:
        kept[:] = False
    kept[int(sizes.argmax())] = True
    kept[0] = False
    result = labels.copy()
    result[box] = np.where(kept[pieces], labels[box], 0)
    return result
