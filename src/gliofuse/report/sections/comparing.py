"""What only a comparison has: the designs, their cost, and the patients that all misjudge."""

from __future__ import annotations

from typing import Any

from gliofuse.report.tables import RunTables, plain, records
from gliofuse.report.wording import cohort_label, model_label

__all__ = ["agreement", "contact_sheet", "designs", "misjudged", "timing"]

_MOST_BYTES = 12_000_000
_MOST_ROWS = 40
_NOT_DESIGNS = (
    *("case_id", "y_true", "cohort", "fold"),
    *("n_models", "n_wrong", "misjudged_by_all"),
)


def designs(tables: RunTables, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the designs' names, titles, final models and run folders.

    ``run`` is the design's own ``run.json`` where its folder stands in the comparison's.
    """
    found = []
    for entry in record.get("designs") or []:
        given = entry if isinstance(entry, dict) else {"name": entry}
        name = str(given.get("name", ""))
        folder = str(given.get("run_folder") or "")
        run = tables.json(f"{folder}/run.json") if folder else None
        run = run if isinstance(run, dict) else {}
        design = run.get("design") if isinstance(run.get("design"), dict) else {}
        found.append(
            {
                "name": name,
                "label": model_label(name),
                "title": str(given.get("title") or (design or {}).get("title") or ""),
                "final_model": str(given.get("final_model") or run.get("final_model") or ""),
                "run_folder": folder,
                "run": run,
            }
        )
    return found


def timing(tables: RunTables) -> dict[str, Any] | None:
    """Return seconds by stage and design, and the peak of memory (MB) where it was measured."""
    for name in ("timing.csv", "tables/timing.csv"):
        table = tables.table(name, "design", "stage", "seconds")
        if table is not None:
            break
    else:
        return None
    stages = list(dict.fromkeys(table["stage"].astype(str)))
    rows = []
    for design, own in table.groupby("design", sort=False):
        sums = own.groupby("stage")["seconds"].sum()
        peak = plain(own["peak_mb"].max()) if "peak_mb" in own else None
        rows.append(
            {
                "label": model_label(str(design)),
                "seconds": [plain(sums.get(stage)) for stage in stages],
                "total": float(sums.sum()),
                "peak_mb": peak,
            }
        )
    return {"stages": stages, "rows": rows, "has_memory": any(row["peak_mb"] for row in rows)}


def misjudged(tables: RunTables, names: list[str]) -> dict[str, Any] | None:
    """Return the patients whom every design misjudges, with the designs' columns as they stand.

    Where the table has a column ``misjudged_by_all``, only those rows are taken.
    """
    table = tables.table("misjudged.csv", "case_id")
    if table is None:
        return None
    n_patients = len(table)
    if "misjudged_by_all" in table:
        table = table[table["misjudged_by_all"].astype(str).str.lower().isin(("true", "1"))]
    columns = [name for name in names if name in table] or [
        name for name in table.columns if name not in _NOT_DESIGNS
    ]
    return {
        "n": len(table),
        "n_patients": n_patients,
        "columns": [model_label(name) for name in columns],
        "rows": [
            {
                "case_id": str(row["case_id"]),
                "y_true": row.get("y_true"),
                "cells": [row[name] for name in columns],
            }
            for row in records(table.head(_MOST_ROWS))
        ],
    }


def agreement(tables: RunTables) -> list[dict[str, Any]]:
    """Return how alike each pair of designs classifies the held-out patients."""
    table = tables.table("agreement.csv", "cohort", "model_a", "model_b", "agreement")
    return [
        {
            "cohort": cohort_label(str(row["cohort"])),
            "a": model_label(row["model_a"]),
            "b": model_label(row["model_b"]),
            "agreement": row["agreement"],
            "kappa": {
                "estimate": row.get("kappa"),
                "low": row.get("ci_low"),
                "high": row.get("ci_high"),
            },
            "both_wrong": row.get("both_wrong"),
        }
        for row in records(table)
    ]


def contact_sheet(tables: RunTables) -> str | None:
    """Return the path of the contact sheet, if there is one of a size fit for a page."""
    path = tables.folder / "contact_sheet.png"
    return str(path) if path.is_file() and path.stat().st_size <= _MOST_BYTES else None
