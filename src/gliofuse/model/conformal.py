"""Sets of classes that hold the true one as often as asked for, in every class.

Each class is calibrated on its own patients (class-conditional, or Mondrian, conformal
prediction), so that a rare class is covered as often as a common one. MAPIE's classifiers ask for
a fitted estimator to call; what a study leaves is its out-of-sample probabilities, for which the
rule is the few lines below.

References
----------
V. Vovk, A. Gammerman, G. Shafer: Algorithmic Learning in a Random World. Springer, 2005, ch. 4.5.
V. Vovk: Conditional validity of inductive conformal predictors. Machine Learning 92, 2013.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.errors import InputError, SettingError

__all__ = ["NOT_FOR_SURVIVAL", "ConformalSets", "held_out_coverage"]

NOT_FOR_SURVIVAL = (
    "no conformal set: an outcome in time is censored, and the bound would hold only where "
    "censoring is modelled; the survival curve has its interval instead"
)
"""Why a survival endpoint has none."""

_BAND = 0.95


@dataclass(frozen=True)
class ConformalSets:
    """Class-conditional conformal sets, from out-of-sample probabilities.

    Parameters
    ----------
    classes : tuple of str
    level : float
        Share of the patients of each class whose set shall hold it, for example 0.9.
    scores : tuple of tuple of float
        Of each class, one minus the probability that its patients were given of it, ascending.

    Notes
    -----
    The guarantee is for patients like those of the study and for one model. Probabilities of
    several folds come from models of fewer patients than the final one, so that it is
    approximate: :func:`held_out_coverage` says what it came to.

    Examples
    --------
    >>> given = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]])
    >>> sets = ConformalSets.fit(given, ["low", "low", "high", "high"], ["low", "high"], level=0.6)
    >>> sets.predict([[0.95, 0.05]])
    [('low',)]
    """

    classes: tuple[str, ...]
    level: float
    scores: tuple[tuple[float, ...], ...]

    @classmethod
    def fit(
        cls,
        probabilities: Any,
        outcome: Sequence[Any],
        classes: Sequence[Any],
        *,
        level: float = 0.9,
    ) -> ConformalSets:
        """Calibrate on patients whom the model had not seen.

        Parameters
        ----------
        probabilities : array-like, shape (patients, classes)
            In the order of ``classes``.
        outcome : sequence
            The true class of each patient.
        classes : sequence
        level : float
            Above 0 and below 1.

        Raises
        ------
        SettingError
            If the level is outside its range.
        InputError
            If shapes differ, a probability is none, or an outcome is not a class.
        """
        if not 0 < level < 1:
            raise SettingError(f"level must be above 0 and below 1, got {level!r}")
        names = tuple(str(name) for name in classes)
        given = _checked(probabilities, len(names))
        truth = [str(value) for value in outcome]
        if len(truth) != len(given):
            raise InputError(f"{len(given)} rows of probabilities for {len(truth)} outcomes")
        if unknown := sorted(set(truth) - set(names)):
            raise InputError(f"outcome {unknown[0]!r} is none of the classes {', '.join(names)}")
        own = np.array(truth)
        scores = tuple(
            tuple(np.sort(1 - given[own == name, place]).tolist())
            for place, name in enumerate(names)
        )
        return cls(names, float(level), scores)

    @property
    def patients_needed(self) -> int:
        """Calibration patients that a class needs before it can ever be left out of a set."""
        return math.ceil(1 / (1 - self.level) - 1e-9) - 1

    @property
    def too_few(self) -> tuple[str, ...]:
        """Classes with fewer patients than that: every set holds them."""
        return tuple(
            name for name, own in zip(self.classes, self.scores) if len(own) < self.patients_needed
        )

    def p_values(self, probabilities: Any) -> np.ndarray:
        """Return how usual each class would be for each patient, shape (patients, classes).

        The share of the class's calibration patients, the new one among them, that were given a
        probability of it as low as this one.
        """
        given = _checked(probabilities, len(self.classes))
        found = np.empty_like(given)
        for place, own in enumerate(self.scores):
            below = np.searchsorted(np.array(own), 1 - given[:, place], side="left")
            found[:, place] = (len(own) - below + 1) / (len(own) + 1)
        return found

    def predict(self, probabilities: Any) -> list[tuple[str, ...]]:
        """Return each patient's set; an empty one says that no class is like this patient."""
        kept = self.p_values(probabilities) > 1 - self.level + 1e-12
        return [tuple(name for name, inside in zip(self.classes, row) if inside) for row in kept]

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads, of JSON's types alone."""
        return {
            "classes": list(self.classes),
            "level": self.level,
            "scores": [list(own) for own in self.scores],
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ConformalSets:
        """Make the sets of what :meth:`to_dict` returned."""
        return cls(
            tuple(stored["classes"]),
            float(stored["level"]),
            tuple(tuple(float(score) for score in own) for own in stored["scores"]),
        )


def held_out_coverage(
    probabilities: Any,
    outcome: Sequence[Any],
    fold: Sequence[Any],
    classes: Sequence[Any],
    *,
    level: float = 0.9,
) -> pd.DataFrame:
    """Return how often the sets of each fold's patients, calibrated on the others, held the truth.

    Parameters
    ----------
    probabilities, outcome, classes, level
        As :meth:`ConformalSets.fit`.
    fold : sequence
        The fold in which each patient was held out.

    Returns
    -------
    DataFrame
        A row a class: ``class``, ``patients``, ``covered``, ``coverage``, ``level``, and
        ``band_low`` and ``band_high``: between these the coverage lies 95 times of 100 where all
        is well, as the calibration and the held-out patients are few (Beta-binomial).

    Raises
    ------
    InputError
        If there is one fold alone.
    """
    names = [str(name) for name in classes]
    given = _checked(probabilities, len(names))
    own, places = np.array([str(value) for value in outcome]), np.asarray(fold)
    if len(set(places.tolist())) < 2:
        raise InputError("coverage on held-out patients needs at least two folds")
    covered = np.zeros(len(own), dtype=bool)
    for one in np.unique(places):
        out = places == one
        sets = ConformalSets.fit(given[~out], own[~out], names, level=level)
        covered[out] = [name in found for name, found in zip(own[out], sets.predict(given[out]))]
    rows = []
    for name in names:
        of_class = own == name
        count = int(of_class.sum())
        calibration = round(np.mean([np.sum(of_class & (places != k)) for k in set(places)]))
        low, high = _band(count, calibration, level)
        rows.append({
            "class": name, "patients": count, "covered": int(covered[of_class].sum()),
            "coverage": float(covered[of_class].mean()) if count else float("nan"),
            "level": level, "band_low": low, "band_high": high,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _band(patients: int, calibration: int, level: float) -> tuple[float, float]:
    """Return the middle 95 % of the share covered of held-out patients."""
    from scipy.stats import betabinom

    if not patients:
        return float("nan"), float("nan")
    left_out = math.floor((calibration + 1) * (1 - level) + 1e-9)
    if not left_out:
        return 1.0, 1.0
    counts = betabinom(patients, calibration + 1 - left_out, left_out)
    tail = (1 - _BAND) / 2
    return float(counts.ppf(tail)) / patients, float(counts.ppf(1 - tail)) / patients


def _checked(probabilities: Any, classes: int) -> np.ndarray:
    given = np.asarray(probabilities, dtype=float)
    if given.ndim != 2 or given.shape[1] != classes:
        raise InputError(f"probabilities must have {classes} columns, got shape {given.shape}")
    if not np.all((given >= 0) & (given <= 1)):
        raise InputError("probabilities must lie between 0 and 1")
    return given
