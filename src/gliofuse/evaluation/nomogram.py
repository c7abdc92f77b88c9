"""Logistic and Cox models as nomograms: points per variable, total points, probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.errors import InputError, did_you_mean
from gliofuse.records import Nomogram, NomogramTerm
from gliofuse.survival import RestrictedCubicSpline

__all__ = ["NomogramPoints", "cox_nomogram", "logistic_nomogram", "nomogram_points"]

_PROBABILITIES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_FEW_STEPS = 5  # whole numbers that span so few are marked one by one
_GRID = 2001  # values at which the turning points of a spline are looked for


@dataclass(frozen=True)
class NomogramPoints:
    """A nomogram's scale: what each variable adds, from 0 points where it adds least.

    Attributes
    ----------
    model : Nomogram
    per_unit : float
        Points per unit of the linear predictor.
    least : dict of str to float
        What each term adds to the linear predictor where it adds least.
    most : dict of str to float
        The same where it adds most.
    """

    model: Nomogram
    per_unit: float
    least: dict[str, float]
    most: dict[str, float]

    def points_of(self, term: NomogramTerm, value: Any) -> float:
        """Return the points of one variable's value or level."""
        return self.per_unit * (term_effect(term, value) - self.least[term.name])

    def points(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Return a patient's points for each variable.

        Parameters
        ----------
        values : mapping
            A number, or the name of a level, by variable.

        Raises
        ------
        InputError
            If a variable is missing, or a level unknown.
        """
        missing = [term.name for term in self.model.terms if term.name not in values]
        if missing:
            raise InputError(f"values lacks {missing}; the nomogram needs all its variables")
        return {term.name: self.points_of(term, values[term.name]) for term in self.model.terms}

    def of_patient(self, values: Mapping[str, Any], predictor: float) -> dict[str, float] | None:
        """Return a patient's points for each variable, where one value may not be known.

        Parameters
        ----------
        values : mapping
            A number, or the name of a level, by variable; those of the nomogram are used.
        predictor : float
            The patient's linear predictor: what it has beyond the variables that are known is that
            of the one that isn't, such as a score of the images.

        Returns
        -------
        dict of str to float or None
            ``None`` where more than one value is not known.

        Raises
        ------
        InputError
            If a level is unknown.
        """
        unknown = [term.name for term in self.model.terms if values.get(term.name) is None]
        if len(unknown) > 1:
            return None
        terms = {term.name: term for term in self.model.terms}
        points = {
            name: self.points_of(term, values[name])
            for name, term in terms.items()
            if name not in unknown
        }
        for name in unknown:
            points[name] = self.total(predictor) - sum(points.values())
        return {name: points[name] for name in terms}

    def predictor(self, total: float) -> float:
        """Return the linear predictor of a sum of points."""
        return self.model.intercept + sum(self.least.values()) + total / self.per_unit

    def total(self, predictor: float) -> float:
        """Return the sum of points that a linear predictor has."""
        return (predictor - self.predictor(0.0)) * self.per_unit

    @property
    def highest_total(self) -> float:
        """The largest sum of points."""
        return self.per_unit * sum(self.most[name] - self.least[name] for name in self.least)

    def probabilities(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Return a patient's probabilities by way of the points; equal to the model's own.

        Returns
        -------
        dict of str to float
            Survival by horizon of a Cox model; of a logistic one the probability, under ``""``.
        """
        return self.probabilities_at(sum(self.points(values).values()))

    def probabilities_at(self, total: float) -> dict[str, float]:
        """Return the probabilities of a sum of points, as :meth:`probabilities` does."""
        score = self.predictor(total)
        if self.model.link == "logistic":
            return {"": float(1 / (1 + np.exp(-score)))}
        hazard = float(np.exp(score))
        return {label: float(base**hazard) for label, base in self.model.baseline.items()}

    def marks(self) -> dict[str, list[tuple[float, float]]]:
        """Return the ticks of the lower axes as (total points, probability), by horizon.

        Round probabilities that a patient can have; a logistic model has one axis, ``""``.
        """
        axes = {}
        for label in [""] if self.model.link == "logistic" else self.model.baseline:
            ticks = [(self._total_of(label, p), p) for p in _PROBABILITIES]
            axes[label] = sorted(
                tick for tick in ticks if -1e-9 <= tick[0] <= self.highest_total + 1e-9
            )
        return axes

    def _total_of(self, label: str, probability: float) -> float:
        if self.model.link == "logistic":
            return self.total(math.log(probability / (1 - probability)))
        base = self.model.baseline[label]
        if not 0 < base < 1:
            return math.nan
        return self.total(math.log(math.log(probability) / math.log(base)))

    def axes(self, ticks: int = 11) -> pd.DataFrame:
        """Return the ticks of every axis.

        Parameters
        ----------
        ticks : int
            Per axis of numbers.

        Returns
        -------
        DataFrame
            ``variable, value, points`` of the variables' axes, then ``total_points,
            linear_predictor, horizon, probability`` of the lower ones.
        """
        rows: list[dict[str, Any]] = []
        for term in self.model.terms:
            values: Sequence[Any] = list(term.levels)
            if not values:
                values = np.linspace(*term.range, ticks).tolist()
            rows += [
                {
                    "variable": term.name,
                    "value": value if isinstance(value, str) else f"{value:.10g}",
                    "points": self.points_of(term, value) + 0.0,  # no negative zero on an axis
                }
                for value in values
            ]
        for label, marks in self.marks().items():
            rows += [
                {
                    "total_points": total,
                    "linear_predictor": self.predictor(total),
                    "horizon": label or None,
                    "probability": probability,
                }
                for total, probability in marks
            ]
        names = ["variable", "value", "points", "total_points", "linear_predictor", "horizon"]
        return pd.DataFrame(rows).reindex(columns=[*names, "probability"])


def nomogram_points(model: Nomogram, *, points: float = 100.0) -> NomogramPoints:
    """Return the scale of a nomogram.

    The variable that can move the linear predictor most spans 0 to ``points``; the others are to
    that scale. Each has 0 points where it adds least, so that points only add. The nomogram is the
    model drawn; it is no more certain than the coefficients' intervals and the model's
    calibration.

    References
    ----------
    Iasonos A, et al. J Clin Oncol 2008; 26: 1364-1370.

    Examples
    --------
    >>> table = pd.DataFrame({"age": [20.0, 50, 80], "score": [0.0, 0.7, 2]})
    >>> model = logistic_nomogram({"age": 0.05, "score": 2.0}, table, intercept=-4.0,
    ...                           outcome="grade >= 3")
    >>> drawn = nomogram_points(model)
    >>> drawn.points({"age": 80, "score": 2})
    {'age': 75.0, 'score': 100.0}
    >>> round(drawn.probabilities({"age": 80, "score": 0.5})[""], 3)
    0.731
    """
    extremes = {term.name: _extremes(term) for term in model.terms}
    widest = max(high - low for low, high in extremes.values())
    if widest == 0:
        raise InputError("every coefficient is 0: there is nothing to draw")
    return NomogramPoints(
        model,
        points / widest,
        {name: low for name, (low, _) in extremes.items()},
        {name: high for name, (_, high) in extremes.items()},
    )


def term_effect(term: NomogramTerm, value: Any) -> float:
    """Return what a value, or the name of a level, adds to the linear predictor."""
    if term.levels:
        level = value if isinstance(value, str) else f"{value:g}"
        if level not in term.levels:
            raise InputError(f"{term.name}: {did_you_mean(level, term.levels)}")
        return term.levels[level]
    if not term.knots:
        return term.coefficients[0] * float(value)
    return float(_spline(term, [float(value)])[0])


def _spline(term: NomogramTerm, values: Any) -> np.ndarray:
    """Return what a spline adds to the linear predictor at each value."""
    columns = RestrictedCubicSpline(term.knots).fit(()).basis(pd.Series(values, dtype=float))
    return columns.to_numpy() @ np.asarray(term.coefficients)


def _extremes(term: NomogramTerm) -> tuple[float, float]:
    if term.levels:
        return min(term.levels.values()), max(term.levels.values())
    low, high = term.range
    values = np.array([low, high])
    if term.knots:
        values = np.linspace(low, high, _GRID)
        effects = _spline(term, values)
    else:
        effects = values * term.coefficients[0]
    return float(effects.min()), float(effects.max())


def logistic_nomogram(
    coefficients: Mapping[str, float] | pd.Series,
    table: pd.DataFrame,
    *,
    intercept: float,
    outcome: str,
    **described: Any,
) -> Nomogram | None:
    """Return a logistic model as a nomogram.

    Parameters
    ----------
    coefficients : mapping or Series of float
        By column of ``table``, on its own scale; the intercept is not among them.
    table : DataFrame
        The patients that the model was fitted on: one column a coefficient, all numbers.
    intercept : float
    outcome : str
        What the probability is of.
    **described
        ``levels``, ``splines``, ``units`` and ``labels``, as in :func:`cox_nomogram`.

    Returns
    -------
    Nomogram or None
        None where no variable moves the prediction: there is nothing to draw.

    Raises
    ------
    InputError
        If the table lacks a column, or a coefficient is not finite.
    """
    terms, constant = _terms(coefficients, table, **described)
    if not terms:
        return None
    return Nomogram(
        outcome=outcome,
        fitted_on=f"the {len(table)} training patients",
        intercept=intercept + constant,
        terms=tuple(terms),
    )


def cox_nomogram(
    coefficients: Mapping[str, float] | pd.Series,
    table: pd.DataFrame,
    *,
    baseline: Mapping[str, float] | pd.Series,
    outcome: str,
    center: Mapping[str, float] | pd.Series | float = 0.0,
    levels: Mapping[str, Sequence[str]] | None = None,
    splines: Mapping[str, Sequence[float]] | None = None,
    units: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Nomogram | None:
    """Return a Cox model as a nomogram.

    Parameters
    ----------
    coefficients : mapping or Series of float
        Log hazard ratios by term, on the terms' own scales. A level's term is
        ``"variable=level"``; the columns of a spline of ``age`` are ``age``, ``age'``, ``age''``
        and so on.
    table : DataFrame
        The patients that the model was fitted on: a column a term, all numbers. A spline needs its
        first column alone, the variable itself.
    baseline : mapping or Series of float
        Survival of a patient whose linear predictor is 0 after centring, by the label of the
        horizon (``"1 year"``); horizons that the model says nothing of (NaN) are left out.
    outcome : str
        The event that ends survival.
    center : mapping or Series of float, or float
        What centring takes off the linear predictor: the means of the terms, or the predictor's
        own mean.
    levels : mapping, optional
        Levels of a variable, the reference first; its terms become one axis.
    splines : mapping, optional
        Knots of each variable that enters as a restricted cubic spline.
    units, labels : mapping of str to str, optional
        By variable.

    Returns
    -------
    Nomogram or None
        None where no variable moves the prediction, or no horizon has a baseline.

    Raises
    ------
    InputError
        If the table lacks a column, or a coefficient is not finite.

    Examples
    --------
    >>> table = pd.DataFrame({"age": [20.0, 80.0], "sex=M": [0.0, 1.0]})
    >>> model = cox_nomogram({"age": 0.05, "sex=M": 0.5}, table, baseline={"1 year": 0.8},
    ...                      center=2.5, outcome="died", levels={"sex": ["F", "M"]})
    >>> nomogram_points(model).points({"age": 50, "sex": "M"})  # doctest: +ELLIPSIS
    {'age': 50.0, 'sex': 16.6...}
    """
    terms, constant = _terms(coefficients, table, levels, splines, units, labels)
    known = {str(label): float(value) for label, value in baseline.items() if np.isfinite(value)}
    if not terms or not known:
        return None
    if isinstance(center, Mapping | pd.Series):
        shift = sum(float(slope) * float(center[name]) for name, slope in coefficients.items())
    else:
        shift = float(center)
    return Nomogram(
        outcome=outcome,
        fitted_on=f"the {len(table)} training patients",
        link="cox",
        intercept=constant - shift,
        baseline=known,
        terms=tuple(terms),
    )


def _terms(
    coefficients: Mapping[str, float] | pd.Series,
    table: pd.DataFrame,
    levels: Mapping[str, Sequence[str]] | None = None,
    splines: Mapping[str, Sequence[float]] | None = None,
    units: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> tuple[list[NomogramTerm], float]:
    """Return the terms that move the prediction, and what the constant ones add to it."""
    slopes = {str(name): float(slope) for name, slope in coefficients.items()}
    odd = next((name for name, slope in slopes.items() if not math.isfinite(slope)), None)
    if odd is not None:
        raise InputError(f"coefficient of {odd!r} must be finite, got {slopes[odd]!r}")
    terms, constant = [], 0.0
    for variable, own in _variables(slopes, levels or {}, splines or {}).items():
        described = {
            "name": variable,
            "label": (labels or {}).get(variable, variable),
            "unit": (units or {}).get(variable, ""),
        }
        if variable in (levels or {}):
            every = (levels or {})[variable]
            effects = {level: slopes.get(f"{variable}={level}", 0.0) for level in every}
            terms.append(NomogramTerm(**described, levels=effects))
            continue
        values = _column(table, variable)
        low, high = float(values.min()), float(values.max())
        if low == high:
            constant += slopes[variable] * low
        elif variable in (splines or {}):
            terms.append(
                NomogramTerm(
                    **described,
                    coefficients=tuple(slopes[name] for name in own.values()),
                    knots=tuple(float(knot) for knot in (splines or {})[variable]),
                    min=low,
                    max=high,
                )
            )
        elif set(values) == {0.0, 1.0}:
            terms.append(_yes_or_no(described, variable, slopes[variable]))
        elif high - low <= _FEW_STEPS and (values == values.round()).all():  # such as a grade
            steps = np.arange(low, high + 1)
            shares = {f"{step:g}": slopes[variable] * float(step) for step in steps}
            terms.append(NomogramTerm(**described, levels=shares))
        else:
            slope = (slopes[variable],)
            terms.append(NomogramTerm(**described, coefficients=slope, min=low, max=high))
    moving = any(np.ptp(_extremes(term)) > 0 for term in terms)
    return (terms if moving else []), constant


def _variables(
    slopes: Mapping[str, float],
    levels: Mapping[str, Sequence[str]],
    splines: Mapping[str, Sequence[float]],
) -> dict[str, dict[str, str]]:
    """Return each variable's terms: by level, or by the spline's column."""
    owners = {f"{name}={level}": (name, level) for name in levels for level in levels[name]}
    for name, knots in splines.items():
        columns = [name + "'" * place for place in range(len(knots) - 1)]
        missing = [column for column in columns if column not in slopes]
        if missing:
            raise InputError(f"coefficients lacks {missing} of the spline of {name!r}")
        owners |= {column: (name, column) for column in columns}
    found: dict[str, dict[str, str]] = {}
    for term in slopes:
        variable, part = owners.get(term, (term, term))
        found.setdefault(variable, {})[part] = term
    return found


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table:
        raise InputError(f"table lacks {name!r}: {did_you_mean(name, [str(c) for c in table])}")
    values = table[name].astype(float)
    if not np.isfinite(values).all():
        raise InputError(f"table column {name!r} must hold finite values")
    return values


def _yes_or_no(described: dict[str, str], name: str, slope: float) -> NomogramTerm:
    variable, _, level = name.partition("=")
    label = f"{variable}: {level}" if level and described["label"] == name else described["label"]
    low, high = ("no", "yes") if level else ("0", "1")
    return NomogramTerm(**{**described, "label": label}, levels={low: 0.0, high: slope})
