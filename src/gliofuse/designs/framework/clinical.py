"""Clinical columns as a numeric table, and the logistic model that takes them in."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted, validate_data

from gliofuse.cohort import Endpoint
from gliofuse.designs.framework.classes import out_of_fold, probabilities
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.state import FittedState
from gliofuse.errors import InputError
from gliofuse.evaluation import logistic_nomogram
from gliofuse.inputs import CaseData
from gliofuse.records import Nomogram
from gliofuse.signature.rows import weighted_sums
from gliofuse.survival import RestrictedCubicSpline

__all__ = ["ClinicalTable", "FittedClinical", "clinical_model", "fit_clinical", "odds_ratios"]


class ClinicalTable:
    """Code clinical columns for a regression; what is learned, is learned on training patients.

    Numbers stay as they are and their missing values become the training median. A column of
    words becomes one 0 / 1 column for each level but the first in the alphabet, which is the
    reference in every fold; a missing or unseen word counts as the training patients' most frequent
    level.

    Parameters
    ----------
    columns : iterable of str
    splines : iterable of str
        Columns of numbers that become the terms of a restricted cubic spline.

    Attributes
    ----------
    medians_ : dict of str to float
    levels_ : dict of str to list of str
        Levels of each column of words, the reference first.
    modes_ : dict of str to str
        Most frequent level of each column of words.
    """

    def __init__(self, columns: Iterable[str], *, splines: Iterable[str] = ()) -> None:
        self.columns = tuple(columns)
        self.splines = tuple(splines)

    def fit(self, table: pd.DataFrame) -> ClinicalTable:
        """Learn medians and levels.

        Raises
        ------
        InputError
            If a column is empty.
        """
        self.medians_: dict[str, float] = {}
        self.levels_: dict[str, list[str]] = {}
        self.modes_: dict[str, str] = {}
        self.splines_: dict[str, RestrictedCubicSpline] = {}
        for name in self.splines:
            if name not in self.columns or not pd.api.types.is_numeric_dtype(table[name]):
                numbers = [one for one in self.columns if pd.api.types.is_numeric_dtype(table[one])]
                raise InputError(
                    f"splines: {name!r} is no covariate of numbers; they are "
                    f"{', '.join(numbers) or 'none'}"
                )
        for name in self.columns:
            column = table[name]
            if column.notna().sum() == 0:
                raise InputError(f"clinical column {name!r} is empty; leave it out of covariates")
            if pd.api.types.is_numeric_dtype(column):
                self.medians_[name] = float(column.median())
                if name in self.splines:
                    known = column.dropna().to_numpy(dtype=float)
                    self.splines_[name] = RestrictedCubicSpline().fit(known)
            else:
                words = column.dropna().astype(str)
                self.levels_[name] = sorted(words.unique())
                self.modes_[name] = str(words.mode().iloc[0])
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the coded table, one row a patient, all numbers."""
        coded = pd.DataFrame(index=table.index)
        for name in self.columns:
            if name in self.medians_:
                numbers = pd.to_numeric(table[name], errors="coerce")
                filled = numbers.astype(float).fillna(self.medians_[name]).rename(name)
                spline = self.splines_.get(name)
                parts = filled.to_frame() if spline is None else spline.basis(filled)
                coded[list(parts.columns)] = parts
                continue
            words = table[name].astype("string")
            words = words.where(words.isin(self.levels_[name]), self.modes_[name])
            for level in self.levels_[name][1:]:
                coded[f"{name}={level}"] = (words == level).astype(float)
        return coded

    def as_dict(self) -> dict[str, Any]:
        """Return what was learned as JSON can hold it, for :meth:`from_dict`."""
        return {
            "columns": list(self.columns),
            "splines": {name: one.knots_.tolist() for name, one in self.splines_.items()},
            "medians": self.medians_,
            "levels": self.levels_,
            "modes": self.modes_,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> ClinicalTable:
        """Return the coding that :meth:`as_dict` was taken of."""
        table = cls(given["columns"], splines=given["splines"])
        table.medians_ = dict(given["medians"])
        table.levels_ = {name: list(levels) for name, levels in given["levels"].items()}
        table.modes_ = dict(given["modes"])
        table.splines_ = {
            name: RestrictedCubicSpline(knots).fit([]) for name, knots in given["splines"].items()
        }
        return table

    def groups(self) -> dict[str, list[str]]:
        """Return the coded terms of each column: those that stand or fall together."""
        return {
            name: self.splines_[name].names(name)
            if name in self.splines_
            else [name]
            if name in self.medians_
            else [f"{name}={level}" for level in self.levels_[name][1:]]
            for name in self.columns
        }


class SteadyLogistic(LogisticRegression):
    """scikit-learn's logistic regression, whose patients' scores don't depend on each other's.

    See :func:`~gliofuse.signature.rows.weighted_sums`.
    """

    def decision_function(self, X: Any) -> Any:
        """Return the log-odds of the second class, or one score a class."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        scores = [weighted_sums(X, own) for own in self.coef_] + self.intercept_[:, None]
        return scores[0] if len(scores) == 1 else scores.T


def clinical_model() -> Any:
    """Return the logistic regression of clinical and fusion models.

    Columns are z-scored and weakly penalised (L2, C = 1), the project's choice: a perfectly
    separating score would otherwise have no finite coefficient.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler().set_output(transform="pandas"), SteadyLogistic(C=1.0, max_iter=1000)
    )


