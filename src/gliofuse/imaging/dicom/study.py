"""What the other series of a study say: contrast that was given earlier, and doubles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gliofuse.cohort.sequences import STRUCTURAL
from gliofuse.imaging.dicom.proposal import ASK, OTHER, Proposal
from gliofuse.imaging.dicom.stacks import Stack
from gliofuse.imaging.dicom.terms import agent_given, read_terms

__all__ = ["ListedSeries", "settle_study"]

_THIN_MM = 1.6
_NOTHING_SAID = "nothing says that contrast was given"


@dataclass(frozen=True)
class ListedSeries:
    """One stack with its place in the study.

    Parameters
    ----------
    number : int or None
    part : str
    minute : float or None
        Since the study began.
    stack : Stack
    proposal : Proposal
        By its own header alone.
    """

    number: int | None
    part: str
    minute: float | None
    stack: Stack
    proposal: Proposal

    @property
    def name(self) -> str:
        """How a message calls it."""
        number = "without number" if self.number is None else str(self.number)
        return f"series {number}" + (f" part {self.part}" if self.part else "")


def settle_study(
    series: Sequence[ListedSeries],
) -> list[tuple[str, Proposal, tuple[str, ...]]]:
    """Judge the series of one study together.

    A T1 that says nothing of contrast is asked about where contrast was given before it, or where
    there are several such T1 and no series that names contrast. Of several series of one kind the
    best by slice distance and plane is taken; where two are equal, all of them are asked about.

    Parameters
    ----------
    series : sequence of ListedSeries

    Returns
    -------
    list of tuple
        For each: what to fill into the user's column (a sequence, ``ask`` or blank), the
        proposal, and the problems.
    """
    judged = [replace(one, proposal=_contrast_before(one, series)) for one in series]
    judged = [replace(one, proposal=_one_of_several_silent(one, judged)) for one in judged]
    sequences = [_first_answer(one) for one in judged]
    problems = [list(one.stack.problems) for one in judged]
    for kind in STRUCTURAL:
        rivals = [place for place, sequence in enumerate(sequences) if sequence == kind]
        if len(rivals) > 1:
            _choose(kind, rivals, judged, sequences, problems)
    return [
        (sequence, one.proposal, tuple(faults))
        for sequence, one, faults in zip(sequences, judged, problems, strict=True)
    ]


def _first_answer(one: ListedSeries) -> str:
    kind = one.proposal.kind
    if kind == OTHER:
        return ""
    return ASK if kind == ASK or not one.stack.usable else kind


def _names_contrast(one: ListedSeries) -> bool:
    if one.proposal.kind == "t1ce":
        return True
    header = one.stack.header
    return bool(agent_given(header.agent)) and read_terms(header.text).contrast is not False


def _contrast_before(one: ListedSeries, series: Sequence[ListedSeries]) -> Proposal:
    proposal = one.proposal
    if proposal.kind != "t1":
        return proposal
    earlier = [other for other in series if _names_contrast(other) and _before(other, one)]
    if not earlier:
        return proposal
    first = min(earlier, key=lambda other: (other.minute or 0, other.number or 0))
    said = _NOTHING_SAID in proposal.reason
    what = "it may be post-contrast" if said else "yet it says to be without contrast"
    reason = f"{proposal.reason}; but acquired after {first.name}, which names contrast: {what}"
    return Proposal(ASK, "low", reason, "t1")


def _before(a: ListedSeries, b: ListedSeries) -> bool:
    if a.minute is not None and b.minute is not None and a.minute != b.minute:
        return a.minute < b.minute
    return a.number is not None and b.number is not None and a.number < b.number


def _one_of_several_silent(one: ListedSeries, series: Sequence[ListedSeries]) -> Proposal:
    """Several T1 in a study in which nothing names contrast: any may be post-contrast."""
    silent = [other for other in series if _says_nothing(other)]
    named = any(_names_contrast(other) for other in series)
    if named or len(silent) < 2 or not _says_nothing(one):
        return one.proposal
    others = ", ".join(other.name for other in silent if other is not one)
    reason = f"{one.proposal.reason}; nor of {others}: one of them may be post-contrast"
    return Proposal(ASK, "low", reason, "t1")


def _says_nothing(one: ListedSeries) -> bool:
    return one.proposal.kind == "t1" and _NOTHING_SAID in one.proposal.reason


def _merit(stack: Stack) -> tuple[int, ...]:
    """The larger, the better to take: thin 3D first, then axial, then whole slices."""
    step = stack.header.step_mm or 99.0
    return (int(step <= _THIN_MM), int(stack.plane == "axial"), int(not stack.problems))


def _choose(
    kind: str,
    rivals: list[int],
    judged: list[ListedSeries],
    sequences: list[str],
    problems: list[list[str]],
) -> None:
    best = max(_merit(judged[place].stack) for place in rivals)
    top = [place for place in rivals if _merit(judged[place].stack) == best]
    for place in rivals:
        others = ", ".join(judged[other].name for other in rivals if other != place)
        if len(top) > 1:
            sequences[place] = ASK if place in top else ""
            problems[place].append(f"{others} may be {kind} too: choose one")
        elif place == top[0]:
            problems[place].append(f"taken before {others} by slice distance and plane")
        else:
            sequences[place] = ""
            problems[place].append(f"{kind} too, but {judged[top[0]].name} is taken")
