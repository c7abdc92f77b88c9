"""Checks at the door of every model: the outcome, and the table of terms that goes with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gliofuse.errors import EndpointError, InputError

__all__ = ["Float", "check_columns", "check_outcome", "check_risk", "check_terms"]

Float = NDArray[np.float64]


def check_outcome(y: Any, *, events: int = 1) -> tuple[Float, NDArray[np.bool_]]:
    """Return times and events as arrays.

    Parameters
    ----------
    y : DataFrame
        ``time``, ``event``.
    events : int, default=1
        Patients with the event that are needed.

    Raises
    ------
    InputError
        If y is no DataFrame with these columns.
    EndpointError
        If a time is missing, infinite or negative, an event not 0 or 1, or too few patients or
        events are there.
    """
    if not isinstance(y, pd.DataFrame) or not {"time", "event"} <= set(y.columns):
        got = list(y.columns) if isinstance(y, pd.DataFrame) else type(y).__name__
        raise InputError(f"y must be a DataFrame with the columns time and event, got {got}")
    time = _numbers(y, "time")
    event = _numbers(y, "event")
    wrong = ~(np.isfinite(time) & (time >= 0))
    if wrong.any():
        raise EndpointError(
            f"time must be a number from 0 up: patient {y.index[wrong][0]} has "
            f"{y['time'][wrong].iloc[0]} (one of {int(wrong.sum())}); correct or leave out"
        )
    wrong = ~np.isin(event, (0.0, 1.0))
    if wrong.any():
        raise EndpointError(
            f"event must be 1 (seen) or 0 (censored): patient {y.index[wrong][0]} has "
            f"{y['event'][wrong].iloc[0]} (one of {int(wrong.sum())}); recode the column"
        )
    if len(y) < 2:
        raise EndpointError(f"a survival model needs two patients or more, got {len(y)}")
    if event.sum() < events:
        raise EndpointError(
            f"a survival model needs {events} patient(s) or more with the event, got "
            f"{int(event.sum())} of {len(y)} patients; give patients with longer follow-up"
        )
    return time, event.astype(bool)


def _numbers(y: pd.DataFrame, column: str) -> Float:
    return pd.to_numeric(y[column], errors="coerce").to_numpy(dtype=np.float64)


def check_terms(X: Any, y: Any = None) -> Float:
    """Return X as finite numbers, shape (patients, terms).

    Raises
    ------
    InputError
        If X is no DataFrame of finite numbers with names of their own, or has other patients
        than y.
    """
    if not isinstance(X, pd.DataFrame):
        raise InputError(f"X must be a DataFrame (patients, terms), got {type(X).__name__}")
    if X.columns.has_duplicates:
        raise InputError(f"X has two columns named {X.columns[X.columns.duplicated()][0]!r}")
    if y is not None and not X.index.equals(y.index):
        raise InputError(
            f"X and y must hold the same patients in the same order: got {len(X)} and {len(y)} "
            "rows with different indexes"
        )
    for name, kind in X.dtypes.items():
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind)):
            raise InputError(
                f"X must hold numbers: column {name!r} is {kind}; code its levels as 0/1 columns"
            )
    values = X.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = ~np.isfinite(values).all(axis=0)
    if wrong.any():
        raise InputError(
            f"X must be finite: column {X.columns[wrong][0]!r} (one of {int(wrong.sum())}) has a "
            "missing or infinite value; impute it or leave the patient out"
        )
    return values


def check_risk(risk: Any, y: Any = None) -> pd.Series:
    """Return a risk as a Series of finite floats on the index of y.

    Raises
    ------
    InputError
        If a risk is missing or infinite, or its patients are not those of y.
    """
    series = pd.Series(risk, dtype=np.float64)
    if y is not None:
        if not isinstance(risk, pd.Series) and len(series) == len(y):
            series.index = y.index
        if not series.index.equals(y.index):
            raise InputError(
                f"risk and y must hold the same patients in the same order, got {len(series)} and "
                f"{len(y)} rows"
            )
    if series.empty or not np.isfinite(series).all():
        raise InputError(
            f"risk must be finite for one patient or more: got {len(series)} value(s), "
            f"{int((~np.isfinite(series)).sum())} of them missing or infinite"
        )
    return series


def check_columns(X: Any, patients: int) -> Float:
    """Return columns of features as finite numbers, shape (patients, features).

    Raises
    ------
    InputError
        If there is another number of rows, or a value is missing or infinite.
    """
    values = np.asarray(X, dtype=np.float64)
    if values.ndim != 2 or len(values) != patients or not np.isfinite(values).all():
        raise InputError(
            f"X must hold a row of finite numbers for each of the {patients} patients, got shape "
            f"{values.shape} with {int((~np.isfinite(values)).sum())} missing"
        )
    return values
