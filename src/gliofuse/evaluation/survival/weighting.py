"""Inverse probability of censoring weights, from the Kaplan-Meier curve of censoring.

Where an event and a censoring have the same time, the event came first: who has the event at t is
not at risk of being censored at t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["CensoringCurve", "censoring_curve", "censoring_influence"]


@dataclass(frozen=True)
class CensoringCurve:
    """Probability of not having been censored, G(t); a step down at each time of censoring.

    Attributes
    ----------
    times : ndarray of shape (k,)
        Distinct times at which patients were censored, rising.
    at_risk : ndarray of shape (k,)
        Patients still watched then, without those who have the event at that very time.
    watched : ndarray of shape (k,)
        The same with those.
    censored : ndarray of shape (k,)
    """

    times: np.ndarray
    at_risk: np.ndarray
    watched: np.ndarray
    censored: np.ndarray

    @property
    def _steps(self) -> np.ndarray:
        return np.concatenate([[1.0], np.cumprod(1 - self.censored / self.at_risk)])

    def at(self, time: np.ndarray | float) -> np.ndarray:
        """Return G(t), censorings at t included."""
        return np.asarray(self._steps[np.searchsorted(self.times, time, side="right")])

    def before(self, time: np.ndarray | float) -> np.ndarray:
        """Return G(t-), the probability of being watched just before t."""
        return np.asarray(self._steps[np.searchsorted(self.times, time, side="left")])


def censoring_curve(times: np.ndarray, seen: np.ndarray) -> CensoringCurve:
    """Return the curve of censoring of these patients.

    Parameters
    ----------
    times : ndarray of shape (n,)
    seen : ndarray of bool, shape (n,)
        Whether the event (or any that ends the follow-up) was seen.
    """
    ends, censored = np.unique(times[~seen], return_counts=True)
    ordered = np.sort(times)
    at_risk = times.size - np.searchsorted(ordered, ends, side="left")
    events = np.sort(times[seen])
    tied = np.searchsorted(events, ends, side="right") - np.searchsorted(events, ends, side="left")
    watched = at_risk.astype(float)
    return CensoringCurve(ends, watched - tied, watched, censored.astype(float))


def censoring_influence(
    curve: CensoringCurve,
    times: np.ndarray,
    seen: np.ndarray,
    worth: np.ndarray,
    needed: np.ndarray,
    inclusive: np.ndarray,
) -> np.ndarray:
    """Return what each patient adds to a mean of weighted terms through the curve of censoring.

    The mean is ``sum(worth) / n`` where each term was divided by G at (``inclusive``) or just
    before its time ``needed``. To first order a patient moves it by the integral of the terms
    borne over the share still watched, in the patient's martingale of censoring.

    Parameters
    ----------
    curve : CensoringCurve
        Of these patients.
    times : ndarray of shape (n,)
    seen : ndarray of bool, shape (n,)
    worth : ndarray of shape (n,)
        Terms, already divided by G.
    needed : ndarray of shape (n,)
        Time at which each term's G is taken.
    inclusive : ndarray of bool, shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        On the scale of one patient's term; the sum over patients is about 0.

    References
    ----------
    Blanche P, Dartigues JF, Jacqmin-Gadda H. Stat Med 2013; 32: 5381-5397 (for the AUC).
    """
    k = curve.times.size
    if not k:
        return np.zeros(times.size)
    # How many steps of the curve a term's G has gone down, and what the terms beyond are worth.
    passed = np.where(
        inclusive,
        np.searchsorted(curve.times, needed, side="right"),
        np.searchsorted(curve.times, needed, side="left"),
    )
    sums = np.bincount(passed, weights=worth, minlength=k + 1)
    borne = sums[::-1].cumsum()[::-1][1:] / curve.watched
    risen = np.concatenate([[0.0], np.cumsum(borne * curve.censored / curve.watched)])
    change = -risen[np.searchsorted(curve.times, times, side="right")]
    change[~seen] += borne[np.searchsorted(curve.times, times[~seen])]
    return np.asarray(change)
