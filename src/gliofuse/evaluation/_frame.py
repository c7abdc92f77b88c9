"""What the tables of every kind of endpoint share: their groups, and limits from replicates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.compute import parallel_map
from gliofuse.errors import InputError, RunError

__all__ = [
    "MIN_DEFINED",
    "Group",
    "check_bootstrap",
    "chunks",
    "each_group",
    "grouped",
    "percentile_limits",
]

# Elements of one chunk of a resampling matrix: 32 MB of float64.
_CHUNK = 4_000_000
# An interval from fewer replicates than this share of those drawn would be a guess.
MIN_DEFINED = 0.9


@dataclass(frozen=True)
class Group:
    """The patients of one cohort as one model sees them: a row each, and all their predictions."""

    cohort: str
    model: object
    patients: pd.DataFrame
    predictions: pd.DataFrame

    @property
    def apparent(self) -> bool:
        """Whether the model learned from these patients."""
        return self.cohort == "training"


def grouped(pooled: pd.DataFrame) -> Iterator[tuple[str, object, pd.DataFrame]]:
    """Yield cohort, model and their rows of a pooled table, in the order of the table."""
    for (cohort, model), rows in pooled.groupby(["cohort", "model"], sort=False, observed=True):
        yield str(cohort), model, rows


def each_group(
    pooled: pd.DataFrame,
    predictions: pd.DataFrame,
    function: Callable[[Group], list[dict[str, Any]]],
    *,
    workers: int | None = 1,
) -> list[dict[str, Any]]:
    """Return the rows that ``function`` makes of every cohort and model, those two named in each.

    Parameters
    ----------
    pooled : DataFrame
        One row per cohort, model and patient.
    predictions : DataFrame
        The table that was pooled.
    function : callable
        Picklable; takes a :class:`Group`.
    workers : int or None
        Processes over the groups.

    Raises
    ------
    RunError
        If a group fails; the message names it.
    """
    single = dict(list(predictions.groupby(["cohort", "model"], observed=True)))
    groups = [
        Group(cohort, model, patients, single[(cohort, model)])
        for cohort, model, patients in grouped(pooled)
    ]
    rows: list[dict[str, Any]] = []
    for outcome in parallel_map(function, groups, workers=workers):
        group = outcome.item
        if outcome.result is None:
            raise RunError(f"metrics of {group.model} ({group.cohort}): {outcome.error}")
        shared = {"cohort": group.cohort, "model": group.model, "apparent": group.apparent}
        rows.extend(row | shared for row in outcome.result)
    return rows


def check_bootstrap(bootstrap: int) -> None:
    """Raise :class:`InputError` if there are too few replicates for an interval."""
    if bootstrap < 100:
        raise InputError(f"bootstrap must be at least 100 for a 95 % interval, got {bootstrap!r}")


def chunks(replicates: int, size: int) -> Iterator[slice]:
    """Yield slices of the replicates of ``size`` patients that fit into memory one by one."""
    step = max(1, _CHUNK // max(1, size))
    for start in range(0, replicates, step):
        yield slice(start, min(start + step, replicates))


def percentile_limits(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return percentile limits of replicates; NaN where too few of them are defined."""
    known = values[np.isfinite(values)]
    if known.size < MIN_DEFINED * values.size:
        return np.nan, np.nan
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
