"""Time-dependent AUC and Brier score, weighted for censoring, with the influence of each patient.

As R's ``riskRegression::Score`` with the marginal Kaplan-Meier curve of censoring: a patient with
the event by t counts ``1 / G(T-)``, one watched beyond t counts ``1 / G(t)``, one censored before
t counts nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation.survival._outcome import check_outcome, check_score
from gliofuse.evaluation.survival.concordance import codes
from gliofuse.evaluation.survival.product_limit import survival_at
from gliofuse.evaluation.survival.weighting import (
    CensoringCurve,
    censoring_curve,
    censoring_influence,
)

__all__ = ["Score", "brier_scores", "integrated", "null_brier_scores", "time_auc"]


@dataclass(frozen=True)
class Score:
    """Scores at times, with what each row adds to them.

    Attributes
    ----------
    estimate : ndarray of shape (m,)
    influence : ndarray of shape (n, m)
        Sums of squares over rows, where each patient has one, are the variances.
    """

    estimate: np.ndarray
    influence: np.ndarray


def brier_scores(
    time: ArrayLike, event: ArrayLike, probability: ArrayLike, times: ArrayLike
) -> Score:
    """Return the Brier score of the event by each time.

    Parameters
    ----------
    time : array-like of shape (n,)
    event : array-like of shape (n,)
        One row a patient.
    probability : array-like of shape (n, m)
        Of the event by each time.
    times : array-like of shape (m,)
        Each before the last patient's.

    References
    ----------
    Graf E, et al. Stat Med 1999; 18: 2529-2545.
    Gerds TA, Schumacher M. Biom J 2006; 48: 1029-1040.

    Examples
    --------
    >>> score = brier_scores([1, 2, 3, 4], [1, 1, 1, 1], [[0.9], [0.5], [0.5], [0.1]], [2.5])
    >>> score.estimate.round(3).tolist()
    [0.13]
    """
    outcome, seen = check_outcome(time, event)
    at, chance = np.asarray(times, dtype=float), np.asarray(probability, dtype=float)
    if chance.shape != (outcome.size, at.size):
        raise InputError(
            f"probability must be {outcome.size} patients by {at.size} times, got {chance.shape}"
        )
    if not ((chance >= 0) & (chance <= 1)).all():
        raise InputError("probability must lie between 0 and 1 and nothing be missing")
    return _brier((chance - _cases(outcome, seen, at)) ** 2, outcome, seen, at)


def squared_errors(
    time: ArrayLike, event: ArrayLike, probability: np.ndarray, times: np.ndarray
) -> np.ndarray:
    """Return the squared distance of event by each time and its probability, unweighted."""
    outcome, seen = check_outcome(time, event)
    return np.asarray((probability - _cases(outcome, seen, np.asarray(times, dtype=float))) ** 2)


def brier_of_errors(
    time: ArrayLike, event: ArrayLike, errors: np.ndarray, times: np.ndarray
) -> Score:
    """Return :func:`brier_scores` of squared errors, means over a patient's repeats for example."""
    outcome, seen = check_outcome(time, event)
    return _brier(errors, outcome, seen, np.asarray(times, dtype=float))


def null_brier_scores(time: ArrayLike, event: ArrayLike, times: ArrayLike) -> Score:
    """Return the Brier scores of one Kaplan-Meier curve, that of these patients, for everybody."""
    outcome, seen = check_outcome(time, event)
    at = np.asarray(times, dtype=float)
    risk = 1 - survival_at(outcome, seen, at)
    return brier_scores(outcome, seen, np.tile(risk, (outcome.size, 1)), at)


def integrated(score: Score, times: ArrayLike) -> tuple[float, np.ndarray]:
    """Return the mean over time of a score that is a step function, and its influence.

    The score holds from each time to the next, is 0 before the first, and the mean is over 0 to
    the last: with every event time among ``times`` that is exact for the null, and is how
    riskRegression integrates.

    Parameters
    ----------
    score : Score
    times : array-like of shape (m,)
        Rising.
    """
    at = np.asarray(times, dtype=float)
    widths = np.diff(at) / at[-1]
    return float(score.estimate[:-1] @ widths), np.asarray(score.influence[:, :-1] @ widths)


