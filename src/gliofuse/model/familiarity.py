"""Whether a new patient is like those that a model was trained on, one flag a reason.

Every flag has a threshold that a chosen share of patients like the training patients exceed, and
says what share of held-out training patients it was in fact raised for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.errors import InputError, SettingError

__all__ = ["Familiarity", "Flag"]

_FOLDS = 5
_FEWEST = 10
_LOWEST_THRESHOLD = 3.0  # robust standard deviations
_SMALLEST_SPREAD = 0.01
_CONSISTENT = 1.4826  # makes the median deviation that of a normal distribution
_INTERVAL = 0.95

REASONS = {
    "grid": "voxel size", "brain": "size and shape of the brain",
    "tumour": "size and place of the tumour", "intensity": "grey values within a sequence",
    "noise": "noise", "motion": "motion or ghosts", "contrast": "how the sequences relate",
    "enhancement": "t1ce against t1", "features": "radiomic features",
}  # fmt: skip
"""What each flag is about."""


@dataclass(frozen=True)
class Flag:
    """One reason for which a patient may be unlike the training patients.

    Parameters
    ----------
    name, reason : str
        One of the groups of measures, and what it is about.
    raised : bool or None
        None where it cannot be judged for want of what it is measured on.
    score, threshold : float
        The farthest measure's distance from the training patients' median in robust standard
        deviations, and how far it may be.
    measure : str
        Which measure that is.
    false_alarms, patients : int
        For how many of how many held-out training patients it was raised.
    false_alarm_low, false_alarm_high : float
        95 % interval of that rate (Clopper-Pearson).
    """

    name: str
    reason: str
    raised: bool | None
    score: float
    threshold: float
    measure: str
    false_alarms: int
    patients: int
    false_alarm_low: float
    false_alarm_high: float


@dataclass(frozen=True)
class Familiarity:
    """Ranges of the training patients' measures and the thresholds of the flags.

    Parameters
    ----------
    centre, spread : dict of str to float
        Of each measure, ``group.what``.
    flags : dict of str to dict
        Of each group ``threshold``, ``false_alarms`` and ``patients``.
    """

    centre: dict[str, float]
    spread: dict[str, float]
    flags: dict[str, dict[str, float]]

    @classmethod
    def fit(
        cls, measures: pd.DataFrame, *, false_alarm_rate: float = 0.02, seed: int = 0
    ) -> Familiarity:
        """Learn from the training patients.

        Parameters
        ----------
        measures : DataFrame
            A row a patient; columns ``group.what``, as
            :func:`~gliofuse.model.image_measures.measure_images` names them; NaN where missing.
        false_alarm_rate : float
            Share of familiar patients for whom each flag may be raised. With fewer than
            ``1 / false_alarm_rate`` patients the threshold is the farthest held-out patient.
        seed : int
            Of the division into held-out parts.

        Raises
        ------
        SettingError
            If the rate is not above 0 and below 0.5.
        InputError
            If there are fewer than 10 patients.
        """
        if not 0 < false_alarm_rate < 0.5:
            raise SettingError(
                f"false_alarm_rate must be above 0 and below 0.5, got {false_alarm_rate!r}"
            )
        if len(measures) < _FEWEST:
            raise InputError(
                f"familiarity needs at least {_FEWEST} training patients, got {len(measures)}"
            )
        table = measures.dropna(axis=1, how="all").astype(float)
        fold = np.random.default_rng(seed).permutation(len(table)) % _FOLDS
        held_out = pd.DataFrame(index=table.index, columns=_groups(table), dtype=float)
        for one in range(_FOLDS):
            centre, spread = _robust(table[fold != one])
            scores = _scores(table[fold == one], centre, spread)
            held_out.loc[fold == one] = scores.reindex(columns=held_out.columns).to_numpy()
        flags = {
            name: _flag(held_out[name].to_numpy(), fold, false_alarm_rate) for name in held_out
        }
        centre, spread = _robust(table)
        return cls(centre.to_dict(), spread.to_dict(), flags)

    def judge(self, measures: Mapping[str, float]) -> tuple[Flag, ...]:
        """Return every flag of one patient, raised or not."""
        found = []
        for name, known in self.flags.items():
            distances = {
                measure: abs(measures.get(measure, np.nan) - centre) / self.spread[measure]
                for measure, centre in self.centre.items()
                if measure.split(".")[0] == name
            }
            known_ones = {measure: far for measure, far in distances.items() if far == far}
            farthest = max(known_ones, key=lambda one: known_ones[one]) if known_ones else ""
            score = known_ones.get(farthest, float("nan"))
            low, high = _interval(int(known["false_alarms"]), int(known["patients"]))
            found.append(
                Flag(
                    name,
                    REASONS.get(name, name),
                    bool(score > known["threshold"]) if known_ones else None,
                    float(score),
                    float(known["threshold"]),
                    farthest,
                    int(known["false_alarms"]),
                    int(known["patients"]),
                    low,
                    high,
                )
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads, of JSON's types alone."""
        return {"centre": self.centre, "spread": self.spread, "flags": self.flags}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Familiarity:
        """Make the ranges of what :meth:`to_dict` returned."""
        return cls(dict(stored["centre"]), dict(stored["spread"]), dict(stored["flags"]))


def _groups(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(str(name).split(".")[0] for name in table.columns))


def _robust(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    centre = table.median()
    spread = (table - centre).abs().median() * _CONSISTENT
    return centre, spread.clip(lower=_SMALLEST_SPREAD)


def _scores(table: pd.DataFrame, centre: pd.Series, spread: pd.Series) -> pd.DataFrame:
    far = ((table - centre) / spread).abs()
    groups = [str(name).split(".")[0] for name in far.columns]
    return far.T.groupby(groups).max().T


def _threshold(scores: np.ndarray, rate: float) -> float:
    """Return the conformal quantile: a further patient exceeds it with at most that probability."""
    known = np.sort(scores[np.isfinite(scores)])
    if not len(known):
        return float("inf")
    rank = min(int(np.ceil((len(known) + 1) * (1 - rate))), len(known))
    return max(float(known[rank - 1]), _LOWEST_THRESHOLD)


def _flag(scores: np.ndarray, fold: np.ndarray, rate: float) -> dict[str, float]:
    """Count alarms of each part with the threshold of the others."""
    alarms = sum(
        int(np.sum(scores[fold == one] > _threshold(scores[fold != one], rate)))
        for one in range(_FOLDS)
    )
    return {
        "threshold": _threshold(scores, rate),
        "false_alarms": float(alarms),
        "patients": float(np.isfinite(scores).sum()),
    }


def _interval(count: int, total: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    if not total:
        return 0.0, 1.0
    found = binomtest(count, total).proportion_ci(_INTERVAL, method="exact")
    return float(found.low), float(found.high)
