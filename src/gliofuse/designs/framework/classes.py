"""Classifiers of two classes put to work on several, one class against the rest.

Selection and scoring learn inside each one-against-rest problem, so that nothing leaks. With two
classes the classifier is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.cohort import Endpoint
from gliofuse.errors import InputError

__all__ = [
    "column_names",
    "contributions_by_term",
    "each_class",
    "log_odds",
    "mean_fold_auc",
    "model_coefficients",
    "model_columns",
    "one_vs_rest",
    "out_of_fold",
    "patient_contributions",
    "probabilities",
    "score_columns",
    "several_classes",
]


def several_classes(endpoint: Endpoint) -> bool:
    """Whether there are more than two classes."""
    return len(endpoint.classes) > 2


def one_vs_rest(estimator: Any, endpoint: Endpoint) -> Any:
    """Return the classifier for the endpoint: itself, or one of its kind for each class."""
    if not several_classes(endpoint):
        return estimator
    from sklearn.multiclass import OneVsRestClassifier

    return OneVsRestClassifier(estimator)


def probabilities(estimator: Any, features: pd.DataFrame, endpoint: Endpoint) -> pd.DataFrame:
    """Return what a fitted classifier predicts, in the endpoint's prediction columns.

    Rows of several classes sum to 1.

    Returns
    -------
    pandas.DataFrame
        Indexed as ``features``.
    """
    return _in_order(
        estimator.predict_proba(features), estimator.classes_, features.index, endpoint
    )


def out_of_fold(
    estimator: Any,
    features: pd.DataFrame,
    y: pd.Series,
    endpoint: Endpoint,
    *,
    folds: int,
    seed: int,
    groups: pd.Series | None = None,
) -> pd.DataFrame:
    """Return the training patients' probabilities from classifiers that did not see them.

    The folds are stratified and shuffled by ``seed``, and reduced to the size of the smallest
    class; the classifier, selection included, is fitted anew in each. Rows of one person, as
    ``groups`` names them by ``case_id``, are on one side.

    Returns
    -------
    pandas.DataFrame
        The endpoint's prediction columns, indexed as ``features``.

    Raises
    ------
    InputError
        If a class has fewer than two patients.
    """
    if not several_classes(endpoint):
        from gliofuse.signature import out_of_fold_probabilities

        people = None if groups is None else groups.loc[features.index].to_numpy()
        found = out_of_fold_probabilities(
            estimator, features, y, folds=folds, seed=seed, people=people
        )
        return found.to_frame(endpoint.prediction_columns[0])
    from sklearn.model_selection import cross_val_predict

    counts = y.value_counts()
    if counts.min() < 2:
        raise InputError(
            f"out-of-fold signatures need 2 training patients of each class (got {counts.min()} "
            f"of {counts.idxmin()!r}); use fewer folds, or merge classes"
        )
    labels = y.to_numpy()
    values = cross_val_predict(
        estimator, features, labels, cv=_parts(y, folds, seed, groups), method="predict_proba"
    )
    return _in_order(values, np.unique(labels), features.index, endpoint)


def _in_order(values: Any, classes: Any, index: pd.Index, endpoint: Endpoint) -> pd.DataFrame:
    columns = list(endpoint.prediction_columns)
    if not several_classes(endpoint):
        return pd.DataFrame({columns[0]: values[:, 1]}, index=index)
    table = pd.DataFrame(values, index=index, columns=[str(name) for name in classes])
    return table[list(endpoint.classes)].set_axis(columns, axis=1)


def column_names(name: str, endpoint: Endpoint) -> list[str]:
    """Return the columns that a score has in the table of a next level: one, or one a class.

    Examples
    --------
    >>> from gliofuse.cohort import parse_endpoint
    >>> column_names("radiomics_t1", parse_endpoint("grade: 2, 3, 4"))
    ['radiomics_t1=2', 'radiomics_t1=3', 'radiomics_t1=4']
    """
    if not several_classes(endpoint):
        return [name]
    return [f"{name}={one}" for one in endpoint.classes]


def model_columns(scores: Mapping[str, pd.DataFrame], endpoint: Endpoint) -> pd.DataFrame:
    """Return models' predictions side by side, as :meth:`FittedDesign.predict` gives them."""
    if len(endpoint.prediction_columns) == 1:
        (column,) = endpoint.prediction_columns
        return pd.DataFrame({name: table[column] for name, table in scores.items()})
    return pd.concat(scores, axis=1)


def each_class(
    estimator: Any, table_of: Callable[[Any], pd.DataFrame], endpoint: Endpoint
) -> pd.DataFrame:
    """Return a table of a fitted classifier, with a column ``class`` where it is one a class."""
    if not several_classes(endpoint):
        return table_of(estimator)
    parts = dict(zip(map(str, estimator.classes_), estimator.estimators_, strict=True))
    tables = [table_of(parts[name]).assign(**{"class": name}) for name in endpoint.classes]
    return pd.concat(tables, ignore_index=True)


