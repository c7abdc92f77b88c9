"""What is to be predicted: a yes-or-no rule on a clinical column, or a time and an event."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import pandas as pd

from gliofuse.cohort._tables import parse_number
from gliofuse.cohort.case import is_missing
from gliofuse.errors import EndpointError, did_you_mean

__all__ = [
    "BinaryEndpoint",
    "Endpoint",
    "SurvivalEndpoint",
    "endpoint_from_dict",
    "parse_endpoint",
]

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
_EVENTS = {
    "1": 1, "0": 0, "true": 1, "false": 0, "yes": 1, "no": 0, "dead": 1, "alive": 0,
    "deceased": 1, "living": 0,
}  # fmt: skip
_EXAMPLES = 'write for example  "grade >= 3", "IDH == mutant", "MGMT in {positive, weak}" or, '
_EXAMPLES += 'for survival,  "os_days, died"'


@dataclass(frozen=True)
class BinaryEndpoint:
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
    >>> labels, excluded = endpoint.labels(clinical)
    >>> labels.to_dict(), excluded.values.tolist()
    ({'a': 0, 'b': 1}, [['c', 'grade is missing']])
    """

    column: str
    positive: str
    _operator: str = field(init=False, repr=False, compare=False)
    _values: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        match = _RULE.match(str(self.positive))
        if match is None:
            raise EndpointError(
                f"endpoint on {self.column!r}: the rule must be an operator and a value, got "
                f"{self.positive!r}; {_EXAMPLES}"
            )
        symbol = " ".join(match[1].split())
        symbol = "==" if symbol == "=" else symbol
        values = _items(match[2], many=symbol in ("in", "not in"))
        if not values or (len(values) > 1 and symbol not in ("in", "not in")):
            raise EndpointError(
                f"endpoint on {self.column!r}: cannot read the value {match[2]!r}; {_EXAMPLES}"
            )
        if symbol in _ORDERED and parse_number(values[0]) is None:
            raise EndpointError(
                f"endpoint on {self.column!r}: {symbol} needs a number, got {values[0]!r}; use == "
                f"or in {{...}} for words"
            )
        object.__setattr__(self, "_operator", symbol)
        object.__setattr__(self, "_values", values)

    def labels(self, clinical: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
        """Return each patient's class and the patients who have none.

        Parameters
        ----------
        clinical : DataFrame
            Index ``case_id``.

        Returns
        -------
        Series of int
            1 positive, 0 negative; index ``case_id``, name ``"label"``.
        DataFrame
            Columns ``case_id`` and ``reason``.

        Raises
        ------
        EndpointError
            If the column is unknown, a named value never occurs in it, or only one class occurs.
        """
        values = _column(clinical, self.column)
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
            else:
                inside = any(_equal(value, wanted) for wanted in self._values)
                found[str(case_id)] = int(inside == (self._operator in ("==", "in")))
        labels = _series(found)
        if labels.nunique() < 2:
            seen = sorted({str(value) for value in values if not is_missing(value)})
            raise EndpointError(
                f"endpoint {self.describe()!r} needs patients of both classes, got "
                f"{int(labels.sum())} positive and {int((labels == 0).sum())} negative; the column "
                f"holds {_some(seen)}"
            )
        return labels, _excluded(excluded)

    def describe(self) -> str:
        """Return the endpoint as one would write it on the command line."""
        if self._operator in ("in", "not in"):
            return f"{self.column} {self._operator} {{{', '.join(self._values)}}}"
        return f"{self.column} {self._operator} {self._values[0]}"

    def as_dict(self) -> dict[str, str]:
        """Return the mapping that a study file holds."""
        return {"kind": "binary", "column": self.column, "positive": self.positive}

    def _check_values(self, values: pd.Series) -> None:
        if self._operator in _ORDERED:
            return
        present = [value for value in values if not is_missing(value)]
        for wanted in self._values:
            if present and not any(_equal(value, wanted) for value in present):
                names = sorted({str(value) for value in present})
                raise EndpointError(
                    f"endpoint {self.describe()!r}: no patient has {wanted!r} in {self.column!r}; "
                    f"{_nearest_value(wanted, names)}the column holds {_some(names)}"
                )


@dataclass(frozen=True)
class SurvivalEndpoint:
    """Time to an event, possibly censored.

    Parameters
    ----------
    time : str
        Column of times; numbers from 0 up, in one unit.
    event : str
        Column that says whether the event was seen (1, true, yes, dead) or the patient was
        censored (0, false, no, alive).
    """

    time: str
    event: str

    def outcomes(self, clinical: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return times and events, and the patients who lack either.

        Parameters
        ----------
        clinical : DataFrame
            Index ``case_id``.

        Returns
        -------
        DataFrame
            Columns ``time`` (float) and ``event`` (0 or 1); index ``case_id``.
        DataFrame
            Columns ``case_id`` and ``reason``.

        Raises
        ------
        EndpointError
            If a column is unknown, or no event was seen in any patient.
        """
        times, events = _column(clinical, self.time), _column(clinical, self.event)
        rows: dict[str, tuple[float, int]] = {}
        excluded = []
        for case_id, time, event in zip(times.index, times, events):
            number, seen = parse_number(time), _event(event)
            if is_missing(time) or is_missing(event):
                lacking = self.time if is_missing(time) else self.event
                excluded.append((case_id, f"{lacking} is missing"))
            elif number is None or number < 0:
                excluded.append((case_id, f"{self.time} is {time!r}, which is no time"))
            elif seen is None:
                excluded.append((case_id, f"{self.event} is {event!r}, neither 0 nor 1"))
            else:
                rows[str(case_id)] = (number, seen)
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["time", "event"])
        table.index.name = "case_id"
        if not len(table) or not table["event"].any():
            raise EndpointError(
                f"endpoint {self.describe()!r} needs at least one event, got none in {len(table)} "
                f"patients with both values"
            )
        return table.astype({"time": float, "event": int}), _excluded(excluded)

    def labels(self, clinical: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
        """Return whether the event was seen as 0 or 1, to stratify splits by; see ``outcomes``."""
        table, excluded = self.outcomes(clinical)
        return table["event"].rename("label"), excluded

    def describe(self) -> str:
        """Return the endpoint as one would write it on the command line."""
        return f"{self.time}, {self.event}"

    def as_dict(self) -> dict[str, str]:
        """Return the mapping that a study file holds."""
        return {"kind": "survival", "time": self.time, "event": self.event}


Endpoint = BinaryEndpoint | SurvivalEndpoint


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint that a line of text means; column names may hold blanks.

    Parameters
    ----------
    text : str
        ``"column OPERATOR value"`` or, for survival, ``"time column, event column"``.

    Raises
    ------
    EndpointError
        If it is neither.

    Examples
    --------
    >>> parse_endpoint("WHO CNS Grade >= 4").column
    'WHO CNS Grade'
    >>> parse_endpoint("MGMT in {positive, weak}").describe()
    'MGMT in {positive, weak}'
    >>> parse_endpoint("os_days, died")
    SurvivalEndpoint(time='os_days', event='died')
    """
    for pattern in (_WORD, _SYMBOL):
        match = pattern.match(text)
        if match is not None:
            return BinaryEndpoint(match["column"], match["rule"].strip())
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 2 and all(parts):
        return SurvivalEndpoint(parts[0], parts[1])
    raise EndpointError(f"cannot understand the endpoint {text!r}; {_EXAMPLES}")


def endpoint_from_dict(fields: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint that :meth:`BinaryEndpoint.as_dict` or its sister wrote.

    Raises
    ------
    EndpointError
        If the kind or a key is unknown, or a key is missing.

    Examples
    --------
    >>> endpoint_from_dict({"kind": "binary", "column": "grade", "positive": ">= 3"}).describe()
    'grade >= 3'
    """
    needed = {"binary": ("column", "positive"), "survival": ("time", "event")}
    kind = str(fields.get("kind", "binary"))
    if kind not in needed:
        raise EndpointError(f"endpoint kind {kind!r} is unknown: {did_you_mean(kind, needed)}")
    for name in fields:
        if name != "kind" and name not in needed[kind]:
            raise EndpointError(
                f"endpoint key {name!r} is unknown: {did_you_mean(name, needed[kind])}"
            )
    for name in needed[kind]:
        if name not in fields:
            raise EndpointError(f"a {kind} endpoint needs {name!r}, got {sorted(fields)}")
    first, second = (str(fields[name]) for name in needed[kind])
    return BinaryEndpoint(first, second) if kind == "binary" else SurvivalEndpoint(first, second)


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


def _equal(value: Any, wanted: str) -> bool:
    number, limit = parse_number(value), parse_number(wanted)
    if number is not None and limit is not None:
        return number == limit
    if isinstance(value, bool):
        return str(value).lower() == wanted.lower()
    return str(value).strip() == wanted


def _event(value: Any) -> int | None:
    number = parse_number(value)
    text = str(int(number)) if number in (0, 1) else str(value).strip().lower()
    return _EVENTS.get(text)


def _column(clinical: pd.DataFrame, name: str) -> pd.Series:
    if name not in clinical.columns:
        raise EndpointError(
            f"the clinical table has no column {name!r}: {did_you_mean(name, clinical.columns)}"
        )
    return clinical[name]


def _nearest_value(wanted: str, names: list[str]) -> str:
    near = get_close_matches(wanted.lower(), [name.lower() for name in names], n=1, cutoff=0.5)
    same = [name for name in names if near and name.lower() == near[0]]
    return f"did you mean {same[0]!r}? " if same else ""


def _series(found: dict[str, int]) -> pd.Series:
    index = pd.Index(list(found), name="case_id", dtype=object)
    return pd.Series(list(found.values()), index=index, name="label", dtype=int)


def _excluded(rows: list[tuple[Any, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["case_id", "reason"]).astype({"case_id": str})


def _some(values: list[str]) -> str:
    shown = ", ".join(values[:10]) or "nothing"
    return shown + (f" and {len(values) - 10} more values" if len(values) > 10 else "")
