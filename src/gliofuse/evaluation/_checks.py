"""What every function of the package asks of labels, probabilities and prediction tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError

__all__ = [
    "check_binary",
    "check_predictions",
    "check_table",
    "require_columns",
    "wilson_interval",
]

COHORTS = ("training", "validation", "test", "external")
KEYS = ("case_id", "fold", "cohort", "model")


def check_binary(
    y: ArrayLike, *scores: ArrayLike, name: str = "y", both_classes: bool = True
) -> tuple[np.ndarray, ...]:
    """Return ``y`` as a boolean vector and each score as a float vector of the same length.

    Missing values are refused: a patient without a prediction must be listed as excluded by who
    made the table, never dropped silently by a statistic.
    """
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise InputError(f"{name} must be one-dimensional, got shape {labels.shape}")
    numbers = labels.astype(float)
    if not np.isin(numbers, (0.0, 1.0)).all():
        odd = numbers[~np.isin(numbers, (0.0, 1.0))][:3].tolist()
        raise InputError(f"{name} must hold only 0 and 1 and nothing missing, got {odd}")
    positive = numbers == 1
    if both_classes and (positive.all() or not positive.any()):
        raise InputError(
            f"{name} must hold both classes, got {int(positive.sum())} positive of "
            f"{positive.size}; choose another split or endpoint"
        )
    vectors = [positive]
    for score in scores:
        vector = np.asarray(score, dtype=float)
        if vector.shape != positive.shape:
            raise InputError(
                f"scores must have the shape of {name}, {positive.shape}, got {vector.shape}"
            )
        if not np.isfinite(vector).all():
            raise InputError(
                f"scores must be finite, got {int((~np.isfinite(vector)).sum())} missing or "
                f"infinite of {vector.size}; list those patients as excluded instead"
            )
        vectors.append(vector)
    return tuple(vectors)


def require_columns(table: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    """Raise :class:`InputError` unless ``table`` has every one of ``columns``."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(
            f"{name} lacks the columns {missing}; it has {[str(c) for c in table.columns]}"
        )


def check_predictions(predictions: pd.DataFrame) -> None:
    """Raise :class:`InputError` unless ``predictions`` keeps the binary table's contract."""
    check_table(predictions, ("y_true",), ("probability",))
    check_binary(
        predictions["y_true"].to_numpy(),
        predictions["probability"].to_numpy(),
        name="predictions.y_true",
        both_classes=False,
    )


def check_table(
    predictions: pd.DataFrame, outcomes: Sequence[str], predicted: Sequence[str]
) -> None:
    """Raise :class:`InputError` unless ``predictions`` keeps what tables of every kind keep.

    That is: its columns are there, it has rows, the cohorts are known, no row is doubled and a
    patient has one outcome. Values of the ``predicted`` columns are left to who knows their kind.
    """
    require_columns(predictions, (*KEYS, *outcomes, *predicted), "predictions")
    if predictions.empty:
        raise InputError("predictions holds no row; there is nothing to evaluate")
    unknown = sorted(set(predictions["cohort"].astype(str)) - set(COHORTS))
    if unknown:
        raise InputError(f"predictions.cohort must be one of {list(COHORTS)}, got {unknown}")
    doubled = predictions.duplicated(list(KEYS))
    if doubled.any():
        first: dict[Any, Any] = predictions.loc[doubled, list(KEYS)].iloc[0].to_dict()
        raise InputError(f"predictions holds {int(doubled.sum())} doubled rows, first {first}")
    for outcome in outcomes:
        values = predictions.groupby("case_id", observed=True)[outcome].nunique()
        if (values > 1).any():
            raise InputError(
                f"predictions gives two different {outcome} for "
                f"{list(values.index[values > 1][:3])}; a patient has one label"
            )


def wilson_interval(
    proportion: float, n: float, *, confidence: float = 0.95
) -> tuple[float, float]:
    """Return Wilson's score interval of a proportion out of ``n``; (0, 1) if ``n`` is 0.

    References
    ----------
    Wilson EB. J Am Stat Assoc 1927; 22: 209-212.

    Examples
    --------
    >>> low, high = wilson_interval(1.0, 10)
    >>> round(low, 3), high
    (0.722, 1.0)
    """
    if not n > 0:
        return 0.0, 1.0
    z = normal_quantile(confidence)
    centre = (proportion + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(proportion * (1 - proportion) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    # At a proportion of 0 or 1 one limit is the proportion itself; rounding must not move it.
    low = 0.0 if proportion <= 0 else max(0.0, float(centre - half))
    high = 1.0 if proportion >= 1 else min(1.0, float(centre + half))
    return low, high


def normal_quantile(confidence: float) -> float:
    """Return z of a two-sided interval: 1.96 for 0.95."""
    from statistics import NormalDist

    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, got {confidence!r}")
    return NormalDist().inv_cdf(0.5 + confidence / 2)
