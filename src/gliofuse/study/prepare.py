"""From a study to what its folds are fitted on: who takes part, the design, and its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from gliofuse.cohort import SplitSettings, make_folds
from gliofuse.cohort.splits import groups_of
from gliofuse.compute import resolve_workers
from gliofuse.designs import Design, find_design, parse_settings, with_clinical_comparator
from gliofuse.errors import EndpointError, ManifestError, RunError, SettingError, did_you_mean
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.files import settings_hash
from gliofuse.inputs import CaseData, Computed, FeatureTable, compute_inputs
from gliofuse.records import EXCLUDED, FAILED_CASES, NOTES, SIMILAR, RunFolder
from gliofuse.study.doubles import check_images, check_table
from gliofuse.study.masks import external_masks
from gliofuse.study.patients import Patients
from gliofuse.study.progress import Progress
from gliofuse.study.scans import patients_of
from gliofuse.study.settings import StudySettings

__all__ = [
    "Plan",
    "Prepared",
    "compute_plans",
    "make_design",
    "plan_study",
    "split_of",
    "with_validation",
]

_LEARNED_THRESHOLDS = {
    "youden": "by Youden's index",
    "median": "the median risk",
    "optimal": "the risk of the largest log-rank statistic",
}
_MOST_LEVELS = 12  # of a column that could be another under a new name
VALIDATION_FRACTION = 0.2  # put aside for choosing an epoch, unless the study says otherwise


@dataclass(frozen=True)
class Plan:
    """A study before anything is computed.

    Parameters
    ----------
    study : StudySettings
        With every default written out.
    run : RunFolder
    design : Design
    patients : Patients
        Those who have an outcome.
    outcome : pandas.DataFrame
        The endpoint's outcome columns by ``case_id``.
    excluded : pandas.DataFrame
        ``case_id, reason``.
    """

    study: StudySettings
    run: RunFolder
    design: Design
    patients: Patients
    outcome: pd.DataFrame
    excluded: pd.DataFrame

    @property
    def cache(self) -> Path:
        """Where what is computed for a patient is kept."""
        return self.study.compute.cache or self.run.cache


@dataclass(frozen=True)
class Prepared:
    """A study before its first fit.

    Parameters
    ----------
    plan : Plan
        Its patients and outcomes are those who take part.
    inputs : mapping of str to Computed
    failed : pandas.DataFrame
        ``case_id, stage, error``: those for whom an input could not be computed.
    """

    plan: Plan
    inputs: Mapping[str, Computed]
    failed: pd.DataFrame

    @property
    def data(self) -> CaseData:
        """The patients with their inputs and outcomes."""
        plan = self.plan
        return CaseData(
            tuple(plan.outcome.index), self.inputs, plan.patients.clinical, plan.outcome
        )

    def without(self, reasons: Mapping[str, str]) -> Prepared:
        """Leave patients out, for the reasons given by ``case_id``."""
        return Prepared(_leave_out(self.plan, reasons), self.inputs, self.failed.iloc[:0])


def plan_study(
    study: StudySettings,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    force: bool = False,
    patients: Patients | None = None,
) -> Plan:
    """Read the patients and plan the design.

    Parameters
    ----------
    study : StudySettings
    folder : path
        The run folder; inputs are kept in it, or in the study's own cache.
    progress : Progress, optional
    force : bool, default False
        Go on in a folder that holds another study.
    patients : Patients, optional
        The study's patients, where they were read before.

    Raises
    ------
    InputError
        If the manifest, the endpoint or the design's settings break a rule.
    RunError
        If the folder holds another study.
    """
    study = study.resolved()
    progress = progress or Progress()
    # workers may stand in another folder: every path that reaches them is whole
    run = RunFolder.open(Path(folder).resolve(), settings_hash(study.definition()), force=force)
    run.write_study(study.model_dump(mode="json"))
    if patients is None:
        patients = patients_of(study, study.compute.cache or run.cache, progress)
    outcome, without_outcome = study.endpoint.outcome(patients.clinical)
    excluded = pd.concat([patients.excluded, without_outcome], ignore_index=True)
    patients = patients.restricted(outcome.index)
    if study.complete_cases:
        outcome, patients, excluded = _complete(study, outcome, patients, excluded)
    if study.segmentation is not None:
        if patients.cohort is None:
            raise SettingError("segmentation needs images; this study starts from a feature table")
        if study.segmentation.model is not None:
            outcome, patients, excluded = _segmented(
                study, study.compute.cache or run.cache, outcome, patients, excluded, progress
            )
    # mistakes are told now, not after the fits
    patients.groups(study.evaluation.subgroups)
    if study.survival is not None:
        patients.available(study.endpoint, (), study.survival.build())
        study.survival.build().outcome(patients.clinical)
    evaluation_of(study.endpoint).check_threshold(study.threshold)
    design = make_design(study, patients)
    study.endpoint.check_learnable(outcome)
    make_folds(split_of(study, design), study.endpoint.strata(outcome), patients.clinical)
    _check_columns(design, patients)
    _check_told(study, patients, outcome)
    rule = _LEARNED_THRESHOLDS.get(study.threshold)
    if rule is not None:
        progress.say(f"threshold: {rule} on the training patients of each fold")
    carried_out = study.model_copy(update={"split": split_of(study, design)})
    run.write_study(carried_out.model_dump(mode="json"))
    if len(without_outcome):
        _, first = without_outcome.iloc[0]
        many = "" if len(without_outcome) == 1 else "s"
        progress.say(f"{len(without_outcome)} patient{many} without an outcome, for example "
                     f"{first!r}: see excluded.csv")  # fmt: skip
    for note in (
        *patients.notes,
        *study.endpoint.remarks(outcome, patients.clinical),
        *design.left_out,
    ):
        progress.say(note)
    return Plan(study, run, design, patients, outcome, excluded)


def _check_told(study: StudySettings, patients: Patients, outcome: pd.DataFrame) -> None:
    """Refuse a covariate that is the endpoint's column under another name."""
    clinical = patients.clinical.loc[outcome.index]
    for column in study.endpoint.columns:
        answer = clinical[column].astype(str)
        for name in study.covariates:
            given = clinical[name].astype(str)
            pairs = pd.crosstab(given, answer).to_numpy() > 0
            same = (pairs.sum(axis=0) == 1).all() and (pairs.sum(axis=1) == 1).all()
            if same and 1 < len(pairs) <= _MOST_LEVELS:
                raise EndpointError(
                    f"covariates: {name!r} and the endpoint's {column!r} say the same of each "
                    "patient; leave it out of the covariates"
                )


