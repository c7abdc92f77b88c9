"""Which label convention the masks of a whole cohort follow."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from gliofuse.compute import parallel_map
from gliofuse.errors import RegionError, did_you_mean
from gliofuse.imaging.images import read_mask
from gliofuse.imaging.labels import CONVENTIONS, detect_convention, get_convention
from gliofuse.imaging.volume import Volume

__all__ = ["cohort_convention", "labels_present"]


def cohort_convention(
    masks: Iterable[str | os.PathLike[str] | None], *, named: str = "auto", workers: int | None = 1
) -> str:
    """Return the label convention of a cohort's masks, by its name.

    A single patient may lack the very label that tells two conventions apart, so that all masks
    are looked at together (:func:`gliofuse.imaging.detect_convention`).

    Parameters
    ----------
    masks : iterable of path or None
        One a patient; ``None`` where there is no mask. One that cannot be read is passed over
        here: it fails with its own message when its patient's turn comes.
    named : str
        A convention's name or one's own labels (``1=necrosis,...``), which are then taken as they
        are, or ``"auto"``.
    workers : int or None
        Processes that read the masks.

    Raises
    ------
    RegionError
        If there is no such convention, no mask to tell by, or none that fits them all.
    """
    if named != "auto":
        if named not in CONVENTIONS and "=" not in named:
            raise RegionError(
                f"labels: no convention {named!r}; {did_you_mean(named, [*CONVENTIONS, 'auto'])}, "
                "or labels of your own such as 1=necrosis,2=edema,4=enhancing"
            )
        return get_convention(named).name
    paths = [path for path in masks if path is not None]
    if not paths:
        raise RegionError(
            f"labels: no patient has a mask to tell the label convention by; add masks, or name "
            f"one of {', '.join(CONVENTIONS)}"
        )
    outcomes = parallel_map(_labels_in_file, paths, workers=workers)
    return detect_convention([outcome.result for outcome in outcomes if outcome.result is not None])


def labels_present(mask: Volume) -> set[int]:
    """Return the labels that occur in a mask of whole numbers, without the background's 0.

    Examples
    --------
    >>> sorted(labels_present(Volume(np.array([[[0, 4, 1, 4]]], dtype=np.uint8))))
    [1, 4]
    """
    array = mask.array
    if array.dtype == np.uint8:  # as good as every mask, and far faster than sorting
        return set(np.flatnonzero(np.bincount(array.ravel(), minlength=1)).tolist()) - {0}
    return {int(value) for value in np.unique(array)} - {0}


def _labels_in_file(path: str | os.PathLike[str]) -> set[int]:
    return labels_present(read_mask(path))
