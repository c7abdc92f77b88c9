"""Writing files whole or not at all, and naming content by its hash."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

from gliofuse.errors import InputError

__all__ = [
    "as_cell",
    "atomic_folder",
    "atomic_path",
    "check_output",
    "check_writable",
    "file_hash",
    "file_state",
    "from_cell",
    "read_parquet",
    "read_parquet_metadata",
    "settings_hash",
    "shown_as_text",
    "write_csv",
    "write_json",
    "write_parquet",
    "write_scan",
    "write_text",
]

_FORMULA = "=+-@\t\r"  # what a spreadsheet takes for the beginning of a formula
_METADATA_KEY = b"gliofuse"


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it into place when the block ends well.

    The temporary name keeps the suffix of ``path``, since many writers choose the format by it.
    Parent folders are made. If the block raises, nothing is left behind; if ``path`` cannot be
    written at all, that is an :class:`InputError` before the block begins.
    """
    target = Path(path)
    temporary = _temporary_beside(target)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; it takes its place when the block ends well.

    What stood there before is gone then; if the block raises, it is as it was.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    target = Path(path).absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name[:40]}-", dir=target.parent))
    except OSError as error:
        raise InputError(
            f"cannot write {target}: {error.strerror} ({error.filename}); choose another place"
        ) from error
    before = temporary.with_name(f"{temporary.name}-before")
    try:
        yield temporary
        os.chmod(temporary, 0o777 & ~_umask())
        if target.exists():
            os.replace(target, before)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise now, not after hours of work, if ``path`` cannot be written; parents are made.

    Raises
    ------
    InputError
        If ``path`` is a folder, or its folder cannot be made or written to.
    """
    _temporary_beside(Path(path)).unlink()


def check_output(
    path: str | os.PathLike[str],
    *,
    inputs: Iterable[str | os.PathLike[str] | None] = (),
    starts: str = "",
    overwrite: bool = False,
) -> None:
    """Refuse to write over somebody's file; a command may write over its own.

    Parameters
    ----------
    path : path
        To be written.
    inputs : iterable of path
        What the command reads; never written over.
    starts : str
        How a file of the same command starts, such as a table's header; such a one is replaced.
    overwrite : bool
        Whether any other file is, too.

    Raises
    ------
    InputError
        If the path is an input, is somebody's file, or cannot be written.
    """
    target = Path(path)
    if any(one is not None and Path(one).resolve() == target.resolve() for one in inputs):
        raise InputError(f"{target} is what the command reads; give the output another name")
    if target.is_file() and target.stat().st_size and not overwrite:
        begins = target.read_bytes()[: len(starts.encode())].decode(errors="replace")
        if not starts or begins != starts:
            whose = " and was not written by this command" if starts else ""
            raise InputError(f"{target} exists{whose}; give another name, or --overwrite")
    check_writable(target)


def write_scan(path: str | os.PathLike[str], text: str, *, overwrite: bool = False) -> None:
    """Write what a scan of a folder found, unless a file that differs stands there.

    Raises
    ------
    InputError
        If it does: such a file is often corrected by hand, and that work must not vanish.
    """
    target = Path(path)
    if target.exists() and not overwrite and target.read_bytes() != text.encode():
        raise InputError(
            f"{target} exists and differs from what this scan finds; give another name, or "
            f"--overwrite if nothing in it was changed by hand"
        )
    write_text(target, text)


def _temporary_beside(target: Path) -> Path:
    """Make an empty temporary file in the folder of ``target``."""
    if target.is_dir():
        raise InputError(f"cannot write {target}: it is a folder; give a file's name")
    suffix = "".join(target.suffixes[-2:])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name[:40]}-", suffix=suffix, dir=target.parent
        )
    except OSError as error:
        raise InputError(
            f"cannot write {target}: {error.strerror} ({error.filename}); choose another place"
        ) from error
    os.close(handle)
    return Path(name)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, default=str) + "\n")


def write_csv(path: str | os.PathLike[str], table: pd.DataFrame, *, index: bool = False) -> None:
    """Write ``table`` as CSV, whole or not at all; no cell of it is run by a spreadsheet."""
    with atomic_path(path) as temporary:
        shown_as_text(table, index=index).to_csv(temporary, index=index)


def shown_as_text(table: pd.DataFrame, *, index: bool = False) -> pd.DataFrame:
    """Return a table whose words a spreadsheet shows as they are; see :func:`as_cell`."""
    shown = table.copy(deep=False)
    for place, dtype in enumerate(table.dtypes):
        if dtype.kind == "O":
            shown.isetitem(place, table.iloc[:, place].map(as_cell))
    if index and table.index.nlevels == 1 and table.index.dtype.kind == "O":
        shown.index = table.index.map(as_cell)
    if table.columns.nlevels == 1:
        shown.columns = table.columns.map(as_cell)
    return shown


def as_cell(value: Any) -> Any:
    """Return what stands in a CSV for a value: words that begin as a formula get an apostrophe.

    A spreadsheet would run ``=HYPERLINK(...)``, and ``+``, ``-`` and ``@`` begin a formula too.

    Examples
    --------
    >>> as_cell("=1+1"), as_cell("-3.5"), as_cell("grade"), from_cell(as_cell("-a"))
    ("'=1+1", '-3.5', 'grade', '-a')
    """
    if isinstance(value, str) and value[:1] in _FORMULA and value and not _is_number(value):
        return f"'{value}"
    return value


def from_cell(value: Any) -> Any:
    """Return the value that :func:`as_cell` wrote."""
    if isinstance(value, str) and value[:1] == "'" and value[1:2] and value[1] in _FORMULA:
        return value[1:]
    return value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def write_parquet(
    path: str | os.PathLike[str], table: pd.DataFrame, metadata: Mapping[str, Any] | None = None
) -> None:
    """Write ``table`` with its index as Parquet; ``metadata`` goes into the schema as JSON."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table)
    if metadata is not None:
        stored = dict(arrow.schema.metadata or {})
        stored[_METADATA_KEY] = json.dumps(metadata, sort_keys=True, default=str).encode()
        arrow = arrow.replace_schema_metadata(stored)
    with atomic_path(path) as temporary:
        pq.write_table(arrow, temporary)


def read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table that :func:`write_parquet` wrote."""
    import pandas as pd

    return pd.read_parquet(path)


def read_parquet_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the metadata that :func:`write_parquet` stored; empty if there is none."""
    import pyarrow.parquet as pq

    stored = pq.read_schema(path).metadata or {}
    return dict(json.loads(stored[_METADATA_KEY])) if _METADATA_KEY in stored else {}


def settings_hash(value: Any, *, length: int = 16) -> str:
    """Return a hash of any JSON-like value that does not depend on the order of its keys.

    Examples
    --------
    >>> settings_hash({"a": 1, "b": 2}) == settings_hash({"b": 2, "a": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def file_hash(path: str | os.PathLike[str], *, length: int = 16) -> str:
    """Return the SHA-256 of a file's bytes, shortened to ``length`` hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:length]


def file_state(path: str | os.PathLike[str]) -> list[int]:
    """Return what a cache knows a file by: its size in bytes and time of change in nanoseconds.

    Not its place, so that a moved cohort keeps its cache.

    Raises
    ------
    InputError
        If the file does not exist or cannot be looked at.
    """
    try:
        status = os.stat(path)
    except OSError as error:
        raise InputError(
            f"{path}: {(error.strerror or 'cannot be read').lower()}; check the path (in a "
            "manifest, relative to it)"
        ) from error
    return [status.st_size, status.st_mtime_ns]
