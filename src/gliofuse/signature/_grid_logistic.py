"""Logistic scorers whose penalty is chosen by cross-validation over a grid."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from gliofuse.errors import SettingError
from gliofuse.signature._common import (
    SCORINGS,
    Float,
    Folds,
    binary_tags,
    check_binary,
    check_choice,
    fold_scores,
    inner_splits,
    prior_shift,
    sample_weights,
    validated,
)
from gliofuse.signature._kernels import elastic_net_path
from gliofuse.signature.nested import InnerFold, inner_folds
from gliofuse.signature.rows import weighted_sums
from gliofuse.signature.warning import SignatureWarning

__all__ = ["LAMBDAS", "GridScorer", "LinearScorer", "column_scale", "fit_grid"]

#: the grid of the design: 2^-10, 2^-9, ..., 2^10
LAMBDAS: tuple[float, ...] = tuple(2.0**power for power in range(-10, 11))

_FINAL_TOL = 1e-8


class LinearScorer(ClassifierMixin, BaseEstimator):
    """Base of scorers with ``coef_`` and ``intercept_``, on columns ``(x - mean_) / scale_``."""

    classes_: NDArray[Any]
    coef_: Float
    intercept_: Float
    mean_: Float
    scale_: Float

    def __sklearn_tags__(self) -> Tags:
        return binary_tags(super().__sklearn_tags__())

    def decision_function(self, X: Any) -> Float:
        """Return the log-odds of the second class, shape (patients,)."""
        check_is_fitted(self, "coef_")
        X = validated(self, X, reset=False)
        return weighted_sums(self._columns(X), self.coef_[0]) + self.intercept_[0]

    def _columns(self, X: Float) -> Float:
        """Return the columns that the coefficients are of."""
        return (X - self.mean_) / self.scale_

    def contributions(self, X: Any) -> Float:
        """Return what each column adds to the log-odds, beside the intercept; shape of ``X``."""
        check_is_fitted(self, "coef_")
        X = validated(self, X, reset=False)
        return self._columns(X) * self.coef_[0]

    def predict_proba(self, X: Any) -> Float:
        """Return the probabilities of both classes, shape (patients, 2)."""
        decision = self.decision_function(X)
        # each from its own side, so that neither is rounded to 0 before it must be
        return np.c_[_sigmoid(-decision), _sigmoid(decision)]

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the class of higher probability, shape (patients,)."""
        # the decision comes first: it refuses an unfitted scorer by name
        second = self.decision_function(X) > 0
        return self.classes_[second.astype(int)]


def _sigmoid(values: Float) -> Float:
    from scipy.special import expit

    return np.asarray(expit(values))


def column_scale(X: Float, standardise: bool) -> tuple[Float, Float]:
    """Return means and standard deviations (0 and 1 where not asked for; 1 for a flat column)."""
    if not standardise:
        return np.zeros(X.shape[1]), np.ones(X.shape[1])
    flat = X.max(axis=0) == X.min(axis=0)
    scale = X.std(axis=0)
    return X.mean(axis=0), np.where(flat | (scale == 0), 1.0, scale)


class GridScorer(LinearScorer):
    """Base of linear scorers whose penalty is chosen by cross-validation."""

    folds: int
    random_state: Any

    def inner_splits(self, y: Any, people: NDArray[Any] | None = None) -> Folds:
        """Return the (training, test) positions of the folds that choose the penalty."""
        return inner_splits(self, y, people)


