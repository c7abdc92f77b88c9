"""What a run can say on its patients and its study.

Each function takes the run and what the report's sections found, and returns an
:class:`Answer` or ``None`` where the run can't tell.
"""

from __future__ import annotations

from gliofuse.report.context import RunContext
from gliofuse.report.sections import Findings
from gliofuse.report.sections.checklists.answer import Answer, answers, evaluated, full, part
from gliofuse.report.wording import join_words, plural


@answers
def objectives(run: RunContext, found: Findings) -> Answer:
    text = f"Prediction of {found['patients']['endpoint']}; development, {evaluated(run)}."
    return part(text, "done")


@answers
def sources(run: RunContext, found: Findings) -> Answer:
    if not run.run.source_file:
        return part("See the flow of patients.", "patients")
    what = "Manifest" if run.run.source == "images" else "Feature table"
    return part(f"{what}: {run.run.source_file}.", "patients")


@answers
def centres(run: RunContext, found: Findings) -> Answer | None:
    known = found["patients"]["centers"]
    if not known:
        return None
    return part(f"{plural(len(known), 'centre')}, with patients per centre.", "patients")


@answers
def eligibility(run: RunContext, found: Findings) -> Answer:
    people = found["patients"]
    lost = []
    if people["n_excluded"]:
        reasons = plural(len(people["excluded"]), "reason")
        lost.append(f"{plural(people['n_excluded'], 'patient')} excluded for {reasons}")
    if people["n_failed"]:
        lost.append(f"{people['n_failed']} could not be processed")
    text = "Nobody of the given cohort was excluded"
    if lost:
        text = f"Of the given cohort {join_words(lost)}"
    return part(f"{text}; how the cohort itself was chosen is not recorded.", "patients")


@answers
def outcome(run: RunContext, found: Findings) -> Answer:
    text = f"{found['patients']['endpoint']}; how it was determined is not recorded."
    return part(text, "patients")


@answers
def sample_size(run: RunContext, found: Findings) -> Answer:
    return part(
        f"{run.run.n_cases} patients ({_classes(run)}); no calculation was made beforehand by the "
        "software. "
        + (
            "The patients are held against Riley's criteria."
            if found["sample_size"]
            else "What the size limits is said."
        ),
        "limitations",
    )


@answers
def missing(run: RunContext, found: Findings) -> Answer:
    text = (
        "Patients who lack the endpoint or a needed image are excluded and listed with the reason."
    )
    counted = found["missing"]
    if not counted:
        return part(text, "patients")
    if counted["complete_cases"]:
        return full(f"{text} Who lacks a clinical variable is left out too.", "patients")
    return full(
        f"{text} Missing clinical values are counted by variable and replaced, in each fold, by "
        "the training patients' median or most frequent level.",
        "patients",
    )


@answers
def split(run: RunContext, found: Findings) -> Answer:
    return full(found["patients"]["split"]["words"] + " By patient, seeded.", "patients")


@answers
def clusters(run: RunContext, found: Findings) -> Answer | None:
    if run.split.kind == "center" or run.split.external:
        return full("Whole centres are kept apart as external patients.", "patients")
    if run.split.group is not None:
        return full(f"All rows of a person ({run.split.group}) stand on one side.", "patients")
    return None


@answers
def imbalance(run: RunContext, found: Findings) -> Answer:
    if run.kind.outcome is not None:
        return part(f"{_classes(run)}; splits keep the share of events.", "patients")
    return part(
        f"{_classes(run)}; splits keep the shares. Class weights, and how probabilities are put "
        "back to the classes' shares, as the design says.",
        "design",
    )


@answers
def data_differences(run: RunContext, found: Findings) -> Answer:
    return part(found["patients"]["split"]["words"], "patients")


@answers
def flow(run: RunContext, found: Findings) -> Answer:
    return full("Flow of patients, with reasons of exclusion.", "patients")


@answers
def characteristics(run: RunContext, found: Findings) -> Answer | None:
    return full("Table of characteristics.", "patients") if found["characteristics"] else None


@answers
def data_comparison(run: RunContext, found: Findings) -> Answer | None:
    table = found["characteristics"]
    return (
        part("Standardised differences and tests between groups.", "patients")
        if table and table["has_p"]
        else None
    )


@answers
def poor_input(run: RunContext, found: Findings) -> Answer:
    return part("Unreadable or mismatched images are refused and listed.", "patients")


@answers
def guidelines(run: RunContext, found: Findings) -> Answer:
    return part("TRIPOD+AI, CLEAR and METRICS, as far as the run answers them.", "checklists")


@answers
def code(run: RunContext, found: Findings) -> Answer:
    version = run.run.gliofuse_version
    return full(
        f"gliofuse {version} (Apache-2.0); study file and versions in this report.", "settings"
    )


def _classes(run: RunContext) -> str:
    return ", ".join(f"{label}: {n}" for _, label, n in run.classes)
