"""Cox models of clinical terms, alone or with a signature beside them, for the designs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.designs.framework.clinical import ClinicalTable
from gliofuse.designs.framework.context import FitContext
from gliofuse.designs.framework.state import FittedState
from gliofuse.evaluation import cox_nomogram
from gliofuse.inputs import CaseData
from gliofuse.records import Nomogram
from gliofuse.signature import SignatureWarning
from gliofuse.survival import CoxModel

__all__ = ["COX_CHOICE", "FittedCox", "admitted", "fit_cox", "in_columns", "names_in", "risk_only"]

COX_CHOICE = (
    "Cox models with clinical terms have a weak ridge (the weight of one patient a standardised "
    "term), so that a level of a few patients without an event has a finite hazard ratio; the "
    "tables of hazard ratios are by maximum partial likelihood, ties after Efron."
)


@dataclass(frozen=True)
class FittedCox:
    """A Cox model of clinical terms, with or without scores beside them.

    Attributes
    ----------
    coding : ClinicalTable
    model : CoxModel
    endpoint : SurvivalEndpoint
    table : pandas.DataFrame
        Of the training patients, on the terms' own scales.
    known : pandas.DataFrame
        The training patients' predictions from models that did not see them; medians, levels and
        knots, which know of no outcome, are those of all training patients.
    """

    coding: ClinicalTable
    model: CoxModel
    endpoint: SurvivalEndpoint
    table: pd.DataFrame
    known: pd.DataFrame

    def predict(self, data: CaseData, beside: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return risk and survival of patients, given the scores that the model was fitted with."""
        return in_columns(self.model, self.terms(data, beside), self.endpoint)

    def state(self) -> FittedState:
        """Return what it predicts with, for :meth:`restored`."""
        values = {"coding": self.coding.as_dict(), "model": self.model.as_dict()}
        return FittedState(values={**values, "terms": [str(name) for name in self.table.columns]})

    @classmethod
    def restored(cls, state: FittedState, endpoint: SurvivalEndpoint) -> FittedCox:
        """Return the model that a state was taken of, without its training patients."""
        model = CoxModel.from_dict(state.values["model"])
        table = pd.DataFrame(columns=state.values["terms"])
        coding = ClinicalTable.from_dict(state.values["coding"])
        return cls(coding, model, endpoint, table, pd.DataFrame())

    def contributions(self, data: CaseData, beside: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return what each term adds to each patient's log relative hazard.

        Returns
        -------
        pandas.DataFrame
            Patients x terms; a row's sum is the ``risk`` that :meth:`predict` gives.
        """
        coefficients = self.model.coefficients_
        terms = self.terms(data, beside)[list(coefficients.index)]
        return (terms - self.model.center_) * coefficients

    @property
    def variables(self) -> dict[str, list[str]]:
        """The model's terms by variable: levels and spline columns together, and the scores."""
        return _variables(self.coding, self.table)

    def nomogram(self) -> Nomogram | None:
        """Return the model as a nomogram; ``None`` where no term moves it, or no horizon is met."""
        center = float(self.model.center_ @ self.model.coefficients_)
        mean = self.model.center_.to_frame().T
        reached = self.model.survival(mean, self.endpoint.horizon_times).iloc[0].dropna()
        if reached.empty:
            return None
        present = set(self.table.columns)
        terms = {name: own for name, own in self.coding.groups().items() if set(own) <= present}
        return cox_nomogram(
            self.model.coefficients_,
            self.table,
            baseline={self.endpoint.horizon_label(time): one for time, one in reached.items()},
            outcome=self.endpoint.event,
            center=center,
            levels={name: one for name, one in self.coding.levels_.items() if name in terms},
            splines={
                name: tuple(one.knots_)
                for name, one in self.coding.splines_.items()
                if name in terms
            },
        )

    def terms(self, data: CaseData, beside: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return the patients' terms, coded as the training patients'."""
        table = self.coding.transform(data.clinical_table(self.coding.columns))
        table = table if beside is None else pd.concat([table, beside], axis=1)
        return table[list(self.table.columns)]


def fit_cox(
    training: CaseData,
    columns: Iterable[str],
    endpoint: SurvivalEndpoint,
    context: FitContext,
    *,
    splines: Iterable[str] = (),
    beside: pd.DataFrame | None = None,
    terms: Literal["all", "eliminate"] = "all",
    folds: int = 5,
) -> FittedCox:
    """Fit a Cox model on training patients.

    Parameters
    ----------
    training : CaseData
    columns : iterable of str
        Clinical variables.
    endpoint : SurvivalEndpoint
    context : FitContext
    splines : iterable of str
        Those of them whose effect is a restricted cubic spline.
    beside : pandas.DataFrame, optional
        Scores that enter too, by ``case_id``; of training patients out of fold.
    terms : {"all", "eliminate"}
        Whether all enter, or those that univariable and then multivariable p values below 0.05
        leave, as publications do.
    folds : int
        Of the out-of-fold predictions, in each of which terms are eliminated anew.
    """
    coding = ClinicalTable(columns, splines=splines)
    given = training.clinical_table(coding.columns)
    table, y = coding.fit(given).transform(given), training.survival
    table = table if beside is None else pd.concat([table, beside], axis=1)
    parts = []
    for rest, part in survival_folds(training, folds, context):
        kept = _kept(table.loc[rest], y.loc[rest], coding, terms)
        model = _ridge(table.loc[rest, kept], y.loc[rest])
        parts.append(in_columns(model, table.loc[part, kept], endpoint))
    kept = _kept(table, y, coding, terms)
    known = pd.concat(parts).loc[table.index]
    return FittedCox(coding, _ridge(table[kept], y), endpoint, table[kept], known)


def survival_folds(
    training: CaseData, folds: int, context: FitContext
) -> list[tuple[list[str], list[str]]]:
    """Return inner folds, with about as many events in each, as the patients of both sides."""
    from gliofuse.survival import event_folds

    names = list(training.case_ids)
    event = training.survival["event"].to_numpy() == 1
    people = None if context.groups is None else context.groups.loc[names].to_numpy()
    return [
        ([names[i] for i in rest], [names[i] for i in part])
        for rest, part in event_folds(event, folds, context.seed, people)
    ]


def in_columns(model: CoxModel, table: pd.DataFrame, endpoint: SurvivalEndpoint) -> pd.DataFrame:
    """Return a model's risk and survival of patients, in the endpoint's prediction columns."""
    survival = model.survival(table, endpoint.horizon_times)
    found = pd.concat([model.log_hazard(table), survival], axis=1)
    return found.set_axis(list(endpoint.prediction_columns), axis=1)


def risk_only(risk: pd.Series, endpoint: SurvivalEndpoint) -> pd.DataFrame:
    """Return a risk in the endpoint's prediction columns; of survival it says nothing."""
    return pd.DataFrame({"risk": risk}).reindex(columns=list(endpoint.prediction_columns))


def admitted(
    score: pd.Series, training: CaseData, clinical: FittedCox | None, *, gain: float = 2.0
) -> bool:
    """Whether a score says something of the training patients beyond the clinical model.

    The score, out of fold, enters a Cox model beside the clinical model's out-of-fold risk. It is
    admitted where its coefficient is positive and it raises twice the log partial likelihood by
    more than ``gain``; 2 is Akaike's price of a parameter.
    """
    if not score.std() > 0:
        return _left_out()
    y = training.survival
    columns = {"score": score.loc[y.index]}
    if clinical is not None:
        columns["clinical"] = clinical.known["risk"].loc[y.index]
    both = CoxModel().fit(pd.DataFrame(columns), y)
    alone = both.loglik_null_
    if clinical is not None:
        alone = CoxModel().fit(pd.DataFrame({"clinical": columns["clinical"]}), y).loglik_
    adds = bool(both.coefficients_["score"] > 0 and 2 * (both.loglik_ - alone) > gain)
    return adds or _left_out()


def names_in(given: object) -> object:
    """Return the names of a setting that holds several, written with commas or as a list."""
    return tuple(name.strip() for name in given.split(",")) if isinstance(given, str) else given


def _left_out() -> bool:
    warnings.warn(
        "the signature says nothing out of fold beyond the clinical model: it is left out of the "
        "integrated model, which is then the clinical one",
        SignatureWarning,
        stacklevel=3,
    )
    return False


def _ridge(table: pd.DataFrame, y: pd.DataFrame) -> CoxModel:
    return CoxModel(penalty=1 / len(table)).fit(table, y)


def _kept(table: pd.DataFrame, y: pd.DataFrame, coding: ClinicalTable, terms: str) -> list[str]:
    if terms == "all":
        return [str(name) for name in table.columns]
    from gliofuse.survival import eliminate

    groups = _variables(coding, table)
    return [term for name in eliminate(table, y, variables=groups).kept for term in groups[name]]


def _variables(coding: ClinicalTable, table: pd.DataFrame) -> dict[str, list[str]]:
    """Return the columns of a table by variable; a variable without a column there is left out."""
    groups = {name: terms for name, terms in coding.groups().items() if terms}
    coded = {term for terms in groups.values() for term in terms}
    groups |= {name: [name] for name in map(str, table.columns) if name not in coded}
    return {name: terms for name, terms in groups.items() if set(terms) <= set(table.columns)}
