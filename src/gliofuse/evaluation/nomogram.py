"""A logistic model as the axes of a nomogram: points per variable, total points, probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gliofuse.errors import InputError, did_you_mean

__all__ = ["Nomogram", "nomogram_table"]

_PROBABILITIES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Nomogram:
    """The axes of a nomogram as data.

    Attributes
    ----------
    variables : DataFrame
        variable, value, points: the ticks of each variable's axis.
    total : DataFrame
        total_points, linear_predictor, probability: the ticks of the lower axes.
    coefficients : dict of str to float
    intercept : float
    zero : dict of str to float
        The value of each variable that has 0 points.
    points_per_unit : float
        Points per unit of the linear predictor.
    """

    variables: pd.DataFrame
    total: pd.DataFrame
    coefficients: dict[str, float]
    intercept: float
    zero: dict[str, float]
    points_per_unit: float

    def points(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return a patient's points for each variable."""
        missing = [name for name in self.coefficients if name not in values]
        if missing:
            raise InputError(f"values lacks {missing}; the nomogram needs all its variables")
        return {
            name: self.points_per_unit * slope * (float(values[name]) - self.zero[name])
            for name, slope in self.coefficients.items()
        }

    def probability(self, values: Mapping[str, float]) -> float:
        """Return a patient's probability by way of the points; equal to the model's own."""
        return float(self._probability(np.array(sum(self.points(values).values()))))

    def _probability(self, total: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(-self._score(total))))

    def _score(self, total: np.ndarray) -> np.ndarray:
        constant = sum(slope * self.zero[name] for name, slope in self.coefficients.items())
        return np.asarray(self.intercept + constant + total / self.points_per_unit)


def nomogram_table(
    coefficients: Mapping[str, float],
    *,
    intercept: float,
    ranges: Mapping[str, tuple[float, float] | Sequence[float]],
    points: float = 100.0,
    ticks: int = 11,
) -> Nomogram:
    """Return the axes of a logistic model's nomogram.

    The variable that can move the linear predictor most spans 0 to ``points``; the others are to
    that scale. A variable that lowers the chance has its axis turned round, so that points only
    add. The nomogram is the model drawn; it is no more certain than the coefficients' intervals
    and the model's calibration.

    Parameters
    ----------
    coefficients : mapping of str to float
        Slope of each variable, on the variable's own scale.
    intercept : float
    ranges : mapping
        Of each variable, from training patients: ``(low, high)`` of a continuous one, or three
        and more values for one with levels; two values are taken as a range, whose ends are also
        the levels of a variable coded 0 and 1.
    points : float
    ticks : int
        Per continuous axis.

    Raises
    ------
    InputError
        If a variable has no range, an empty one, or no variable has an effect.

    References
    ----------
    Iasonos A, et al. J Clin Oncol 2008; 26: 1364-1370.

    Examples
    --------
    >>> drawn = nomogram_table({"age": 0.05, "score": 2.0}, intercept=-4.0,
    ...                        ranges={"age": (20, 80), "score": (0, 2)})
    >>> drawn.points({"age": 80, "score": 2})
    {'age': 75.0, 'score': 100.0}
    >>> round(drawn.probability({"age": 80, "score": 0.5}), 3)
    0.731
    """
    if not coefficients:
        raise InputError("coefficients must hold at least one variable")
    zero, spans = {}, {}
    for name, slope in coefficients.items():
        if name not in ranges:
            raise InputError(f"ranges lacks {name!r}: {did_you_mean(name, ranges)}")
        values = np.asarray(ranges[name], dtype=float)
        if values.size < 2 or not np.isfinite([slope, *values]).all() or np.ptp(values) <= 0:
            raise InputError(
                f"ranges[{name!r}] must hold finite values from low to high, got {ranges[name]!r} "
                f"with coefficient {slope!r}"
            )
        zero[name] = float(values.min() if slope >= 0 else values.max())
        spans[name] = abs(float(slope)) * float(np.ptp(values))
    widest = max(spans.values())
    if widest == 0:
        raise InputError("every coefficient is 0: there is nothing to draw")
    unit = points / widest
    slopes = {name: float(slope) for name, slope in coefficients.items()}
    drawn = Nomogram(pd.DataFrame(), pd.DataFrame(), slopes, float(intercept), zero, unit)
    rows = []
    for name, slope in slopes.items():
        values = np.asarray(ranges[name], dtype=float)
        marks = np.unique(values) if values.size > 2 else np.linspace(values[0], values[1], ticks)
        rows += [(name, float(mark), unit * slope * float(mark - zero[name])) for mark in marks]
    axes = pd.DataFrame(rows, columns=["variable", "value", "points"])
    axes["points"] += 0.0  # no negative zero on an axis
    most = unit * sum(spans.values())
    start = float(drawn._score(np.array(0.0)))
    chosen = [(np.log(p / (1 - p)) - start) * unit for p in _PROBABILITIES]
    marks = np.unique(np.r_[0.0, [total for total in chosen if 0 < total < most], most])
    total = pd.DataFrame(
        {
            "total_points": marks,
            "linear_predictor": drawn._score(marks),
            "probability": drawn._probability(marks),
        }
    )
    return Nomogram(axes, total, slopes, float(intercept), zero, unit)
