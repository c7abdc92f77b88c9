"""How much too well models describe their own training patients: the .632+ estimator.

The model fitted to all patients describes these too well; models fitted to a part of them, judged
on the others, do somewhat worse than it would, since they have learned from fewer. The .632+
estimate lies between the two. It leans the more on the patients left out, the more of what the
model shows on its training patients is over-fitting:

    error = (1 - w) apparent + w left_out,   w = 0.632 / (1 - 0.368 R)
    R = (left_out - apparent) / (no_information - apparent), from 0 to 1

``no_information`` is the error where the outcome has nothing to do with the predictions; an error
on the patients left out that is larger than that is taken for it. An area's error is 1 minus it.

The patients of each part are drawn without putting back: 63.2 % of them, as many different ones as
a bootstrap's resample holds on average. A resample has many patients twice, and one of the twins
would tell an inner cross-validation what the other is.

References
----------
Efron B, Tibshirani R. J Am Stat Assoc 1997; 92: 548-560.
Binder H, Schumacher M. Stat Appl Genet Mol Biol 2008; 7: 12 (without putting back).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from gliofuse.cohort import DRAWN_SHARE

__all__ = ["Errors", "Plus632", "as_good_as_chance", "optimism_table", "plus_632"]

#: A model's error on rows of one or several folds, None where they don't define it; and the error
#: on these rows if outcome and prediction had nothing to do with each other.
Errors = tuple[Callable[[pd.DataFrame], float | None], Callable[[pd.DataFrame], float]]

#: Figures of which less is better: the figure itself is the error.
_LOWER_IS_BETTER = {"brier"}


class Plus632(NamedTuple):
    """A .632+ estimate of an error, and what it is made of."""

    error: float
    overfitting: float
    weight: float


def plus_632(apparent: float, left_out: float, no_information: float) -> Plus632:
    """Return the .632+ estimate of an error.

    Parameters
    ----------
    apparent : float
        Of the model of all patients, on these.
    left_out : float
        Mean error of the models of parts of the patients, on those left out.
    no_information : float
        Where the outcome has nothing to do with the predictions.

    Examples
    --------
    >>> round(plus_632(0.0, 0.5, 0.5).error, 3)  # nothing but over-fitting
    0.5
    >>> round(plus_632(0.2, 0.2, 0.5).error, 3)  # none at all
    0.2
    """
    left_out = min(left_out, no_information)
    overfitting = 0.0
    if left_out > apparent and no_information > apparent:
        overfitting = (left_out - apparent) / (no_information - apparent)
    weight = DRAWN_SHARE / (1 - (1 - DRAWN_SHARE) * overfitting)
    return Plus632((1 - weight) * apparent + weight * left_out, overfitting, weight)


def as_good_as_chance(rows: pd.DataFrame) -> float:
    """Return the error of an area or a concordance without information, a half."""
    return 0.5


def optimism_table(
    predictions: pd.DataFrame, apparent: pd.DataFrame, errors: Mapping[str, Errors]
) -> pd.DataFrame | None:
    """Return the .632+ estimate of each model's figures.

    Parameters
    ----------
    predictions : DataFrame
        ``case_id, fold, cohort, model``, outcome and prediction columns; ``test`` holds those left
        out.
    apparent : DataFrame
        The same without cohort, of the patients that each model was fitted on. In one fold these
        are all patients, and nobody is left out.
    errors : mapping of str to pair of callables
        By the figure's name its error and the error without information, see :data:`Errors`.

    Returns
    -------
    DataFrame or None
        model, metric; apparent, left_out, no_information and estimate, in terms of the figure;
        overfitting (R) and weight. None where no fold holds everybody.
    """
    judged = predictions[predictions["cohort"].astype(str) == "test"]
    whole = apparent[~apparent["fold"].isin(judged["fold"].unique())]
    if judged.empty or whole.empty:
        return None
    rows = []
    for model, own in whole.groupby("model", sort=False, observed=True):
        others = judged[judged["model"] == model]
        for metric, (error, without) in errors.items():
            found = error(own), error(others)
            if found[0] is None or found[1] is None:
                continue
            base = without(own)
            made = plus_632(found[0], found[1], base)
            shown = np.array([*found, base, made.error])
            shown = shown if metric in _LOWER_IS_BETTER else 1 - shown
            rows.append((model, metric, *shown, made.overfitting, made.weight))
    names = ["apparent", "left_out", "no_information", "estimate", "overfitting", "weight"]
    return pd.DataFrame(rows, columns=["model", "metric", *names])