def model_coefficients(
    estimators: Mapping[str, Any], endpoint: Endpoint, *, term: str = "term"
) -> pd.DataFrame:
    """Return what stands in fitted models: their terms with coefficients.

    Parameters
    ----------
    estimators : mapping of str to classifier
        By the model's name; a chain whose scorer is not linear has terms, but no coefficients.
    endpoint : Endpoint
    term : str
        Name of the column of terms.

    Returns
    -------
    pandas.DataFrame
        ``model``, ``class`` (where there are more than two), the terms, ``coefficient``.
    """
    own = ["class"] if several_classes(endpoint) else []
    tables = [
        each_class(estimator, _terms, endpoint).assign(model=name)
        for name, estimator in estimators.items()
    ]
    found = pd.concat(tables).rename(columns={"term": term})
    return found[["model", *own, term, "coefficient"]]


def score_columns(
    predicted: pd.DataFrame, names: Sequence[str], endpoint: Endpoint
) -> pd.DataFrame:
    """Return models' predictions as the columns of the next level's table.

    Parameters
    ----------
    predicted : DataFrame
        As :meth:`FittedDesign.predict` gives it.
    names : sequence of str
        The models.
    endpoint : Endpoint
    """
    if predicted.columns.nlevels == 1:
        return predicted[list(names)]
    return pd.concat(
        [predicted[name].set_axis(column_names(name, endpoint), axis=1) for name in names], axis=1
    )


def patient_contributions(
    model: str, estimator: Any, table: pd.DataFrame, endpoint: Endpoint
) -> pd.DataFrame:
    """Return what each term adds to each patient's log-odds by a fitted classifier.

    Of several classes the log-odds are those of a class against the rest, before the
    probabilities are made to sum to 1. A classifier that is not linear has no row.

    Returns
    -------
    pandas.DataFrame
        ``case_id, model``, ``class`` (where there are more than two), ``term, contribution``, the
        intercept first.
    """
    from gliofuse.signature import contributions

    def added(one: Any) -> pd.DataFrame:
        try:
            wide = contributions(one, table)
        except InputError:  # of a forest or a kernel
            return pd.DataFrame(columns=["case_id", "term", "contribution"])
        return contributions_by_term(wide)

    return each_class(estimator, added, endpoint).assign(model=model)


def contributions_by_term(wide: pd.DataFrame) -> pd.DataFrame:
    """Return a table of patients x terms as rows ``case_id, term, contribution``, by patient."""
    return (
        wide.rename_axis(index="case_id")
        .reset_index()
        .melt("case_id", var_name="term", value_name="contribution")
        .sort_values("case_id", kind="stable", ignore_index=True)
    )


def _terms(estimator: Any) -> pd.DataFrame:
    from gliofuse.signature import coefficients, selected_features

    try:
        return coefficients(estimator)
    except InputError:  # of a forest or a kernel
        return pd.DataFrame({"term": selected_features(estimator), "coefficient": np.nan})


def log_odds(probability: pd.DataFrame) -> pd.DataFrame:
    """Return log(p / (1 - p)), kept finite."""
    kept = probability.clip(1e-6, 1 - 1e-6)
    return np.log(kept / (1 - kept))


def mean_fold_auc(
    y: pd.Series,
    scores: pd.DataFrame,
    endpoint: Endpoint,
    *,
    folds: int,
    seed: int,
    groups: pd.Series | None = None,
) -> float:
    """Return the mean over inner folds of the AUC of out-of-fold probabilities.

    A fold's patients are compared with each other alone: models of different folds are not
    calibrated alike, which pulls the AUC of the pooled probabilities down, most of all that of a
    model that has learned little. Of several classes each is held against the rest. A fold that
    lacks a class says nothing of it.

    Parameters
    ----------
    y : pandas.Series
    scores : pandas.DataFrame
        As :func:`out_of_fold` gave them with the same ``folds``, ``seed`` and ``groups``.
    endpoint : Endpoint
    folds, seed, groups
        As for :func:`out_of_fold`.
    """
    from sklearn.metrics import roc_auc_score

    values = scores.loc[y.index]
    if several_classes(endpoint):
        truths = [(y.astype(str) == name).to_numpy() for name in endpoint.classes]
    else:
        truths = [y.to_numpy() == 1]
    found = [
        [
            float(roc_auc_score(truth[test], values.iloc[test, number]))
            for number, truth in enumerate(truths)
            if 0 < truth[test].sum() < len(test)
        ]
        for _, test in _parts(y, folds, seed, groups)
    ]
    means = [float(np.mean(areas)) for areas in found if areas]
    return float(np.mean(means)) if means else float("nan")


def _parts(y: pd.Series, folds: int, seed: int, groups: pd.Series | None) -> list[Any]:
    """Return the inner folds: positions of training and test patients."""
    from gliofuse.signature import stratified_folds

    people = None if groups is None else groups.loc[y.index].to_numpy()
    most = max(2, min(folds, int(y.value_counts().min())))
    return stratified_folds(np.unique(y, return_inverse=True)[1], most, seed, people)
