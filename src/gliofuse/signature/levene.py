"""Levene's test as a selector."""

from __future__ import annotations

import numpy as np
from scipy import special

from gliofuse.signature._common import Float, check_choice
from gliofuse.signature._selector import UnivariateSelector

__all__ = ["LeveneSelector"]


class LeveneSelector(UnivariateSelector):
    """Keep the features whose spread differs between the classes by Levene's test.

    The absolute deviations from each class's centre are compared by an F test with 1 and
    ``n - 2`` degrees of freedom. Levene's test is blind to a shift of the mean: a feature that
    differs only in its mean does not pass.

    Parameters
    ----------
    alpha : float, default=0.05
        Features with p < alpha are kept.
    center : {"median", "mean"}, default="median"
        Brown and Forsythe's median (as SciPy's default) or Levene's mean.
    min_features : int, default=1
        Where nothing passes, the features of smallest p kept, with a `SignatureWarning`.

    Attributes
    ----------
    pvalues_, statistic_ : ndarray of shape (features,)
        A constant feature has p 1.
    support_ : ndarray of bool
    fallback_ : bool

    References
    ----------
    Levene 1960, in: Contributions to Probability and Statistics, 278-292. Brown and Forsythe
    1974, J Am Stat Assoc 69:364-367.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.c_[[1.0, 1.1, 0.9, 1.0, 5, -4, 3, -2], [1.0, 2, 3, 4, 1, 2, 3, 4]]
    >>> LeveneSelector().fit(X, [0, 0, 0, 0, 1, 1, 1, 1]).get_support()
    array([ True, False])
    """

    def __init__(
        self, alpha: float = 0.05, *, center: str = "median", min_features: int = 1
    ) -> None:
        super().__init__(alpha=alpha, min_features=min_features)
        self.center = center

    def _test(self, negative: Float, positive: Float) -> tuple[Float, Float]:
        check_choice("center", self.center, ("median", "mean"))
        centre = np.median if self.center == "median" else np.mean
        deviations = [np.abs(group - centre(group, axis=0)) for group in (negative, positive)]
        n0, n1 = len(negative), len(positive)
        means = [group.mean(axis=0) for group in deviations]
        between = (means[1] - means[0]) ** 2 * (n0 * n1 / (n0 + n1))
        within = sum(
            (np.where(np.ptp(group, axis=0) == 0, 0.0, group - mean) ** 2).sum(axis=0)
            for group, mean in zip(deviations, means)
        )
        freedom = n0 + n1 - 2
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = between / (within / freedom)
        return statistic, special.fdtrc(1, max(freedom, 1), statistic)
