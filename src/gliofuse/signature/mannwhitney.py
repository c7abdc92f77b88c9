"""The Mann-Whitney U test as a selector."""

from __future__ import annotations

import numpy as np
from scipy import special, stats

from gliofuse.signature._common import Float
from gliofuse.signature._selector import UnivariateSelector

__all__ = ["MannWhitneySelector"]


class MannWhitneySelector(UnivariateSelector):
    """Keep the features whose ranks differ between the classes by a two-sided Mann-Whitney U.

    The normal approximation with correction for ties and for continuity is used at every size
    (SciPy's ``method="asymptotic"``).

    Parameters
    ----------
    alpha : float, default=0.05
        Features with p < alpha are kept.
    min_features : int, default=1
        Where nothing passes, the features of smallest p kept, with a `SignatureWarning`.

    Attributes
    ----------
    pvalues_, statistic_ : ndarray of shape (features,)
        The statistic is U of the second class; a constant feature has p 1.
    support_ : ndarray of bool
    fallback_ : bool

    Examples
    --------
    >>> import numpy as np
    >>> X = np.c_[[1.0, 2, 3, 4, 11, 12, 13, 14], [1.0, 2, 3, 4, 1, 2, 3, 4]]
    >>> MannWhitneySelector().fit(X, [0, 0, 0, 0, 1, 1, 1, 1]).get_support()
    array([ True, False])
    """

    def _test(self, negative: Float, positive: Float) -> tuple[Float, Float]:
        n0, n1 = len(negative), len(positive)
        n = n0 + n1
        pooled = np.vstack([negative, positive])
        ranks = stats.rankdata(pooled, axis=0)
        u = ranks[n0:].sum(axis=0) - n1 * (n1 + 1) / 2
        # Sum of t^3 - t over tied groups, from the mid-ranks: within a group of t equal values
        # the squared ordinal ranks exceed the squared mid-ranks by (t^3 - t) / 12.
        ordinal = n * (n + 1) * (2 * n + 1) / 6
        ties = 12 * (ordinal - (ranks**2).sum(axis=0))
        spread = np.sqrt(np.maximum(n0 * n1 / 12 * (n + 1 - ties / (n * (n - 1))), 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (np.abs(u - n0 * n1 / 2) - 0.5) / spread
        return u, np.minimum(1.0, 2 * special.ndtr(-z))
