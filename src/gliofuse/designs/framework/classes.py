"""Classifiers of two classes put to work on several, one class against the rest.

Selection and scoring learn inside each one-against-rest problem, so that nothing leaks. With two
classes the classifier is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.cohort import Endpoint
from gliofuse.errors import InputError

__all__ = [
    "column_names",
    "each_class",
    "macro_auc",
    "model_columns",
    "one_vs_rest",
    "out_of_fold",
    "probabilities",
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
    people = None if groups is None else groups.loc[features.index].to_numpy()
    if not several_classes(endpoint):
        from gliofuse.signature import out_of_fold_probabilities

        found = out_of_fold_probabilities(
            estimator, features, y, folds=folds, seed=seed, people=people
        )
        return found.to_frame(endpoint.prediction_columns[0])
    from sklearn.model_selection import cross_val_predict

    from gliofuse.signature import stratified_folds

    counts = y.value_counts()
    if counts.min() < 2:
        raise InputError(
            f"out-of-fold signatures need 2 training patients of each class (got {counts.min()} "
            f"of {counts.idxmin()!r}); use fewer folds, or merge classes"
        )
    labels = y.to_numpy()
    parts = stratified_folds(labels, min(folds, int(counts.min())), seed, people)
    values = cross_val_predict(estimator, features, labels, cv=parts, method="predict_proba")
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
    if not several_classes(endpoint):
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


def macro_auc(y: pd.Series, scores: pd.DataFrame, endpoint: Endpoint) -> float:
    """Return the AUC, or the mean over classes of each class's AUC against the rest.

    Parameters
    ----------
    y : pandas.Series
    scores : pandas.DataFrame
        The endpoint's prediction columns; any rising function of the probabilities does.
    endpoint : Endpoint
    """
    from sklearn.metrics import roc_auc_score

    values = scores.loc[y.index]
    if not several_classes(endpoint):
        return float(roc_auc_score(y, values.iloc[:, 0]))
    each = [
        roc_auc_score(y.astype(str) == name, values.iloc[:, number])
        for number, name in enumerate(endpoint.classes)
    ]
    return float(np.mean(each))
