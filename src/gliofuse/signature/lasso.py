"""LASSO as a selector."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from gliofuse.errors import SettingError
from gliofuse.signature._common import (
    Float,
    Folds,
    check_binary,
    check_choice,
    column_auc,
    fold_scores,
    inner_splits,
)
from gliofuse.signature._selector import LabelSelector
from gliofuse.signature.nested import InnerFold, inner_folds
from gliofuse.signature.warning import SignatureWarning

__all__ = ["LassoSelector"]

_PENALTIES = 100
#: smallest penalty as a share of the one that leaves no feature: LassoCV's default for ``mse``,
#: glmnet's for fewer patients than features for ``auc``
_SHARE = {"mse": 1e-3, "auc": 1e-2, "deviance": 1e-2}
#: in the folds a path of ``mse`` ends once it explains 95 % of the label's variance (glmnet's
#: rule, which takes 99.9 %): beyond lies interpolation, at two thirds of the time
_ENOUGH = 0.05
#: patients of the rarer class a fold, below which ``auto`` does not go by their AUC
_FEW = 10
_FOLD_TOL = 1e-4
_FINAL_TOL = 1e-7


class LassoSelector(LabelSelector):
    """Keep the features with a non-zero LASSO coefficient, the penalty by cross-validation.

    ``mse`` fits linear regression to the 0/1 label and takes the penalty of least squared error
    (as scikit-learn's ``LassoCV``, with which
    radiomics papers do it, on the same grid and folds). ``auc`` fits logistic regression and
    takes the penalty of highest mean area under the curve (as R's ``cv.glmnet`` with
    ``type.measure="auc"``), on glmnet's grid: 100 penalties from the smallest that leaves no
    feature down to a hundredth of it; ``deviance`` does the same with the least mean deviance.
    In the folds of ``mse`` a path ends once it explains 95 %
    of the label's variance. The columns enter as they are: scale them first.

    Parameters
    ----------
    scoring : {"mse", "auc", "deviance", "auto"}, default="mse"
        ``auto`` is ``auc``; but where a fold holds out fewer than ten patients of the rarer class
        on average, whose AUC is mostly chance, it is ``deviance`` with the rule ``one-se``
        (glmnet leaves the AUC at fewer than ten patients of both).
    folds : int, default=10
        Stratified, shuffled; reduced to the size of the smaller class, down to 2.
    rule : {"best", "one-se"}, default="best"
        The best mean, or the strongest penalty within one standard error of it.
    min_features : int, default=1
        Where every coefficient is 0, the features most correlated with the label kept, with a
        `SignatureWarning`.
    max_iter : int, default=100
        Rounds of the solver (``mse``) or Newton steps (``auc``) per penalty.
    penalty : float, optional
        Taken as it is (in the units of ``penalty_``) instead of being chosen.
    random_state : int, RandomState or None, default=0

    Attributes
    ----------
    coef_ : ndarray of shape (features,)
    scoring_, rule_ : str
        As carried out.
    penalty_ : float
        Per patient: ``alpha`` of LassoCV, ``lambda`` of glmnet.
    path_ : DataFrame
        penalty, mean_score (AUC, or negative squared error or deviance; NaN where the penalty was
        given), std_score.
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
        max_iter: int = 100,
        penalty: float | None = None,
        random_state: Any = 0,
    ) -> None:
        self.scoring = scoring
        self.folds = folds
        self.rule = rule
        self.min_features = min_features
        self.max_iter = max_iter
        self.penalty = penalty
        self.random_state = random_state

    def with_choice(self) -> Self:
        """Return an unfitted selector that keeps the penalty which this one chose."""
        return clone(self).set_params(penalty=self.penalty_)

    def inner_splits(self, y: Any, people: NDArray[Any] | None = None) -> Folds:
        """Return the (training, test) positions of the folds that choose the penalty, if any."""
        return inner_splits(self, y, people) if self.penalty is None else []

    def fit(self, X: Any, y: Any = None, inner: list[InnerFold] | None = None) -> Self:
        """Choose the penalty and select; X (patients, features), y two classes.

        ``inner`` holds the folds with columns of their own (see `NestedPipeline`).
        """
        X, labels, self.classes_ = check_binary(self, X, y)
        check_choice("scoring", self.scoring, (*_SHARE, "auto"))
        check_choice("rule", self.rule, ("best", "one-se"))
        if self.max_iter < 1:
            raise SettingError(f"max_iter must be 1 or more, got {self.max_iter!r}")
        if self.penalty is not None and not self.penalty > 0:
            raise SettingError(f"penalty must be above 0, got {self.penalty!r}")
        parts = inner_folds(X, self.inner_splits(labels), inner)
        self.n_folds_ = len(parts)
        self.scoring_, self.rule_ = self.scoring, self.rule
        if self.scoring == "auto":
            few = np.bincount(labels).min() < _FEW * max(1, self.n_folds_)
            self.scoring_, self.rule_ = ("deviance", "one-se") if few else ("auc", self.rule)
        centred = X - X.mean(axis=0)
        gradient = np.abs(centred.T @ (labels - labels.mean()))
        merit = gradient / np.maximum(np.sqrt((centred**2).sum(axis=0)), np.finfo(float).tiny)
        merit[X.max(axis=0) == X.min(axis=0)] = 0.0
        strongest = float(gradient.max()) / labels.size
        penalties = strongest * np.geomspace(1.0, _SHARE[self.scoring_], _PENALTIES)
        if self.penalty is not None:  # the grid leads to it, each solution from the last
            penalties = np.r_[penalties[penalties > self.penalty], self.penalty]
        if not merit.any() or strongest <= np.finfo(float).eps:  # no column says anything
            self.coef_, chosen = np.zeros(X.shape[1]), 0
            scores = np.zeros((penalties.size, max(1, self.n_folds_)))
            self.not_converged_, self.n_iter_ = 0, 1
        else:
            self.coef_, scores, chosen = self._search(X, labels, parts, penalties)
        self.penalty_ = float(penalties[chosen])
        self.cv_results_ = {
            "penalty": penalties,
            "mean_score": scores.mean(axis=1),
            "std_score": scores.std(axis=1),
        }
        if self.not_converged_:
            warnings.warn(
                f"LassoSelector: {self.not_converged_} fits of the path did not converge in "
                f"{self.max_iter} iterations; the chosen penalty is {self.penalty_:g}; raise "
                "max_iter or scale the features",
                SignatureWarning,
                stacklevel=2,
            )
        self._keep_best(
            self.coef_ != 0, merit, self.min_features, "every coefficient of the LASSO is zero"
        )
        return self

    def _search(
        self, X: Float, labels: NDArray[Any], parts: list[InnerFold], penalties: Float
    ) -> tuple[Float, Float, int]:
        """Return the chosen coefficients, the scores (penalties, folds) and the chosen row."""
        from gliofuse.signature._kernels import elastic_net_path, lasso_path

        def path(x: Float, y: Any, grid: Float, tol: float, enough: float = 0.0) -> Any:
            if self.scoring_ == "mse":
                return lasso_path(x, y, grid, tol=tol, max_iter=self.max_iter, enough=enough)
            return elastic_net_path(
                x,
                y,
                np.ones(y.size),
                grid * y.size,
                1.0,
                tol=tol,
                max_iter=self.max_iter,
            )

        scores = np.full((penalties.size, max(1, len(parts))), np.nan)
        stopped = 0
        with threadpool_limits(1):
            for k, part in enumerate(parts):
                truth = labels[part.test]
                fold = path(part.X_training, labels[part.training], penalties, _FOLD_TOL, _ENOUGH)
                stopped += int((~fold.converged).sum())
                output = part.X_test @ fold.coefficients.T + fold.intercepts
                if self.scoring_ == "mse":
                    scores[:, k] = -((output - truth[:, None]) ** 2).mean(axis=0)
                elif self.scoring_ == "deviance":
                    scores[:, k] = 2 * fold_scores("neg_log_loss", truth, output)
                else:
                    scores[:, k] = column_auc(truth, output)
            chosen = self._choose(scores) if parts else penalties.size - 1
            final = path(X, labels, penalties[: chosen + 1], _FINAL_TOL)
        self.not_converged_ = stopped + int(not final.converged[-1])
        self.n_iter_ = max(1, int(final.iterations.sum()))
        return final.coefficients[-1], scores, chosen

    def _choose(self, scores: Float) -> int:
        """Return the row (descending penalties) that the rule picks; ties to the stronger one."""
        means = scores.mean(axis=1)
        best = int(np.argmax(means >= means.max() - 1e-12))
        if self.rule_ == "best":
            return best
        error = scores[best].std(ddof=1) / np.sqrt(scores.shape[1])
        return int(np.argmax(means >= means[best] - error))

    @property
    def path_(self) -> pd.DataFrame:
        """The cross-validation results, one row a penalty, strongest first."""
        return pd.DataFrame(self.cv_results_)
