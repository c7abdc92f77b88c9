"""How many patients a prediction model of two classes needs, by Riley's criteria.

For development the criteria ask that overfitting is small and the overall risk is known; they are
about unpenalised models, and count every parameter that could have entered, chosen or not. For
validation they ask that the intervals of the figures of merit are narrow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.auc import auc_delong

__all__ = [
    "DevelopmentSize",
    "ValidationSize",
    "cox_snell_of_auc",
    "development_size",
    "largest_cox_snell",
    "parameters_carried",
    "sample_size_table",
    "validation_size",
]

SHRINKAGE = 0.9
_OPTIMISM = 0.05  # of Nagelkerke's R squared
_MARGIN = 0.05  # of the overall risk
#: Nagelkerke's R squared to expect: the first where nothing is known, the second where what is
#: measured is close to what is predicted (Riley et al. 2020).
EXPECTED_R2 = (0.15, 0.5)
WIDTHS = {"observed_expected": 0.2, "slope": 0.4, "auc": 0.1}
_MOST = 10_000_000


@dataclass(frozen=True)
class DevelopmentSize:
    """Patients needed to develop a model, by criterion.

    Attributes
    ----------
    shrinkage : int
        For an expected shrinkage of the coefficients of 0.9.
    optimism : int
        For an optimism of Nagelkerke's R squared of at most 0.05.
    risk : int
        For the overall risk to within 0.05.
    """

    shrinkage: int
    optimism: int
    risk: int


@dataclass(frozen=True)
class ValidationSize:
    """Patients needed to validate a model, by the figure whose interval is to be narrow."""

    observed_expected: int
    slope: int
    auc: int


def largest_cox_snell(prevalence: float) -> float:
    """Return the largest R squared of Cox and Snell that a prevalence allows.

    Examples
    --------
    >>> round(largest_cox_snell(0.5), 2)
    0.75
    """
    share = _checked_share("prevalence", prevalence)
    log_likelihood = share * np.log(share) + (1 - share) * np.log(1 - share)
    return float(1 - np.exp(2 * log_likelihood))


def cox_snell_of_auc(auc: float, prevalence: float) -> float:
    """Return the R squared of Cox and Snell of a calibrated model with this AUC.

    The linear predictor is taken as normal in each class with one variance.

    References
    ----------
    Riley RD, et al. Stat Med 2021; 40: 859-864.
    """
    share = _checked_share("prevalence", prevalence)
    shift = np.sqrt(2) * _normal_point(_checked_share("auc", auc))
    intercept = np.log(share / (1 - share)) - shift**2 / 2
    at, weight = np.polynomial.hermite_e.hermegauss(101)
    weight = weight / weight.sum()
    of_positives = -np.logaddexp(0, -(intercept + shift * (at + shift)))
    of_negatives = -np.logaddexp(0, intercept + shift * at)
    model = share * weight @ of_positives + (1 - share) * weight @ of_negatives
    null = share * np.log(share) + (1 - share) * np.log(1 - share)
    return float(1 - np.exp(2 * (null - model)))


def development_size(parameters: int, prevalence: float, r2: float) -> DevelopmentSize:
    """Return how many patients the development of a model needs.

    Parameters
    ----------
    parameters : int
        That could enter, whether chosen or not.
    prevalence : float
    r2 : float
        Of Cox and Snell, expected of the model on new patients.

    Raises
    ------
    InputError
        If ``r2`` is more than the prevalence allows.

    References
    ----------
    Riley RD, et al. BMJ 2020; 368: m441 (criteria 1 to 3 of its binary outcomes).

    Examples
    --------
    >>> development_size(24, 0.174, 0.288)
    DevelopmentSize(shrinkage=623, optimism=662, risk=221)
    """
    least = least_shrinkage(largest_cox_snell(prevalence), r2)
    z = normal_quantile(0.95)
    return DevelopmentSize(
        int(np.ceil(parameters / parameters_per_patient(SHRINKAGE, r2))),
        int(np.ceil(parameters / parameters_per_patient(least, r2))),
        int(np.ceil((z / _MARGIN) ** 2 * prevalence * (1 - prevalence))),
    )


def parameters_carried(patients: int, prevalence: float, r2: float) -> int:
    """Return how many candidate parameters so many patients carry, by the first two criteria."""
    hardest = max(SHRINKAGE, least_shrinkage(largest_cox_snell(prevalence), r2))
    return int(np.floor(patients * parameters_per_patient(hardest, r2)))


def validation_size(prevalence: float, auc: float) -> ValidationSize:
    """Return how many patients a validation needs for narrow intervals.

    Widths: 0.2 of observed by expected, 0.4 of the calibration slope, 0.1 of the AUC, for a
    calibrated model whose linear predictor is normal in each class.

    References
    ----------
    Riley RD, et al. Stat Med 2021; 40: 4230-4251.
    """
    share = _checked_share("prevalence", prevalence)
    z = normal_quantile(0.95)
    error = np.arcsinh(WIDTHS["observed_expected"] / 2) / z
    ratio = int(np.ceil((1 - share) / (share * error**2)))
    # Information of intercept and slope in one patient, over the two classes' linear predictors.
    shift = np.sqrt(2) * _normal_point(_checked_share("auc", auc))
    intercept = np.log(share / (1 - share)) - shift**2 / 2
    at, weight = np.polynomial.hermite_e.hermegauss(101)
    weight = weight / weight.sum()
    predictor = np.concatenate([intercept + shift * at, intercept + shift * (at + shift)])
    mass = np.concatenate([(1 - share) * weight, share * weight])
    risk = 1 / (1 + np.exp(-predictor))
    moments = [float(mass @ (predictor**power * risk * (1 - risk))) for power in (0, 1, 2)]
    determinant = moments[0] * moments[2] - moments[1] ** 2
    slope = _MOST
    if determinant > 0:
        slope = int(np.ceil(moments[0] / determinant / (WIDTHS["slope"] / (2 * z)) ** 2))

    def width(patients: int) -> float:
        half = patients / 2 - 1
        spread = 1 + half * (1 - auc) / (2 - auc) + half * auc / (1 + auc)
        return float(
            2 * z * np.sqrt(auc * (1 - auc) * spread / (patients**2 * share * (1 - share)))
        )

    return ValidationSize(ratio, slope, first_enough(lambda n: width(n) <= WIDTHS["auc"]))


def sample_size_table(
    predictions: pd.DataFrame, model: str, candidates: int | None
) -> pd.DataFrame:
    """Hold the patients of a study against Riley's criteria.

    Parameters
    ----------
    predictions : DataFrame
        The prediction table with its training rows.
    model : str
        Whose AUC on held-out patients the validation is planned by.
    candidates : int or None
        Parameters that could enter the models; ``None`` where they can't be counted.

    Returns
    -------
    DataFrame
        part (development, validation), assumption, criterion, present, needed. Development is by
        the fold with the fewest training patients; the row ``parameters`` counts candidates
        (present) and how many the patients carry (needed is a most here). A part that the patients
        don't allow is left out.
    """
    own = predictions[predictions["model"] == model]
    rows: list[tuple[str, str, str, float, float]] = []
    training = own[own["cohort"] == "training"]
    sizes = training.groupby("fold")["case_id"].nunique()
    if len(sizes):
        fold = training[training["fold"] == sizes.idxmin()]
        rows += _development(int(sizes.min()), float(fold["y_true"].mean()), candidates)
    for cohort in ("test", "external"):
        patients = own[own["cohort"] == cohort].groupby("case_id")[["y_true", "probability"]].mean()
        if patients["y_true"].nunique() < 2:
            continue
        auc = auc_delong(patients["y_true"], patients["probability"]).estimate
        assumed = min(0.99, max(0.6, auc))
        needed = validation_size(float(patients["y_true"].mean()), assumed)
        rows += [
            (f"validation: {cohort}", f"AUC {assumed:.2f}", name, len(patients), value)
            for name, value in vars(needed).items()
        ]
        break
    return pd.DataFrame(rows, columns=["part", "assumption", "criterion", "present", "needed"])


def _development(
    patients: int, prevalence: float, candidates: int | None
) -> list[tuple[str, str, str, float, float]]:
    if not 0 < prevalence < 1:
        return []
    rows: list[tuple[str, str, str, float, float]] = []
    for share in EXPECTED_R2:
        r2 = share * largest_cox_snell(prevalence)
        assumption = f"Nagelkerke's R² {share:g}"
        if candidates:
            needed = development_size(candidates, prevalence, r2)
            rows += [
                ("development", assumption, name, patients, value)
                for name, value in vars(needed).items()
            ]
        carried = parameters_carried(patients, prevalence, r2)
        present = np.nan if candidates is None else candidates
        rows.append(("development", assumption, "parameters", present, carried))
    return rows


def parameters_per_patient(shrinkage: float, r2: float) -> float:
    """Return the parameters that one patient carries at this shrinkage."""
    if r2 >= shrinkage:
        raise InputError(f"r2 must be below the shrinkage {shrinkage:.3g}, got {r2!r}")
    return float((shrinkage - 1) * np.log(1 - r2 / shrinkage))


def least_shrinkage(largest: float, r2: float) -> float:
    """Return the shrinkage that keeps the optimism small, of the largest R squared and ours."""
    if not 0 < r2 < largest:
        raise InputError(
            f"r2 must lie between 0 and {largest:.3f}, the most that so many events allow; got "
            f"{r2!r}"
        )
    return float(r2 / (r2 + _OPTIMISM * largest))


def first_enough(enough: Callable[[int], bool]) -> int:
    """Return the smallest number of patients that is enough, by halving."""
    low, high = 2, _MOST
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def _normal_point(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def _checked_share(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise InputError(f"{name} must lie between 0 and 1, got {value!r}")
    return float(value)
