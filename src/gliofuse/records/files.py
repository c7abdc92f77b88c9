"""What a file of a run folder is: where it lies, what it holds, how it is written and read.

A declaration is the only place that knows a file's name and its columns. Writing checks a table
against it, so that a reader never meets a column that nobody promised.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from gliofuse.errors import InputError, RunError, did_you_mean
from gliofuse.files import from_cell, read_parquet, write_csv, write_json, write_parquet

__all__ = [
    "Column",
    "DataFile",
    "JsonFile",
    "OtherFile",
    "Record",
    "StoredFile",
    "TableFile",
    "count",
    "flag",
    "number",
    "text",
]

T = TypeVar("T")
R = TypeVar("R", bound="Record")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    kind : {"text", "count", "number", "flag"}
        Words; whole numbers; numbers; true or false.
    about : str
        What it holds, in a line.
    optional : bool, default False
        Whether a table may lack it.
    """

    kind: Literal["text", "count", "number", "flag"]
    about: str
    optional: bool = False


def text(about: str, *, optional: bool = False) -> Column:
    """Declare a column of words; names of patients, folds and models stay words when read."""
    return Column("text", about, optional)


def count(about: str, *, optional: bool = False) -> Column:
    """Declare a column of whole numbers."""
    return Column("count", about, optional)


def number(about: str, *, optional: bool = False) -> Column:
    """Declare a column of numbers."""
    return Column("number", about, optional)


def flag(about: str, *, optional: bool = False) -> Column:
    """Declare a column of true and false."""
    return Column("flag", about, optional)


@dataclass(frozen=True)
class DataFile:
    """A declared file.

    Parameters
    ----------
    path : str
        Relative to its folder, with ``/``; a part in braces stands for a name that the run gives,
        as ``model`` in ``heat_shares_{model}.csv``.
    about : str
        What the file holds, in a line or two.
    optional : bool, default False
        Whether a finished folder may lack it.
    """

    path: str
    about: str
    optional: bool = False

    @property
    def name(self) -> str:
        """The file's name without folder and suffix."""
        return self.path.rsplit("/", 1)[-1].split(".")[0]

    def at(self, folder: Path, **names: str) -> Path:
        """Return the file's path in a folder."""
        return folder / self.path.format(**names)

    def all_in(self, folder: Path) -> list[Path]:
        """Return every file in a folder that the declaration stands for, sorted by name."""
        pattern = "".join(
            part.rsplit("}", 1)[-1] if not place else f"*{part.split('}', 1)[-1]}"
            for place, part in enumerate(self.path.split("{"))
        )
        return sorted(path for path in folder.glob(pattern) if path.is_file())


@dataclass(frozen=True)
class OtherFile(DataFile):
    """A file or a family of files that is no table and no record: a picture, a log, a page."""


@dataclass(frozen=True)
class StoredFile(DataFile, ABC, Generic[T]):
    """A declared file whose content has a type."""

    @abstractmethod
    def write(self, path: Path, value: T) -> None:
        """Write the content, whole or not at all; :class:`RunError` if it breaks the form."""

    @abstractmethod
    def load(self, path: Path) -> T:
        """Read the content; :class:`InputError` if the file is not of the declared form."""


