"""The study in a few plain sentences, what was left out, and what the run warned of."""

from __future__ import annotations

from typing import Any

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.wording import plural

__all__ = ["data"]


def data(context: RunContext, found: Findings) -> dict[str, Any]:
    """Return the sentences and lists."""
    return {
        "sentences": _sentences(context, found["patients"]),
        "left_out": list(context.run.left_out),
        "warnings": list(context.run.warnings),
    }


def _sentences(context: RunContext, people: dict[str, Any]) -> list[str]:
    run = context.run
    sentences = [
        f"From preoperative MRI of {plural(run.n_cases, 'patient')} the design "
        f"“{run.design.title}” predicts {people['endpoint']}."
    ]
    if context.classes:
        parts = ", ".join(f"{label}: {n}" for _, label, n in context.classes)
        sentences.append(f"Patients by {context.kind.alike}: {parts}.")
    sentences.append(people["split"]["words"])
    count = len(context.models)
    learned = "training" in set(context.predictions["cohort"].astype(str))
    if count > 1:
        sentences.append(
            f"{count} models {'were fitted' if learned else 'predicted them'}; the design's final "
            f"one is {run.final.label}, "
            f"and the other{'s show' if count > 2 else ' shows'} what each part adds."
        )
    return sentences
