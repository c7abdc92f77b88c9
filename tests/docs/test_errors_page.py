"""What the page of errors quotes is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def said():
    """All strings of the code, those that stand beside each other joined."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(texts))


def test_the_page_quotes_something():
    assert len(QUOTED) > 20


@pytest.mark.parametrize("words", QUOTED)
def test_the_code_says_so(said, words):
    assert words in said, "no line of the code says this any more"
