"""Fusion: out-of-fold signatures, stacking, and how often a feature is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from gliofuse.compute import parallel_map
from gliofuse.errors import InputError, RunError, SettingError
from gliofuse.signature._common import check_choice, stratified_folds, usable_folds

__all__ = ["StackedFusion", "out_of_fold_probabilities", "selection_frequency"]


def out_of_fold_probabilities(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    folds: int = 10,
    seed: int = 0,
    workers: int | None = 1,
    people: Any = None,
) -> Any:
    """Return each patient's probability from a model that has not seen the patient.

    The folds are stratified and shuffled by ``seed``, and reduced to the size of the smaller
    class where there are fewer such patients. The estimator, selection included, is cloned and
    fitted anew in each fold.

    Parameters
    ----------
    estimator : scikit-learn classifier
        With ``predict_proba``; left unfitted.
    X : DataFrame or ndarray of shape (patients, features)
        One row a patient; an index with doubles is refused.
    y : array-like of shape (patients,)
        Two classes; the probability is that of the second (larger) one.
    folds : int, default=10
    seed : int, default=0
    workers : int or None, default=1
        Processes over folds.
    people : array-like of shape (patients,), optional
        The person behind each row; all rows of a person are on one side.

    Returns
    -------
    Series (index of X, name ``probability``) if X is a DataFrame, else ndarray, shape (patients,)

    Raises
    ------
    InputError
        If a patient comes twice, or X and y differ in length.
    SettingError
        If a class has fewer than two patients.
    RunError
        If the estimator cannot be fitted in a fold.

    Examples
    --------
    >>> from gliofuse.signature import RidgeSignature
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 20)
    >>> X = pd.DataFrame({"a": y + rng.normal(size=40)})
    >>> out_of_fold_probabilities(RidgeSignature(), X, y, folds=4, seed=1).shape
    (40,)
    """
    labels = np.asarray(y)
    if len(X) != labels.size:
        raise InputError(
            f"X and y must hold the same patients: got {len(X)} rows and {labels.size} labels"
        )
    if isinstance(X, pd.DataFrame) and X.index.has_duplicates:
        double = X.index[X.index.duplicated()][0]
        raise InputError(
            f"X must hold one row a patient: {double!r} comes twice and could be on both sides "
            "of a fold; give one row each"
        )
    classes, codes = np.unique(labels, return_inverse=True)
    if classes.size != 2:
        raise InputError(f"y must hold two classes, got {classes.tolist()}")
    who = None if people is None else np.asarray(people)
    splits = stratified_folds(codes, usable_folds(codes, folds), seed, who)
    probabilities = np.full(labels.size, np.nan)
    attempt = partial(_held_out, estimator, X, labels)
    for number, outcome in enumerate(parallel_map(attempt, splits, workers=workers), start=1):
        if outcome.failed or outcome.result is None:
            raise RunError(f"fold {number} of {len(splits)}: {outcome.error}")
        probabilities[outcome.item[1]] = outcome.result
    if isinstance(X, pd.DataFrame):
        return pd.Series(probabilities, index=X.index, name="probability")
    return probabilities


def _held_out(estimator: Any, X: Any, y: Any, split: tuple[Any, Any]) -> Any:
    training, test = split
    rows = X.iloc if isinstance(X, pd.DataFrame) else X
    fitted = clone(estimator).fit(rows[training], y[training])
    return fitted.predict_proba(rows[test])[:, 1]


class StackedFusion:
    """First-level signatures, each on its own table, fused by a second-level scorer.

    Parameters
    ----------
    signatures : mapping of str to classifier
        Unfitted, by name (for example the sequence).
    fusion : classifier
        Takes the table of the signatures' probabilities, one column a name.
    mode : {"out_of_fold", "in_sample"}, default="out_of_fold"
        What the second level learns from: the probability of a model that has not seen the
        patient, or the fitted model's own (as in the published design; it is too good, and the
        fusion then trusts most whichever signature overfits most).
    folds, seed, workers
        Of `out_of_fold_probabilities`.

    Attributes
    ----------
    signatures_ : dict of fitted first-level classifiers (on all patients)
    fusion_ : fitted second-level classifier
    training_signatures_ : DataFrame (patients, names)
        What the second level was fitted on.
    """

    def __init__(
        self,
        signatures: Mapping[str, Any],
        fusion: Any,
        *,
        mode: str = "out_of_fold",
        folds: int = 10,
        seed: int = 0,
        workers: int | None = 1,
    ) -> None:
        check_choice("mode", mode, ("out_of_fold", "in_sample"))
        if not signatures:
            raise SettingError("signatures must name at least one classifier, got none")
        self.signatures = dict(signatures)
        self.fusion = fusion
        self.mode = mode
        self.folds = folds
        self.seed = seed
        self.workers = workers

    def fit(self, tables: Mapping[str, pd.DataFrame], y: Any) -> Self:
        """Fit both levels; ``tables`` holds one table (patients, features) a signature."""
        labels = np.asarray(y)
        self._check_tables(tables)
        self.signatures_ = {}
        columns = {}
        for name, signature in self.signatures.items():
            table = tables[name]
            self.signatures_[name] = clone(signature).fit(table, labels)
            if self.mode == "out_of_fold":
                columns[name] = out_of_fold_probabilities(
                    signature, table, labels, folds=self.folds, seed=self.seed, workers=self.workers
                )
            else:
                columns[name] = pd.Series(
                    self.signatures_[name].predict_proba(table)[:, 1], index=table.index
                )
        self.training_signatures_ = pd.DataFrame(columns)
        self.fusion_ = clone(self.fusion).fit(self.training_signatures_, labels)
        return self

    def predict(self, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
        """Return probabilities (patients, names + ``fusion``) of new patients."""
        self._check_tables(tables)
        result = pd.DataFrame(
            {
                name: pd.Series(fitted.predict_proba(tables[name])[:, 1], index=tables[name].index)
                for name, fitted in self.signatures_.items()
            }
        )
        result["fusion"] = self.fusion_.predict_proba(result)[:, 1]
        return result

    def _check_tables(self, tables: Mapping[str, pd.DataFrame]) -> None:
        missing = [name for name in self.signatures if name not in tables]
        if missing:
            raise InputError(
                f"tables must hold one table a signature: missing {', '.join(missing)}, "
                f"got {', '.join(tables) or 'none'}"
            )
        first = next(iter(self.signatures))
        for name in self.signatures:
            if not tables[name].index.equals(tables[first].index):
                raise InputError(
                    f"tables must hold the same patients in the same order: {name!r} differs from "
                    f"{first!r}; select both by one list of case_id"
                )


def selection_frequency(selections: Iterable[Sequence[str]]) -> pd.DataFrame:
    """Count how often each feature was selected over folds or repeats.

    Parameters
    ----------
    selections : iterable of sequences of str
        One list of feature names a fold.

    Returns
    -------
    DataFrame
        feature, count, share (of the folds); most frequent first, then by name.

    Examples
    --------
    >>> selection_frequency([["a", "b"], ["b"]])
      feature  count  share
    0       b      2    1.0
    1       a      1    0.5
    """
    lists = [list(dict.fromkeys(names)) for names in selections]
    counts: dict[str, int] = {}
    for names in lists:
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return pd.DataFrame(
        {
            "feature": [name for name, _ in ordered],
            "count": [count for _, count in ordered],
            "share": [count / len(lists) for _, count in ordered],
        }
    )
