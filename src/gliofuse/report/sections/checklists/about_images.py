"""What a run can say on its images and features.

Each function takes the run and what the report's sections found, and returns an
:class:`Answer` or ``None`` where the run can't tell.
"""

from __future__ import annotations

from collections.abc import Callable

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.sections.checklists.answer import Answer, answers, full, part
from gliofuse.report.sections.checklists.extraction import Extraction, extractions
from gliofuse.report.wording import join_words


@answers
def preparation(run: RunContext, found: Findings) -> Answer:
    return part("The same settings for every patient; failed cases are listed.", "settings")


@answers
def preprocessing(run: RunContext, found: Findings) -> Answer | None:
    if run.run.source == "table":
        return _given(run)
    used = join_words([*dict.fromkeys(e.normalisation for e in extractions(run))])
    return part(f"Normalisation of the images: {used}.", "settings") if used else None


@answers
def resampling(run: RunContext, found: Findings) -> Answer | None:
    return _said(run, lambda extraction: extraction.resampling)


@answers
def discretisation(run: RunContext, found: Findings) -> Answer | None:
    return _said(run, lambda extraction: extraction.discretisation)


def _said(run: RunContext, what: Callable[[Extraction], str]) -> Answer | None:
    """Answer in full from the settings that stand in the feature tables' metadata."""
    if run.run.source == "table":
        return _given(run)
    known = extractions(run)
    if not known:
        return None
    texts = list(dict.fromkeys(what(extraction) for extraction in known))
    return full(f"{'; '.join(texts)} ({known[0].place}).", "settings")


def _given(run: RunContext) -> Answer:
    return part(
        "Features were given as a table; extraction settings are not known to gliofuse.", "done"
    )


@answers
def image_types(run: RunContext, found: Findings) -> Answer | None:
    known = extractions(run)
    if known:
        images = dict.fromkeys(image for e in known for image in e.images)
        families = dict.fromkeys(family for e in known for family in e.families)
        return full(f"Images: {join_words([*images])}; classes: {join_words([*families])}.",
                    "settings")  # fmt: skip
    if found["selection"]:
        return part("The names of the features say image and class.", "inside")
    return None


@answers
def extraction(run: RunContext, found: Findings) -> Answer | None:
    if run.run.source == "table":
        return _given(run)
    if not extractions(run):
        return None
    version = run.run.gliofuse_version
    return full(f"gliofuse.radiomics {version}, named and valued as PyRadiomics 3.", "settings")


@answers
def feature_numbers(run: RunContext, found: Findings) -> Answer | None:
    candidates = [e.n_features for e in extractions(run)]
    if found["selection"] and candidates:
        total = join_words([f"{n:,}" for n in candidates])
        return full(f"{total} candidates; kept features per model.", "inside")
    return part("Kept features per model.", "inside") if found["selection"] else None


@answers
def feature_data(run: RunContext, found: Findings) -> Answer:
    return part("Stored in the run folder; sharing is the authors' choice.", "settings")
