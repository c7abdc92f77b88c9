"""A report's tables as files for a paper: the same words and decimals as on the page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.files import atomic_path, write_csv, write_text
from gliofuse.optional import require
from gliofuse.records import COMPARISON, REPORT
from gliofuse.report.exports import ExportFolder
from gliofuse.report.page import summarise

__all__ = ["TABLE_FORMATS", "PageTable", "export_tables", "read_tables"]

TABLE_FORMATS = ("csv", "latex", "docx")
INDEX = "tables.md"
METHODS, BIBTEX = "methods.md", "references.bib"
_DOCX = "tables.docx"
_LATEX_SIGNS = {
    "≥": r"$\geq$", "≤": r"$\leq$", "−": "$-$", "–": "--", "×": r"$\times$", "²": "$^2$",
    "✗": r"$\times$", "✓": r"$\checkmark$", "…": r"\dots{}", "≈": r"$\approx$",
}  # fmt: skip


@dataclass
class PageTable:
    """A table of a report.

    Parameters
    ----------
    caption : str
    header : list of list of str
        Rows of the head, each as wide as the table.
    rows : list of list of str
    folded : bool
        Whether a reader must open it; it has no number on the page.
    """

    caption: str = ""
    header: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    folded: bool = False

    def frame(self) -> pd.DataFrame:
        """Return the table with one name a column: its heads one after the other."""
        width = max(map(len, [*self.header, *self.rows]), default=0)
        heads = [[*row, *[""] * (width - len(row))] for row in self.header]
        names = [": ".join(dict.fromkeys(filter(None, column))) for column in zip(*heads)]
        names = names or [""] * width
        body = [[*row, *[""] * (width - len(row))] for row in self.rows]
        return pd.DataFrame(body, columns=names)


class _Reader(HTMLParser):
    """Collects the tables that have a caption."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[PageTable] = []
        self._table: PageTable | None = None
        self._row: list[str] | None = None
        self._text: list[str] | None = None
        self._span = 1
        self._in_head = False
        self._details: list[bool] = []  # whether each is closed at first

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "details":
            self._details.append("open" not in dict(attrs))
        elif tag == "table":
            self._table = PageTable(folded=any(self._details))
        elif self._table is None:
            return
        elif tag in ("thead", "tbody"):
            self._in_head = tag == "thead"
        elif tag == "tr":
            self._row = []
        elif tag in ("td", "th", "caption"):
            self._text = []
            self._span = int(dict(attrs).get("colspan") or 1)
        elif tag in ("br", "small", "span") and self._text is not None:
            self._text.append(" ")

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "details" and self._details:
            self._details.pop()
        if self._table is None:
            return
        if tag in ("td", "th", "caption") and self._text is not None:
            words = " ".join("".join(self._text).split())
            self._text = None
            if tag == "caption":
                self._table.caption = words
            elif self._row is not None:
                self._row += [words] * (self._span if self._in_head else 1)
                self._row += [""] * (0 if self._in_head else self._span - 1)
        elif tag == "tr" and self._row is not None:
            (self._table.header if self._in_head else self._table.rows).append(self._row)
            self._row = None
        elif tag == "table":
            if self._table.caption and self._table.rows:
                self.tables.append(self._table)
            self._table = None


def read_tables(report: str | Path) -> list[PageTable]:
    """Return the tables of a report that have a caption, in the page's order.

    Raises
    ------
    InputError
        If there is no report.
    """
    path = Path(report)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}); draw it with  gliofuse report {path.parent}"
        ) from None
    reader = _Reader()
    reader.feed(text)
    return reader.tables


