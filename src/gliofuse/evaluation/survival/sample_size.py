"""How many patients a prediction model of a time to an event needs, by Riley's criteria."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.sample_size import (
    EXPECTED_R2,
    SHRINKAGE,
    first_enough,
    least_shrinkage,
    parameters_per_patient,
)

__all__ = [
    "SurvivalSize",
    "largest_cox_snell_of_rate",
    "survival_development_size",
    "survival_sample_size_table",
]

_MARGIN = 0.05  # of the overall risk by the horizon


@dataclass(frozen=True)
class SurvivalSize:
    """Patients needed to develop a model, by criterion.

    Attributes
    ----------
    shrinkage : int
        For an expected shrinkage of the coefficients of 0.9.
    optimism : int
        For an optimism of Nagelkerke's R squared of at most 0.05.
    risk : int
        For the overall risk by the horizon to within 0.05.
    """

    shrinkage: int
    optimism: int
    risk: int


def largest_cox_snell_of_rate(rate: float, mean_follow_up: float) -> float:
    """Return the largest R squared of Cox and Snell that a rate of events allows.

    Parameters
    ----------
    rate : float
        Events per unit of time watched.
    mean_follow_up : float
        Of a patient.

    Examples
    --------
    >>> round(largest_cox_snell_of_rate(0.065, 2.07), 3)
    0.555
    """
    for name, value in (("rate", rate), ("mean_follow_up", mean_follow_up)):
        if not value > 0:
            raise InputError(f"{name} must be above 0, got {value!r}")
    events = rate * mean_follow_up  # a patient
    return float(1 - np.exp(2 * (events * np.log(events) - events)))


def survival_development_size(
    parameters: int, rate: float, mean_follow_up: float, horizon: float, r2: float
) -> SurvivalSize:
    """Return how many patients the development of a model needs.

    Parameters
    ----------
    parameters : int
        That could enter, whether chosen or not.
    rate : float
        Events per unit of time watched.
    mean_follow_up, horizon : float
    r2 : float
        Of Cox and Snell, expected of the model on new patients.

    References
    ----------
    Riley RD, et al. Stat Med 2019; 38: 1276-1296 (criteria 1, 2 and 4; its example of
    venous thromboembolism is below).

    Examples
    --------
    >>> survival_development_size(30, 0.065, 2.07, 2, 0.051)
    SurvivalSize(shrinkage=5143, optimism=1039, risk=158)
    """
    largest = largest_cox_snell_of_rate(rate, mean_follow_up)
    least = least_shrinkage(largest, r2)
    z = normal_quantile(0.95)

    def close(patients: int) -> bool:
        error = np.sqrt(rate / (mean_follow_up * patients))
        limits = 1 - np.exp(-np.array([rate, rate + z * error, rate - z * error]) * horizon)
        return bool(np.abs(limits[1:] - limits[0]).max() <= _MARGIN)

    return SurvivalSize(
        int(np.ceil(parameters / parameters_per_patient(SHRINKAGE, r2))),
        int(np.ceil(parameters / parameters_per_patient(least, r2))),
        first_enough(close),
    )


def survival_sample_size_table(
    predictions: pd.DataFrame, model: str, candidates: int | None, horizon: float
) -> pd.DataFrame:
    """Hold the training patients of a study against Riley's criteria.

    Parameters
    ----------
    predictions : DataFrame
        With the training rows.
    model : str
    candidates : int or None
        Parameters that could enter the models; ``None`` where they can't be counted.
    horizon : float

    Returns
    -------
    DataFrame
        part, assumption, criterion, present, needed, by the fold with the fewest events; the row
        ``parameters`` counts candidates and how many the patients carry, ``events per parameter``
        how many events there are for each and the 10 of an old rule of thumb.
    """
    columns = ["part", "assumption", "criterion", "present", "needed"]
    own = predictions[(predictions["model"] == model) & (predictions["cohort"] == "training")]
    events = own.groupby("fold", observed=True)["event"].sum()
    rows: list[tuple[str, str, str, float, float]] = []
    if not len(events) or not events.min() > 0:
        return pd.DataFrame(rows, columns=columns)
    fold = own[own["fold"] == events.idxmin()]
    count, watched, n = int(events.min()), float(fold["time"].sum()), len(fold)
    if not watched > 0:
        return pd.DataFrame(rows, columns=columns)
    rate, mean = count / watched, watched / n
    largest = largest_cox_snell_of_rate(rate, mean)
    for share in EXPECTED_R2:
        r2 = share * largest
        assumption = f"Nagelkerke's R² {share:g}"
        if candidates:
            needed = survival_development_size(candidates, rate, mean, horizon, r2)
            rows += [("development", assumption, name, n, value)
                     for name, value in vars(needed).items()]  # fmt: skip
        hardest = max(SHRINKAGE, least_shrinkage(largest, r2))
        carried = int(np.floor(n * parameters_per_patient(hardest, r2)))
        present = np.nan if candidates is None else candidates
        rows.append(("development", assumption, "parameters", present, carried))
    if candidates:
        rows.append(("development", "a rule of thumb", "events per parameter",
                     count / candidates, 10))  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
