"""Restricted cubic splines: a smooth effect of a number that is linear beyond its outer knots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from gliofuse.errors import InputError, SettingError
from gliofuse.survival._checks import Float

__all__ = ["RestrictedCubicSpline", "harrell_knots"]

#: of the patients who may share the least (or largest) value before it gets a knot beside it
_TIED = 0.05
#: below so many patients the outer knots are the fifth value from each end
_FEW = 100


def harrell_knots(values: Any, count: int = 4) -> Float:
    """Return Harrell's knots, as R's ``rcspline.eval`` of Hmisc places them.

    The outer knots are at the quantiles 0.05 and 0.95 (0.1 and 0.9 with three knots), the others
    at equal steps between. With fewer than 100 values the outer knots are the fifth smallest and
    the fifth largest value. Where a twentieth or more of the values share the least (largest) one,
    and no other value is as common, the next value becomes the outer knot and the others are
    placed beyond it.

    Parameters
    ----------
    values : array-like of shape (patients,)
        Missing ones are left aside.
    count : int, default=4
        3 to 7.

    Returns
    -------
    ndarray
        Sorted; fewer than ``count`` where quantiles fall together, 3 at least.

    Raises
    ------
    SettingError
        If ``count`` is not 3 to 7.
    InputError
        If the values give fewer than three knots.

    References
    ----------
    Harrell 2015, Regression Modeling Strategies, section 2.4.6.

    Examples
    --------
    >>> harrell_knots(range(201), 5).round(6).tolist()
    [10.0, 55.0, 100.0, 145.0, 190.0]
    """
    if count not in range(3, 8):
        raise SettingError(f"a restricted cubic spline takes 3 to 7 knots, got {count!r}")
    x = np.sort(np.asarray(values, dtype=np.float64).ravel())
    x = x[~np.isnan(x)]
    if x.size < 6:
        raise InputError(f"a spline's knots need 6 values or more, got {x.size}; use a line")
    distinct, tied = np.unique(x, return_counts=True)
    if distinct.size - 2 <= count:
        knots = distinct[1:-1]
    else:
        knots = _knots_at_quantiles(x, distinct, tied / x.size, count)
    knots = np.unique(knots)
    if knots.size < 3:
        raise InputError(
            f"{distinct.size} different values give {knots.size} knots where a restricted cubic "
            "spline needs three: use a line or name the knots"
        )
    return knots


def _knots_at_quantiles(x: Float, distinct: Float, shares: Float, count: int) -> Float:
    outer = 0.1 if count == 3 else 0.025 if count == 7 else 0.05
    first, last = np.empty(0), np.empty(0)
    if shares[1:-1].max() < _TIED:
        if shares[0] >= _TIED:
            first = distinct[1:2]
            x = x[x > first[0]]
        if shares[-1] >= _TIED:
            last = distinct[-2:-1]
            x = x[x < last[0]]
    inner = count - first.size - last.size
    if inner == 1:
        return np.r_[first, np.median(x), last]
    knots = np.quantile(x, np.linspace(0.5 if inner == 2 else outer, 1 - outer, inner))
    if np.unique(knots).size < min(inner, 3):
        knots = np.unique(np.quantile(x, np.linspace(outer, 1 - outer, 2 * inner)))
    if x.size < _FEW:
        if not first.size:
            knots[0] = x[4]
        if not last.size:
            knots[-1] = x[-5]
    return np.r_[first, knots, last]


class RestrictedCubicSpline:
    """The columns of a restricted cubic spline, as R's ``rcs`` of rms gives them.

    The first column is the value itself; the others, one fewer than the knots less one, are zero
    below the first knot and linear above the last, divided by the square of the distance of the
    outer knots (``norm = 2``) so that all are on the value's own scale.

    Parameters
    ----------
    knots : int or sequence of float, default=4
        How many, placed by `harrell_knots`, or where.

    Attributes
    ----------
    knots_ : ndarray

    References
    ----------
    Harrell 2015, Regression Modeling Strategies, equation 2.25. Devlin and Weeks 1986, Proc 11th
    SAS Users Group Conference 646-651.

    Examples
    --------
    >>> age = pd.Series([20.0, 35, 50, 65, 80], name="age")
    >>> spline = RestrictedCubicSpline([30, 50, 70]).fit(age)
    >>> spline.basis(age).round(4)
        age     age'
    0  20.0   0.0000
    1  35.0   0.0781
    2  50.0   5.0000
    3  65.0  22.5781
    4  80.0  45.0000
    """

    def __init__(self, knots: int | Sequence[float] = 4) -> None:
        self.knots = knots

    def fit(self, values: Any) -> Self:
        """Place the knots on the training patients' values.

        Raises
        ------
        SettingError
            If fewer than three different knots are named, or not 3 to 7 are asked for.
        InputError
            If the values give fewer than three knots.
        """
        if isinstance(self.knots, int | np.integer):
            self.knots_ = harrell_knots(values, int(self.knots))
            return self
        knots = np.unique(np.asarray(self.knots, dtype=np.float64))
        if knots.size < 3 or not np.isfinite(knots).all():
            raise SettingError(
                f"a restricted cubic spline needs three different knots or more, got {self.knots!r}"
            )
        self.knots_ = knots
        return self

    def names(self, name: str) -> list[str]:
        """Return the columns' names: the value's own, with a prime more for each further one."""
        return [name + "'" * power for power in range(self.knots_.size - 1)]

    def basis(self, values: pd.Series) -> pd.DataFrame:
        """Return the columns (patients, knots - 1); a missing value stays missing."""
        x = values.to_numpy(dtype=np.float64)
        t = self.knots_
        scale = (t[-1] - t[0]) ** 2
        gap = t[-1] - t[-2]

        def cube(knot: float) -> Float:
            return np.maximum(x - knot, 0.0) ** 3 / scale

        columns = [x]
        for knot in t[:-2]:
            before, after = (t[-1] - knot) / gap, (t[-2] - knot) / gap
            columns.append(cube(knot) - before * cube(t[-2]) + after * cube(t[-1]))
        # a comparison with NaN would make a missing value 0
        table = np.where(np.isnan(x)[:, None], np.nan, np.column_stack(columns))
        name = "x" if values.name is None else str(values.name)
        return pd.DataFrame(table, index=values.index, columns=self.names(name))
