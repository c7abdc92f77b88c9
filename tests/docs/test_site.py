"""The documentation's site builds without network, and no link in it is dead."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs", reason="needs the extra 'docs'")
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(out)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "GLIOFUSE_GALLERY": str(out)},
        capture_output=True,
        text=True,
    )  # strict: a dead link ends it
    assert built.returncode == 0, built.stdout + built.stderr
    return out


@pytest.mark.slow(minutes=0.3)
def test_pages_written_from_the_code_hold_what_it_holds(site):
    commands = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "gliofuse cohort scan" in commands
    assert "--covariates" in commands
    keys = (site / "reference" / "study-file.html").read_text(encoding="utf-8")
    assert "split.folds" in keys
    assert "risk-signature" in (site / "reference" / "designs.html").read_text(encoding="utf-8")
    assert "load_run" in (site / "reference" / "python.html").read_text(encoding="utf-8")


@pytest.mark.slow(minutes=0.3)
def test_no_page_fetches_anything(site):
    loaded = re.compile(
        r"<(?:script|img|iframe)[^>]*src=\"(https?:)?//|<link[^>]*stylesheet[^>]*//"
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    assert not [page.name for page in pages if loaded.search(page.read_text(encoding="utf-8"))]
