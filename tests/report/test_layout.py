"""What holds the report's parts together: sections found by name, and names known in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gliofuse.report as report
from gliofuse.designs import DESIGNS
from gliofuse.errors import RunError
from gliofuse.records.catalogue import COMPARISON_FILES, FOLD_FILES, RUN_FILES
from gliofuse.records.files import JsonFile, TableFile
from gliofuse.report.endpoints import endpoint_report
from gliofuse.report.sections import find_section

SOURCE = Path(report.__file__).parent
KINDS = ("binary", "multiclass")
REPORTS = (*KINDS, "survival")  # which is a section too


def _words(path):
    """Return every string of a module but its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in told
    }


def test_no_module_of_the_report_spells_a_files_name():
    names = {
        file.path.rsplit("/", 1)[-1]
        for file in (*RUN_FILES, *FOLD_FILES, *COMPARISON_FILES)
        if isinstance(file, TableFile | JsonFile)
    }
    for path in SOURCE.rglob("*.py"):
        spelled = {word for word in _words(path) if any(name in word for name in names)}
        assert not spelled, f"{path.relative_to(SOURCE)} spells {spelled}"


def test_no_module_of_the_report_knows_a_design_or_asks_for_the_kind():
    for path in SOURCE.rglob("*.py"):
        assert not _words(path) & {*DESIGNS, *KINDS}, path.relative_to(SOURCE)


@pytest.mark.parametrize("kind", REPORTS)
def test_every_section_of_a_kind_is_there(kind):
    found = endpoint_report(kind)
    for chapters in (found.chapters, found.comparison_chapters):
        names = [name for chapter in chapters for name in chapter.sections]
        assert len(names) == len(set(names))
        for name in names:
            assert find_section(name).name == name


def test_every_section_is_used():
    used = {
        name
        for kind in REPORTS
        for chapters in (endpoint_report(kind).chapters, endpoint_report(kind).comparison_chapters)
        for chapter in chapters
        for name in chapter.sections
    }
    folders = {path.parent.name for path in (SOURCE / "sections").glob("*/__init__.py")}
    assert folders == used | {"overview"}


def test_a_kind_without_report_is_said():
    with pytest.raises(RunError, match="no report is built in for endpoints of kind 'ordinal'"):
        endpoint_report("ordinal")
