"""Pipelines that say on which folds a step's inner choice is made."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from gliofuse.signature._common import Float
from gliofuse.signature.warning import SignatureWarning

__all__ = ["InnerFold", "NestedPipeline", "PeoplePipeline", "inner_folds"]


class InnerFold(NamedTuple):
    """One fold of a step's inner cross-validation, as the steps before it hand it over.

    ``training`` and ``test`` are positions among the patients; ``X_training`` and ``X_test`` their
    columns after steps that were fitted on ``training`` alone, so that their number differs from
    fold to fold.
    """

    training: NDArray[np.intp]
    test: NDArray[np.intp]
    X_training: Float
    X_test: Float


def inner_folds(X: Float, splits: Any, inner: list[InnerFold] | None) -> list[InnerFold]:
    """Return the given folds, or where there are none those of the columns as they are."""
    if inner is not None:
        return inner
    return [InnerFold(training, test, X[training], X[test]) for training, test in splits]


class PeoplePipeline(Pipeline):
    """A pipeline whose inner choices keep all rows of a person on one side.

    A step that has ``inner_splits`` is told who is behind each row; its folds see the columns as
    the steps before it, fitted on all rows, hand them over.

    Parameters
    ----------
    steps, transform_input, memory, verbose
        As for `sklearn.pipeline.Pipeline`; ``memory`` is not used.
    people : Series, optional
        The person behind each patient's row, by the index of ``X``.
    """

    steps: list[tuple[str, Any]]

    def __init__(
        self,
        steps: list[tuple[str, Any]],
        *,
        transform_input: Any = None,
        memory: Any = None,
        verbose: bool = False,
        people: pd.Series | None = None,
    ) -> None:
        super().__init__(steps, transform_input=transform_input, memory=memory, verbose=verbose)
        self.people = people

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Fit every step; X (patients, features), y two classes.

        Raises
        ------
        ValueError
            If further parameters are given: the steps take none.
        """
        if params:
            name = type(self).__name__
            raise ValueError(f"{name} takes no fit parameters, got {sorted(params)}")
        labels = np.asarray(y)
        who = None if self.people is None else self.people.loc[X.index].to_numpy()
        self.steps = list(self.steps)
        moved = X
        for position, (_, step) in enumerate(self.steps):
            options = {}
            if hasattr(step, "inner_splits"):
                splits = step.inner_splits(labels, who)
                options["inner"] = self._inner(position, X, moved, labels, splits)
            step.fit(moved, y, **options)
            if position < len(self.steps) - 1:
                moved = step.transform(moved)
        return self

    def _inner(
        self, position: int, X: Any, moved: Any, y: NDArray[Any], splits: Any
    ) -> list[InnerFold]:
        """Return the folds of the step at ``position``, which is fitted on ``moved``."""
        return inner_folds(np.asarray(moved, dtype=np.float64), splits, None)


class NestedPipeline(PeoplePipeline):
    """A pipeline that repeats its first steps inside every fold of a later step's choice.

    scikit-learn's pipeline selects features with the labels of all its patients, and a step that
    then chooses a penalty by cross-validation does so on folds whose labels helped to select: the
    held-out error is far too small, and the penalty with it. Here a step that has ``inner_splits``
    is given, for each of its folds, what the steps before it make of that fold when they are
    fitted on its training part alone. A penalty that one of these chose before (in folds of its
    own, nested likewise) is kept: a number, learned from all patients, in exchange for a tenth of
    the time. The probabilities of `out_of_fold_probabilities` know nothing of the kind, since the
    whole pipeline is fitted anew in each of its folds.

    Warnings of those inner fits are not passed on: they are not of the model that is kept.

    Parameters
    ----------
    steps, transform_input, memory, verbose, people
        As for `PeoplePipeline`.

    References
    ----------
    Ambroise and McLachlan 2002, PNAS 99:6562-6566; Varma and Simon 2006, BMC Bioinformatics 7:91.

    Examples
    --------
    >>> from gliofuse.signature import ElasticNetSignature, TTestSelector
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(30, 400)), np.tile([0, 1], 15)
    >>> steps = lambda: [("ttest", TTestSelector()), ("scorer", ElasticNetSignature(folds=5))]
    >>> loss = [-kind(steps()).fit(X, y)[-1].best_score_ for kind in (Pipeline, NestedPipeline)]
    >>> loss[0] < 0.5 < 0.65 < loss[1]
    True
    """

    def _inner(
        self, position: int, X: Any, moved: Any, y: NDArray[Any], splits: Any
    ) -> list[InnerFold]:
        values = np.asarray(X, dtype=np.float64)
        return [self._inner_fold(position, values, y, training, test) for training, test in splits]

    def _inner_fold(
        self, position: int, X: Float, y: NDArray[Any], training: Any, test: Any
    ) -> InnerFold:
        if position == 0:
            return InnerFold(training, test, X[training], X[test])
        steps = [
            (name, step.with_choice() if hasattr(step, "with_choice") else clone(step))
            for name, step in self.steps[:position]
        ]
        before = type(self)(steps).set_output(transform="default")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SignatureWarning)
            before.fit(X[training], y[training])
        return InnerFold(training, test, before.transform(X[training]), before.transform(X[test]))
