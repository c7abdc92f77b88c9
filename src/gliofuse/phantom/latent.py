"""The latent severity behind images and outcomes, and the best that any model can do.

Every patient has a severity ``v``, standard normal. The images show ``v`` and nothing else that
bears on the outcomes; every outcome is drawn from ``v`` and noise of its own. A model that knew
``v`` exactly could therefore not be bettered: its AUC is the ceiling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["EFFECTS", "Latent", "ceilings", "draw_latent", "draw_outcomes"]

EFFECTS: dict[str, dict[str, Any]] = {
    "grade": {
        "model": "liability = slope * effect * v + N(0, 1); grades 2, 3, 4 by its rank",
        "slope": 2.0,
        "shares": {"2": 0.40, "3": 0.25, "4": 0.35},
    },
    "atrx_mutated": {
        "model": "P(1) = Phi(intercept + slope * effect * v)",
        "intercept": -0.1,
        "slope": -1.3,
    },
    "survival": {
        "model": "Weibull, hazard ratio exp(log_hazard_ratio * effect * v); exponential censoring",
        "log_hazard_ratio": 0.9,
        "shape": 1.3,
        "scale_days": 1100.0,
        "censoring_mean_days": 2200.0,
    },
    "age_years": {
        "model": "mean + slope * effect * v + N(0, sd), kept within 18 to 90",
        "mean": 50.0,
        "slope": 5.0,
        "sd": 11.0,
    },
    "sex": {"model": "P(M) = 0.55", "effect": 0.0},
    "location": {"model": "uniform over five places", "effect": 0.0},
    "laterality": {"model": "uniform over two sides", "effect": 0.0},
    "center": {"model": "fixed shares, allotted at random", "effect": 0.0},
    "histology": {"model": "follows from grade and ATRX"},
}
"""How each clinical column comes from the severity ``v``; ``effect`` is the cohort's setting."""


@dataclass(frozen=True)
class Latent:
    """Severities of the patients, each of shape (cases,) and standard normal.

    ``true`` decides the outcomes; ``decoy`` is what a sequence or region shows that is to carry
    no effect: distributed alike and independent of everything.
    """

    true: np.ndarray
    decoy: np.ndarray


def draw_latent(seed: int, cases: int) -> Latent:
    """Return the severities: one from each of ``cases`` equal slices of the normal distribution.

    Slices make a small cohort span the range as a large one would, and of 64 orders of the decoy
    the one least correlated with the severity is taken, so that a part meant to carry no effect
    doesn't carry some by chance.
    """
    rng = np.random.default_rng([seed, 0])
    true = rng.permutation(_sliced_normal(rng, cases))
    decoys = [rng.permutation(_sliced_normal(rng, cases)) for _ in range(64)]
    return Latent(true, min(decoys, key=lambda decoy: abs(np.corrcoef(true, decoy)[0, 1])))


def draw_outcomes(latent: Latent, *, seed: int, effect: float) -> pd.DataFrame:
    """Return grade, histology, atrx_mutated, age_years, sex, os_days and died, one row a patient.

    Parameters
    ----------
    latent : Latent
    seed : int
    effect : float
        Multiplies every slope; 0 leaves outcomes that nothing can predict.
    """
    rng = np.random.default_rng([seed, 1])
    v = effect * latent.true
    cases = v.size
    grade = _grades(EFFECTS["grade"]["slope"] * v + rng.standard_normal(cases))
    atrx = EFFECTS["atrx_mutated"]
    mutated = atrx["intercept"] + atrx["slope"] * v + rng.standard_normal(cases) > 0
    age = EFFECTS["age_years"]
    years = age["mean"] + age["slope"] * v + age["sd"] * rng.standard_normal(cases)
    hazard = EFFECTS["survival"]
    ratio = np.exp(hazard["log_hazard_ratio"] * v)
    death = hazard["scale_days"] * (rng.exponential(size=cases) / ratio) ** (1 / hazard["shape"])
    censoring = rng.exponential(hazard["censoring_mean_days"], cases)
    lineage = np.where(mutated, "astrocytoma", "oligodendroglioma")
    return pd.DataFrame(
        {
            "grade": grade,
            "histology": np.where(grade == 4, "glioblastoma", lineage),
            "atrx_mutated": mutated.astype(int),
            "age_years": np.clip(np.rint(years), 18, 90).astype(int),
            "sex": np.where(rng.uniform(size=cases) < 0.55, "M", "F"),
            "os_days": np.ceil(np.minimum(death, censoring)).astype(int),
            "died": (death <= censoring).astype(int),
        }
    )


def ceilings(latent: Latent, outcomes: pd.DataFrame, *, effect: float) -> dict[str, Any]:
    """Return the best AUC and concordance that knowing the severity gives.

    ``theoretical`` holds for patients without number, ``empirical`` for these; a model that does
    better on these has been lucky or has learned from them. ``None`` where these patients hold
    one class only.
    """
    grade = EFFECTS["grade"]
    low = float(grade["shares"]["2"])
    slope = grade["slope"] * effect
    atrx = EFFECTS["atrx_mutated"]
    return {
        "grade >= 3": {
            "theoretical": _probit_auc(_quantile(1 - low) * np.sqrt(1 + slope**2), slope),
            "empirical": _auc(outcomes["grade"].to_numpy() >= 3, latent.true),
        },
        "atrx_mutated == 1": {
            "theoretical": _probit_auc(atrx["intercept"], atrx["slope"] * effect),
            "empirical": _auc(outcomes["atrx_mutated"].to_numpy() == 1, -latent.true),
        },
        "os_days, died": {
            "empirical_concordance": _concordance(
                outcomes["os_days"].to_numpy(), outcomes["died"].to_numpy() == 1, latent.true
            )
        },
    }


def _sliced_normal(rng: np.random.Generator, cases: int) -> np.ndarray:
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(cases) + rng.uniform(size=cases)) / cases))


def _grades(liability: np.ndarray) -> np.ndarray:
    """Cut the liability at ranks, so that every cohort holds the grades in their shares."""
    shares = EFFECTS["grade"]["shares"]
    second = max(1, round(shares["2"] * liability.size))
    third = max(1, round(shares["3"] * liability.size))
    rank = np.argsort(np.argsort(liability))
    return np.where(rank < second, 2, np.where(rank < second + third, 3, 4))


def _probit_auc(intercept: float, slope: float) -> float:
    """Return the AUC of a standard normal v, better way up, for P(1 | v) = Phi(a + slope v)."""
    from scipy.stats import norm

    v = np.linspace(-8, 8, 8001)
    chance = norm.cdf(intercept + abs(slope) * v)
    of_one = norm.pdf(v) * chance
    of_zero = norm.pdf(v) * (1 - chance)
    of_one, of_zero = of_one / of_one.sum(), of_zero / of_zero.sum()
    return float(np.sum(of_one * (np.cumsum(of_zero) - of_zero / 2)))


def _quantile(probability: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


def _auc(positive: np.ndarray, score: np.ndarray) -> float | None:
    above, below = score[positive], score[~positive]
    if not (above.size and below.size):
        return None
    return float(np.mean(above[:, None] > below[None, :]))


def _concordance(time: np.ndarray, died: np.ndarray, risk: np.ndarray) -> float | None:
    """Return Harrell's concordance: of comparable pairs, who died first had the higher risk."""
    comparable = died[:, None] & (time[:, None] < time[None, :])
    if not comparable.any():
        return None
    right = risk[:, None] > risk[None, :]
    return float((right & comparable).sum() / comparable.sum())
