"""Whether a registration, or a brain, can be believed; what cannot is refused with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gliofuse.errors import PreprocessingError
from gliofuse.imaging import Volume
from gliofuse.preprocessing.head import Head, shrunken
from gliofuse.preprocessing.registration import COARSE, Level, Registered, inside_of, refine
from gliofuse.preprocessing.resampling import resample
from gliofuse.preprocessing.similarity import mutual_information, shuffled_information
from gliofuse.preprocessing.transforms import Affine

__all__ = ["BRAIN_ML", "Verdict", "check_brain", "check_registration", "dice"]

BRAIN_ML = (900.0, 2000.0)
"""Volume of an adult's brain with the fluid in its sulci; outside it an extraction has failed."""

LEAST_DICE = 0.85
"""Overlap of a sequence's own brain with the patient's; below it one of them is misplaced."""

_MOST_ROTATION_DEGREES = 50.0
_MOST_SHIFT_MM = 90.0
_LEAST_COVERED = 0.75
_CHANCE_DEVIATIONS = 8.0
_LEAST_OVER_CHANCE = 6.0  # right registrations have 8 times and more, another organ 5
_MOST_OF_TWO_LEVELS = 0.75
_MIRROR_GAIN = 1.1
_SCALES = (0.88, 1.14)
_WIDTHS = (0.7, 1.4)  # a scalp that fat suppression darkens, or a crop, changes less
_SPACING_MM = 4.0


@dataclass(frozen=True)
class Verdict:
    """The figures of one registration and what speaks against it.

    Attributes
    ----------
    numbers : dict of str to float
        Information before, after, by chance and mirrored; rotation, shift, shares of the head
        that the field of view covers and that the image shows, the scale that fits best, and how
        much wider the moving head is.
    reasons : tuple of str
        Empty if it can be believed.
    """

    numbers: dict[str, float]
    reasons: tuple[str, ...]


def check_registration(
    fixed: Volume,
    moving: Volume,
    head: Head,
    moving_head: Head,
    found: Registered,
    *,
    seed: int = 0,
    threads: int = 2,
) -> Verdict:
    """Judge a rigid registration of two sequences of one patient.

    Parameters
    ----------
    fixed, moving : Volume
    head, moving_head : Head
        Of the fixed and of the moving image.
    found : Registered
    seed, threads : int
    """
    small_fixed, small_moving = shrunken(fixed, _SPACING_MM), shrunken(moving, _SPACING_MM)
    # The outline alone would make noise in a head's shape look registered.
    inside = inside_of(head.interior, small_fixed)
    rng = np.random.default_rng(seed)

    def seen(transform: Affine) -> np.ndarray:
        return resample(small_moving, small_fixed, transform, how="linear").array

    after = mutual_information(small_fixed.array, seen(found.transform), inside)
    before = mutual_information(small_fixed.array, seen(Affine.identity()), inside)
    chance, deviation = shuffled_information(small_fixed.array, seen(found.transform), inside, rng)
    mirrored = _mirrored(small_fixed, small_moving, head, found.transform, inside, seed, threads)
    covered = _covered(head, moving, found.transform)
    shown = _shown(head, moving_head, found.transform)
    width = _width_mm(moving_head) / _width_mm(head)
    scale = _scale(small_fixed, small_moving, head, found.transform, seed, threads)
    numbers = {
        "information": after,
        "information_of_header": before,
        "information_by_chance": chance,
        "information_mirrored": mirrored,
        "rotation_degrees": found.transform.rotation_degrees,
        "shift_mm": found.transform.shift_at(head.centre_mm),
        "covered": covered,
        "shown": shown,
        "scale": scale,
        "width_ratio": width,
    }
    reasons = []
    plain = _of_two_levels(seen(found.transform)[inside])
    if plain > _MOST_OF_TWO_LEVELS:
        reasons.append(
            f"{plain:.0%} of the head's inside has one or two grey values: no more than a shape"
        )
    if after < chance + _CHANCE_DEVIATIONS * deviation or after < _LEAST_OVER_CHANCE * chance:
        reasons.append(
            f"it tells no more of the reference than chance would ({after:.3f} nats against "
            f"{chance:.3f} shuffled): another body part, another patient or noise?"
        )
    if after < 0.97 * before:
        reasons.append(
            f"the images agree less than by their headers ({after:.3f} against {before:.3f} nats)"
        )
    if found.start.startswith("turned"):
        reasons.append(
            f"it fits only {found.start}: the header says another way up; correct the header"
        )
    if numbers["rotation_degrees"] > _MOST_ROTATION_DEGREES:
        reasons.append(f"a rotation of {numbers['rotation_degrees']:.0f} degrees is implausible")
    if numbers["shift_mm"] > _MOST_SHIFT_MM:
        reasons.append(f"a shift of {numbers['shift_mm']:.0f} mm is implausible")
    if covered < _LEAST_COVERED:
        reasons.append(f"it covers only {covered:.0%} of the upper head")
    elif shown < _LEAST_COVERED:
        reasons.append(
            f"it shows only {shown:.0%} of the upper head's inside, and air or noise elsewhere"
        )
    if not _WIDTHS[0] <= width <= _WIDTHS[1]:
        reasons.append(
            f"its head is {width:.2f} times as wide as the reference's: a wrong voxel size in one "
            f"of the headers?"
        )
    if not _SCALES[0] <= scale <= _SCALES[1]:
        reasons.append(
            f"it fits better {scale:.2f} times as large: a wrong voxel size in one of the headers?"
        )
    if mirrored > _MIRROR_GAIN * after:
        reasons.append(
            f"it fits better mirrored ({mirrored:.3f} against {after:.3f} nats): left and right "
            f"are exchanged in one of the headers"
        )
    return Verdict(numbers, tuple(reasons))


