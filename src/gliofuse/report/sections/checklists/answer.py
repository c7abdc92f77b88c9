"""An answer to a checklist's item, and the register of those that a run can give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.wording import join_words

__all__ = ["ANSWERS", "Answer", "answers", "evaluated", "full", "part"]


@dataclass(frozen=True)
class Answer:
    """What the run says, how far that goes, and the chapter that shows it."""

    status: Literal["answered", "partly"]
    text: str
    anchor: str


Answering = Callable[[RunContext, Findings], Answer | None]
#: By the name that a checklist's item gives.
ANSWERS: dict[str, Answering] = {}


def answers(function: Answering) -> Answering:
    """Register a function under its name."""
    ANSWERS[function.__name__] = function
    return function


def full(text: str, anchor: str) -> Answer:
    """Return an answer to the whole item."""
    return Answer("answered", text, anchor)


def part(text: str, anchor: str) -> Answer:
    """Return an answer to a part of the item."""
    return Answer("partly", text, anchor)


def evaluated(run: RunContext) -> str:
    """Return on what kind of patients the models were evaluated, in words."""
    kinds = {"test": "internal", "external": "external"}
    found = [word for cohort, word in kinds.items() if cohort in run.cohorts]
    if not found:
        return "no evaluation on patients held out"
    return f"{join_words(found)} evaluation"