def time_auc(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    horizon: float,
    *,
    stratum: ArrayLike | None = None,
    case: ArrayLike | None = None,
) -> Score | None:
    """Return the cumulative/dynamic AUC: cases have the event by the horizon, controls outlive it.

    Parameters
    ----------
    time, event : array-like of shape (n,)
    risk : array-like of shape (n,)
        The higher, the likelier the event by the horizon.
    horizon : float
    stratum : array-like of shape (n,), optional
        Pairs are of one stratum, a fold; one without pairs drops out.
    case : array-like of shape (n,), optional
        The patient of each row, where some have several.

    Returns
    -------
    Score or None
        Of one time, influences by row; None where there is no pair.

    References
    ----------
    Uno H, et al. J Am Stat Assoc 2007; 102: 527-537.
    Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med 2013; 32: 5381-5397.
    """
    outcome, seen = check_outcome(time, event)
    score = check_score(risk, outcome.size)
    n = outcome.size
    strata = np.zeros(n, dtype=int) if stratum is None else codes(stratum, n)
    patient = np.arange(n) if case is None else codes(case, n)
    _, first, of_row = np.unique(patient, return_index=True, return_inverse=True)
    curve = censoring_curve(outcome[first], seen[first])
    weight = _weights(curve, outcome, seen, np.array([horizon]))[:, 0]
    control = outcome > horizon
    won, pairs = np.zeros(n), np.zeros(n)
    for number in range(strata.max() + 1):
        own = strata == number
        up, down = np.flatnonzero(own & ~control & (weight > 0)), np.flatnonzero(own & control)
        right = (score[up, None] > score[None, down]) + 0.5 * (score[up, None] == score[None, down])
        won[up], won[down] = (
            weight[up] * (right @ weight[down]),
            weight[down] * (weight[up] @ right),
        )
        pairs[up], pairs[down] = weight[up] * weight[down].sum(), weight[down] * weight[up].sum()
    total = pairs.sum() / 2
    if not total > 0:
        return None
    estimate = won.sum() / 2 / total
    influence = (won - estimate * pairs) / total
    # What the curve of censoring adds is a patient's, divided among the patient's rows.
    worth = np.bincount(of_row, weights=influence)
    patients = first.size
    added = censoring_influence(
        curve,
        outcome[first],
        seen[first],
        worth * patients,
        np.where(control[first], horizon, outcome[first]),
        control[first],
    )
    rows = np.bincount(of_row)
    influence = influence + (added / patients / rows)[of_row]
    influence *= np.sqrt(patients / max(patients - 1, 1))
    return Score(np.array([estimate]), influence[:, None])


def _brier(errors: np.ndarray, outcome: np.ndarray, seen: np.ndarray, at: np.ndarray) -> Score:
    n = outcome.size
    if at.size and not at.max() < outcome.max():
        raise InputError(
            f"a Brier score by {at.max():g} needs a patient who was watched for longer, the last "
            f"time is {outcome.max():g}; choose earlier times"
        )
    curve = censoring_curve(outcome, seen)
    worth = errors * _weights(curve, outcome, seen, at)
    estimate = worth.mean(axis=0)
    influence = worth - estimate
    for place, horizon in enumerate(at):
        beyond = outcome > horizon
        needed = np.where(beyond, horizon, outcome)
        influence[:, place] += censoring_influence(
            curve, outcome, seen, worth[:, place], needed, beyond
        )
    return Score(estimate, influence / np.sqrt(n * max(n - 1, 1)))


def _cases(outcome: np.ndarray, seen: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.asarray(seen[:, None] & (outcome[:, None] <= at))


def _weights(
    curve: CensoringCurve, outcome: np.ndarray, seen: np.ndarray, at: np.ndarray
) -> np.ndarray:
    before = np.maximum(curve.before(outcome), 1e-300)
    beyond = outcome[:, None] > at
    later = 1 / np.maximum(curve.at(at), 1e-300)
    return np.where(beyond, later, _cases(outcome, seen, at) / before[:, None])
