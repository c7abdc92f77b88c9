"""Filling a checklist: its items from the YAML file, its answers from the run's summary."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from gliofuse.report.checklists.answers import ANSWERS

__all__ = ["filled_checklists"]

_FILES = ("tripod_ai.yaml", "clear.yaml")


def filled_checklists(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the checklists with what the run answers; every other item stays open.

    Returns
    -------
    list of dict
        ``id``, ``title``, ``source``, counts, and ``items``: ``number``, ``section``, ``text``,
        ``status`` (answered, partly, open), ``answer`` and ``anchor`` (of the report's section).
    """
    return [_filled(_read(name), summary) for name in _FILES]


@lru_cache(maxsize=len(_FILES))
def _read(name: str) -> dict[str, Any]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def _filled(given: dict[str, Any], summary: dict[str, Any]) -> dict[str, Any]:
    items = []
    for section in given["sections"]:
        for item in section["items"]:
            found = ANSWERS[item["answer"]](summary) if "answer" in item else None
            status, answer, anchor = found or ("open", "", "")
            items.append(
                {
                    "number": item["number"],
                    "section": section["name"],
                    "text": item["text"],
                    "status": status,
                    "answer": answer,
                    "anchor": anchor,
                }
            )
    return {
        "id": given["id"],
        "title": given["title"],
        "source": given["source"],
        "n_items": len(items),
        "n_answered": sum(item["status"] == "answered" for item in items),
        "n_partly": sum(item["status"] == "partly" for item in items),
        "items": items,
    }
