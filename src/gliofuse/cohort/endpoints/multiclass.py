"""One of three or more classes, each a value of a clinical column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from gliofuse.cohort.case import is_missing
from gliofuse.cohort.endpoints.base import (
    Endpoint,
    clinical_column,
    equals,
    excluded_table,
    listed,
    nearest_value,
)
from gliofuse.cohort.tables import parse_number
from gliofuse.errors import EndpointError

__all__ = ["MulticlassEndpoint"]

_LONGEST_SHORT = 8  # letters
_TEXT = re.compile(r"^\s*(?P<column>[^:,]+?)\s*:\s*(?P<classes>.+?)\s*$", re.DOTALL)


@dataclass(frozen=True)
class MulticlassEndpoint(Endpoint):
    """Which of several values a clinical column has.

    Patients with any other value have no outcome and are listed.

    Parameters
    ----------
    column : str
    names : tuple of str
        The classes' values, in the order in which tables show them; compared as numbers if both
        sides are, else as text, capitals counting.

    Raises
    ------
    EndpointError
        If there are fewer than three classes, or one is named twice.

    Examples
    --------
    >>> endpoint = MulticlassEndpoint("grade", ("2", "3", "4"))
    >>> clinical = pd.DataFrame({"grade": [2, 4, 3, 1]}, index=list("abcd"))
    >>> outcome, excluded = endpoint.outcome(clinical)
    >>> outcome["y_true"].to_dict(), excluded["reason"].tolist()
    ({'a': '2', 'b': '4', 'c': '3'}, ['grade is 1, none of 2, 3, 4'])
    """

    kind: ClassVar[str] = "multiclass"
    fields: ClassVar[tuple[str, ...]] = ("column", "classes")
    example: ClassVar[str] = '"grade: 2, 3, 4" (several classes)'
    outcome_columns = ("y_true",)

    column: str
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        names = tuple(_class_name(value) for value in self.names)
        object.__setattr__(self, "names", names)
        if len(names) < 3 or len(set(names)) < len(names):
            raise EndpointError(
                f"endpoint on {self.column!r}: classes must be three or more different values, got "
                f"{', '.join(names) or 'none'}; for two write a rule, for example "
                f'"{self.column} == {names[0] if names else 3}"'
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that holds the classes."""
        return (self.column,)

    @property
    def prediction_columns(self) -> tuple[str, ...]:
        """One probability a class, ``probability_<class>``."""
        return tuple(f"probability_{name}" for name in self.classes)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in order."""
        return self.names

    @property
    def class_labels(self) -> tuple[str, ...]:
        """The classes with their column, as in ``grade 2``; without it where all names are long.

        A number, ``wt`` or ``weak`` says nothing by itself; ``glioblastoma`` does, and leaves no
        room for more.
        """
        if min(len(name) for name in self.names) > _LONGEST_SHORT:
            return self.names
        column = self.column.replace("_", " ")
        return tuple(f"{column} {name}" for name in self.names)

    @property
    def ordered(self) -> bool:
        """Whether the classes are numbers in rising order, as grades are."""
        numbers = [parse_number(name) for name in self.classes]
        known = [number for number in numbers if number is not None]
        return len(known) == len(numbers) and known == sorted(known)

    def outcome(self, clinical: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return each patient's class and the patients who have none.

        Parameters
        ----------
        clinical : DataFrame
            Index ``case_id``.

        Returns
        -------
        DataFrame
            ``y_true``: the class's name; index ``case_id``.
        DataFrame
            Columns ``case_id`` and ``reason``.

        Raises
        ------
        EndpointError
            If the column is unknown, or a class never occurs in it.
        """
        values = clinical_column(clinical, self.column)
        found: dict[str, str] = {}
        excluded = []
        for case_id, value in values.items():
            if is_missing(value):
                excluded.append((case_id, f"{self.column} is missing"))
                continue
            name = next((name for name in self.classes if equals(value, name)), None)
            if name is None:
                none_of = ", ".join(self.classes)
                excluded.append((case_id, f"{self.column} is {value!r}, none of {none_of}"))
            else:
                found[str(case_id)] = name
        absent = [name for name in self.classes if name not in found.values()]
        if absent:
            seen = sorted({str(value) for value in values if not is_missing(value)})
            raise EndpointError(
                f"endpoint {self.describe()!r}: no patient has {absent[0]!r} in {self.column!r}; "
                f"{nearest_value(absent[0], seen)}the column holds {listed(seen)}"
            )
        index = pd.Index(list(found), name="case_id", dtype=object)
        table = pd.DataFrame({"y_true": list(found.values())}, index=index, dtype=object)
        return table, excluded_table(excluded)

    def strata(self, outcome: pd.DataFrame) -> pd.Series:
        """Return the classes."""
        return outcome["y_true"]

    def describe(self) -> str:
        """Return the endpoint as one would write it on the command line."""
        return f"{self.column}: {', '.join(self.classes)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the mapping that a study file holds."""
        return {"kind": self.kind, "column": self.column, "classes": list(self.classes)}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> MulticlassEndpoint:
        """Return the endpoint of a column and its classes."""
        classes = fields["classes"]
        if isinstance(classes, str):
            classes = _split(classes)
        return cls(str(fields["column"]), tuple(classes))

    @classmethod
    def parse(cls, text: str) -> MulticlassEndpoint | None:
        """Return the endpoint of ``"column: class, class, class"``; / stands for a comma too."""
        match = _TEXT.match(text)
        return None if match is None else cls(match["column"], _split(match["classes"]))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in re.split(r"[,/|]", text) if part.strip())


def _class_name(value: Any) -> str:
    number = parse_number(value)
    return str(value).strip() if number is None else f"{number:g}"
