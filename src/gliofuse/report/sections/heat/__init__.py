"""Where the networks look: heat maps of held-out patients, and shares of the heat by place."""

from __future__ import annotations

from typing import Any

from gliofuse.errors import InputError
from gliofuse.records import HEAT_SHARES
from gliofuse.report.context import RunContext
from gliofuse.report.plain import records
from gliofuse.report.sections import Findings

__all__ = ["data"]

_PLACES = ("inside", "edge", "outside")
_MOST_IMAGES = 24
_MOST_BYTES = 12_000_000
_MOST_ROWS = 40


def data(context: RunContext, found: Findings) -> dict[str, Any] | None:
    """Return the heat maps to show (paths) and the shares of heat by place.

    The design's last networks, which see most, come first.
    """
    maps = context.folder.heat_maps()
    order = context.in_order({heat.model for heat in maps})[::-1]
    maps.sort(key=lambda heat: (order.index(heat.model), heat.case_id))
    shares = _shares(context)
    if not maps and not shares:
        return None
    shown: list[dict[str, str]] = []
    size = 0
    for heat in maps[:_MOST_IMAGES]:
        size += heat.path.stat().st_size
        if size > _MOST_BYTES and shown:
            break
        caption = f"{context.label(heat.model)} · {heat.case_id}"
        shown.append({"path": str(heat.path), "caption": caption})
    return {"images": shown, "n_images": len(maps), "shares": shares}


def _shares(context: RunContext) -> list[dict[str, Any]]:
    try:
        tables = context.folder.read_each(HEAT_SHARES)
    except InputError as error:
        context.problems.append(str(error))
        return []
    return [
        {
            "case_id": row["case_id"],
            "label": context.label(row["model"]),
            "cells": [
                {"heat": row[f"heat_{place}"], "area": row[f"area_{place}"]} for place in _PLACES
            ],
        }
        for table in tables
        for row in records(table)
    ][:_MOST_ROWS]
