"""A patient's images as a segmenter takes them: turned, cut to the head, on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from gliofuse.cohort import SEQUENCES, Case
from gliofuse.errors import ImageError, ManifestError
from gliofuse.imaging import (
    Box,
    Orientation,
    Volume,
    bounding_box,
    check_finite,
    check_same_geometry,
    normalise,
    normalise_volume,
    read_mask,
)
from gliofuse.segmentation.plan import HeadShape

__all__ = ["HeadImages", "head_mask", "is_stripped", "read_images", "take_head"]

# Of the 99th percentile of the voxels that are not 0: what is below it is air, or bone.
_DIM = 0.1
# Dim voxels for each bright one, on average over a patient's images. In images of the whole head
# there are more, air and bone among them (0.3 and more in TCGA-LGG, where some single images have a
# background of zeros); in stripped ones some liquor alone.
_MOST_DIM = 0.2


@dataclass(frozen=True, eq=False)
class HeadImages:
    """A patient's images in the box around the head, axes turned to the patient's.

    Parameters
    ----------
    images : dict of str to ndarray of float32, shape (z, y, x)
        z-scores inside the head or brain (a quantitative sequence in its reference range), 0
        outside; a sequence that the patient lacks is absent.
    labels : ndarray, shape (z, y, x), or None
    spacing_mm : tuple of three floats
        (z, y, x).
    stripped : bool
    box : tuple of three slices
        Where the arrays lie in the turned image.
    source : Volume
        An image as it was read, for its geometry.
    """

    images: dict[str, np.ndarray]
    labels: np.ndarray | None
    spacing_mm: tuple[float, float, float]
    stripped: bool
    box: Box
    source: Volume = field(repr=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels (z, y, x)."""
        z, y, x = next(iter(self.images.values())).shape
        return z, y, x

    @property
    def head(self) -> HeadShape:
        """What a plan needs to know."""
        return HeadShape(self.spacing_mm, self.shape, self.stripped)

    def channels(self, sequences: tuple[str, ...]) -> np.ndarray:
        """Return float32 (sequence, z, y, x), zeros for a sequence that is absent."""
        result = np.zeros((len(sequences), *self.shape), np.float32)
        for channel, name in enumerate(sequences):
            if name in self.images:
                result[channel] = self.images[name]
        return result

    def to_source(self, array: np.ndarray) -> Volume:
        """Return an array of this box as a volume in the place and axes of the images."""
        turn = Orientation.of(self.source.direction)
        whole = np.zeros(turn.to_patient(self.source.array).shape, array.dtype)
        whole[self.box] = array
        return self.source.with_array(np.ascontiguousarray(turn.to_image(whole)))


def read_images(
    case: Case, sequences: tuple[str, ...], *, mask: bool = False, stripped: bool | None = None
) -> HeadImages:
    """Read those of the sequences that a patient has, and the mask if it is asked for.

    ``stripped`` says what the images show where it is known.

    Raises
    ------
    ManifestError
        If the patient has none of the sequences, or no mask where it is asked for.
    ImageError
        If a file cannot be used.
    GeometryError
        If the images differ in geometry.
    """
    present = [name for name in sequences if name in case.images]
    if not present:
        raise ManifestError(
            f"patient {case.case_id}: has none of the sequences {', '.join(sequences)}, got "
            f"{', '.join(case.images) or 'none'}; add one of them to the manifest"
        )
    if mask and case.mask is None:
        raise ManifestError(f"patient {case.case_id}: no mask to learn from; add one or leave out")
    volumes: dict[str, Volume] = {}
    first = case.images[present[0]]
    for name in present:
        volume = Volume.read(case.images[name])
        check_finite(volume, case.images[name])
        if volumes:
            check_same_geometry(volume, volumes[present[0]], str(case.images[name]), str(first))
        volumes[name] = volume
    labels = None
    if mask and case.mask is not None:
        labels = read_mask(case.mask)
        check_same_geometry(labels, volumes[present[0]], str(case.mask), str(first))
    try:
        return take_head(volumes, labels, stripped=stripped)
    except ImageError as error:
        raise ImageError(f"patient {case.case_id}: {error}") from error


def take_head(
    volumes: Mapping[str, Volume], labels: Volume | None = None, *, stripped: bool | None = None
) -> HeadImages:
    """Turn, crop and normalise images of one geometry.

    ``stripped`` says what the images show where it is known; else they are looked at.

    Raises
    ------
    ImageError
        If an image has no grey values that differ.
    """
    source = next(iter(volumes.values()))
    turn = Orientation.of(source.direction)
    turned = {name: turn.to_patient(volume.array) for name, volume in volumes.items()}
    if stripped is None:
        stripped = is_stripped(turned)
    inside = {name: head_mask(array, stripped=stripped) for name, array in turned.items()}
    union = np.logical_or.reduce(list(inside.values()))
    if labels is not None:  # a mask that reaches over the head's border is learned as it is
        union |= turn.to_patient(labels.array) > 0
    if not union.any():
        raise ImageError("the images have no grey values that differ: nothing to segment")
    box = bounding_box(union)
    images = {}
    for name, array in turned.items():
        part, within = np.ascontiguousarray(array[box]), inside[name][box]
        if SEQUENCES[name].quantitative:
            scaled = normalise_volume(Volume(part), "zscore", name).array
        else:
            scaled = normalise(part, "zscore", within)
        images[name] = np.where(within, scaled, 0.0).astype(np.float32)
    known = None
    if labels is not None:
        known = np.ascontiguousarray(turn.to_patient(labels.array)[box])
    return HeadImages(images, known, turn.spacing(source.spacing_mm), stripped, box, source)


def is_stripped(images: Mapping[str, np.ndarray]) -> bool:
    """Whether a patient's images show the brain alone, everything outside it 0.

    Parameters
    ----------
    images : mapping of str to ndarray, shape (z, y, x)
        By sequence; those in a unit are looked at only where there is no other.

    Examples
    --------
    >>> brain = np.zeros((4, 8, 8)); brain[:, 2:6, 2:6] = 100.0
    >>> is_stripped({"t1": brain}), is_stripped({"t1": brain + 2.0})
    (True, False)
    """
    judged = [name for name in images if not SEQUENCES[name].quantitative] or list(images)
    ratios = []
    for name in judged:
        dim, bright = _dim_and_bright(images[name])
        ratios.append(dim / max(1, bright))
    return float(np.mean(ratios)) <= _MOST_DIM


def head_mask(array: np.ndarray, *, stripped: bool) -> np.ndarray:
    """Return the voxels (z, y, x) of the brain of a stripped image, or of the head."""
    if stripped:
        return array != 0
    level = _level(array)
    step = max(1, min(array.shape[1:]) // 64)
    small = array[:, ::step, ::step] > level
    pieces, count = ndimage.label(small)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        small = pieces == sizes.argmax()
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in small])
    grown = filled.repeat(step, axis=1).repeat(step, axis=2)
    return np.asarray(grown[:, : array.shape[1], : array.shape[2]])


def _level(array: np.ndarray) -> float:
    values = array[array != 0]
    return (
        _DIM * float(np.percentile(values[:: max(1, values.size // 100_000)], 99))
        if (values.size)
        else 0.0
    )


def _dim_and_bright(array: np.ndarray) -> tuple[int, int]:
    level = _level(array)
    bright = int(np.count_nonzero(array > level))
    return int(np.count_nonzero(array)) - bright, bright
