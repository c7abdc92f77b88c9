"""Times and events as every function of the package takes them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError

__all__ = ["check_groups", "check_outcome", "check_score"]


def check_outcome(time: ArrayLike, event: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return times as floats and events as booleans.

    Raises
    ------
    InputError
        If they are no vectors of one length, a time is negative or missing, or an event is not 0
        or 1.
    """
    times, seen = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    if not (times.ndim == 1 and times.shape == seen.shape and times.size):
        raise InputError(
            f"time and event must be vectors of one length, got {times.shape} and {seen.shape}"
        )
    if not np.isfinite(times).all() or times.min() < 0:
        odd = times[~(np.isfinite(times) & (times >= 0))][0]
        raise InputError(
            f"time must be 0 or more and nothing missing, got {odd:g}; leave out patients without "
            "it"
        )
    if not np.isin(seen, (0.0, 1.0)).all():
        odd = seen[~np.isin(seen, (0.0, 1.0))][0]
        raise InputError(
            f"event must hold only 0 and 1 and nothing missing, got {odd:g}; code the event as 1 "
            "and everything else as 0"
        )
    return times, seen == 1


def check_score(score: ArrayLike, n: int, name: str = "risk") -> np.ndarray:
    """Return a number a patient.

    Raises
    ------
    InputError
        If there are more or fewer, or one is missing or infinite.
    """
    values = np.asarray(score, dtype=float)
    if values.shape != (n,):
        raise InputError(f"{name} must have one value a patient, {n}, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise InputError(
            f"{name} must be finite, got {int((~np.isfinite(values)).sum())} missing or infinite "
            f"of {n}; list those patients as excluded instead"
        )
    return values


def check_groups(group: ArrayLike, n: int) -> np.ndarray:
    """Return a name a patient; :class:`InputError` if one is missing."""
    names = np.asarray(group, dtype=object)
    if names.shape != (n,):
        raise InputError(f"group must have one name a patient, {n}, got shape {names.shape}")
    if pd.isna(names).any():
        raise InputError("group must not be missing for any patient")
    return names
