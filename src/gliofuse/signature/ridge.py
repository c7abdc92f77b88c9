"""The fusion of signatures: z-score and ridge logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import pandas as pd

from gliofuse.signature._grid_logistic import LAMBDAS, GridScorer, fit_grid, grid_table
from gliofuse.signature.nested import InnerFold

__all__ = ["RidgeSignature"]


class RidgeSignature(GridScorer):
    """Z-score and L2-penalised logistic regression, the penalty chosen by cross-validation.

    The columns are standardised with the training patients' mean and standard deviation, inside
    every fold of the grid search as well. ``coef_`` is on the standardised columns, so that
    coefficients of different signatures can be compared (their "contributions").
    Minimises ``sum_i s_i * log_loss_i + lambda / 2 * |b|_2^2`` with ``lambda = 1 / C``.

    Parameters
    ----------
    lambdas : sequence of float, optional
        Default 2^-10, 2^-9, ..., 2^10.
    folds : int, default=10
        Stratified, shuffled; reduced to the size of the smaller class, down to 2.
    scoring : {"roc_auc", "accuracy", "balanced_accuracy", "neg_log_loss"}, default="neg_log_loss"
        Ties go to the smaller held-out log loss, then to the stronger penalty.
    class_weight : {"balanced", None} or dict of class to weight, default="balanced"
    prior : {"training", "weighted"}, default="weighted"
        As in `ElasticNetSignature`.
    tol : float, default=1e-4
    max_iter : int, default=100
    random_state : int, RandomState or None, default=0
    n_jobs : int, optional
        Threads.

    Attributes
    ----------
    coef_ : ndarray of shape (1, features)
        On standardised columns.
    intercept_ : ndarray of shape (1,)
    mean_, scale_ : ndarray of shape (features,)
        Of the training patients; a constant column has scale 1 and coefficient 0.
    best_params_, best_score_, cv_results_, grid_, n_folds_, n_iter_,
    not_converged_, classes_
        As in `ElasticNetSignature`.

    References
    ----------
    J Biotech Research 2024;17:146-158 (the fusion models and their grid).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 30)
    >>> X = np.c_[y + rng.normal(size=60), rng.normal(size=60)]
    >>> fusion = RidgeSignature().fit(X, y)
    >>> bool(fusion.coef_[0, 0] > abs(fusion.coef_[0, 1]))
    True
    """

    def __init__(
        self,
        *,
        lambdas: Sequence[float] | None = None,
        folds: int = 10,
        scoring: str = "neg_log_loss",
        class_weight: str | dict[Any, float] | None = "balanced",
        prior: str = "weighted",
        tol: float = 1e-4,
        max_iter: int = 100,
        random_state: Any = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.lambdas = lambdas
        self.folds = folds
        self.scoring = scoring
        self.class_weight = class_weight
        self.prior = prior
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, inner: list[InnerFold] | None = None) -> Self:
        """Choose the penalty and fit on all patients; X (patients, features), y two classes.

        ``inner`` holds the folds with columns of their own (see `NestedPipeline`).
        """
        fit_grid(
            self,
            X,
            y,
            lambdas=LAMBDAS if self.lambdas is None else self.lambdas,
            l1_ratios=[0.0],
            standardise=True,
            inner=inner,
        )
        return self

    @property
    def grid_(self) -> pd.DataFrame:
        """The cross-validation results, one row a penalty."""
        return grid_table(self)
