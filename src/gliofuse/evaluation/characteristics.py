"""The table of patients' characteristics, and the correlation of features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile

__all__ = ["characteristics_table", "correlation_matrix", "tells_groups"]

_FEW_LEVELS = 5  # a number with at most so many values (a grade, 0 and 1) is a category
_MANY_LEVELS = 20  # text with more is an identifier or a note, nothing to tabulate
_LEAST_EXPECTED = 5.0
_RESAMPLES = 9999


def characteristics_table(
    clinical: pd.DataFrame,
    groups: ArrayLike | pd.Series,
    *,
    variables: Iterable[str] | None = None,
    categorical: Iterable[str] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Describe each clinical variable in each group, and how far the groups differ in it.

    Continuous variables: mean (SD), median [quartiles], and Mann-Whitney's test (Kruskal-Wallis'
    for more groups), whatever the distribution: a test of normality first would change the error
    rates of the second. Categories: count (per cent of the known) and chi-square, or Fisher's exact
    test where an expected count is below 5 (beyond 2 x 2 by Monte Carlo, seeded). The standardised
    difference is that of the two groups that differ most: of means over the root of the mean
    variance, of categories in the form of Yang and Dalton. Unlike a p value it does not grow with
    the number of patients; above 0.1 is usually called an imbalance. Missing values are counted in
    a row of their own and take no part in figures or tests. The p values are not adjusted for the
    number of variables.

    Parameters
    ----------
    clinical : DataFrame
        One row a patient.
    groups : Series or array-like
        Group of each patient; a Series is aligned on the index. Missing groups are refused.
    variables : iterable of str, optional
        Default: every column that is a number, or text with at most 20 different values.
    categorical : iterable of str
        Numbers to take as categories; those with at most five different values are anyway.
    seed : int

    Returns
    -------
    DataFrame
        variable, level, one column of text per group (named ``group (n=...)``), smd, p, test; the
        last three stand in the first row of a variable. ``level`` says what the figures are.

    Raises
    ------
    InputError
        If ``groups`` doesn't cover the patients or a named variable isn't a column.

    References
    ----------
    Austin PC. Stat Med 2009; 28: 3083-3107.
    Yang D, Dalton JE. SAS Global Forum 2012; paper 335.

    Examples
    --------
    >>> table = characteristics_table(
    ...     pd.DataFrame({"sex": ["F", "M", "F", "M"]}), ["a", "a", "b", "b"])
    >>> table["a (n=2)"].tolist()
    ['1 (50 %)', '1 (50 %)']
    """
    names = _aligned_groups(clinical, groups)
    chosen = list(variables) if variables is not None else _usable(clinical)
    absent = [name for name in chosen if name not in clinical.columns]
    if absent:
        raise InputError(f"clinical lacks the columns {absent}; it has {list(clinical.columns)}")
    order = list(pd.unique(names))
    heads = {name: f"{name} (n={int((names == name).sum())})" for name in order}
    forced = set(categorical)
    rows: list[dict[str, Any]] = []
    for variable in chosen:
        column = clinical[variable]
        known = column.notna().to_numpy()
        numeric = pd.api.types.is_numeric_dtype(column) and variable not in forced
        if numeric and column.nunique() > _FEW_LEVELS:
            values = column.to_numpy(dtype=float)
            samples = {name: values[known & (names == name)] for name in order}
            described = _continuous(samples)
        else:
            levels = column.where(column.isna(), column.map(_label)).to_numpy(dtype=object)
            described = _categories(levels, names, known, order, seed)
        if not known.all():
            lacking = {name: f"{int((~known & (names == name)).sum())}" for name in order}
            described.append({"level": "missing", **lacking})
        rows += [{"variable": variable, **row} for row in described]
    columns = ["variable", "level", *order, "smd", "p", "test"]
    return pd.DataFrame(rows, columns=columns).rename(columns=heads)


