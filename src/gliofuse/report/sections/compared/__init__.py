"""Which designs were compared, and whether the tests tell them apart."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import ComparisonContext
from gliofuse.report.sections import Findings
from gliofuse.report.wording import plural, within

__all__ = ["data"]


def data(context: ComparisonContext, found: Findings) -> dict[str, Any]:
    """Return the designs, sentences on the comparison, and what was left out of each."""
    designs = [
        {
            "name": design.name,
            "title": context.runs[design.name].design.title,
            "final": next(
                model.label
                for model in context.runs[design.name].models
                if model.name == design.final_model
            ),
            "run_folder": design.run_folder,
        }
        for design in context.record.designs
    ]
    return {
        "designs": designs,
        "sentences": _sentences(context, found["tests"] or []),
        "left_out": [
            f"{name}: {text}" for name, run in context.runs.items() for text in run.left_out
        ],
    }


def _sentences(context: ComparisonContext, squares: list[dict[str, Any]]) -> list[str]:
    """Say in plain words who was compared, and whether the tests tell the designs apart."""
    names, metric = list(context.runs), within(context.metric_label(context.headline))
    sentences = [
        f"{plural(len(names), 'design')} ({', '.join(names)}) met the same patients in the same "
        "splits; each is judged by its final model on patients it did not learn from."
    ]
    if all(_holds_chance(context, name) for name in names):
        sentences.append(
            f"Every interval of the {metric} reaches down to 0.5: no design is shown to be better "
            "than chance on these patients."
        )
    for square in squares:
        if square["cohort"] != context.primary:
            continue
        told_apart = sum(
            bool(cell and cell["significant"])
            for row, cells in enumerate(square["cells"])
            for cell in cells[row + 1 :]
        )
        pairs = len(names) * (len(names) - 1) // 2
        sentences.append(
            f"The tests tell no pair of designs apart by {metric} (p ≥ 0.05)."
            if not told_apart
            else f"The tests tell {told_apart} of {plural(pairs, 'pair')} of designs apart by "
            f"{metric} (p < 0.05)."
        )
        sentences.append(
            "Where the intervals overlap, the order of the designs on this cohort is no ranking."
        )
    return sentences


def _holds_chance(context: ComparisonContext, name: str) -> bool:
    row = context.metric(context.primary, name, context.headline)
    low = None if row is None else row.get("ci_low")
    return low is not None and low <= 0.5
