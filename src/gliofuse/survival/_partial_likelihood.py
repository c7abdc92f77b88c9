"""Cox's partial likelihood as a function of each patient's linear predictor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gliofuse.survival._checks import Float

__all__ = ["PartialLikelihood", "RiskSets"]


class RiskSets(NamedTuple):
    """The partial likelihood at one linear predictor; patients sorted by time, deaths likewise.

    ``weight`` is each patient's hazard relative to the largest one, ``denominator`` each death's
    sum of them over its risk set, ``expected`` each patient's expected number of events.
    """

    log_likelihood: float
    weight: Float
    denominator: Float
    expected: Float


class PartialLikelihood:
    """Log partial likelihood, its gradient and its information, with ties after Efron or Breslow.

    Under Efron's rule the k-th of d tied deaths has the risk-set sum of its time less ``(k - 1) /
    d`` of the sum of the tied deaths; under Breslow's that share is 0. Patients are sorted once;
    whatever is passed and returned is in the caller's order unless said otherwise.

    Parameters
    ----------
    time : ndarray of shape (patients,)
    event : ndarray of bool, shape (patients,)
    ties : {"efron", "breslow"}

    References
    ----------
    Efron 1977, J Am Stat Assoc 72:557-565; Therneau and Grambsch 2000, Modeling Survival Data,
    section 3.3.
    """

    def __init__(self, time: Float, event: NDArray[np.bool_], *, ties: str = "efron") -> None:
        self.order = np.argsort(time, kind="stable")
        self.time = time[self.order]
        self.event = event[self.order]
        self.deaths = np.flatnonzero(self.event)
        death_time = self.time[self.deaths]
        #: position of the first patient at risk when each death happens
        self.first = np.searchsorted(self.time, death_time, side="left")
        #: number of deaths up to and at each patient's time
        self._until = np.searchsorted(death_time, self.time, side="right")
        self.times, start, count = np.unique(death_time, return_index=True, return_counts=True)
        self._start = start
        self.tie_group = np.repeat(np.arange(start.size), count)
        rank = np.arange(self.deaths.size) - start[self.tie_group]
        self.share = rank / count[self.tie_group] if ties == "efron" else np.zeros(rank.size)

    def _tied(self, values: Float) -> Float:
        """Return each death's sum of ``values`` (deaths, ...) over the deaths of its time."""
        return np.asarray(np.add.reduceat(values, self._start, axis=0)[self.tie_group])

    def log_likelihood(self, eta: Float) -> float:
        """Return the log partial likelihood."""
        return self.risk_sets(eta).log_likelihood

    def risk_sets(self, eta: Float) -> RiskSets:
        """Return what the risk sets hold at a linear predictor of shape (patients,)."""
        sorted_eta = eta[self.order]
        top = float(sorted_eta.max())
        weight = np.exp(sorted_eta - top)
        at_risk = np.cumsum(weight[::-1])[::-1][self.first]
        denominator = at_risk - self.share * self._tied(weight[self.deaths])
        # a trial step too far leaves no weight in a risk set: not finite, and so refused
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            log_likelihood = float((sorted_eta[self.deaths] - top - np.log(denominator)).sum())
            # weights are relative to the largest, `top`; what is made of their ratios is not
            expected = weight * self._spread(1.0 / denominator)
        return RiskSets(log_likelihood, weight, denominator, expected)

    def martingale(self, eta: Float) -> Float:
        """Return the martingale residuals: events seen less events expected.

        They are the gradient of the log-likelihood in each patient's linear predictor.
        """
        residual = np.empty(self.time.size)
        residual[self.order] = self.event - self.risk_sets(eta).expected
        return residual

    def means(self, sets: RiskSets, X: Float) -> Float:
        """Return the risk-set means of every death (deaths, terms); X in order of time."""
        weighted = sets.weight[:, None] * X
        total = np.cumsum(weighted[::-1], axis=0)[::-1][self.first]
        total = total - self.share[:, None] * self._tied(weighted[self.deaths])
        return np.asarray(total / sets.denominator[:, None])

    def information(self, sets: RiskSets, X: Float, factor: Float | None = None) -> Float:
        """Return the sum over deaths of ``factor`` times the risk set's covariance of X's terms.

        X in order of time; with a factor of 1 (the default) it is the information matrix.
        """
        means = self.means(sets, X)
        if factor is None:
            return (X.T * sets.expected) @ X - means.T @ means
        expected = sets.weight * self._spread(factor / sets.denominator)
        return (X.T * expected) @ X - (means.T * factor) @ means

    def _spread(self, steps: Float) -> Float:
        """Return what deaths' hazard ``steps`` come to for each patient while at risk."""
        hazard = np.r_[0.0, np.cumsum(steps)][self._until]
        hazard[self.deaths] -= self._tied(self.share * steps)
        return hazard

    def gradient_information(self, eta: Float, X: Float) -> tuple[float, Float, Float]:
        """Return log-likelihood, gradient (terms,) and information (terms, terms) in X's terms."""
        sets = self.risk_sets(eta)
        Z = X[self.order]
        gradient = Z.T @ (self.event - sets.expected)
        return sets.log_likelihood, gradient, self.information(sets, Z)

    def cumulative_hazard(self, eta: Float) -> tuple[Float, Float]:
        """Return the event times and the cumulative hazard at ``eta = 0``."""
        shift = float(eta.max())
        denominator = self.risk_sets(eta).denominator
        steps = np.add.reduceat(1.0 / denominator, self._start) * np.exp(-shift)
        return self.times, np.cumsum(steps)