def fit_grid(
    scorer: Any,
    X: Any,
    y: Any,
    *,
    lambdas: Sequence[float],
    l1_ratios: Sequence[float],
    standardise: bool,
    inner: list[InnerFold] | None = None,
) -> None:
    """Choose the penalty by cross-validation, refit on all patients, and set the attributes.

    ``inner`` holds the folds with columns of their own, where the steps before the scorer were
    repeated in each; by default they are cut from ``X``.
    """
    check_choice("scoring", scorer.scoring, SCORINGS)
    X, labels, classes = check_binary(scorer, X, y)
    penalties = _checked_lambdas(lambdas)
    ratios = _checked_ratios(l1_ratios)
    parts = inner_folds(X, scorer.inner_splits(labels), inner)
    folds = len(parts)

    def added(rows: Any) -> float:
        """What the class weights add to the log-odds and is taken off again."""
        return prior_shift(scorer.prior, labels[rows], scorer.class_weight, classes)

    def one(part: InnerFold, ratio: float) -> tuple[Float, Float, Any, Any]:
        own, test = labels[part.training], labels[part.test]
        mean, scale = column_scale(part.X_training, standardise)
        path = elastic_net_path(
            (part.X_training - mean) / scale,
            own,
            sample_weights(own, scorer.class_weight, classes),
            penalties,
            ratio,
            tol=scorer.tol,
            max_iter=scorer.max_iter,
        )
        weighted = ((part.X_test - mean) / scale) @ path.coefficients.T + path.intercepts
        decision = weighted - added(part.training)
        # balanced accuracy looks at the classes as if they were of one size
        seen = weighted if scorer.scoring == "balanced_accuracy" else decision
        score = fold_scores(scorer.scoring, test, seen)
        loss = fold_scores("neg_log_loss", test, decision)
        return score, loss, path.converged, (path.coefficients != 0).sum(axis=1)

    tasks = [(part, ratio) for part in parts for ratio in ratios]
    with threadpool_limits(1):  # the compiled kernel lets threads run; BLAS must not multiply them
        results = Parallel(n_jobs=scorer.n_jobs, prefer="threads")(
            delayed(one)(*task) for task in tasks
        )
    shape = (folds, ratios.size, penalties.size)
    scores, losses, converged, nonzero = (
        np.array([result[part] for result in results]).reshape(shape) for part in range(4)
    )
    mean_scores, mean_losses = scores.mean(axis=0), losses.mean(axis=0)
    chosen = _best(mean_scores, mean_losses)
    ratio, penalty = float(ratios[chosen[0]]), float(penalties[chosen[1]])

    mean, scale = column_scale(X, standardise)
    with threadpool_limits(1):
        final = elastic_net_path(
            (X - mean) / scale,
            labels,
            sample_weights(labels, scorer.class_weight, classes),
            penalties[: chosen[1] + 1],
            ratio,
            tol=min(_FINAL_TOL, scorer.tol),
            max_iter=scorer.max_iter,
        )
    scorer.classes_ = classes
    scorer.n_folds_ = folds
    scorer.mean_, scorer.scale_ = mean, scale
    scorer.coef_ = final.coefficients[-1:]
    scorer.intercept_ = final.intercepts[-1:] - added(slice(None))
    scorer.n_iter_ = np.array([max(1, int(final.iterations.sum()))])
    scorer.best_params_ = {"lambda": penalty, "l1_ratio": ratio}
    scorer.best_score_ = float(mean_scores[chosen])
    grid_ratio, grid_lambda = np.meshgrid(ratios, penalties, indexing="ij")
    scorer.cv_results_ = {
        "lambda": grid_lambda.ravel(),
        "l1_ratio": grid_ratio.ravel(),
        "mean_score": mean_scores.ravel(),
        "std_score": scores.std(axis=0).ravel(),
        "mean_log_loss": -mean_losses.ravel(),
        "mean_features": nonzero.mean(axis=0).ravel(),
        "not_converged": (~converged).sum(axis=0).ravel(),
    }
    scorer.not_converged_ = int((~converged).sum()) + int(not final.converged[-1])
    _warn_unconverged(scorer, ratio, penalty, bool(final.converged[-1]))


def grid_table(scorer: Any) -> pd.DataFrame:
    """Return the cross-validation results, one row a grid point."""
    check_is_fitted(scorer, "cv_results_")
    return pd.DataFrame(scorer.cv_results_)


def _checked_lambdas(lambdas: Sequence[float]) -> Float:
    values = np.unique(np.asarray(lambdas, dtype=np.float64))[::-1]
    if values.size == 0 or not np.all(np.isfinite(values)) or values[-1] <= 0:
        raise SettingError(f"lambdas must be positive finite numbers, got {list(lambdas)!r}")
    return values


def _checked_ratios(l1_ratios: Sequence[float]) -> Float:
    values = np.unique(np.asarray(l1_ratios, dtype=np.float64))
    if values.size == 0 or not np.all((values >= 0) & (values <= 1)):
        raise SettingError(f"l1_ratios must be numbers from 0 to 1, got {list(l1_ratios)!r}")
    return values


def _best(scores: Float, log_likelihoods: Float) -> tuple[int, int]:
    """Return the grid point of best score, ties by held-out log loss, then the stronger penalty.

    On a rank statistic many points tie, and among them the log loss tells probabilities that
    are shrunk to one half from those that are not.
    """
    tied = scores >= scores.max() - 1e-9
    losses = np.where(tied, log_likelihoods, -np.inf)
    tied &= losses >= losses.max() - 1e-12
    # columns are penalties in descending order; of equal penalties the sparser ratio
    column = int(np.flatnonzero(tied.any(axis=0))[0])
    return int(np.flatnonzero(tied[:, column])[-1]), column


def _warn_unconverged(scorer: Any, ratio: float, penalty: float, final: bool) -> None:
    if scorer.not_converged_ == 0:
        return
    results = scorer.cv_results_
    where = np.flatnonzero(results["not_converged"])
    points = [
        f"(lambda={results['lambda'][k]:g}, l1_ratio={results['l1_ratio'][k]:g})" for k in where[:3]
    ]
    if where.size > 3:
        points.append(f"and {where.size - 3} more points")
    if not final:
        points.append(f"the final fit (lambda={penalty:g}, l1_ratio={ratio:g})")
    warnings.warn(
        f"{type(scorer).__name__}: {scorer.not_converged_} fits did not converge in "
        f"{scorer.max_iter} iterations to tol={scorer.tol:g}: {', '.join(points)}; raise max_iter, "
        "scale the features, or leave out the smallest lambdas",
        SignatureWarning,
        stacklevel=4,
    )
