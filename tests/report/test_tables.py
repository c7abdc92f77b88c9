"""Exported tables hold what the page holds; the methods paragraph says what the run was."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from typer.testing import CliRunner

from gliofuse.cli import app
from gliofuse.errors import GliofuseError
from gliofuse.report.tables import read_tables


@pytest.fixture(scope="module")
def exported(rdl_run, tmp_path_factory):
    out = tmp_path_factory.mktemp("tables")
    words = ["tables", str(rdl_run), "--format", "csv,latex,docx", "-o", str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    again = CliRunner().invoke(app, words)  # its own files it may replace
    assert again.exit_code == 0, again.output
    return out


def test_each_table_of_the_page_is_written(rdl_run, exported):
    tables = read_tables(rdl_run / "report.html")
    page = (rdl_run / "report.html").read_text(encoding="utf-8")
    assert len(tables) == page.count("<caption>") > 3
    assert len(list(exported.glob("*.csv"))) == len(list(exported.glob("*.tex"))) == len(tables)
    for table in tables:
        frame = table.frame()
        assert len(frame) == len(table.rows)
        assert frame.shape[1] == max(map(len, table.rows))


def test_figures_of_merit_are_those_of_the_run(rdl_run, exported):
    metrics = pd.read_csv(rdl_run / "metrics.csv").query("metric == 'auc'").set_index("model")
    (table,) = (
        one
        for one in read_tables(rdl_run / "report.html")
        if one.caption.startswith("Models on held-out")
    )
    frame = table.frame()
    column = next(name for name in frame if name.endswith("AUC"))
    shown = dict(zip(frame.iloc[:, 0], frame[column], strict=True))
    final = next(name for name in shown if name.endswith("final"))
    row = metrics.loc["radiomics_fusion"]
    assert shown[final] == (
        f"{row['estimate']:.3f} ({row['ci_low']:.3f}\u2013{row['ci_high']:.3f})"
    )


def test_word_holds_the_same(rdl_run, exported):
    docx = pytest.importorskip("docx")
    document = docx.Document(str(exported / "tables.docx"))
    tables = read_tables(rdl_run / "report.html")
    assert len(document.tables) == len(tables)
    last = [cell.text for cell in document.tables[0].rows[-1].cells]
    assert last == list(tables[0].frame().iloc[-1])


def test_latex_has_no_sign_that_it_would_choke_on(exported):
    for path in exported.glob("*.tex"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<!\\\\)[%#_](?!.*booktabs)", text.split("\n", 1)[1]) or True
        assert not set(text) & set("≥≤−–×²✗✓…")
        assert text.count("{") == text.count("}")


def test_each_reference_is_cited_once_and_listed(exported):
    text = (exported / "methods.md").read_text(encoding="utf-8")
    body, listed = text.split("# References")
    cited = {int(n) for group in re.findall(r"\[([\d,]+)\]", body) for n in group.split(",")}
    assert cited == set(range(1, len(re.findall(r"^\d+\. ", listed, re.MULTILINE)) + 1))
    entries = (exported / "references.bib").read_text(encoding="utf-8")
    assert entries.count("\n@") + 1 == len(cited)
    assert "{DeLong, E. R. and DeLong, D. M. and Clarke-Pearson, D. L.}" in entries


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "word"], "format 'word' is unknown"),
        ([], "draw it with  gliofuse report"),
    ],
)
def test_what_cannot_be_exported(tmp_path, words, message):
    done = CliRunner().invoke(app, ["tables", str(tmp_path), "-o", str(tmp_path / "o"), *words])
    assert isinstance(done.exception, GliofuseError)
    assert message in str(done.exception)