@dataclass(frozen=True)
class TableFile(StoredFile[pd.DataFrame]):
    """A table, as CSV or Parquet by its suffix.

    Parameters
    ----------
    columns : mapping of str to Column
        In the order in which a reader finds them.
    others : str
        What further columns hold, where the table may have some; without it they are an error.
    by_fold : bool, default False
        Whether each fold writes such a table, without the column ``fold``; the run's holds them
        all, one after the other.
    """

    columns: Mapping[str, Column] = field(kw_only=True)
    others: str = ""
    by_fold: bool = False

    def of_one_fold(self) -> TableFile:
        """Return the declaration of the table that a single fold writes."""
        columns = {name: column for name, column in self.columns.items() if name != "fold"}
        return replace(self, columns=columns)

    def check(self, table: pd.DataFrame) -> None:
        """Hold a table against its declaration.

        Raises
        ------
        RunError
            If a column is missing, not declared, or of another kind; the message names the file
            and the column.
        """
        names = [str(name) for name in table.columns]
        for name, column in self.columns.items():
            if name in names:
                _check_kind(self.path, name, column, table[name])
            elif not column.optional:
                raise RunError(
                    f"{self.path}: column {name!r} is missing ({column.about}); the table has "
                    f"{', '.join(names) or 'no columns'}"
                )
        for name in names:
            if name not in self.columns and not self.others:
                raise RunError(
                    f"{self.path}: column {name!r} is not declared; "
                    f"{did_you_mean(name, self.columns)}"
                )

    def write(self, path: Path, value: pd.DataFrame) -> None:
        """Check a table and write it, whole or not at all.

        Raises
        ------
        RunError
            If the table breaks its declaration.
        """
        self.check(value)
        (write_parquet if path.suffix == ".parquet" else write_csv)(path, value)

    def load(self, path: Path) -> pd.DataFrame:
        """Read a table; words stay words, and what is no number in a column of numbers is NaN.

        Raises
        ------
        InputError
            If the file is no table, or lacks a column.
        """
        try:
            table = self._parquet(path) if path.suffix == ".parquet" else self._csv(path)
        except (OSError, ValueError, pd.errors.ParserError) as error:
            problem = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{path} cannot be read as a table ({problem}); run again") from None
        for name, column in self.columns.items():
            if name in table:
                table[name] = _as_kind(table[name], column.kind)
            elif not column.optional:
                raise InputError(
                    f"{path}: column {name!r} is missing (got {', '.join(map(str, table))}); the "
                    "file was not written by this version of gliofuse: run again"
                )
        return table

    def _parquet(self, path: Path) -> pd.DataFrame:
        return read_parquet(path)

    def _csv(self, path: Path) -> pd.DataFrame:
        words = {name: str for name, column in self.columns.items() if column.kind == "text"}
        table = pd.read_csv(
            path,
            dtype=words,
            keep_default_na=False,
            na_values=[""],
            float_precision="round_trip",
        )
        if self.others and (further := [name for name in table if name not in self.columns]):
            # Further columns may hold a user's own words for what is missing.
            guessed = pd.read_csv(path, usecols=further, float_precision="round_trip")
            table[further] = guessed[further]
        for name in table.select_dtypes("object"):
            table[name] = table[name].map(from_cell)
        return table.rename(columns=from_cell)


def _check_kind(path: str, name: str, column: Column, values: pd.Series) -> None:
    """Refuse words in a column of numbers; an empty or all-missing column has no kind."""
    known = values.dropna()
    if known.empty or column.kind == "text" or _has_kind(known, column.kind):
        return
    wanted = {"count": "whole numbers", "number": "numbers", "flag": "true or false"}
    odd = next(value for value in known.tolist() if not _is_of_kind(value, column.kind))
    raise RunError(f"{path}: column {name!r} must hold {wanted[column.kind]} (got {odd!r})")


def _has_kind(known: pd.Series, kind: str) -> bool:
    types = pd.api.types
    if kind == "flag":
        return types.is_bool_dtype(known) or all(_is_of_kind(value, kind) for value in known)
    if types.is_integer_dtype(known) or (kind == "number" and types.is_float_dtype(known)):
        return True
    return all(_is_of_kind(value, kind) for value in known.tolist())


def _is_of_kind(value: Any, kind: str) -> bool:
    types = pd.api.types
    if kind == "flag":
        return types.is_bool(value)
    if not types.is_float(value):
        return types.is_integer(value)
    return kind == "number" or float(value).is_integer()


def _as_kind(values: pd.Series, kind: str) -> pd.Series:
    if kind == "text":
        return values.astype(object).where(values.isna(), values.astype(str))
    if kind == "flag":
        return values.astype(str).str.lower().isin(("true", "1", "1.0"))
    return pd.to_numeric(values, errors="coerce")


class Record(BaseModel):
    """A typed record that a folder keeps as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class JsonFile(StoredFile[R]):
    """A record, as JSON.

    Parameters
    ----------
    record : type of Record
    """

    record: type[R] = field(kw_only=True)

    def write(self, path: Path, value: R) -> None:
        """Write a record, whole or not at all."""
        write_json(path, value.model_dump(mode="json"))

    def load(self, path: Path) -> R:
        """Read a record.

        Raises
        ------
        InputError
            If the file is no JSON, or not of this version's form; one line names the field.
        """
        try:
            return self.record.model_validate_json(path.read_text(encoding="utf-8"))
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            what = f"{where}: {problem['msg']}" if where else str(problem["msg"])
            raise InputError(
                f"{path} is broken or was written by another version of gliofuse ({what}); "
                "run again into a new folder"
            ) from None
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error}); run again") from None

    def raw(self, path: Path) -> dict[str, Any]:
        """Return the file's keys and values unchecked, empty where it is missing or broken."""
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return value if isinstance(value, dict) else {}
