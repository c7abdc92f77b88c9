"""A filter of features by their agreement between readers or masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from gliofuse.errors import InputError, SettingError

__all__ = ["ICCFilter", "read_icc_table"]


class ICCFilter(SelectorMixin, BaseEstimator):
    """Keep the features that agree between two readers, masks or scans.

    The agreement is measured elsewhere, on patients who were segmented twice; nothing is learnt
    from the training patients here.

    Parameters
    ----------
    reproducible : sequence of str, mapping of str to float, Series, or DataFrame, optional
        The names to keep; or the intraclass correlation of each feature, as a mapping, a Series
        indexed by name, or a table with columns ``feature`` and ``icc``. ``None`` keeps all.
        Features without a figure are dropped, as are those whose figure is missing.
    threshold : float, default=0.75
        Smallest intraclass correlation kept; without meaning for a list of names.

    Attributes
    ----------
    support_ : ndarray of bool, shape (features,)

    Raises
    ------
    InputError
        On fit: X without column names, or none of its features is reproducible.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"a": [1.0, 2], "b": [3.0, 4], "c": [5.0, 6]})
    >>> ICCFilter({"a": 0.9, "b": 0.5, "c": 0.75}).fit(X).get_feature_names_out()
    array(['a', 'c'], dtype=object)
    """

    support_: NDArray[np.bool_]

    def __init__(
        self,
        reproducible: Sequence[str] | Mapping[str, float] | pd.Series | pd.DataFrame | None = None,
        *,
        threshold: float = 0.75,
    ) -> None:
        self.reproducible = reproducible
        self.threshold = threshold

    def fit(self, X: Any, y: Any = None) -> Self:
        """Look the columns of X (patients, features) up; y is ignored."""
        validate_data(self, X, dtype=np.float64, ensure_all_finite=True)
        if self.reproducible is None:
            self.support_ = np.ones(self.n_features_in_, dtype=bool)
            return self
        if not hasattr(self, "feature_names_in_"):
            raise InputError(
                "ICCFilter looks features up by name: X must be a DataFrame with named columns, "
                f"got {type(X).__name__}"
            )
        names = _names(self.reproducible, self.threshold)
        support = np.array([name in names for name in self.feature_names_in_])
        if not support.any():
            raise InputError(
                f"none of the {support.size} features is reproducible: {len(names)} names pass, "
                f"for example {sorted(names)[:2]}, and the table's begin with "
                f"{self.feature_names_in_[:2].tolist()}; spell both alike or lower the threshold "
                f"({self.threshold:g})"
            )
        self.support_ = support
        return self

    def _get_support_mask(self) -> NDArray[np.bool_]:
        check_is_fitted(self, "support_")
        return self.support_


def _names(reproducible: Any, threshold: float) -> set[str]:
    if isinstance(reproducible, pd.DataFrame):
        missing = {"feature", "icc"} - set(reproducible.columns)
        if missing:
            raise SettingError(
                f"reproducible must have columns feature and icc: {', '.join(sorted(missing))} "
                f"missing, got {', '.join(map(str, reproducible.columns))}"
            )
        reproducible = dict(zip(reproducible["feature"], reproducible["icc"]))
    if isinstance(reproducible, str):
        raise SettingError(
            f"reproducible must be names or figures, got the text {reproducible!r}; read a file "
            "with read_icc_table first"
        )
    if isinstance(reproducible, pd.Series | Mapping):
        return {str(name) for name, value in reproducible.items() if float(value) >= threshold}
    return {str(name) for name in reproducible}


def read_icc_table(path: str | Path) -> pd.Series:
    """Read intraclass correlations from a CSV file with columns ``feature`` and ``icc``.

    Returns
    -------
    Series
        Indexed by feature, for `ICCFilter`.

    Raises
    ------
    InputError
        If the file is missing, lacks a column, or a figure is not a number.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: no such file; give a CSV with columns feature and icc")
    table = pd.read_csv(file)
    missing = {"feature", "icc"} - set(table.columns)
    if missing:
        raise InputError(
            f"{file}: column {', '.join(sorted(missing))} missing, got "
            f"{', '.join(map(str, table.columns))}"
        )
    figures = pd.to_numeric(table["icc"], errors="coerce")
    wrong = figures.isna() & table["icc"].notna()
    if wrong.any():
        row = table[wrong].iloc[0]
        raise InputError(f"{file}: icc of {row['feature']} must be a number, got {row['icc']!r}")
    return pd.Series(figures.to_numpy(), index=table["feature"].astype(str), name="icc")
