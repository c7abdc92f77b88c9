"""A yes-or-no rule on a clinical column."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from gliofuse.cohort.case import is_missing
from gliofuse.cohort.endpoints.base import (
    TwoClassEndpoint,
    clinical_column,
    equals,
    excluded_table,
    listed,
    nearest_value,
    reads_as_unknown,
)
from gliofuse.cohort.endpoints.survival import SurvivalEndpoint
from gliofuse.cohort.tables import parse_number
from gliofuse.errors import EndpointError

__all__ = ["BinaryEndpoint"]

_ORDERED: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_RULE = re.compile(r"^\s*(>=|<=|==|!=|=|>|<|not\s+in\b|in\b)\s*(.+?)\s*$", re.DOTALL)
_SYMBOL = re.compile(
    r"^\s*(?P<column>[^<>=!\s].*?)\s*(?P<rule>(?:>=|<=|==|!=|=|>|<).+)$", re.DOTALL
)
_WORD = re.compile(
    r"^\s*(?P<column>.+?)\s+(?P<rule>(?:not\s+in|in)\s*[{\[(].*[}\])])\s*$", re.DOTALL
)
_ITEM = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([^,\"']+?))\s*(?:,|$)")


@dataclass(frozen=True)
class BinaryEndpoint(TwoClassEndpoint):
    """Positive where a clinical column obeys a rule.

    Parameters
    ----------
    column : str
    positive : str
        An operator and a value: ``">= 3"`` (``>``, ``<=``, ``<`` too; the column must hold
        numbers), ``"== mutant"``, ``"!= wildtype"``, ``"in {a, b}"``, ``"not in {a, b}"``.
        Values are compared as numbers if both sides are, else as text, capitals counting.

    Raises
    ------
    EndpointError
        If the rule cannot be understood.

    Examples
    --------
    >>> endpoint = BinaryEndpoint("grade", ">= 3")
    >>> clinical = pd.DataFrame({"grade": [2, 3, None]}, index=["a", "b", "c"])
    >>> outcome, excluded = endpoint.outcome(clinical)
    >>> outcome["y_true"].to_dict(), excluded.values.tolist()
    ({'a': 0, 'b': 1}, [['c', 'grade is missing']])
    """

    kind: ClassVar[str] = "binary"
    fields: ClassVar[tuple[str, ...]] = ("column", "positive")
    example: ClassVar[str] = '"grade >= 3", "IDH == mutant" or "MGMT in {positive, weak}"'

    column: str
    positive: str
    _operator: str = field(init=False, repr=False, compare=False)
    _values: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        match = _RULE.match(str(self.positive))
        if match is None:
            raise EndpointError(
                f"endpoint on {self.column!r}: the rule must be an operator and a value, got "
                f"{self.positive!r}; write for example {self.example}"
            )
        symbol = " ".join(match[1].split())
        symbol = "==" if symbol == "=" else symbol
        values = _items(match[2], many=symbol in ("in", "not in"))
        if not values or (len(values) > 1 and symbol not in ("in", "not in")):
            raise EndpointError(
                f"endpoint on {self.column!r}: cannot read the value {match[2]!r}; write for "
                f"example {self.example}"
            )
        if symbol in _ORDERED and parse_number(values[0]) is None:
            raise EndpointError(
                f"endpoint on {self.column!r}: {symbol} needs a number, got {values[0]!r}; use == "
                f"or in {{...}} for words"
            )
        object.__setattr__(self, "_operator", symbol)
        object.__setattr__(self, "_values", values)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column of the rule."""
        return (self.column,)

    @property
    def classes(self) -> tuple[str, ...]:
        """``negative`` (0) and ``positive`` (1)."""
        return ("negative", "positive")

    def outcome(self, clinical: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return each patient's class and the patients who have none.

        Parameters
        ----------
        clinical : DataFrame
            Index ``case_id``.

        Returns
        -------
        DataFrame
            ``y_true``: 1 positive, 0 negative; index ``case_id``.
        DataFrame
            Columns ``case_id`` and ``reason``.

        Raises
        ------
        EndpointError
            If the column is unknown, a named value never occurs in it, or only one class occurs.
        """
        values = clinical_column(clinical, self.column)
        self._check_values(values)
        found: dict[str, int] = {}
        excluded = []
        for case_id, value in values.items():
            if is_missing(value):
                excluded.append((case_id, f"{self.column} is missing"))
            elif self._operator in _ORDERED:
                number = parse_number(value)
                if number is None:
                    excluded.append((case_id, f"{self.column} is {value!r}, which is no number"))
                else:
                    limit = float(self._values[0])
                    found[str(case_id)] = int(_ORDERED[self._operator](number, limit))
            elif not self._names(value) and reads_as_unknown(value):
                excluded.append((case_id, f"{self.column} is {value!r}, which reads as unknown"))
            else:
                inside = self._names(value)
                found[str(case_id)] = int(inside == (self._operator in ("==", "in")))
        index = pd.Index(list(found), name="case_id", dtype=object)
        labels = pd.Series(list(found.values()), index=index, name="y_true", dtype=int)
        if labels.nunique() < 2:
            seen = sorted({str(value) for value in values if not is_missing(value)})
            raise EndpointError(
                f"endpoint {self.describe()!r} needs patients of both classes, got "
                f"{int(labels.sum())} positive and {int((labels == 0).sum())} negative; the column "
                f"holds {listed(seen)}"
            )
        return labels.to_frame(), excluded_table(excluded)

    def remarks(
        self, outcome: pd.DataFrame, clinical: pd.DataFrame | None = None
    ) -> tuple[str, ...]:
        """Say which values stand together in a class that the rule does not name."""
        if clinical is None or self._operator in _ORDERED:
            return ()
        values = clinical.loc[outcome.index, self.column].map(lambda value: str(value).strip())
        others = values[~values.map(self._names)].value_counts()
        if len(others) < 2:
            return ()
        side = "negative" if self._operator in ("==", "in") else "positive"
        counted = ", ".join(f"{name!r} ({count})" for name, count in others.items())
        return (f"{self.describe()}: {counted} of {self.column!r} count as {side}",)

    def _names(self, value: Any) -> bool:
        return any(equals(value, wanted) for wanted in self._values)

    def describe(self) -> str:
        """Return the endpoint as one would write it on the command line."""
        if self._operator in ("in", "not in"):
            return f"{self.column} {self._operator} {{{', '.join(self._values)}}}"
        return f"{self.column} {self._operator} {self._values[0]}"

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> BinaryEndpoint:
        """Return the endpoint of a column and a rule."""
        return cls(str(fields["column"]), str(fields["positive"]))

    @classmethod
    def parse(cls, text: str) -> BinaryEndpoint | None:
        """Return the endpoint of ``"column OPERATOR value"``.

        ``"time, event == value"`` is survival; a column with a comma is named in a study file.
        """
        if SurvivalEndpoint.parse(text) is not None:
            return None
        for pattern in (_WORD, _SYMBOL):
            match = pattern.match(text)
            if match is not None:
                return cls(match["column"], match["rule"].strip())
        return None

    def as_dict(self) -> dict[str, str]:
        """Return the mapping that a study file holds."""
        return {"kind": "binary", "column": self.column, "positive": self.positive}

    def _check_values(self, values: pd.Series) -> None:
        if self._operator in _ORDERED:
            return
        present = [value for value in values if not is_missing(value)]
        for wanted in self._values:
            if present and not any(equals(value, wanted) for value in present):
                names = sorted({str(value) for value in present})
                raise EndpointError(
                    f"endpoint {self.describe()!r}: no patient has {wanted!r} in {self.column!r}; "
                    f"{nearest_value(wanted, names)}the column holds {listed(names)}"
                )


def _items(text: str, *, many: bool) -> tuple[str, ...]:
    inner = text.strip()
    if many:
        if inner[0] not in "{[(" or inner[-1] not in "}])":
            return ()
        inner = inner[1:-1]
    elif inner[0] not in "\"'":
        return (inner,)
    return tuple(
        (match[1] or match[2] or match[3] or "").strip()
        for match in _ITEM.finditer(inner)
        if match.group().strip(" ,")
    )