def tells_groups(column: pd.Series, groups: pd.Series) -> bool:
    """Return whether a patient's value says in which group the patient is.

    That is a column of few values, each of which is found in one group alone: a final diagnosis
    where the groups are grades. A column that is mostly unknown, or whose values hardly repeat
    (an age in days), tells nothing in this way.

    Parameters
    ----------
    column, groups : Series
        Indexed by patient.

    Examples
    --------
    >>> groups = pd.Series(["low", "low", "low", "high", "high", "high"])
    >>> tells_groups(pd.Series(["A", "B", "A", "G", "G", "G"]), groups)
    True
    >>> tells_groups(pd.Series(["F", "M", "M", "F", "M", "F"]), groups)
    False
    """
    known = column.dropna()
    own = groups.loc[known.index]
    if 2 * known.size < column.size or 2 * known.nunique() > known.size or own.nunique() < 2:
        return False
    return bool((own.groupby(known.astype(str)).nunique() == 1).all())


def correlation_matrix(
    features: pd.DataFrame, *, method: str = "pearson", confidence: float = 0.95
) -> pd.DataFrame:
    """Return the correlation of every pair of features, each with its interval.

    Parameters
    ----------
    features : DataFrame
        Patients by features, numbers; a pair uses the patients that have both.
    method : str
        ``"pearson"`` or ``"spearman"``.
    confidence : float

    Returns
    -------
    DataFrame
        feature_a, feature_b, correlation, ci_low, ci_high, n, for every ordered pair and each
        feature with itself (1). Intervals are Fisher's z, with Bonett and Wright's variance for
        Spearman. A constant feature and fewer than four patients give NaN.

    References
    ----------
    Bonett DG, Wright TA. Psychometrika 2000; 65: 23-28.
    """
    if method not in ("pearson", "spearman"):
        raise InputError(f"method must be 'pearson' or 'spearman', got {method!r}")
    z = normal_quantile(confidence)
    known = features.notna().to_numpy(dtype=float)
    counts = known.T @ known
    square = features.corr(method=method).to_numpy()
    rows = []
    for a, name_a in enumerate(features.columns):
        for b, name_b in enumerate(features.columns):
            r, n = float(square[a, b]), int(counts[a, b])
            low, high = np.nan, np.nan
            if a == b:
                low, high = r, r
            elif n > 3 and np.isfinite(r):
                inflation = 1 + r**2 / 2 if method == "spearman" else 1.0
                half = z * np.sqrt(inflation / (n - 3))
                centre = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
                low, high = float(np.tanh(centre - half)), float(np.tanh(centre + half))
            rows.append((name_a, name_b, r, low, high, n))
    columns = ["feature_a", "feature_b", "correlation", "ci_low", "ci_high", "n"]
    return pd.DataFrame(rows, columns=columns)


def _aligned_groups(clinical: pd.DataFrame, groups: ArrayLike | pd.Series) -> np.ndarray:
    if isinstance(groups, pd.Series):
        absent = clinical.index.difference(groups.index)
        if len(absent):
            raise InputError(f"groups lacks the patients {list(absent[:3])} of clinical")
        groups = groups.loc[clinical.index]
    names = np.asarray(groups, dtype=object)
    if names.shape != (len(clinical),):
        raise InputError(
            f"groups must give one group for each of {len(clinical)} patients, got {names.shape}"
        )
    if pd.isna(names).any():
        raise InputError("groups must not be missing for any patient")
    return names


def _usable(clinical: pd.DataFrame) -> list[str]:
    return [
        str(name)
        for name, column in clinical.items()
        if column.notna().any()
        and (pd.api.types.is_numeric_dtype(column) or column.nunique() <= _MANY_LEVELS)
    ]


def _label(value: Any) -> str:
    whole = isinstance(value, float | np.floating) and float(value).is_integer()
    return str(int(value)) if whole else str(value)