def check_brain(mask: Volume, name: str) -> float:
    """Return a brain's volume in ml.

    Raises
    ------
    PreprocessingError
        If it is not within :data:`BRAIN_ML`.
    """
    volume_ml = float((mask.array > 0).sum()) * mask.voxel_volume_mm3 / 1000
    low, high = BRAIN_ML
    if not low <= volume_ml <= high:
        raise PreprocessingError(
            f"{name}: the brain found has {volume_ml:.0f} ml, an adult's {low:.0f} to {high:.0f}: "
            f"extraction failed, or the header's voxel size is wrong; look at the picture, and "
            f"give a mask with --brain-mask"
        )
    return volume_ml


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Return twice the overlap over the sum of two masks."""
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 0.0


def _of_two_levels(values: np.ndarray) -> float:
    """Share of the voxels in the two fullest of 50 equal steps of grey value: body and air."""
    counts, _ = np.histogram(values, bins=50)
    return float(np.sort(counts)[-2:].sum() / max(values.size, 1))


def _covered(head: Head, moving: Volume, transform: Affine) -> float:
    """Share of the upper head that lies within the moving image's field of view."""
    points = transform.apply(head.upper_part(130.0)) - np.array(moving.origin_mm)
    steps = (points @ moving.direction)[:, ::-1] / np.array(moving.spacing_mm)
    within = (steps > -0.5) & (steps < np.array(moving.shape) - 0.5)
    return float(within.all(axis=1).mean())


def _shown(head: Head, moving_head: Head, transform: Affine) -> float:
    """Share of the upper head's inside where the moving image shows a head too."""
    deep = head.interior.index_to_point(np.argwhere(head.interior.array > 0))
    upper = deep[deep[:, 2] > head.top_mm - 130.0]
    mask = moving_head.mask
    steps = ((transform.apply(upper) - np.array(mask.origin_mm)) @ mask.direction)[:, ::-1]
    place = np.rint(steps / np.array(mask.spacing_mm)).astype(int)
    within = ((place >= 0) & (place < np.array(mask.shape))).all(axis=1)
    found = mask.array[tuple(np.where(within[:, None], place, 0).T)] > 0
    return float((found & within).mean()) if len(upper) else 0.0


def _width_mm(head: Head) -> float:
    low, high = np.percentile(head.upper_part(100.0)[:, 0], (1, 99))
    return float(max(high - low, 1.0))


def _scale(
    fixed: Volume, moving: Volume, head: Head, transform: Affine, seed: int, threads: int
) -> float:
    """How much larger the moving image would have to be drawn to fit best."""
    level = Level(COARSE[-1].spacing_mm, 0.5, 40, 3.0)
    followed = refine(
        fixed, moving, head.surround, transform, [level], kind="similarity", seed=seed,
        threads=threads,
    )  # fmt: skip
    return float(1 / np.cbrt(abs(np.linalg.det(followed.matrix[:3, :3]))))


def _mirrored(
    fixed: Volume,
    moving: Volume,
    head: Head,
    transform: Affine,
    inside: np.ndarray,
    seed: int,
    threads: int,
) -> float:
    """Information of the moving image after its reflection in the head's middle."""
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = 2 * head.centre_mm[0]
    level = Level(COARSE[-1].spacing_mm, 0.5, 40, 3.0)
    followed = refine(
        fixed,
        moving,
        head.surround,
        transform @ Affine(flip),
        [level],
        kind="rigid",
        seed=seed,
        threads=threads,
    )
    seen = resample(moving, fixed, followed, how="linear").array
    return mutual_information(fixed.array, seen, inside)