def _check_columns(design: Design, patients: Patients) -> None:
    """Refuse a clinical column that the design's settings name and the table lacks, or is empty."""
    for name in design.clinical_columns:
        if name not in patients.clinical.columns:
            raise ManifestError(
                f"design {design.name}: no clinical column {name!r}; "
                f"{did_you_mean(name, patients.clinical.columns)}"
            )
        if patients.clinical[name].isna().all():
            raise ManifestError(
                f"clinical column {name!r} is empty for all {len(patients.clinical)} patients who "
                "have an outcome; leave it out of the covariates"
            )


def _complete(
    study: StudySettings, outcome: pd.DataFrame, patients: Patients, excluded: pd.DataFrame
) -> tuple[pd.DataFrame, Patients, pd.DataFrame]:
    """Leave out the patients who lack a covariate."""
    patients.available(study.endpoint, tuple(study.covariates))  # the columns are there
    lacking = patients.clinical[list(study.covariates)].isna()
    reasons = [
        (case_id, f"no {lacking.columns[row][0]} (complete cases only)")
        for case_id, row in zip(lacking.index, lacking.to_numpy(), strict=True)
        if row.any()
    ]
    left = pd.DataFrame(reasons, columns=["case_id", "reason"])
    kept = outcome.index.difference(left["case_id"], sort=False)
    return (
        outcome.loc[kept],
        patients.restricted(kept),
        pd.concat([excluded, left], ignore_index=True),
    )