@dataclass(frozen=True)
class FittedClinical:
    """A fitted logistic model of clinical variables, with or without scores beside them.

    Attributes
    ----------
    coding : ClinicalTable
    model : Pipeline
    endpoint : Endpoint
    table : pandas.DataFrame
        Of the training patients, on the variables' own scales.
    known : pandas.DataFrame
        The training patients' probabilities from models that did not see them.
    """

    coding: ClinicalTable
    model: Any
    endpoint: Endpoint
    table: pd.DataFrame
    known: pd.DataFrame

    def predict(self, data: CaseData, beside: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the probabilities of patients, given the scores that the model was fitted with."""
        return probabilities(self.model, self.terms(data, beside), self.endpoint)

    def terms(self, data: CaseData, beside: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the patients' terms, coded as the training patients'."""
        table = self.coding.transform(data.clinical_table(self.coding.columns))
        return table if beside is None else pd.concat([table, beside], axis=1)

    def state(self) -> FittedState:
        """Return what it predicts with, for :meth:`restored`."""
        return FittedState(
            estimators={"model": self.model}, values={"coding": self.coding.as_dict()}
        )

    @classmethod
    def restored(cls, state: FittedState, endpoint: Endpoint) -> FittedClinical:
        """Return the model that a state was taken of, without its training patients."""
        coding = ClinicalTable.from_dict(state.values["coding"])
        return cls(coding, state.estimators["model"], endpoint, pd.DataFrame(), pd.DataFrame())

    def nomogram(self) -> Nomogram | None:
        """Return the model of two classes on its variables' own scales."""
        scaler, logistic = self.model[0], self.model[-1]
        # the standard deviation counts as 1 where a variable is the same in every patient
        slopes = pd.Series(logistic.coef_[0] / scaler.scale_, index=self.table.columns)
        return logistic_nomogram(
            slopes,
            self.table,
            intercept=float(logistic.intercept_[0] - slopes @ scaler.mean_),
            outcome=self.endpoint.describe(),
            levels=self.coding.levels_,
        )


def fit_clinical(
    training: CaseData,
    columns: Iterable[str],
    endpoint: Endpoint,
    context: FitContext,
    *,
    folds: int = 5,
    beside: pd.DataFrame | None = None,
) -> FittedClinical:
    """Fit a :func:`clinical_model` on training patients.

    Parameters
    ----------
    training : CaseData
    columns : iterable of str
        Clinical variables.
    endpoint : Endpoint
    context : FitContext
    folds : int
        Of the out-of-fold probabilities.
    beside : pandas.DataFrame, optional
        Scores that enter too, by ``case_id``; of training patients out of fold.
    """
    coding = ClinicalTable(columns)
    given = training.clinical_table(coding.columns)
    table, y = coding.fit(given).transform(given), training.y
    table = table if beside is None else pd.concat([table, beside], axis=1)
    known = out_of_fold(
        clinical_model(),
        table,
        y,
        endpoint,
        folds=folds,
        seed=context.seed,
        groups=context.groups,
    )
    return FittedClinical(coding, clinical_model().fit(table, y), endpoint, table, known)


def odds_ratios(table: pd.DataFrame, y: pd.Series) -> pd.DataFrame:
    """Return odds ratios of a logistic regression by maximum likelihood, a row a variable.

    A :func:`clinical_model` is weakly penalised, so that its coefficients have no usual standard
    errors; the same variables are fitted to the same patients without the penalty. Where these
    separate the classes there is no such fit: the odds ratios are then those of a ridge, without
    intervals and p values.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a training patient, on the variables' own scales.
    y : pandas.Series
        0 and 1.

    Returns
    -------
    pandas.DataFrame
        ``term``, ``odds_ratio`` (per unit), ``ci_low``, ``ci_high`` (95 %, Wald), ``p`` (Wald)
        and ``note``.
    """
    from gliofuse.signature import LogisticScorer, SignatureWarning

    varying = table.loc[:, table.nunique() > 1]
    rows = pd.DataFrame({"term": table.columns, "note": ""}).set_index("term")
    rows.loc[table.columns.difference(varying.columns), "note"] = "the same in every patient"
    figures = ["odds_ratio", "ci_low", "ci_high", "p"]
    if varying.empty:
        return rows.assign(**dict.fromkeys(figures, np.nan)).reset_index()[
            ["term", *figures, "note"]
        ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SignatureWarning)  # the note says it
        fit = LogisticScorer().fit(varying, y)
    found = fit.summary().set_index("term").iloc[1:]
    if fit.separated_:
        found[["ci_low", "ci_high", "p"]] = np.nan
        rows.loc[varying.columns, "note"] = (
            "classes separated, or variables that depend on each other: shrunk by a ridge, "
            "not tested"
        )
    return rows.join(found[figures]).reset_index()[["term", *figures, "note"]]
