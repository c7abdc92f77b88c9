"""The single-sequence signature: logistic regression with an elastic net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from gliofuse.signature._grid_logistic import LAMBDAS, GridScorer, fit_grid, grid_table
from gliofuse.signature.nested import InnerFold

__all__ = ["ElasticNetSignature"]


class ElasticNetSignature(GridScorer):
    """Elastic-net logistic regression, its two penalties chosen by a cross-validated grid.

    Minimises, with ``lambda = 1 / C`` of scikit-learn's ``LogisticRegression`` and an intercept
    that is not penalised::

        sum_i s_i * log_loss_i + lambda * (l1_ratio * |b|_1 + (1 - l1_ratio) / 2 * |b|_2^2)

    Every fold's path over lambda is solved by a compiled, warm-started proximal Newton method,
    whose coefficients equal those of scikit-learn's solvers.

    Parameters
    ----------
    lambdas : sequence of float, optional
        Default 2^-10, 2^-9, ..., 2^10.
    l1_ratios : sequence of float, optional
        Default 0.1, 0.2, ..., 1.0.
    folds : int, default=10
        Stratified and shuffled by ``random_state``; reduced to the size of the smaller class,
        down to 2 (see ``n_folds_``).
    scoring : {"roc_auc", "accuracy", "balanced_accuracy", "neg_log_loss"}, default="neg_log_loss"
        Mean over folds. The paper names scikit-learn's GridSearchCV and no score; the project takes
        the log loss, since the probabilities are fused and pooled and AUC does not see whether they
        are calibrated. Ties go to the smaller held-out log loss, then to the
        stronger penalty.
    class_weight : {"balanced", None} or dict of class to weight, default="balanced"
        Weights of each training fold: patients / (2 x patients of the class).
    prior : {"training", "weighted"}, default="weighted"
        What the probabilities refer to: the training patients' shares of the classes (what class
        weights add to the log-odds is taken off), or the shares that the weights make of them,
        as scikit-learn's do. The chains of this package take ``training``.
    tol : float, default=1e-4
        Of the fits in the grid: no optimality condition broken by more than ``tol * lambda``. The
        final fit takes 1e-8.
    max_iter : int, default=100
        Newton steps per fit.
    random_state : int, RandomState or None, default=0
    n_jobs : int, optional
        Threads over folds and ratios (joblib's meaning).

    Attributes
    ----------
    coef_ : ndarray of shape (1, features)
    intercept_ : ndarray of shape (1,)
    best_params_ : dict
        ``lambda`` and ``l1_ratio``.
    best_score_ : float
    cv_results_ : dict of ndarrays, and grid_ : DataFrame
        One row a grid point: lambda, l1_ratio, mean_score, std_score, mean_log_loss,
        mean_features, not_converged.
    n_iter_ : ndarray of shape (1,)
        Newton steps of the final path.
    n_folds_ : int
        The folds that were used.
    not_converged_ : int
        Fits that stopped short; a `SignatureWarning` names them.
    classes_ : ndarray of shape (2,)

    Raises
    ------
    ValueError
        On fit: not two classes, or X not finite.
    SettingError
        On fit: a class of one patient, or a setting outside its range.

    References
    ----------
    J Biotech Research 2024;17:146-158 (the grid); Zou and Hastie 2005, J R Stat Soc B 67:301-320.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 5))
    >>> y = (X[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int)
    >>> signature = ElasticNetSignature(folds=5).fit(X, y)
    >>> bool(signature.predict_proba(X)[y == 1, 1].mean() > 0.8)
    True
    >>> signature.grid_.shape
    (210, 7)
    """

    def __init__(
        self,
        *,
        lambdas: Sequence[float] | None = None,
        l1_ratios: Sequence[float] | None = None,
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
        self.l1_ratios = l1_ratios
        self.folds = folds
        self.scoring = scoring
        self.class_weight = class_weight
        self.prior = prior
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, inner: list[InnerFold] | None = None) -> Self:
        """Choose the penalties and fit on all patients; X (patients, features), y two classes.

        ``inner`` holds the folds with columns of their own (see `NestedPipeline`).
        """
        fit_grid(
            self,
            X,
            y,
            lambdas=LAMBDAS if self.lambdas is None else self.lambdas,
            l1_ratios=(
                np.round(np.arange(1, 11) / 10, 1).tolist()
                if self.l1_ratios is None
                else self.l1_ratios
            ),
            standardise=False,
            inner=inner,
        )
        return self

    @property
    def grid_(self) -> pd.DataFrame:
        """The cross-validation results, one row a grid point."""
        return grid_table(self)