def _segmented(
    study: StudySettings,
    cache: Path,
    outcome: pd.DataFrame,
    patients: Patients,
    excluded: pd.DataFrame,
    progress: Progress,
) -> tuple[pd.DataFrame, Patients, pd.DataFrame]:
    """Put the masks of an external segmenter in place of drawn ones."""
    assert study.segmentation is not None
    assert patients.cohort is not None
    with progress.stage("segmenting", len(patients.cohort), "patients") as count:
        found = external_masks(
            study.segmentation,
            patients.cohort,
            cache,
            device=study.compute.device,
            progress=count,
        )
    for case_id, reason in found.reasons.items():
        progress.say(f"{case_id} left out: {reason}")
    if not len(found.cohort):
        raise RunError(
            f"segmentation: no mask of any of {len(patients.cohort)} patients; the first: "
            f"{next(iter(found.reasons.values()))}"
        )
    kept = pd.Index(found.cohort.case_ids)
    note = f"masks: predicted by {study.segmentation.model}, not drawn"
    patients = replace(
        patients.restricted(kept), cohort=found.cohort, notes=(*patients.notes, note)
    )
    return outcome.loc[kept], patients, pd.concat([excluded, found.excluded], ignore_index=True)


def make_design(study: StudySettings, patients: Patients) -> Design:
    """Return a study's design, planned for its patients."""
    kind = find_design(study.design, study.endpoint)
    available = patients.available(study.endpoint, tuple(study.covariates), study.survival_endpoint)
    return with_clinical_comparator(kind(parse_settings(kind, study.settings), available))


def split_of(study: StudySettings, design: Design) -> SplitSettings:
    """Return the split as it is carried out: with validation patients where a network needs them.

    A study that says how many, be it none, keeps what it says.
    """
    return with_validation(study.split) if design.needs_validation else study.split


def with_validation(split: SplitSettings) -> SplitSettings:
    """Put patients aside for the choice of an epoch, unless the split says how many.

    Where others are held out to judge by, that choice is all that they are there for.
    """
    if "validation_fraction" in split.model_fields_set:
        return split
    use = split.validation if split.kind in ("none", "column") else "epochs"
    return split.model_copy(update={"validation_fraction": VALIDATION_FRACTION, "validation": use})


def compute_plans(plans: Mapping[str, Plan], progress: Progress) -> dict[str, Prepared]:
    """Compute the inputs of studies on the same patients in one pass over these.

    An input that several of them ask for is computed once, and each file of a patient is read
    once.

    Parameters
    ----------
    plans : mapping of str to Plan
    progress : Progress

    Raises
    ------
    RunError
        If the patients that are left are not enough to learn from.
    """
    first = next(iter(plans.values()))
    wanted = [one for plan in plans.values() for one in plan.design.inputs]
    compute = first.study.compute
    doubles = _doubles_in_sources(first, progress)
    names = ", ".join(dict.fromkeys(one.what for one in wanted))
    with progress.stage(f"computing {names}", len(first.outcome), "patients") as count:
        computed = compute_inputs(
            wanted,
            first.patients.source(first.cache, seed=first.study.split.seed),
            workers=resolve_workers(compute.workers),
            scheduler=compute.scheduler,
            progress=count,
        )
    for row in computed.failures.drop_duplicates(["case_id", "error"]).itertuples():
        progress.say(f"{row.case_id} failed ({row.stage}): {row.error}")
    prepared = {}
    for name, plan in plans.items():
        keys = _keys(plan)
        _keep(plan, computed.values, computed.seconds)
        failed = computed.failures[computed.failures["key"].isin(keys)]
        failed = failed.drop(columns="key").drop_duplicates(["case_id", "error"])
        if len(plan.patients.refused):
            failed = pd.concat([plan.patients.refused, failed], ignore_index=True)
        kept = _restricted(plan, plan.outcome.index.difference(failed["case_id"], sort=False))
        plan.run.write(EXCLUDED, plan.excluded)
        plan.run.write(FAILED_CASES, failed)
        _check_learnable(kept, failed)
        own = {key: computed.values[key] for key in keys}
        _name_similar(kept, own, doubles, progress)
        _remark(plan, own, progress)
        prepared[name] = Prepared(kept, own, failed.reset_index(drop=True))
    return prepared


