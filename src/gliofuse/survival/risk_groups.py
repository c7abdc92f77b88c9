"""Two groups of a risk score: the training median, or the cut that separates survival most."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gliofuse.errors import InputError, SettingError
from gliofuse.survival._checks import check_outcome, check_risk
from gliofuse.survival._partial_likelihood import PartialLikelihood

__all__ = ["OptimalCut", "median_cut", "optimal_cut", "risk_group"]

LOW, HIGH = "low risk", "high risk"


class OptimalCut(NamedTuple):
    """The cut of the largest standardised log-rank statistic.

    ``p_corrected`` is for having searched (see ``correction``); ``p_naive`` is what the statistic
    would give had the cut been fixed beforehand, to be shown as too small or not at all.
    """

    cut: float
    statistic: float
    p_corrected: float
    p_naive: float
    cuts_tried: int
    correction: str = "Miller-Siegmund (Lausen and Schumacher 1992)"


def median_cut(risk: Any) -> float:
    """Return the median of the training patients' risk.

    Give out-of-fold risks: those of the patients that a model was fitted on are spread too far.

    Examples
    --------
    >>> median_cut([0.1, 0.4, 0.2, 0.9])
    0.30000000000000004
    """
    return float(np.median(check_risk(risk)))


def risk_group(risk: pd.Series, cut: float) -> pd.Series:
    """Return ``high risk`` where the risk is above the cut, ``low risk`` elsewhere.

    Examples
    --------
    >>> risk_group(pd.Series([0.1, 0.5, 0.9]), 0.5).tolist()
    ['low risk', 'low risk', 'high risk']
    """
    values = check_risk(risk)
    return pd.Series(np.where(values > cut, HIGH, LOW), index=values.index, name="group")


def optimal_cut(
    risk: Any, y: pd.DataFrame, *, smallest: float = 0.1, largest: float = 0.9
) -> OptimalCut:
    """Return the cut of a maximally selected log-rank test.

    Every cut that leaves between ``smallest`` and ``largest`` of the patients below it is tried.
    Its statistic is the sum of the log-rank scores below the cut, standardised by its permutation
    mean and variance. The scores are the events seen less the Nelson-Aalen hazard at the patient's
    time.

    A cut found in this way is optimistic: it fits these patients' chance as well. Report
    ``p_corrected``, and speak of performance on other patients alone.

    Parameters
    ----------
    risk : Series or array-like of shape (patients,)
        Of training patients, out of fold.
    y : DataFrame
        time, event.
    smallest, largest : float
        Shares of the patients below the cut.

    Returns
    -------
    OptimalCut
        The cut lies half-way between two patients' risks.

    Raises
    ------
    InputError
        If no cut leaves enough patients on both sides, or follow-up is the same for everybody.
    SettingError
        If not ``0 < smallest < largest < 1``.

    References
    ----------
    Lausen and Schumacher 1992, Biometrics 48:73-85; Miller and Siegmund 1982, Biometrics
    38:1011-1016 (equation 3); Hothorn and Lausen 2003, Comput Stat Data Anal 43:121-137.

    Examples
    --------
    >>> y = pd.DataFrame({"time": np.r_[1:21], "event": 1})
    >>> optimal_cut(np.r_[np.linspace(2, 3, 10), np.linspace(0, 1, 10)], y).cut
    1.5
    """
    if not 0 < smallest < largest < 1:
        raise SettingError(
            f"smallest and largest must be shares with 0 < smallest < largest < 1, got {smallest!r}"
            f" and {largest!r}"
        )
    time, event = check_outcome(y)
    values = check_risk(risk, y).to_numpy()
    scores = PartialLikelihood(time, event, ties="breslow").martingale(np.zeros(time.size))
    order = np.argsort(values, kind="stable")
    x, scores = values[order], scores[order]
    n = x.size
    below = np.flatnonzero(x[1:] > x[:-1]) + 1
    below = below[(below >= smallest * n - 1e-9) & (below <= largest * n + 1e-9)]
    if below.size == 0:
        raise InputError(
            f"no cut leaves {smallest:g} to {largest:g} of the {n} patients below it: the risk has "
            f"{np.unique(x).size} different value(s); use the median"
        )
    mean, spread = scores.mean(), ((scores - scores.mean()) ** 2).sum()
    if not spread > 0:
        raise InputError(f"no cut separates {n} patients whose follow-up is all alike")
    variance = below * (n - below) / (n * (n - 1)) * spread
    statistic = np.abs(np.cumsum(scores)[below - 1] - below * mean) / np.sqrt(variance)
    best = int(np.argmax(statistic))
    b = float(statistic[best])
    position = below[best]
    return OptimalCut(
        cut=float((x[position - 1] + x[position]) / 2),
        statistic=b,
        p_corrected=_miller_siegmund(b, smallest, largest),
        p_naive=math.erfc(b / math.sqrt(2)),
        cuts_tried=int(below.size),
    )


def _miller_siegmund(b: float, smallest: float, largest: float) -> float:
    """Return the chance that the largest of the standardised statistics passes ``b``.

    The approximation is good for small chances; below ``b = 1`` it has no meaning, and 1 stands.
    """
    if b <= 1:
        return 1.0
    density = math.exp(-b * b / 2) / math.sqrt(2 * math.pi)
    odds = math.log(largest * (1 - smallest) / ((1 - largest) * smallest))
    return min(1.0, density * (4 / b + (b - 1 / b) * odds))
