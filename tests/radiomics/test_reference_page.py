"""The page of feature definitions is the one that the code would write."""

from __future__ import annotations

from pathlib import Path

from gliofuse.radiomics.families import FAMILIES
from gliofuse.radiomics.reference_page import features_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "radiomics-features.md"


def test_the_page_is_current_and_complete():
    page = features_page()
    assert PAGE.read_text(encoding="utf-8") == page, (
        "run  python -m gliofuse.radiomics.reference_page docs/radiomics-features.md"
    )
    for family in FAMILIES.values():
        for name in family.names:
            assert f"### {name}\n" in page
