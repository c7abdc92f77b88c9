"""Whether a patient's images, mask and clinical values are what a model can be asked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from gliofuse.cohort import Case
from gliofuse.cohort.case import as_words, is_missing
from gliofuse.cohort.tables import parse_number
from gliofuse.errors import ImageError, InputError, did_you_mean
from gliofuse.model.description import ClinicalVariable

__all__ = ["check_clinical", "check_images", "clinical_values"]

#: Dice of two sequences' outlines below which they are refused, or said to be doubtful. In 16
#: patients of TCGA-LGG it was 0.92 to 0.98 between one patient's sequences, and 0.78 to 0.91
#: between those of two.
LEAST_OVERLAP = 0.85
_USUAL_OVERLAP = 0.915
#: Share of the mask's voxels that may lie outside the outline.
_MOST_OUTSIDE = 0.05
_EVERY = 2  # voxels in plane that an outline is taken from
_FAR = 3.0  # widths of the training range beyond which a number can only be a slip


def check_images(case: Case, sequences: Iterable[str], convention: str) -> tuple[str, ...]:
    """Refuse images and a mask that cannot be one patient's; return what is doubtful.

    Parameters
    ----------
    case : Case
    sequences : iterable of str
        Those that the model reads.
    convention : str
        Label convention of the masks that it learned from.

    Raises
    ------
    InputError
        If a sequence or the mask is missing, the outlines of two sequences are those of different
        heads, or the mask is empty, of another convention or outside the head.
    GeometryError
        If an image and the mask differ in shape, spacing, origin or axes.
    """
    from gliofuse.imaging import get_convention
    from gliofuse.imaging.images import load_case

    wanted = tuple(sequences)
    lacking = [name for name in wanted if name not in case.images]
    if lacking:
        raise InputError(
            f"patient {case.case_id}: no {', '.join(lacking)}, which the model reads beside "
            f"{', '.join(name for name in wanted if name not in lacking) or 'nothing else'}"
        )
    if case.mask is None:
        raise InputError(
            f"patient {case.case_id}: no tumour mask; give --mask, or --segmenter with the folder "
            "of one that predicts it"
        )
    images = load_case(case, wanted)
    labels = set(np.unique(images.mask.array).tolist()) - {0}
    known = set(get_convention(convention).labels.values())
    if not labels:
        raise InputError(f"{case.mask}: the mask is empty: there is no tumour to look at")
    if not labels <= known:
        raise ImageError(
            f"{case.mask}: has the label {min(labels - known)}, and the model's masks are of the "
            f"convention {convention!r} ({', '.join(map(str, sorted(known)))})"
        )
    outlines = {name: _outline(volume.array) for name, volume in images.volumes.items()}
    doubts = []
    for one, other in combinations(outlines, 2):
        overlap = _dice(outlines[one], outlines[other])
        if overlap < LEAST_OVERLAP:
            raise ImageError(
                f"patient {case.case_id}: {case.images[one].name} and {case.images[other].name} "
                f"show different heads (their outlines overlap by {overlap:.2f}, one patient's by "
                f"{LEAST_OVERLAP:g} at least); give one patient's sequences, aligned"
            )
        if overlap < _USUAL_OVERLAP:
            doubts.append(
                f"the outlines of {one} and {other} overlap by {overlap:.2f} alone: are both this "
                "patient's, and aligned?"
            )
    inside = np.logical_or.reduce(list(outlines.values()))
    mask = images.mask.array[:, ::_EVERY, ::_EVERY] > 0
    outside = float(np.mean(~inside[mask])) if mask.any() else 0.0
    if outside > _MOST_OUTSIDE:
        raise ImageError(
            f"{case.mask}: {outside:.0%} of the mask lies outside the head of "
            f"{case.images[wanted[0]].name}; is it this patient's?"
        )
    return tuple(doubts)


def _outline(array: np.ndarray) -> np.ndarray:
    """Return what is no background, filled slice by slice: bool, every other voxel in plane."""
    from scipy.ndimage import binary_fill_holes

    thin = array[:, ::_EVERY, ::_EVERY].astype(np.float32)
    low, high = np.percentile(thin, (1, 99))
    seen = thin > low + 0.1 * (high - low)
    return np.stack([binary_fill_holes(plane) for plane in seen])


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 0.0


def clinical_values(
    given: Mapping[str, Any] | None, variables: Iterable[ClinicalVariable]
) -> dict[str, Any]:
    """Return a patient's clinical values by the model's variables.

    Raises
    ------
    InputError
        If a name is none of the model's.
    """
    known = [one.name for one in variables]
    for name in given or {}:
        if name not in known:
            raise InputError(f"clinical: the model reads no {name!r}; {did_you_mean(name, known)}")
    return dict(given or {})


def check_clinical(
    case_id: str, given: Mapping[str, Any], variables: Iterable[ClinicalVariable]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a patient's values as the model reads them, and what is doubtful about them.

    Raises
    ------
    InputError
        If a value is no number where the training patients' are, one that can only be a slip, or
        a level that none of them had.
    """
    values: dict[str, Any] = {}
    doubts = []
    for one in variables:
        value = given.get(one.name)
        if is_missing(value):
            values[one.name] = None
            doubts.append(f"{one.name} is not known: {one.missing} stands in, as in training")
        elif one.levels:
            values[one.name] = _level(case_id, one, value)
        else:
            values[one.name], doubt = _number(case_id, one, value)
            doubts += doubt
    return values, tuple(doubts)


def _level(case_id: str, variable: ClinicalVariable, value: Any) -> str:
    word = as_words(value)
    if word in variable.levels or str(value) in variable.levels:
        return word if word in variable.levels else str(value)
    raise InputError(
        f"patient {case_id}: {variable.name} {word!r} is no level that the model knows; "
        f"{did_you_mean(word, variable.levels)}"
    )


def _number(case_id: str, variable: ClinicalVariable, value: Any) -> tuple[float, list[str]]:
    number = parse_number(value)
    if number is None or not np.isfinite(number):
        raise InputError(f"patient {case_id}: {variable.name} must be a number, got {value!r}")
    assert variable.min is not None
    assert variable.max is not None
    low, high = variable.min, variable.max
    reach = _FAR * max(high - low, abs(high), 1e-9)
    if not low - reach <= number <= high + reach or (low >= 0 > number):
        raise InputError(
            f"patient {case_id}: {variable.name} {number:g} cannot be: the training patients' is "
            f"{low:g} to {high:g}; in another unit?"
        )
    if low <= number <= high:
        return float(number), []
    return float(number), [
        f"{variable.name} {number:g} lies outside the training patients' {low:g} to {high:g}"
    ]
