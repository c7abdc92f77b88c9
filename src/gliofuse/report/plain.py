"""Tables as plain data: dictionaries, lists, text and numbers."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

__all__ = ["interval", "intervals_folded", "plain", "records"]


def plain(value: Any) -> Any:
    """Return a scalar as a plain Python object; whatever is missing becomes ``None``.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.float64("nan")), plain(np.int64(3)), plain("a")
    (None, 3, 'a')
    """
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    return None if isinstance(value, float) and math.isnan(value) else value


def records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return a table's rows as dictionaries of plain values; no table gives an empty list."""
    if frame is None:
        return []
    columns = [str(column) for column in frame.columns]
    return [
        {name: plain(value) for name, value in zip(columns, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def interval(row: dict[str, Any] | None) -> dict[str, Any]:
    """Return an estimate with the bounds of its interval; no row gives missing ones."""
    row = row or {}
    return {
        "estimate": row.get("estimate"),
        "low": row.get("ci_low"),
        "high": row.get("ci_high"),
    }


def intervals_folded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fold ``x, x_low, x_high`` into one value with its interval.

    Returns
    -------
    list of dict
        The same rows; an estimate with bounds becomes ``{"estimate", "low", "high"}``.

    Examples
    --------
    >>> intervals_folded([{"slope": 1.1, "slope_low": 0.8, "slope_high": 1.4}])
    [{'slope': {'estimate': 1.1, 'low': 0.8, 'high': 1.4}}]
    """
    folded = []
    for row in rows:
        with_bounds = [name for name in row if {f"{name}_low", f"{name}_high"} <= row.keys()]
        bounds = {f"{name}_{side}" for name in with_bounds for side in ("low", "high")}
        folded.append(
            {
                name: {"estimate": value, "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
                if name in with_bounds
                else value
                for name, value in row.items()
                if name not in bounds
            }
        )
    return folded
