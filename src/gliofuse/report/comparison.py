"""The report of several designs on one cohort: same patients, same splits, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gliofuse.files import write_text
from gliofuse.report.sections import comparing, performance, utility
from gliofuse.report.sections.context import RunContext
from gliofuse.report.tables import RunTables
from gliofuse.report.wording import model_label, plural

__all__ = ["summarise_comparison", "write_comparison_report"]


def write_comparison_report(folder: str | Path) -> Path:
    """Draw a comparison folder's report: ``report.html`` and ``figures/*.svg``.

    Parameters
    ----------
    folder
        A folder that ``gliofuse compare`` wrote, with ``compare.json`` and pooled tables in which
        ``model`` is the design's name.

    Returns
    -------
    Path
        The HTML file.

    Raises
    ------
    InputError
        If the folder or its ``compare.json`` is missing.
    """
    from gliofuse.report.drawing import comparison_drawings, draw_all
    from gliofuse.report.html import render

    folder = Path(folder)
    summary = summarise_comparison(folder)
    figures, problems = draw_all(comparison_drawings(summary), folder / "figures")
    path = folder / "report.html"
    page = render("comparison.html.j2", summary=summary, figures=figures, problems=problems)
    write_text(path, page)
    return path


def summarise_comparison(folder: str | Path) -> dict[str, Any]:
    """Read a comparison folder's tables into plain data; see :func:`~.summary.summarise`.

    Raises
    ------
    InputError
        If the folder or its ``compare.json`` is missing.
    """
    tables = RunTables(folder)
    record = tables.require_json("compare.json", "gliofuse compare")
    designs = comparing.designs(tables, record)
    first: dict[str, Any] = next((entry["run"] for entry in designs if entry["run"]), {})
    # A comparison is read like a run whose models are the designs. None of them is "final".
    run = {**record, "models": designs, "final_model": None}
    studies = [f"{entry['run_folder']}/study.yaml" for entry in designs if entry["run_folder"]]
    study = next((found for name in studies if (found := tables.yaml(name))), {})
    context = RunContext(tables, study, run)
    summary: dict[str, Any] = {
        "folder": tables.folder.resolve().name,
        "title": str(record.get("name") or tables.folder.resolve().name),
        "designs": designs,
        "final": None,
        "primary": context.primary,
        "endpoint": str(record.get("endpoint_text") or first.get("endpoint_text") or ""),
        "n_cases": record.get("n_cases") or first.get("n_cases"),
        "n_positive": record.get("n_positive", first.get("n_positive")),
        "warnings": [str(text) for text in record.get("warnings") or []],
        "left_out": [
            f"{entry['label']}: {text}"
            for entry in designs
            for text in entry["run"].get("left_out") or []
        ],
        "cohorts": performance.cohort_results(context),
        "delong": performance.delong_tables(context, least=2),
        "calibration": utility.calibration(context),
        "decision_curve": utility.decision_curve(context),
        "timing": comparing.timing(tables),
        "misjudged": comparing.misjudged(tables, [entry["name"] for entry in designs]),
        "agreement": comparing.agreement(tables),
        "contact_sheet": comparing.contact_sheet(tables),
        "version": record.get("gliofuse_version") or first.get("gliofuse_version"),
    }
    summary["sentences"] = _sentences(summary)
    return summary


def _sentences(summary: dict[str, Any]) -> list[str]:
    """Say in plain words who was compared, and whether the tests tell the designs apart."""
    names = [model_label(entry["name"]) for entry in summary["designs"]]
    sentences = [
        f"{plural(len(names), 'design')} ({', '.join(names)}) met the same patients in the same "
        "splits; each is judged by its final model on patients it did not learn from."
    ]
    for square in summary["delong"]:
        if square["cohort"] != summary["primary"]:
            continue
        told_apart = sum(
            bool(cell and cell["significant"])
            for row, cells in enumerate(square["cells"])
            for cell in cells[row + 1 :]
        )
        pairs = len(names) * (len(names) - 1) // 2
        sentences.append(
            "The AUCs of no pair of designs differ beyond chance (p ≥ 0.05)."
            if not told_apart
            else f"Of {plural(pairs, 'pair')} of designs {told_apart} differ in AUC (p < 0.05)."
        )
        sentences.append(
            "Where the intervals overlap, the order of the designs on this cohort is no ranking."
        )
    return sentences
