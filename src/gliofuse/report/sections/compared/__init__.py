"""Which designs were compared, how, and whether the tests tell them apart."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import ComparisonContext
from gliofuse.report.sections import Findings
from gliofuse.report.wording import format_number, plural, within

__all__ = ["data"]


def data(context: ComparisonContext, found: Findings) -> dict[str, Any]:
    """Return the designs and sentences on the comparison."""
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
    people = found["patients"]
    return {
        "designs": designs,
        "sentences": [
            f"Each design predicts {people['endpoint']}.",
            people["split"]["words"],
            *_sentences(context, found["tests"] or []),
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
        sentences += _told_apart(context, square, metric)
    return sentences


def _told_apart(context: ComparisonContext, square: dict[str, Any], metric: str) -> list[str]:
    """Say how many pairs differ, and what that does or does not carry."""
    pairs = [cell for row, cells in enumerate(square["cells"]) for cell in cells[row + 1 :] if cell]
    apart = sum(cell["significant"] for cell in pairs)
    adjusted = "p adjusted by Holm" if square["holm"] else "p"
    if not apart:
        sentences = [f"The tests tell no pair of designs apart by {metric} ({adjusted} ≥ 0.05)."]
        bound = _largest_difference(context, square["cohort"])
        if bound is not None:
            sentences.append(
                "That does not make them alike: differences of up to "
                f"{format_number(bound, 2)} are inside the intervals."
            )
        return [*sentences, "The order of the designs on this cohort is no ranking."]
    sentences = [
        f"The tests tell {apart} of {plural(len(pairs), 'pair')} of designs apart by {metric} "
        f"({adjusted} < 0.05); among the others the order on this cohort is no ranking."
    ]
    if context.split.kind in ("holdout", "column"):
        sentences.append(
            "The tests are of the models as they were fitted here, once; whether a design is "
            "better when it is fitted again, on other patients, they do not say."
        )
    return sentences


def _largest_difference(context: ComparisonContext, cohort: str) -> float | None:
    table = context.table(context.kind.tests)
    if table is None:
        return None
    bounds = table.loc[table["cohort"] == cohort, ["ci_low", "ci_high"]].abs().to_numpy().ravel()
    known = [float(bound) for bound in bounds if bound == bound]
    return max(known, default=None)


def _holds_chance(context: ComparisonContext, name: str) -> bool:
    row = context.metric(context.primary, name, context.headline)
    low = None if row is None else row.get("ci_low")
    return low is not None and low <= 0.5
