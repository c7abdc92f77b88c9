"""What a run can say on centres, groups of patients, confounders and comparators.

Each function takes the run and what the report's sections found, and returns an
:class:`Answer` or ``None`` where the run can't tell.
"""

from __future__ import annotations

from gliofuse.report.context import HELD_OUT, RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.sections.checklists.answer import Answer, answers, full, part
from gliofuse.report.wording import join_words, plural


@answers
def several_centres(run: RunContext, found: Findings) -> Answer | None:
    known = found["patients"]["centers"]
    return full(f"{plural(len(known), 'centre')}.", "patients") if len(known) > 1 else None


@answers
def by_centre(run: RunContext, found: Findings) -> Answer | None:
    if not found["centers"]:
        return None
    return full("Figures of each centre, and their random-effects mean.", "results")


@answers
def confounders(run: RunContext, found: Findings) -> Answer | None:
    alone = [cohort["alone"]["sentence"] for cohort in found["centers"] or [] if cohort["alone"]]
    groups = [row["variable"] for cohort in found["subgroups"] or []
              for row in cohort["models"][0]["rows"]]  # fmt: skip
    texts = alone[:1]
    if groups:
        texts.append(f"Figures in groups by {join_words([*dict.fromkeys(groups)])}.")
    return part(" ".join(texts), "results") if texts else None


@answers
def dimensionality(run: RunContext, found: Findings) -> Answer | None:
    size = found["sample_size"]
    if not size:
        return None
    most = max(size["carried"], key=lambda row: row["carried"])
    if most["candidates"] is None:
        return None
    text = (
        f"{plural(most['candidates'], 'candidate parameter')}; by Riley's criteria the training "
        f"patients carry at most {most['carried']}."
    )
    return full(text, "limitations")


@answers
def calibration_assessed(run: RunContext, found: Findings) -> Answer | None:
    kinds = ("calibration", "class_calibration", "horizon_calibration")
    if not any(found[kind] for kind in kinds):
        return None
    return full("Curves, slope, intercept and observed by expected.", "probabilities")


@answers
def single_sequences(run: RunContext, found: Findings) -> Answer | None:
    alone = {model.group for model in run.models if model.group in run.run.sequences}
    if len(run.run.sequences) == 1:
        return full(f"One sequence: {run.run.sequences[0]}.", "results")
    if not alone:
        return None
    return part(f"Models of single sequences stand beside: {join_words(sorted(alone))}.", "results")


@answers
def clinical_comparator(run: RunContext, found: Findings) -> Answer | None:
    clinical = [model.label for model in run.models if model.kind == "clinical"]
    if not clinical:
        return None
    return part(f"{join_words(clinical)}, on the same patients and folds.", "results")


@answers
def internal_testing(run: RunContext, found: Findings) -> Answer | None:
    if HELD_OUT[0] not in run.cohorts:
        return None
    return part(found["patients"]["split"]["short"] + ".", "results")


@answers
def external_testing(run: RunContext, found: Findings) -> Answer | None:
    if "external" not in run.cohorts:
        return None
    return full(f"External patients: {run.patients_line('external')}.", "results")
