"""Whom the models put in which class: agreement, and patients whom all of them misjudge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from gliofuse.evaluation.agreement import agreement_of_calls, misjudged_patients
from gliofuse.evaluation.multiclass._checks import check_classes, pool_classes
from gliofuse.evaluation.multiclass.calls import called_classes

__all__ = ["called_patients", "class_agreement_table", "class_misjudged_by_all"]


def called_patients(predictions: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return the pooled patients with the class that each model calls them.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true and the probabilities.
    columns : mapping of str to str
        The column of each class's probability, by class, in order.

    Returns
    -------
    DataFrame
        The pooled columns, called (the class of the largest probability), wrong (bool) and error
        (1 less the probability of the true class).
    """
    pooled = pool_classes(predictions, columns)
    if pooled.empty:
        return pooled.assign(called="", wrong=False, error=0.0)
    classes = tuple(columns)
    codes, chance = check_classes(pooled["y_true"], pooled[list(columns.values())], classes)
    called = called_classes(chance)
    return pooled.assign(
        called=np.array(classes, dtype=object)[called],
        wrong=called != codes,
        error=1 - chance[np.arange(codes.size), codes],
    )


def class_misjudged_by_all(predictions: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return every held-out patient with the class that each model calls it.

    Parameters
    ----------
    predictions : DataFrame
    columns : mapping of str to str
        The column of each class's probability, by class, in order.

    Returns
    -------
    DataFrame
        As :func:`~gliofuse.evaluation.misjudged_by_all`, with each model's class for its
        probability.

    Raises
    ------
    InputError
        If no patient is held out.
    """
    return misjudged_patients(called_patients(predictions, columns), shown="called")


def class_agreement_table(
    predictions: pd.DataFrame,
    columns: Mapping[str, str],
    *,
    bootstrap: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return how alike each pair of models classifies the held-out patients of each cohort.

    Parameters
    ----------
    predictions : DataFrame
    columns : mapping of str to str
        The column of each class's probability, by class, in order.
    bootstrap : int
    seed : int
    confidence : float

    Returns
    -------
    DataFrame
        As :func:`~gliofuse.evaluation.agreement_table`; kappa is unweighted.

    Raises
    ------
    InputError
        If no patient is held out.
    """
    return agreement_of_calls(
        called_patients(predictions, columns),
        tuple(columns),
        bootstrap=bootstrap,
        seed=seed,
        confidence=confidence,
    )