def _continuous(samples: dict[Any, np.ndarray]) -> list[dict[str, Any]]:
    from scipy import stats

    means: dict[str, Any] = {"level": "mean (SD)"}
    medians: dict[str, Any] = {"level": "median [quartiles]"}
    for name, values in samples.items():
        if values.size == 0:
            means[name] = medians[name] = "-"
            continue
        spread = f" ({_figure(values.std(ddof=1))})" if values.size > 1 else ""
        means[name] = f"{_figure(values.mean())}{spread}"
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        medians[name] = f"{_figure(middle)} [{_figure(low)}, {_figure(high)}]"
    filled = [values for values in samples.values() if values.size]
    if len(filled) < 2 or min(v.size for v in filled) < 2 or np.ptp(np.concatenate(filled)) == 0:
        return [means, medians]
    means["smd"] = max(_difference_of_means(a, b) for a, b in combinations(filled, 2))
    if len(filled) == 2:
        means["p"], means["test"] = stats.mannwhitneyu(*filled).pvalue, "Mann-Whitney"
    else:
        means["p"], means["test"] = stats.kruskal(*filled).pvalue, "Kruskal-Wallis"
    return [means, medians]


def _difference_of_means(a: np.ndarray, b: np.ndarray) -> float:
    variance = (a.var(ddof=1) + b.var(ddof=1)) / 2
    difference = abs(float(a.mean() - b.mean()))
    return difference / float(np.sqrt(variance)) if variance > 0 else float("nan")


def _difference_of_shares(counts: np.ndarray) -> float:
    """Return Yang's and Dalton's difference of two groups; counts are (levels, 2)."""
    shares = counts / counts.sum(axis=0)
    a, b = shares[1:, 0], shares[1:, 1]
    covariance = (np.diag(a) - np.outer(a, a) + np.diag(b) - np.outer(b, b)) / 2
    if not np.any(a - b):
        return 0.0
    inverse = np.linalg.pinv(covariance)
    difference = a - b
    return float(np.sqrt(max(0.0, difference @ inverse @ difference)))


def _categories(
    levels: np.ndarray, names: np.ndarray, known: np.ndarray, order: Sequence[Any], seed: int
) -> list[dict[str, Any]]:
    present = sorted(set(levels[known]), key=_natural_order)
    counts = np.array(
        [
            [int((known & (names == g) & (levels == level)).sum()) for g in order]
            for level in present
        ]
    ).reshape(len(present), len(order))
    sums = counts.sum(axis=0)
    rows: list[dict[str, Any]] = []
    for level, line in zip(present, counts):
        shares = [
            f"{count} ({100 * count / total:.0f} %)" if total else "0"
            for count, total in zip(line, sums)
        ]
        rows.append({"level": level, **dict(zip(order, shares))})
    tested = counts[:, sums > 0]
    if tested.shape[0] > 1 and tested.shape[1] > 1:
        pairs = combinations(range(tested.shape[1]), 2)
        rows[0]["smd"] = max(_difference_of_shares(tested[:, list(pair)]) for pair in pairs)
        rows[0]["p"], rows[0]["test"] = _association(tested, seed)
    return rows


def _association(counts: np.ndarray, seed: int) -> tuple[float, str]:
    from scipy import stats

    expected = stats.contingency.expected_freq(counts)
    if expected.min() >= _LEAST_EXPECTED:
        return float(stats.chi2_contingency(counts, correction=False).pvalue), "chi-square"
    if counts.shape == (2, 2):
        return float(stats.fisher_exact(counts).pvalue), "Fisher's exact"
    drawn = stats.MonteCarloMethod(n_resamples=_RESAMPLES, rng=np.random.default_rng(seed))
    found = stats.fisher_exact(counts, method=drawn).pvalue
    # of a very sparse table SciPy gives an array of one p value
    return np.asarray(found).item(), "Fisher's exact (Monte Carlo)"


def _natural_order(level: str) -> tuple[int, float, str]:
    try:
        return 0, float(level), level
    except ValueError:
        return 1, 0.0, level


def _figure(value: float) -> str:
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 1 else f"{value:.2g}"
