"""Student's t-test as a selector."""

from __future__ import annotations

import numpy as np
from scipy import special

from gliofuse.signature._common import Float
from gliofuse.signature._selector import UnivariateSelector

__all__ = ["TTestSelector"]


class TTestSelector(UnivariateSelector):
    """Keep the features whose class means differ by a two-sided independent-samples t-test.

    ``t = (mean_1 - mean_0) / se`` with the pooled variance and ``n - 2`` degrees of freedom
    (Student), or with ``se^2 = s_0^2 / n_0 + s_1^2 / n_1`` and Satterthwaite's (Welch).

    Parameters
    ----------
    alpha : float, default=0.05
        Features with p < alpha are kept; no correction for their number.
    equal_var : bool, default=True
        Student's test; ``False`` is Welch's.
    min_features : int, default=1
        Where nothing passes, the features of smallest p kept, with a `SignatureWarning`.

    Attributes
    ----------
    pvalues_, statistic_ : ndarray of shape (features,)
        A constant feature has statistic 0 and p 1; one that is constant within both classes
        but differs between them has an infinite statistic and p 0.
    support_ : ndarray of bool
    fallback_ : bool
        Whether nothing passed.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"a": [1.0, 2, 1, 8, 9, 8], "b": [1.0, 2, 3, 3, 2, 1]})
    >>> TTestSelector().fit(X, [0, 0, 0, 1, 1, 1]).get_feature_names_out()
    array(['a'], dtype=object)
    """

    def __init__(
        self, alpha: float = 0.05, *, equal_var: bool = True, min_features: int = 1
    ) -> None:
        super().__init__(alpha=alpha, min_features=min_features)
        self.equal_var = equal_var

    def _test(self, negative: Float, positive: Float) -> tuple[Float, Float]:
        n0, n1 = len(negative), len(positive)
        difference = positive.mean(axis=0) - negative.mean(axis=0)
        squares0 = _squares(negative)
        squares1 = _squares(positive)
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.equal_var:
                freedom = np.full(difference.shape, float(n0 + n1 - 2))
                error = np.sqrt((squares0 + squares1) / freedom * (1 / n0 + 1 / n1))
            else:
                v0, v1 = squares0 / (n0 - 1) / n0, squares1 / (n1 - 1) / n1
                error = np.sqrt(v0 + v1)
                freedom = (v0 + v1) ** 2 / (v0**2 / (n0 - 1) + v1**2 / (n1 - 1))
                freedom = np.where(error > 0, freedom, 1.0)
            statistic = difference / error
        return statistic, 2 * special.stdtr(freedom, -np.abs(statistic))


def _squares(values: Float) -> Float:
    """Return the sum of squares about the mean; exactly 0 for a column of one value."""
    squares = ((values - values.mean(axis=0)) ** 2).sum(axis=0)
    return np.where(values.max(axis=0) == values.min(axis=0), 0.0, squares)
