"""Random-forest importance as a selector."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from gliofuse.errors import SettingError
from gliofuse.signature._common import check_binary, random_generator_seed
from gliofuse.signature._selector import LabelSelector

__all__ = ["ForestTopK"]


class ForestTopK(LabelSelector):
    """Keep the ``k`` features of highest importance in a random forest.

    Importance is the mean decrease of Gini impurity; ties keep the order of the columns. With
    ``k`` features or fewer all are kept.

    Parameters
    ----------
    k : int, default=8
    trees : int, default=100
    random_state : int, RandomState or None, default=0
    n_jobs : int, optional

    Attributes
    ----------
    feature_importances_ : ndarray of shape (features,)
    support_ : ndarray of bool, shape (features,)

    References
    ----------
    Breiman 2001, Mach Learn 45:5-32. ``k`` and ``trees`` as in Xu et al. 2022, Front Oncol
    12:969907.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 4))
    >>> ForestTopK(k=1).fit(X, X[:, 2] > 0).get_support()
    array([False, False,  True, False])
    """

    def __init__(
        self, k: int = 8, *, trees: int = 100, random_state: Any = 0, n_jobs: int | None = None
    ) -> None:
        self.k = k
        self.trees = trees
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None) -> Self:
        """Grow the forest on X (patients, features), y two classes."""
        X, labels, self.classes_ = check_binary(self, X, y)
        for name in ("k", "trees"):
            if getattr(self, name) < 1:
                raise SettingError(f"{name} must be 1 or more, got {getattr(self, name)!r}")
        forest = RandomForestClassifier(
            n_estimators=self.trees,
            random_state=random_generator_seed(self.random_state),
            n_jobs=self.n_jobs,
        ).fit(X, labels)
        self.feature_importances_ = forest.feature_importances_
        self.support_ = np.zeros(X.shape[1], dtype=bool)
        order = np.argsort(-self.feature_importances_, kind="stable")
        self.support_[order[: min(self.k, X.shape[1])]] = True
        return self
