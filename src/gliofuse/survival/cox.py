"""Cox's proportional hazards model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from gliofuse.errors import InputError, SettingError
from gliofuse.signature.rows import weighted_sums
from gliofuse.survival._checks import Float, check_outcome, check_terms
from gliofuse.survival._hazards import scaled_schoenfeld, score_tests
from gliofuse.survival._partial_likelihood import PartialLikelihood
from gliofuse.survival._penalised import penalised_fit

__all__ = ["CoxModel"]

#: ridge on a standardised column whose estimate would be infinite, as a sum over patients
SEPARATION_RIDGE = 1.0

#: an estimate is infinite where a further Newton step still moves it by this share of itself
_STILL_MOVING = 1e-3
#: standard error per standard deviation beyond which a column says nothing
_NO_INFORMATION = 100.0
_DEPENDENT = 1e-7
#: fits until no further term is found to be infinite
_ROUNDS = 4

_LEFT_OUT = {
    "constant": "constant: left out",
    "dependent": "follows from the terms before it: left out",
}


class CoxModel:
    """Cox regression with Efron's ties, and what a paper shows of it.

    Without a penalty the coefficients, their standard errors and the tests are those of R's
    ``coxph``. Where a term has no finite estimate (nobody, or everybody, of a group has the event
    first) that term alone is fitted with a ridge of 1 on its standardised column, and has a
    ``note`` in place of an interval; a constant column, or one that follows from those before it,
    is left out with a ``note``.

    With a penalty the model maximises, on standardised columns, as R's glmnet does::

        log_likelihood / patients - penalty * (l1_ratio * |b|_1 + (1 - l1_ratio) / 2 * |b|_2^2)

    Parameters
    ----------
    penalty : float, default=0.0
    l1_ratio : float, default=0.0
        0 for a ridge, 1 for the LASSO.

    Attributes
    ----------
    coefficients_ : Series
        By term, per unit of the term; 0 for one that was left out.
    center_ : Series
        The training patients' means by term.
    covariance_ : DataFrame
        Of the coefficients; NaN for a term without an interval.
    baseline_ : DataFrame
        time, cumulative_hazard: Efron's estimate at ``center_``, at each time of the training
        patients.
    loglik_, loglik_null_ : float
        Log partial likelihood of the model, without the penalty, and of the model without terms.
    notes_ : Series
        By term; empty where there is nothing to say.
    n_, events_ : int
    converged_ : bool

    References
    ----------
    Cox 1972, J R Stat Soc B 34:187-220; Therneau and Grambsch 2000, Modeling Survival Data.

    Examples
    --------
    >>> from lifelines.datasets import load_rossi
    >>> rossi = load_rossi().rename(columns={"week": "time", "arrest": "event"})
    >>> model = CoxModel().fit(rossi[["fin", "age", "prio"]], rossi[["time", "event"]])
    >>> model.summary()[["term", "hazard_ratio", "ci_low", "ci_high", "p"]].round(3)
       term  hazard_ratio  ci_low  ci_high      p
    0   fin         0.707   0.487    1.026  0.068
    1   age         0.935   0.898    0.974  0.001
    2  prio         1.102   1.044    1.162  0.000
    """

    def __init__(self, penalty: float = 0.0, l1_ratio: float = 0.0) -> None:
        self.penalty = penalty
        self.l1_ratio = l1_ratio

    def fit(self, X: pd.DataFrame, y: pd.DataFrame) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : DataFrame of shape (patients, terms)
            Finite numbers; levels as 0/1 columns. Without a column the model is that of no term:
            every risk 0, the baseline Nelson and Aalen's with Efron's ties.
        y : DataFrame
            time, event; index of X.

        Raises
        ------
        InputError
            If X or y is not of that form.
        EndpointError
            If nobody has the event, or times or events are no such.
        SettingError
            If the penalty is negative, or ``l1_ratio`` outside 0 to 1.
        """
        if not (self.penalty >= 0 and 0 <= self.l1_ratio <= 1):
            raise SettingError(
                "a Cox model's penalty must be 0 or more and its l1_ratio from 0 to 1, got "
                f"{self.penalty!r} and {self.l1_ratio!r}"
            )
        time, event = check_outcome(y)
        values = check_terms(X, y)
        terms = [str(name) for name in X.columns]
        self.n_, self.events_ = len(X), int(event.sum())
        self.center_ = pd.Series(values.mean(axis=0), index=terms)
        spread = values.std(axis=0)
        reasons = _left_out(values, self.center_.to_numpy(), spread)
        used = np.array([not reason for reason in reasons], dtype=bool)
        self._scale = np.where(used, spread, 1.0)
        Z = np.where(used, (values - self.center_.to_numpy()) / self._scale, 0.0)
        self._likelihood, self._Z = PartialLikelihood(time, event), Z
        self.loglik_null_ = self._likelihood.log_likelihood(np.zeros(len(X)))
        self._infinite = np.zeros(len(terms), dtype=bool)
        if self.penalty > 0:
            b, covariance = self._penalised(used)
        else:
            b, covariance = self._unpenalised(used)
        self._eta = Z @ b
        self.loglik_ = self._likelihood.log_likelihood(self._eta)
        self.coefficients_ = pd.Series(b / self._scale, index=terms)
        self.covariance_ = pd.DataFrame(
            covariance / np.outer(self._scale, self._scale), index=terms, columns=terms
        )
        self._tested = used & ~self._infinite & (self.penalty == 0)
        self.notes_ = pd.Series(self._notes(reasons), index=terms, dtype=object)
        self.baseline_ = self._baseline(time)
        return self

    def _unpenalised(self, used: NDArray[np.bool_]) -> tuple[Float, Float]:
        """Return standardised coefficients and their covariance, infinite ones held by a ridge."""
        columns = np.flatnonzero(used)
        Z = self._Z[:, columns]
        free = np.zeros(columns.size)
        infinite = np.zeros(columns.size, dtype=bool)
        for _ in range(_ROUNDS):
            ridge = np.where(infinite, SEPARATION_RIDGE / self.n_, 0.0)
            fit = penalised_fit(self._likelihood, Z, free, ridge, tol=1e-10, max_iter=50)
            found = ~infinite & _infinite(self._likelihood, Z, fit.coefficients, self.n_ * ridge)
            if not found.any():
                break
            infinite |= found
        self.converged_ = fit.converged
        information = self._likelihood.gradient_information(Z @ fit.coefficients, Z)[2]
        information += np.diag(np.where(infinite, SEPARATION_RIDGE, 0.0))
        inverse = np.linalg.pinv(information, hermitian=True)
        inverse[infinite], inverse[:, infinite] = np.nan, np.nan
        b = np.zeros(used.size)
        b[columns] = fit.coefficients
        covariance = np.full((used.size, used.size), np.nan)
        covariance[np.ix_(columns, columns)] = inverse
        self._infinite[columns] = infinite
        return b, covariance

    def _penalised(self, used: NDArray[np.bool_]) -> tuple[Float, Float]:
        l1 = np.full(used.size, self.penalty * self.l1_ratio)
        l2 = np.full(used.size, self.penalty * (1 - self.l1_ratio))
        fit = penalised_fit(self._likelihood, self._Z, l1, l2)
        self.converged_ = fit.converged
        return fit.coefficients, np.full((used.size, used.size), np.nan)

    def _notes(self, reasons: Sequence[str]) -> list[str]:
        notes = []
        for reason, infinite in zip(reasons, self._infinite):
            if reason:
                notes.append(_LEFT_OUT[reason])
            elif infinite:
                notes.append("no finite estimate (separation): shrunk by a ridge, no interval")
            elif not self.converged_:
                notes.append("the fit did not converge: not to be relied on")
            elif self.penalty > 0:
                notes.append("penalised: no interval")
            else:
                notes.append("")
        return notes

    def _baseline(self, time: Float) -> pd.DataFrame:
        times, hazard = self._likelihood.cumulative_hazard(self._eta)
        grid = np.unique(time)
        steps = np.searchsorted(times, grid, side="right")
        return pd.DataFrame({"time": grid, "cumulative_hazard": np.r_[0.0, hazard][steps]})

    def as_dict(self) -> dict[str, Any]:
        """Return what the model predicts with as JSON can hold it, for :meth:`from_dict`."""
        return {
            "terms": [str(name) for name in self.coefficients_.index],
            "coefficients": self.coefficients_.tolist(),
            "center": self.center_.tolist(),
            "time": self.baseline_["time"].tolist(),
            "cumulative_hazard": self.baseline_["cumulative_hazard"].tolist(),
            "penalty": self.penalty,
            "l1_ratio": self.l1_ratio,
            "n": self.n_,
            "events": self.events_,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> CoxModel:
        """Return the model that :meth:`as_dict` was taken of; it predicts, but has no tests."""
        model = cls(given["penalty"], given["l1_ratio"])
        terms = list(given["terms"])
        model.coefficients_ = pd.Series(given["coefficients"], index=terms, dtype=float)
        model.center_ = pd.Series(given["center"], index=terms, dtype=float)
        columns = ("time", "cumulative_hazard")
        model.baseline_ = pd.DataFrame({name: given[name] for name in columns}, dtype=float)
        model.n_, model.events_ = given["n"], given["events"]
        return model

    def log_hazard(self, X: pd.DataFrame) -> pd.Series:
        """Return each patient's log hazard relative to a patient at ``center_``.

        Raises
        ------
        InputError
            If X lacks a term, or has a missing value in one.
        """
        terms = list(self.coefficients_.index)
        missing = [term for term in terms if term not in X.columns.astype(str)]
        if missing:
            raise InputError(f"X lacks the model's term {missing[0]!r} (one of {len(missing)})")
        values = check_terms(X.set_axis(X.columns.astype(str), axis=1)[terms])
        # what was left out was constant or a sum of others: its value says nothing
        shifted = weighted_sums(values - self.center_.to_numpy(), self.coefficients_)
        return pd.Series(shifted, index=X.index, name="risk")

    def survival(self, X: pd.DataFrame, times: Sequence[float]) -> pd.DataFrame:
        """Return each patient's probability of being free of the event beyond each time.

        Columns are the times; NaN past the training patients' last follow-up, where nothing is
        known.
        """
        relative = np.exp(self.log_hazard(X).to_numpy())
        hazard = self._cumulative_hazard(times)
        return pd.DataFrame(np.exp(-np.outer(relative, hazard)), X.index, list(times))

    def baseline_survival(self, times: Sequence[float]) -> pd.Series:
        """Return the survival of a patient at ``center_`` by time; NaN past the last follow-up.

        ``survival(X, times)`` is this to the power of ``exp(log_hazard(X))``.
        """
        return pd.Series(np.exp(-self._cumulative_hazard(times)), list(times), name="survival")

    def _cumulative_hazard(self, times: Sequence[float]) -> Float:
        wanted = np.asarray(times, dtype=np.float64)
        known = self.baseline_["time"].to_numpy()
        step = np.searchsorted(known, wanted, side="right")
        hazard = np.r_[0.0, self.baseline_["cumulative_hazard"].to_numpy()][step]
        return np.where(wanted > known[-1], np.nan, hazard)

    def summary(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Return one row a term.

        Returns
        -------
        DataFrame
            term, coefficient, hazard_ratio, ci_low, ci_high (of the hazard ratio, Wald's), se, z,
            p, note. What a term does not have is NaN, and its note says why.
        """
        estimate = self.coefficients_.to_numpy()
        error = np.sqrt(np.diag(self.covariance_.to_numpy()))
        error = np.where(self._tested, error, np.nan)
        left_out = (self._Z == 0).all(axis=0)
        shown = np.where(left_out, np.nan, estimate)
        reach = stats.norm.ppf(0.5 + confidence / 2) * error
        z = estimate / error
        return pd.DataFrame(
            {
                "term": self.coefficients_.index,
                "coefficient": shown,
                "hazard_ratio": np.exp(shown),
                "ci_low": np.exp(estimate - reach),
                "ci_high": np.exp(estimate + reach),
                "se": error,
                "z": z,
                "p": 2 * stats.norm.sf(np.abs(z)),
                "note": self.notes_.to_numpy(),
            }
        )

    def tests(self) -> pd.DataFrame:
        """Return the tests of all terms together.

        Returns
        -------
        DataFrame
            test (likelihood ratio | wald | score), chi2, degrees, p; NaN under a penalty, and
            Wald's under separation.
        """
        used = ~(self._Z == 0).all(axis=0)
        degrees = int(used.sum())
        chi2 = np.full(3, np.nan)
        if self.penalty == 0 and degrees:
            chi2[0] = 2 * (self.loglik_ - self.loglik_null_)
            if not self._infinite.any():
                chi2[1] = self.wald(list(self.coefficients_.index[used]))[0]
            Z = self._Z[:, used]
            _, gradient, information = self._likelihood.gradient_information(np.zeros(self.n_), Z)
            chi2[2] = gradient @ np.linalg.solve(information, gradient)
        names = ["likelihood ratio", "wald", "score"]
        return pd.DataFrame(
            {"test": names, "chi2": chi2, "degrees": degrees, "p": stats.chi2.sf(chi2, degrees)}
        )

    def wald(self, terms: Sequence[str]) -> tuple[float, int, float]:
        """Return Wald's chi-squared of some terms together, its degrees of freedom and p.

        Terms that were left out don't count; NaN where a term has no standard error.
        """
        own = [term for term in terms if self.notes_[term] not in _LEFT_OUT.values()]
        if not own:
            return np.nan, 0, np.nan
        b = self.coefficients_[own].to_numpy()
        covariance = self.covariance_.loc[own, own].to_numpy()
        if not np.isfinite(covariance).all():
            return np.nan, len(own), np.nan
        chi2 = float(b @ np.linalg.solve(covariance, b))
        return chi2, len(own), float(stats.chi2.sf(chi2, len(own)))

    def proportional_hazards(
        self, *, transform: str = "km", variables: Mapping[str, Sequence[str]] | None = None
    ) -> pd.DataFrame:
        """Test whether each term's effect changes with time.

        The score test that adds the term times a function of time to the model, as ``cox.zph`` of
        R's survival from version 3 on (not the older approximation).

        Parameters
        ----------
        transform : {"km", "rank", "identity", "log"}, default="km"
            The function of time; ``km`` is one less the Kaplan-Meier estimate just before it.
        variables : mapping of str to sequence of str, optional
            Terms to be tested together, by the variable's name: levels of a category, or the
            columns of a spline. Default each term on its own.

        Returns
        -------
        DataFrame
            term, chi2, degrees, p, then a row ``GLOBAL``; NaN for terms without a standard error.
        """
        if variables is None:
            variables = {term: [term] for term in self.coefficients_.index}
        position = {term: number for number, term in enumerate(self.coefficients_.index)}
        groups = [[position[term] for term in terms] for terms in variables.values()]
        rows = score_tests(
            self._likelihood, self._eta, self._Z, self._tested, groups, transform=transform
        )
        table = pd.DataFrame(rows, columns=["chi2", "degrees"])
        table.insert(0, "term", [*variables, "GLOBAL"])
        table["p"] = stats.chi2.sf(table["chi2"], table["degrees"])
        return table

    def schoenfeld(self) -> pd.DataFrame:
        """Return the scaled Schoenfeld residuals, whose trend over time is that of the coefficient.

        Returns
        -------
        DataFrame
            time, term, scaled_residual; a row for each event and each term with a standard error,
            in order of time. The coefficient is added, as in R's ``cox.zph``.
        """
        terms = self.coefficients_.index[self._tested]
        residuals = scaled_schoenfeld(self._likelihood, self._eta, self._Z[:, self._tested])
        scale = self._scale[self._tested]
        values = residuals / scale + self.coefficients_[terms].to_numpy()
        time = self._likelihood.time[self._likelihood.deaths]
        return pd.DataFrame(
            {
                "time": np.tile(time, len(terms)),
                "term": np.repeat(terms, time.size),
                "scaled_residual": values.T.ravel(),
            }
        )


def _left_out(values: Float, center: Float, spread: Float) -> list[str]:
    """Return for each column why it is left out, or an empty string."""
    basis = np.empty((len(values), 0))
    reasons = []
    for column, mean, deviation in zip(values.T, center, spread):
        if column.max() == column.min() or deviation == 0:
            reasons.append("constant")
            continue
        z = (column - mean) / (deviation * np.sqrt(len(column)))
        for _ in range(2):  # once more for rounding
            z = z - basis @ (basis.T @ z)
        length = float(np.linalg.norm(z))
        if length < _DEPENDENT:
            reasons.append("dependent")
        else:
            reasons.append("")
            basis = np.column_stack([basis, z / length])
    return reasons


def _infinite(likelihood: PartialLikelihood, Z: Float, b: Float, ridge: Float) -> NDArray[np.bool_]:
    """Return which of the coefficients have no finite estimate.

    A log-likelihood that levels off while the coefficient goes on growing by an equal step is the
    mark of it, as in R's ``coxph``; no curvature at all is another.
    """
    _, gradient, information = likelihood.gradient_information(Z @ b, Z)
    inverse = np.linalg.pinv(information + np.diag(ridge), rcond=1e-14, hermitian=True)
    step = np.abs(inverse @ (gradient - ridge * b))
    with np.errstate(invalid="ignore"):
        error = np.sqrt(np.diag(inverse))
    moving = step > np.maximum(_STILL_MOVING * np.abs(b), 1e-5)
    return moving | ~(error < _NO_INFORMATION) | (error == 0)
