"""Rates at a threshold, each with Wilson's interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gliofuse.evaluation._checks import wilson_interval
from gliofuse.evaluation.inference import method_name, rates_with_refits

__all__ = ["UNDEFINED", "Figure", "mean_of_rates", "rate", "rates"]

#: An estimate, its limits, and how these were found.
Figure = tuple[float, float, float, str]
UNDEFINED: Figure = (np.nan, np.nan, np.nan, "")


def rates(
    positive: np.ndarray, called: np.ndarray, *, refits: bool, confidence: float
) -> dict[str, Figure]:
    """Return the rates at a threshold, each with Wilson's interval and its name.

    Parameters
    ----------
    positive : ndarray of bool, shape (n,)
    called : ndarray of float, shape (n,)
        The share of a patient's predictions that call the patient positive.
    refits : bool
    confidence : float
    """
    hits, passed = called[positive], 1 - called[~positive]
    sensitivity = rate(hits.sum(), hits.size, refits=refits, confidence=confidence)
    specificity = rate(passed.sum(), passed.size, refits=refits, confidence=confidence)
    right = hits.sum() + passed.sum()
    return {
        "accuracy": rate(right, called.size, refits=refits, confidence=confidence),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "precision": rate(hits.sum(), called.sum(), refits=refits, confidence=confidence),
        "apca": mean_of_rates((sensitivity, specificity)),
    }


def rate(count: float, size: float, *, refits: bool, confidence: float) -> Figure:
    """Return a share with Wilson's interval and its name; undefined where there is nobody."""
    if not size > 0:
        return UNDEFINED
    share = min(1.0, float(count / size))
    patients = size / rates_with_refits(share, size) if refits else size
    low, high = wilson_interval(share, patients, confidence=confidence)
    return share, low, high, method_name("wilson", refits=refits)


def mean_of_rates(parts: Sequence[Figure]) -> Figure:
    """Return the mean of rates of different patients, its limits put together from theirs.

    References
    ----------
    Newcombe RG. Stat Med 1998; 17: 873-890 (method 10, of two).
    """
    estimate = float(np.mean([part[0] for part in parts]))
    below = float(np.linalg.norm([part[0] - part[1] for part in parts])) / len(parts)
    above = float(np.linalg.norm([part[2] - part[0] for part in parts])) / len(parts)
    return estimate, estimate - below, estimate + above, min(part[3] for part in parts)
