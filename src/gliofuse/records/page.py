"""The page of the documentation on the run folder, made from the declarations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from pydantic.fields import FieldInfo

from gliofuse.records.catalogue import COMPARISON_FILES, FOLD_FILES, RUN_FILES
from gliofuse.records.files import DataFile, JsonFile, Record, TableFile

__all__ = ["run_folder_page"]

_HEAD = """# The run folder

<!-- Made by `python -m gliofuse.records > docs/run-folder.md`; change the declarations instead. -->

`gliofuse run` writes a folder that holds everything about a run, and `gliofuse compare` one with a
run folder a design. This page lists their files. Each is written whole or not at all, so that a
run can be stopped at any moment; a fold counts as finished once its `done.json` holds the hash of
its patients, settings, inputs and version, and is done again otherwise.

Tables are CSV or Parquet. A *count* is a whole number, a *flag* `True` or `False`. What is marked
*optional* is there only where the run has it. From Python, a table is read by its declaration:

    from gliofuse.records import METRICS, RunFolder

    run = RunFolder(Path("runs/grade"))
    run.record.final.label        # the final model, as in the report
    run.read(METRICS)             # a data frame, or None where there is no such file
"""


def run_folder_page() -> str:
    """Return the page as Markdown."""
    parts = [
        _HEAD,
        _section("Files of a run", RUN_FILES),
        _section("Files of a fold", FOLD_FILES, described=RUN_FILES),
        _section("Files of a comparison", COMPARISON_FILES, described=RUN_FILES),
    ]
    return "\n".join(parts)


def _section(title: str, files: Sequence[DataFile], *, described: Sequence[DataFile] = ()) -> str:
    """Return a list of all files, then the form of each that was not described before."""
    lines = [f"## {title}", "", "| file | holds |", "| --- | --- |"]
    for file in files:
        optional = " *(optional)*" if file.optional else ""
        lines.append(f"| `{file.path}` | {file.about}{optional} |")
    before = {file.path for file in described}
    for file in files:
        if file.path in before:
            continue
        if isinstance(file, TableFile):
            lines += ["", f"### `{file.path}`", "", *_columns(file)]
        elif isinstance(file, JsonFile):
            lines += ["", f"### `{file.path}`", "", *_fields(file.record)]
    return "\n".join([*lines, ""])


def _columns(table: TableFile) -> list[str]:
    lines = ["| column | kind | |", "| --- | --- | --- |"]
    for name, column in table.columns.items():
        optional = " *(optional)*" if column.optional else ""
        lines.append(f"| `{name}` | {column.kind} | {column.about}{optional} |")
    if table.others:
        lines.append(f"| … | | {table.others[:1].upper()}{table.others[1:]}. |")
    return lines


def _fields(record: type[Record]) -> list[str]:
    lines = ["| key | |", "| --- | --- |"]
    for name, field in record.model_fields.items():
        kind = _record_in(field)
        about = field.description or (kind.__doc__ if kind else "") or ""
        lines.append(f"| `{name}` | {about} |")
        for key, part in kind.model_fields.items() if kind else ():
            lines.append(f"| `{name}.{key}` | {part.description or ''} |")
    return lines


def _record_in(field: FieldInfo) -> type[Record] | None:
    """Return the record that a field holds, alone or several of it."""
    waiting = [field.annotation]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and not get_args(kind) and issubclass(kind, Record):
            return kind
        waiting.extend(get_args(kind))
    return None
