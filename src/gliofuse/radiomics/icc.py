"""Intraclass correlation of many features at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gliofuse.errors import InputError

__all__ = ["intraclass_correlation"]

_COLUMNS = ("icc", "ci_low", "ci_high", "icc3", "icc3_ci_low", "icc3_ci_high", "n", "raters")


def intraclass_correlation(
    values: NDArray[np.float64], *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return ICC(2,1) and ICC(3,1) of every feature with confidence intervals.

    ICC(2,1) measures absolute agreement of single ratings with raters taken as a sample: a
    constant shift between two masks lowers it. ICC(3,1) measures consistency: a shift does not.

    Parameters
    ----------
    values : ndarray, shape (patients, raters, features)
        A patient with a NaN in a feature is left out of that feature.
    confidence : float
        Of the intervals.

    Returns
    -------
    DataFrame
        One row a feature: ``icc, ci_low, ci_high`` (ICC(2,1)), ``icc3, icc3_ci_low,
        icc3_ci_high``, ``n`` patients and ``raters``. NaN where fewer than three patients are
        left or the feature is constant; perfect agreement is 1 with the interval 1 to 1.

    Raises
    ------
    InputError
        If there are fewer than two raters or the array has other axes.

    References
    ----------
    P. E. Shrout and J. L. Fleiss, Psychol. Bull. 86, 420 (1979). K. O. McGraw and S. P. Wong,
    Psychol. Methods 1, 30 (1996), table 7.

    Examples
    --------
    Six targets and four judges, Shrout and Fleiss, table 2 (ICC(2,1) 0.29, ICC(3,1) 0.71):

    >>> ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9],
    ...            [6, 2, 4, 7]]
    >>> table = intraclass_correlation(np.array(ratings, float)[:, :, None])
    >>> table.loc[0, ["icc", "ci_low", "ci_high", "icc3"]].astype(float).round(3).tolist()
    [0.29, 0.019, 0.761, 0.715]
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 3 or data.shape[1] < 2:
        raise InputError(
            "intraclass correlation needs values of shape (patients, raters >= 2, features), got "
            f"{data.shape}"
        )
    whole = np.isfinite(data).all(axis=1)  # (patients, features)
    out = np.full((data.shape[2], len(_COLUMNS)), np.nan)
    patterns, member = np.unique(whole, axis=1, return_inverse=True)
    for index in range(patterns.shape[1]):
        chosen = np.flatnonzero(member.ravel() == index)
        kept = patterns[:, index]
        out[chosen] = _complete(data[kept][:, :, chosen], confidence)
    table = pd.DataFrame(out, columns=list(_COLUMNS))
    return table.astype({"n": int, "raters": int})


def _complete(data: NDArray[np.float64], confidence: float) -> NDArray[np.float64]:
    from scipy.stats import f

    n, k, features = data.shape
    out = np.full((features, len(_COLUMNS)), np.nan)
    out[:, 6], out[:, 7] = n, k
    if n < 3:
        return out
    grand = data.mean(axis=(0, 1))
    # relative to the spread, so that a feature's unit does not decide what counts as constant
    scale = np.abs(data).max(axis=(0, 1))
    patient, rater = data.mean(axis=1) - grand, data.mean(axis=0) - grand
    residual = data - grand - patient[:, None] - rater[None]
    between = k * np.square(patient).sum(axis=0) / (n - 1)
    raters = n * np.square(rater).sum(axis=0) / (k - 1)
    error = np.square(residual).sum(axis=(0, 1)) / ((n - 1) * (k - 1))
    noise = np.square(1e-12 * scale)
    constant = between + raters + error <= noise
    perfect = ~constant & (error <= noise) & (raters <= noise)
    free, tail = (n - 1) * (k - 1), 1 - (1 - confidence) / 2
    with np.errstate(all="ignore"):
        icc3 = (between - error) / (between + (k - 1) * error)
        ratio = between / error
        low, high = ratio / f.ppf(tail, n - 1, free), ratio * f.ppf(tail, free, n - 1)
        out[:, 3] = icc3
        out[:, 4], out[:, 5] = (low - 1) / (low + k - 1), (high - 1) / (high + k - 1)

        icc2 = (between - error) / (between + (k - 1) * error + k * (raters - error) / n)
        # Satterthwaite's degrees of freedom of the linear combination of mean squares
        a = k * icc2 / (n * (1 - icc2))
        b = 1 + k * icc2 * (n - 1) / (n * (1 - icc2))
        freedom = np.square(a * raters + b * error) / (
            np.square(a * raters) / (k - 1) + np.square(b * error) / free
        )
        above, below = f.ppf(tail, n - 1, freedom), f.ppf(tail, freedom, n - 1)
        rest = k * raters + (k * n - k - n) * error
        out[:, 0] = icc2
        out[:, 1] = n * (between - above * error) / (above * rest + n * between)
        out[:, 2] = n * (below * between - error) / (rest + n * below * between)
    out[perfect, :6] = 1.0
    out[constant, :6] = np.nan
    return out
