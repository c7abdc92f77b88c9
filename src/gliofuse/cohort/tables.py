"""The one reader of the tables that people give: manifests, clinical tables, features, lists.

CSV of commas, semicolons or tabs, in UTF-8, UTF-16 or Latin-1, with decimal points or commas; Excel
workbooks; Parquet. Everything is text first, and a number only where its whole column agrees.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gliofuse.errors import ManifestError, did_you_mean
from gliofuse.files import from_cell
from gliofuse.optional import require

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Table", "column_values", "parse_number", "read_frame", "read_table"]

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "."})
"""What counts as a missing value, in small letters."""

_EXCEL = {".xlsx", ".xlsm"}
_OTHER_SHEETS = {".xls", ".ods", ".numbers"}
_PARQUET = {".parquet", ".pq"}
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+([eE][+-]?\d+)?")
_MOSTLY = 0.5  # of a column's values, from which on the others are taken for mistakes


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
    """Read a table: CSV, Excel (the extra ``tables``) or Parquet.

    Raises
    ------
    ManifestError
        If the file is missing or of another kind, a workbook has several sheets, it has no rows,
        names a column twice, or has a row with more fields than the header.
    """
    source = Path(path)
    filled = [(line, row) for line, row in _rows(source) if any(map(str.strip, row))]
    if len(filled) < 2:
        raise ManifestError(f"{source}: a table needs a header and at least one row, got none")
    header = [from_cell(name.strip()) for name in filled[0][1]]
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


def read_frame(path: str | os.PathLike[str], *, index: str, numbers: bool = False) -> pd.DataFrame:
    """Read a table as a data frame, its columns as :func:`column_values` gives them.

    Parameters
    ----------
    path : path
    index : str
        Column that names the patient; becomes the index ``case_id``, as text.
    numbers : bool, default False
        Refuse a word in a column of which most are numbers; else such a column is one of words.

    Raises
    ------
    ManifestError
        As :func:`read_table`; if there is no such column, a patient has no id or two rows, or,
        with ``numbers``, a column of numbers holds a word.
    """
    import pandas as pd

    table = read_table(path)
    if index not in table.columns:
        raise ManifestError(
            f"{table.source}: no column {index!r}; {did_you_mean(index, table.columns)}"
        )
    ids = table.column(index)
    seen: dict[str, int] = {}
    for name, line in zip(ids, table.lines, strict=True):
        if name is None:
            raise ManifestError(f"{table.source}: line {line} has no {index!r}; give it, or remove")
        if name in seen:
            raise ManifestError(
                f"{table.source}: {index} {name!r} stands in more than one row (lines "
                f"{seen[name]} and {line}); keep one a patient"
            )
        seen[name] = line
    columns = {name: table.column(name) for name in table.columns if name not in (index, "")}
    if numbers:
        _check_words(table, columns, ids)
    frame = pd.DataFrame({name: column_values(values) for name, values in columns.items()})
    return frame.set_index(pd.Index(ids, name="case_id", dtype=object)).infer_objects()


def _check_words(
    table: Table, columns: dict[str, list[str | None]], ids: Sequence[str | None]
) -> None:
    """Refuse a word in a column of numbers, which would make the whole column one of words."""
    for name, values in columns.items():
        known = [value for value in values if value is not None]
        words = [value for value in known if _number(value) is None]
        if 0 < len(words) < (1 - _MOSTLY) * len(known):
            first = words[0]
            place = values.index(first)
            raise ManifestError(
                f"{table.source}: line {table.lines[place]}, {ids[place]}: {name!r} is {first!r} "
                f"where {len(known) - len(words)} others are numbers; leave the cell empty if "
                "nobody knows"
            )


def _number(value: str) -> float | None:
    """Return a number, also an infinite one."""
    try:
        return parse_number(value) if math.isfinite(float(value)) else float(value)
    except ValueError:
        return None


def _rows(source: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with the line on which each ends."""
    kind = source.suffix.lower()
    _check_file(source)
    if kind in _EXCEL:
        yield from _sheet(source)
        return
    if kind in _PARQUET:
        yield from _parquet(source)
        return
    text = _text(source)
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row if delimiter == "," else [_with_point(one) for one in row]
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
    numbers = [None if value is None else _number(value) for value in values]
    if any(value is not None and number is None for value, number in zip(values, numbers)):
        return list(values)
    whole = all(number is None or number.is_integer() for number in numbers)
    if whole and not any(value is not None and _looks_real(value) for value in values):
        return [None if number is None else int(number) for number in numbers]
    return list(numbers)


def _looks_real(value: str) -> bool:
    return "." in value or "e" in value.lower()


def _value(text: str) -> str | None:
    stripped = from_cell(text.strip())
    return None if stripped.lower() in MISSING else stripped


def _with_point(value: str) -> str:
    """Return a number with a decimal comma as one with a point."""
    stripped = value.strip()
    if _COMMA.fullmatch(stripped):
        return stripped.replace(".", "").replace(",", ".")
    return value


def _check_file(source: Path) -> None:
    if not source.exists():
        raise ManifestError(f"{source}: no such file; check the path")
    if source.is_dir():
        raise ManifestError(f"{source} is a folder, a table must be a file")
    if source.suffix.lower() in _OTHER_SHEETS:
        raise ManifestError(f"{source}: a table must be CSV, .xlsx or Parquet; save it as .xlsx")


def _text(source: Path) -> str:
    raw = source.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    if b"\0" in raw[:4096]:
        raise ManifestError(f"{source}: a table must be text, this file is not; save it as CSV")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")  # what Excel writes in western Europe


def _sheet(source: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of the one sheet of a workbook that holds any."""
    openpyxl = require("openpyxl", extra="tables")
    try:
        book = openpyxl.load_workbook(source, read_only=True, data_only=True)
    except Exception as error:  # of many kinds, for a file that is no workbook
        raise ManifestError(f"{source} is no Excel workbook ({error}); save it again") from None
    try:
        rows = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
    finally:
        book.close()
    filled = {name: own for name, own in rows.items() if any(any(_cell(c) for c in r) for r in own)}
    if len(filled) > 1:
        raise ManifestError(
            f"{source}: {len(filled)} sheets hold something ({', '.join(map(repr, filled))}); keep "
            "one, or save the one that is meant as CSV"
        )
    for own in filled.values():
        for number, row in enumerate(own, 1):
            yield number, [_cell(value) for value in row]


def _parquet(source: Path) -> Iterator[tuple[int, list[str]]]:
    import pandas as pd

    try:
        frame = pd.read_parquet(source)
    except Exception as error:  # of many kinds, for a damaged file
        raise ManifestError(f"{source} is no Parquet file ({error}); write it anew") from None
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    yield 1, [str(name) for name in frame.columns]
    for number, row in enumerate(frame.itertuples(index=False, name=None), 2):
        yield number, [_cell(value) for value in row]


def _cell(value: Any) -> str:
    """Return a cell of a workbook or of Parquet as it would stand in a CSV."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(float(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return str(value)


def _delimiter(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    # csv.Sniffer is fooled by dates and free text; the header alone is telling.
    return max(",;\t", key=header.count)