def export_tables(
    run_folder: str | Path,
    out: str | Path,
    *,
    formats: Collection[str] = ("csv",),
    overwrite: bool = False,
) -> list[Path]:
    """Write a report's tables; of a run a methods paragraph and its references, too.

    Parameters
    ----------
    run_folder : path
        Of a run or comparison whose report was drawn.
    out : path
        Folder; made if need be. ``tables.md`` lists what was written.
    formats : collection of str
        Of :data:`TABLE_FORMATS`; ``docx`` needs the extra ``tables``.
    overwrite : bool
        Write over files that this function has not written.

    Returns
    -------
    list of Path

    Raises
    ------
    SettingError
        If a format is unknown.
    InputError
        If there is no report, or a file stands where one would be written.
    MissingExtraError
        If ``docx`` is asked for without its extra.
    """
    for name in formats:
        if name not in TABLE_FORMATS:
            raise SettingError(f"format {name!r} is unknown: {did_you_mean(name, TABLE_FORMATS)}")
    run, folder = Path(run_folder), Path(out)
    tables = read_tables(REPORT.at(run))
    names = _names(tables)
    endings = [{"csv": "csv", "latex": "tex"}[name] for name in formats if name != "docx"]
    files = {name: [f"{name}.{ending}" for ending in endings] for name in names}
    methods = None if COMPARISON.at(run).is_file() else summarise(run).get("methods")
    extra = [_DOCX] * ("docx" in formats) + [METHODS, BIBTEX] * (methods is not None)
    exported = ExportFolder(folder, INDEX, run=run, overwrite=overwrite)
    exported.check([*(one for own in files.values() for one in own), *extra])
    document = require("docx", extra="tables").Document() if "docx" in formats else None
    for name, table in zip(names, tables, strict=True):
        if "csv" in formats:
            write_csv(folder / f"{name}.csv", table.frame())
        if "latex" in formats:
            write_text(folder / f"{name}.tex", _latex(table, name))
        if document is not None:
            _add(document, table)
    if document is not None:
        with atomic_path(folder / _DOCX) as temporary:
            document.save(str(temporary))
    if methods is not None:
        _write_methods(folder, methods)
    captions = [(f"**{name}** {table.caption}", files[name]) for name, table in zip(names, tables)]
    exported.write_index("Tables", [*captions, *([("All of it", extra)] if extra else [])])
    return [folder / one for own in files.values() for one in own] + [folder / n for n in extra]


def _names(tables: Collection[PageTable]) -> list[str]:
    """Return names with the page's numbers; tables that it folds away are counted by themselves."""
    counts = {True: 0, False: 0}
    names = []
    for table in tables:
        counts[table.folded] += 1
        names.append(f"{'more' if table.folded else 'table'}-{counts[table.folded]:02d}")
    return names


def _latex(table: PageTable, name: str) -> str:
    """Return the table with booktabs' rules."""
    frame = table.frame()
    text = frame.to_latex(
        index=False, escape=True, caption=_escaped(table.caption), label=f"tab:{name}"
    )
    for sign, written in _LATEX_SIGNS.items():
        text = text.replace(sign, written)
    return f"% needs \\usepackage{{booktabs}}\n{text}"


def _escaped(text: str) -> str:
    for sign in "&%$#_{}":
        text = text.replace(sign, "\\" + sign)
    return text


def _add(document: Any, table: PageTable) -> None:
    frame = table.frame()
    document.add_paragraph(table.caption, style="Caption")
    drawn = document.add_table(rows=1, cols=frame.shape[1], style="Light List")
    for cell, name in zip(drawn.rows[0].cells, frame.columns, strict=True):
        cell.text = str(name)
    for row in frame.itertuples(index=False):
        for cell, value in zip(drawn.add_row().cells, row, strict=True):
            cell.text = str(value)
    document.add_paragraph()


def _write_methods(folder: Path, methods: dict[str, Any]) -> None:
    references = methods["references"]
    listed = [f"{number}. {one['words']}" for number, one in enumerate(references, 1)]
    text = "\n\n".join(["# Methods", *methods["paragraphs"], "# References", "\n".join(listed)])
    write_text(folder / METHODS, text + "\n")
    write_text(folder / BIBTEX, "\n\n".join(one["bibtex"] for one in references) + "\n")
