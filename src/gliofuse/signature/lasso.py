"""LASSO as a selector."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gliofuse.errors import SettingError
from gliofuse.signature._common import (
    Float,
    check_binary,
    check_choice,
    column_auc,
    random_generator_seed,
    stratified_folds,
    usable_folds,
)
from gliofuse.signature._selector import LabelSelector
from gliofuse.signature.warning import SignatureWarning

__all__ = ["LassoSelector"]

_PENALTIES = 100
#: smallest penalty as a share of the one that leaves no feature: LassoCV's default for ``mse``,
#: glmnet's for fewer patients than features for ``auc``
_SHARE = {"mse": 1e-3, "auc": 1e-2}


class LassoSelector(LabelSelector):
    """Keep the features with a non-zero LASSO coefficient, the penalty by cross-validation.

    ``mse`` fits linear regression to the 0/1 label and takes the penalty of least squared error
    (scikit-learn's ``LassoCV``, as radiomics papers do). ``auc`` fits logistic regression and
    takes the penalty of highest mean area under the curve (as R's ``cv.glmnet`` with
    ``type.measure="auc"``), on glmnet's grid: 100 penalties from the smallest that leaves no
    feature down to a hundredth of it. The columns enter as they are: scale them first.

    Parameters
    ----------
    scoring : {"mse", "auc"}, default="mse"
    folds : int, default=10
        Stratified, shuffled; reduced to the size of the smaller class, down to 2.
    rule : {"best", "one-se"}, default="best"
        The best mean, or the strongest penalty within one standard error of it.
    min_features : int, default=1
        Where every coefficient is 0, the features most correlated with the label kept, with a
        `SignatureWarning`.
    max_iter : int, default=10000
        Coordinate passes of ``mse``; ``auc`` takes 100 Newton steps.
    random_state : int, RandomState or None, default=0

    Attributes
    ----------
    coef_ : ndarray of shape (features,)
    penalty_ : float
        Per patient: ``alpha`` of LassoCV, ``lambda`` of glmnet.
    path_ : DataFrame
        penalty, mean_score (negative squared error, or AUC), std_score.
    n_folds_, n_iter_, not_converged_ : int
    support_ : ndarray of bool
    fallback_ : bool

    References
    ----------
    Tibshirani 1996, J R Stat Soc B 58:267-288; Friedman et al. 2010, J Stat Softw 33(1).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(80, 6))
    >>> y = (X[:, 2] > 0).astype(int)
    >>> bool(LassoSelector(scoring="auc").fit(X, y).get_support()[2])
    True
    """

    def __init__(
        self,
        *,
        scoring: str = "mse",
        folds: int = 10,
        rule: str = "best",
        min_features: int = 1,
        max_iter: int = 10_000,
        random_state: Any = 0,
    ) -> None:
        self.scoring = scoring
        self.folds = folds
        self.rule = rule
        self.min_features = min_features
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose the penalty and select; X (patients, features), y two classes."""
        X, labels, self.classes_ = check_binary(self, X, y)
        check_choice("scoring", self.scoring, ("mse", "auc"))
        check_choice("rule", self.rule, ("best", "one-se"))
        if self.max_iter < 1:
            raise SettingError(f"max_iter must be 1 or more, got {self.max_iter!r}")
        self.n_folds_ = usable_folds(labels, self.folds)
        splits = stratified_folds(labels, self.n_folds_, random_generator_seed(self.random_state))
        centred = X - X.mean(axis=0)
        gradient = np.abs(centred.T @ (labels - labels.mean()))
        merit = gradient / np.maximum(np.sqrt((centred**2).sum(axis=0)), np.finfo(float).tiny)
        merit[X.max(axis=0) == X.min(axis=0)] = 0.0
        strongest = float(gradient.max()) / labels.size
        if not merit.any() or strongest <= np.finfo(float).eps:  # no column says anything
            self.n_iter_ = 1
            self._store(np.zeros(X.shape[1]), np.zeros((0, 1)), np.zeros(0), 0, 0.0)
        else:
            penalties = strongest * np.geomspace(1.0, _SHARE[self.scoring], _PENALTIES)
            select = self._by_error if self.scoring == "mse" else self._by_auc
            select(X, labels, splits, penalties)
        self._keep_best(
            self.coef_ != 0, merit, self.min_features, "every coefficient of the LASSO is zero"
        )
        return self

    def _by_error(self, X: Float, labels: NDArray[Any], splits: Any, penalties: Float) -> None:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import Lasso, LassoCV

        target = labels.astype(np.float64)
        with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
            warnings.simplefilter("always")
            search = LassoCV(alphas=penalties, cv=splits, max_iter=self.max_iter).fit(X, target)
            scores = -search.mse_path_  # penalties descend, as given
            chosen = self._choose(scores)
            coefficients, self.n_iter_ = search.coef_, max(1, int(search.n_iter_))
            if search.alphas_[chosen] != search.alpha_:
                refit = Lasso(alpha=search.alphas_[chosen], max_iter=self.max_iter)
                coefficients = refit.fit(X, target).coef_
                self.n_iter_ = max(1, int(refit.n_iter_))
        stopped = [w for w in caught if issubclass(w.category, ConvergenceWarning)]
        for other in caught:
            if not issubclass(other.category, ConvergenceWarning):
                warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
        self._store(
            coefficients, scores, search.alphas_, len(stopped), float(search.alphas_[chosen])
        )

    def _by_auc(self, X: Float, labels: NDArray[Any], splits: Any, penalties: Float) -> None:
        from gliofuse.signature._kernels import elastic_net_path

        scores = np.empty((penalties.size, len(splits)))
        stopped = 0
        with threadpool_limits(1):
            for k, (training, test) in enumerate(splits):
                path = elastic_net_path(
                    X[training],
                    labels[training],
                    np.ones(training.size),
                    penalties * training.size,
                    1.0,
                )
                stopped += int((~path.converged).sum())
                scores[:, k] = column_auc(
                    labels[test], X[test] @ path.coefficients.T + path.intercepts
                )
            chosen = self._choose(scores)
            path = elastic_net_path(
                X,
                labels,
                np.ones(labels.size),
                penalties[: chosen + 1] * labels.size,
                1.0,
                tol=1e-7,
            )
        stopped += int(not path.converged[-1])
        self.n_iter_ = max(1, int(path.iterations.sum()))
        self._store(path.coefficients[-1], scores, penalties, stopped, float(penalties[chosen]))

    def _choose(self, scores: Float) -> int:
        """Return the row (descending penalties) that the rule picks; ties to the stronger one."""
        means = scores.mean(axis=1)
        best = int(np.argmax(means >= means.max() - 1e-12))
        if self.rule == "best":
            return best
        error = scores[best].std(ddof=1) / np.sqrt(scores.shape[1])
        return int(np.argmax(means >= means[best] - error))

    def _store(
        self, coefficients: Float, scores: Float, penalties: Float, stopped: int, penalty: float
    ) -> None:
        self.coef_ = np.asarray(coefficients, dtype=np.float64)
        self.penalty_ = penalty
        self.cv_results_ = {
            "penalty": np.asarray(penalties),
            "mean_score": scores.mean(axis=1),
            "std_score": scores.std(axis=1),
        }
        self.not_converged_ = stopped
        if stopped:
            warnings.warn(
                f"LassoSelector: {stopped} fits of the path did not converge; the chosen penalty "
                f"is {penalty:g}; raise max_iter or scale the features",
                SignatureWarning,
                stacklevel=4,
            )

    @property
    def path_(self) -> pd.DataFrame:
        """The cross-validation results, one row a penalty, strongest first."""
        return pd.DataFrame(self.cv_results_)
