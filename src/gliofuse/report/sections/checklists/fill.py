"""Filling a checklist: its items from the YAML file, its answers from the run."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.sections.checklists import (
    about_groups,
    about_images,
    about_models,
    about_study,
)
from gliofuse.report.sections.checklists.answer import ANSWERS

__all__ = ["filled_checklists"]

_FILES = ("tripod_ai.yaml", "clear.yaml", "metrics.yaml")
_ANSWERING = (
    about_groups,
    about_images,
    about_models,
    about_study,
)  # imported, they register their answers


def filled_checklists(context: RunContext, found: Findings) -> list[dict[str, Any]]:
    """Return the checklists with what the run answers; every other item stays open.

    Returns
    -------
    list of dict
        ``id``, ``title``, ``source``, counts, and ``items``: ``number``, ``section``, ``text``,
        ``weight`` (of a score, else ``None``), ``status`` (answered, partly, open), ``answer`` and
        ``anchor`` (of the report's chapter).
    """
    return [_filled(_read(name), context, found) for name in _FILES]


@lru_cache(maxsize=len(_FILES))
def _read(name: str) -> dict[str, Any]:
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    given: dict[str, Any] = yaml.safe_load(text)
    return given


def _filled(given: dict[str, Any], context: RunContext, found: Findings) -> dict[str, Any]:
    items = []
    for section in given["sections"]:
        for item in section["items"]:
            answer = ANSWERS[item["answer"]](context, found) if "answer" in item else None
            items.append(
                {
                    "number": item["number"],
                    "section": section["name"],
                    "text": item["text"],
                    "weight": item.get("weight"),
                    "status": answer.status if answer else "open",
                    "answer": answer.text if answer else "",
                    "anchor": answer.anchor if answer else "",
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
