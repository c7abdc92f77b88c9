"""The tables of a prognostic study: each variable alone, then what is left of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from gliofuse.errors import InputError, SettingError
from gliofuse.survival._checks import check_outcome
from gliofuse.survival.cox import CoxModel

__all__ = [
    "Elimination",
    "EventsPerVariable",
    "eliminate",
    "events_per_variable",
    "univariate_table",
]

#: events per parameter below which a model's coefficients are not to be relied on
_ENOUGH = 10.0


class EventsPerVariable(NamedTuple):
    """Events against parameters; ``note`` is empty where there are ten or more of them for each."""

    events: int
    parameters: int
    ratio: float
    note: str


class Elimination(NamedTuple):
    """What backward elimination left.

    ``kept`` are variables; ``model`` is the Cox model of their terms (without any term where none
    is left); ``steps`` has a row for each variable that was dropped: step (0 for the univariate
    screen), variable, p.
    """

    kept: tuple[str, ...]
    model: CoxModel
    steps: pd.DataFrame


def events_per_variable(y: pd.DataFrame, terms: int | Sequence[str]) -> EventsPerVariable:
    """Return the events for each parameter of a model.

    Parameters
    ----------
    y : DataFrame
        time, event.
    terms : int or sequence of str
        The model's columns, or how many: a level of a category and a column of a spline count as
        one each. With a selection it is the candidates that count.

    References
    ----------
    Peduzzi et al. 1995, J Clin Epidemiol 48:1503-1510.

    Examples
    --------
    >>> y = pd.DataFrame({"time": np.arange(1, 31), "event": [1, 0] * 15})
    >>> events_per_variable(y, ["age", "grade=3", "grade=4"]).note
    '15 events for 3 parameters: 5 for each, fewer than 10; coefficients may be far off'
    """
    events = int(check_outcome(y)[1].sum())
    parameters = terms if isinstance(terms, int) else len(terms)
    ratio = events / parameters if parameters else np.inf
    note = ""
    if ratio < _ENOUGH:
        note = (
            f"{events} events for {parameters} parameters: {ratio:.2g} for each, fewer than "
            f"{_ENOUGH:g}; coefficients may be far off"
        )
    return EventsPerVariable(events, parameters, ratio, note)


def univariate_table(
    X: pd.DataFrame, y: pd.DataFrame, *, variables: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """Return a Cox model of each variable alone.

    Parameters
    ----------
    X : DataFrame of shape (patients, terms)
        Numbers; levels as 0/1 columns. Patients are left out of variables they lack.
    y : DataFrame
        time, event; index of X.
    variables : mapping of str to sequence of str, optional
        The terms of each variable: levels of a category, columns of a spline. Default each term
        is a variable of its own.

    Returns
    -------
    DataFrame
        variable, term, coefficient, hazard_ratio, ci_low, ci_high, se, z, p (Wald's), note,
        variable_p (of all terms of the variable together), n, events. A variable that nobody who
        has it died with is there with a note and no figures.
    """
    check_outcome(y)
    parts = []
    for variable, terms in _variables(X, variables).items():
        own = X[terms].dropna()
        outcome = y.loc[own.index]
        if len(own) < 2 or not outcome["event"].any():
            table = pd.DataFrame({"term": terms, "note": "no event among those who have it"})
            whole = np.nan
        else:
            model = CoxModel().fit(own, outcome)
            table, whole = model.summary(), _variable_p(model, terms, own, outcome)
        table.insert(0, "variable", variable)
        table["variable_p"] = whole
        table["n"], table["events"] = len(own), int(outcome["event"].sum())
        parts.append(table)
    columns = [
        "variable", "term", "coefficient", "hazard_ratio", "ci_low", "ci_high", "se", "z", "p",
        "note", "variable_p", "n", "events",
    ]  # fmt: skip
    if not parts:
        return pd.DataFrame(columns=columns)
    # a table without figures would settle the types of all
    parts = [part.reindex(columns=columns) for part in parts]
    types = dict.fromkeys(columns[2:9], float)
    return pd.concat([part.astype(types) for part in parts], ignore_index=True)


def eliminate(
    X: pd.DataFrame,
    y: pd.DataFrame,
    *,
    p: float = 0.05,
    variables: Mapping[str, Sequence[str]] | None = None,
) -> Elimination:
    """Screen variables one by one, then drop the least of a multivariable model until all count.

    A variable with p of ``p`` or more alone is not a candidate; of the candidates' model the one
    with the largest p is dropped and the model fitted again, as long as that p is ``p`` or more.
    A variable goes with all of its levels. The p values are Wald's, or of the likelihood ratio
    where a term has no finite estimate.

    What is left is too good on the patients it was chosen on: coefficients, p values and the
    concordance alike. Put the whole of it into every fold.

    Parameters
    ----------
    X : DataFrame of shape (patients, terms)
        Without missing values.
    y : DataFrame
        time, event.
    p : float, default=0.05
    variables : mapping of str to sequence of str, optional
        As for `univariate_table`.

    Raises
    ------
    SettingError
        If ``p`` is not above 0 and up to 1.
    InputError
        If X lacks a term or has a missing value.
    """
    if not 0 < p <= 1:
        raise SettingError(f"p must be above 0 and up to 1, got {p!r}")
    groups = _variables(X, variables)
    steps: list[dict[str, object]] = []
    kept = []
    for variable, terms in groups.items():
        value = _variable_p(CoxModel().fit(X[terms], y), terms, X, y)
        if value < p:
            kept.append(variable)
        else:
            steps.append({"step": 0, "variable": variable, "p": value})
    number = 0
    while True:
        columns = [term for variable in kept for term in groups[variable]]
        model = CoxModel().fit(X[columns], y)
        values = {name: _variable_p(model, groups[name], X[columns], y) for name in kept}
        # a variable without a p, as one that follows from the others, goes first
        worst = max(kept, key=lambda name: np.nan_to_num(values[name], nan=2.0), default=None)
        if worst is None or values[worst] < p:
            break
        number += 1
        steps.append({"step": number, "variable": worst, "p": values[worst]})
        kept.remove(worst)
    return Elimination(tuple(kept), model, pd.DataFrame(steps, columns=["step", "variable", "p"]))


def _variable_p(model: CoxModel, terms: Sequence[str], X: pd.DataFrame, y: pd.DataFrame) -> float:
    """Return the p of a variable's terms in a model: Wald's, or the likelihood ratio's."""
    _, degrees, value = model.wald([str(term) for term in terms])
    if degrees == 0 or not np.isnan(value):
        return value
    # the ridge that holds an infinite estimate takes from the likelihood: p is no smaller for it
    others = [name for name in X.columns if name not in terms]
    without = CoxModel().fit(X[[name for name in others if str(name) in model.notes_.index]], y)
    return float(stats.chi2.sf(max(2 * (model.loglik_ - without.loglik_), 0.0), degrees))


def _variables(
    X: pd.DataFrame, variables: Mapping[str, Sequence[str]] | None
) -> dict[str, list[str]]:
    if variables is None:
        return {str(term): [term] for term in X.columns}
    groups = {str(name): list(terms) for name, terms in variables.items()}
    for name, terms in groups.items():
        lacking = [term for term in terms if term not in X.columns]
        if lacking or not terms:
            raise InputError(
                f"variable {name!r} must name columns of X, got {terms!r}; X lacks {lacking!r}"
            )
    return groups