def _doubles_in_sources(plan: Plan, progress: Progress) -> pd.DataFrame:
    """Refuse doubled rows or images before anything is computed; return those nearly so."""
    patients = plan.patients
    groups = groups_of(plan.study.split, plan.outcome.index, patients.clinical)
    if patients.features is not None:
        return check_table(patients.features, groups, "feature rows")
    assert patients.cohort is not None
    workers = resolve_workers(plan.study.compute.workers)
    with progress.stage("looking for doubles", len(patients.cohort), "patients") as count:
        return check_images(
            patients.cohort, patients.sequences[0], groups, workers=workers, progress=count
        )


def _name_similar(
    plan: Plan, values: Mapping[str, Computed], known: pd.DataFrame, progress: Progress
) -> None:
    """Write the pairs of patients who are nearly identical, and say so."""
    groups = groups_of(plan.study.split, plan.outcome.index, plan.patients.clinical)
    parts = [known]
    if plan.patients.features is None:
        parts += [
            check_table(value.value.loc[plan.outcome.index], groups, f"{value.kind} features")
            for value in values.values()
            if isinstance(value, FeatureTable)
        ]
    similar = pd.concat(parts, ignore_index=True).drop_duplicates(["case_a", "case_b"])
    if similar.empty:
        return
    plan.run.write(SIMILAR, similar)
    first = similar.iloc[0]
    more = f" and {len(similar) - 1} more pairs" if len(similar) > 1 else ""
    progress.say(
        f"{first['case_a']} and {first['case_b']}{more} are nearly identical ({first['what']}: "
        f"{first['how']}): one person under two ids? See similar_cases.csv; --group keeps a "
        "person's rows together"
    )


def _keys(plan: Plan) -> list[str]:
    """The inputs of scope ``cohort`` that the design, or an input of scope ``fold``, rests on."""
    keys: dict[str, None] = {}
    for one in plan.design.inputs:
        keys.update(dict.fromkeys(part.key for part in one.parts))
    return list(keys)


def _keep(plan: Plan, values: Mapping[str, Computed], seconds: Mapping[str, float]) -> None:
    """Write the feature tables into the run folder, and what the inputs took."""
    spent = plan.run.seconds()  # before the run was stopped and started again
    for one in (part for whole in plan.design.inputs for part in whole.parts):
        spent[one.what] = spent.get(one.what, 0.0) + seconds[one.key]
        value = values[one.key]
        if isinstance(value, FeatureTable):
            plan.run.write_features(value.kind, one.key, value.value, one.definition())
    plan.run.write_seconds(spent)


def _remark(plan: Plan, values: Mapping[str, Computed], progress: Progress) -> None:
    """Write ``notes.csv``: the patients for whom a stated rule was applied, with the rule."""
    parts = [value.notes for value in values.values()]
    notes = pd.concat(parts, ignore_index=True).drop_duplicates()
    plan.run.write(NOTES, notes)
    if len(notes):
        progress.say(f"patients with a remark: {notes['case_id'].nunique()}, see notes.csv")


def _leave_out(plan: Plan, reasons: Mapping[str, str]) -> Plan:
    rows = [(case, why) for case, why in reasons.items() if case in plan.outcome.index]
    added = pd.DataFrame(rows, columns=["case_id", "reason"])
    excluded = pd.concat([plan.excluded, added], ignore_index=True)
    kept = plan.outcome.index.difference(list(reasons), sort=False)
    plan.run.write(EXCLUDED, excluded)
    return replace(_restricted(plan, kept), excluded=excluded)


def _restricted(plan: Plan, case_ids: pd.Index) -> Plan:
    return replace(
        plan, patients=plan.patients.restricted(case_ids), outcome=plan.outcome.loc[case_ids]
    )


def _check_learnable(plan: Plan, failed: pd.DataFrame) -> None:
    try:
        plan.study.endpoint.check_learnable(plan.outcome)
    except EndpointError as error:
        number = failed["case_id"].nunique()
        failures = f" ({number} failed, see {plan.run.place(FAILED_CASES)})" if number else ""
        raise RunError(f"{error}{failures}") from None
