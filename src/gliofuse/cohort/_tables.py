"""Reading the tables that people give: CSV as text first, types only where a column agrees."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gliofuse.errors import ManifestError

__all__ = ["Table", "column_values", "parse_number", "read_table"]

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "."})
"""What counts as a missing value, in small letters."""

_EXCEL = {".xlsx", ".xls", ".ods"}


class Table:
    """Columns and rows of text as they stand in a file.

    Attributes
    ----------
    columns : list of str
    rows : list of list of (str or None)
        ``None`` where the value is missing.
    lines : list of int
        Each row's line in the file, for messages.
    """

    def __init__(
        self, source: Path, columns: list[str], rows: list[list[str | None]], lines: list[int]
    ) -> None:
        self.source = source
        self.columns = columns
        self.rows = rows
        self.lines = lines

    def column(self, name: str) -> list[str | None]:
        """Return one column's values."""
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV of commas, semicolons or tabs.

    Raises
    ------
    ManifestError
        If the file is missing, no text, has no rows, names a column twice, or has a row with
        more fields than the header.
    """
    source = Path(path)
    filled = [(line, row) for line, row in _rows(source) if any(map(str.strip, row))]
    if len(filled) < 2:
        raise ManifestError(f"{source}: a table needs a header and at least one row, got none")
    header = [name.strip() for name in filled[0][1]]
    while header and not header[-1]:
        header.pop()
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ManifestError(
            f"{source}: each column needs its own name, got more than one of "
            f"{', '.join(repr(name) for name in twice)}; rename or remove one"
        )
    body: list[list[str | None]] = []
    for number, row in filled[1:]:
        if any(value.strip() for value in row[len(header) :]):
            raise ManifestError(
                f"{source}: line {number} has {len(row)} fields, the header {len(header)}; put "
                f"values that hold the separator in quotes"
            )
        fields = [*row[: len(header)], *[""] * (len(header) - len(row))]
        body.append([_value(field) for field in fields])
    return Table(source, header, body, [number for number, _ in filled[1:]])


def _rows(source: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with the line on which each ends."""
    text = _text(source)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise ManifestError(
            f"{source}: line {reader.line_num} is no CSV ({error}); look for a quote too many or "
            f"too few"
        ) from error


def parse_number(value: Any) -> float | None:
    """Return a finite number, or ``None`` if ``value`` is none."""
    if isinstance(value, bool):
        return float(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def column_values(values: Sequence[str | None]) -> list[Any]:
    """Turn a column of text into numbers if every value that is there is one.

    Examples
    --------
    >>> column_values(["2", None, "3"])
    [2, None, 3]
    >>> column_values(["2", "III"])
    ['2', 'III']
    """
    numbers = [None if value is None else parse_number(value) for value in values]
    if any(value is not None and number is None for value, number in zip(values, numbers)):
        return list(values)
    whole = all(number is None or number.is_integer() for number in numbers)
    if whole and not any(value is not None and _looks_real(value) for value in values):
        return [None if number is None else int(number) for number in numbers]
    return list(numbers)


def _looks_real(value: str) -> bool:
    return "." in value or "e" in value.lower()


def _value(text: str) -> str | None:
    stripped = text.strip()
    return None if stripped.lower() in MISSING else stripped


def _text(source: Path) -> str:
    if not source.exists():
        raise ManifestError(f"{source}: no such file; check the path")
    if source.is_dir():
        raise ManifestError(f"{source} is a folder, a table must be a CSV file")
    if source.suffix.lower() in _EXCEL:
        raise ManifestError(f"{source}: a table must be CSV; save the sheet as CSV (UTF-8)")
    try:
        return source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{source}: a table must be text in UTF-8, got the byte {error.object[error.start]:#x} "
            f"at {error.start}; save it again as CSV (UTF-8)"
        ) from error


def _delimiter(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    # csv.Sniffer is fooled by dates and free text; the header alone is telling.
    return max(",;\t", key=header.count)
