"""Run a design over a split: inputs once for the cohort, one fit a fold, predictions of all.

A run can be killed at any moment and started again: patients and folds that are finished are
kept, and what comes out equals what an uninterrupted run gives, since a fold depends on nothing
but its patients, the settings and the seed.
"""

from __future__ import annotations

import platform
import re
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from gliofuse.cohort import Fold, SplitSettings, make_folds, write_manifest
from gliofuse.cohort.splits import groups_of, merged_strata
from gliofuse.compute import parallel_map, resolve_workers
from gliofuse.designs import FitContext
from gliofuse.designs.framework.clinical import ClinicalTable
from gliofuse.errors import RunError
from gliofuse.files import file_hash, settings_hash, write_csv
from gliofuse.inputs import CaseData, FeatureTable
from gliofuse.phantom.cohort import is_phantom
from gliofuse.records import (
    COHORT,
    FOLDS,
    RUN,
    RUN_LOG,
    THRESHOLDS,
    DesignRecord,
    LogrankRecord,
    ModelRecord,
    RunFolder,
    RunRecord,
)
from gliofuse.study.cautions import center_and_class, giveaways
from gliofuse.study.evaluate import evaluate_run, telling_columns
from gliofuse.study.fold import FoldTask, fit_fold
from gliofuse.study.masks import FoldMasks, check_unseen, model_hash
from gliofuse.study.model_tables import write_survival_curves
from gliofuse.study.patients import Patients
from gliofuse.study.prepare import Plan, Prepared, compute_plans, plan_study, split_of
from gliofuse.study.progress import Progress
from gliofuse.study.settings import StudySettings
from gliofuse.version import __version__

__all__ = ["RunResult", "fit_prepared", "fold_masks", "run_study", "versions"]

_PACKAGES = (
    "numpy", "scipy", "pandas", "scikit-learn", "SimpleITK", "numba", "PyWavelets",
    "torch", "monai", "lightning",
)  # fmt: skip


@dataclass(frozen=True)
class RunResult:
    """Where a run's results stand, and how it went."""

    folder: Path
    metrics: pd.DataFrame
    failed_cases: pd.DataFrame


def run_study(
    study: StudySettings,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    command: str = "",
    force: bool = False,
) -> RunResult:
    """Run a study, or go on with one that was stopped.

    Parameters
    ----------
    study : StudySettings
    folder : path
        The run folder.
    progress : Progress, optional
    command : str, optional
        The command line, for the report.
    force : bool, default False
        Go on in a folder that holds another study.

    Returns
    -------
    RunResult

    Raises
    ------
    InputError
        If the study, the manifest or the endpoint breaks a rule.
    RunError
        If the folder holds another study, or no patient or no fold came through.
    """
    progress = progress or Progress()
    study = study.resolved()  # a misspelt setting is an error before there is a folder
    with progress.log_to(RunFolder(Path(folder)).place(RUN_LOG)):
        plan = plan_study(study, folder, progress=progress, force=force)
        (prepared,) = compute_plans({study.name: plan}, progress).values()
        return fit_prepared(prepared, progress=progress, command=command)


def fit_prepared(prepared: Prepared, *, progress: Progress, command: str = "") -> RunResult:
    """Fit and evaluate a study whose inputs are there.

    Parameters
    ----------
    prepared : Prepared
    progress : Progress
    command : str, optional
        The command line, for the report.

    Raises
    ------
    InputError
        If the split cannot be made.
    RunError
        If a fold failed.
    """
    started = datetime.now(UTC)
    clock = time.monotonic()
    plan = prepared.plan
    study, run = plan.study, plan.run
    workers = resolve_workers(study.compute.workers)
    _write_patients(run, plan.patients)
    split = split_of(study, plan.design)
    classes = study.endpoint.strata(plan.outcome)
    folds = make_folds(split, classes, plan.patients.clinical)
    merged = merged_strata(split, classes, plan.patients.clinical)
    if merged:
        progress.say(merged)
    if caution := center_and_class(classes, plan.patients.centers):
        progress.say(caution)
    telling = giveaways(_columns_that_enter(prepared), classes)
    if telling:
        progress.say(
            f"{', '.join(telling[:3])}{' ...' * (len(telling) > 3)} tells the classes apart by "
            "itself: is it the outcome, or measured after it? Then leave it out"
        )
    check_unseen(study.segmentation, folds)
    run.write(FOLDS, pd.DataFrame([row for fold in folds for row in fold.as_rows()]))
    _fit_folds(prepared, split, folds, workers, progress)
    metrics = evaluate_run(
        plan, candidates=_candidates(prepared), workers=workers, progress=progress
    )
    record = _record(plan, split, command).model_copy(
        update={
            "split_note": merged or "",
            "giveaways": tuple(telling),
            "warnings": _warnings(run, folds),
            "logrank": _model_tables(plan),
            "telling_columns": telling_columns(plan),
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - clock, 1),
        }
    )
    run.write(RUN, record)
    return RunResult(run.path, metrics, prepared.failed)


def _write_patients(run: RunFolder, patients: Patients) -> None:
    if patients.cohort is not None:
        write_manifest(patients.cohort, run.place(COHORT))
    else:
        write_csv(run.place(COHORT), patients.clinical, index=True)


def _fit_folds(
    prepared: Prepared, split: SplitSettings, folds: list[Fold], workers: int, progress: Progress
) -> None:
    plan, data = prepared.plan, prepared.data
    study, run = plan.study, plan.run
    files = _files_of(study) | model_hash(study.segmentation)
    groups = groups_of(study.split, plan.outcome.index, plan.patients.clinical)
    tasks = [
        FoldTask(
            design=plan.design,
            data=data,
            fold=fold,
            fingerprint=_fingerprint(
                plan,
                data.subset(fold.case_ids),
                fold,
                files=files,
                explain=study.explain if number == 0 else 0,
            ),
            run=run,
            context=FitContext(
                seed=study.split.seed,
                validation=split.validation,
                workers=1 if len(folds) > 1 else workers,
                scratch=run.fold(fold.name).networks,
                device=study.compute.device,
                groups=groups,
            ),
            first=number == 0,
            explain=study.explain,
            cohort=plan.patients.cohort,
            masks=fold_masks(plan),
        )
        for number, fold in enumerate(folds)
    ]
    todo = [task for task in tasks if not task.folder.finished(task.fingerprint)]
    if study.compute.scheduler is None and (workers == 1 or len(todo) == 1):
        # they are fitted in this process, where their trainings can be watched
        todo = [
            replace(task, context=replace(task.context, watch=progress.training)) for task in todo
        ]
    if len(todo) < len(tasks):
        progress.say(f"{len(tasks) - len(todo)} of {len(tasks)} folds were finished before")
    with progress.stage("fitting", len(tasks), "folds") as count:
        finished_before = len(tasks) - len(todo)
        count(finished_before)
        failed = []
        outcomes = parallel_map(fit_fold, todo, workers=workers, scheduler=study.compute.scheduler)
        for done, outcome in enumerate(outcomes, finished_before + 1):
            count(done)
            if outcome.failed:
                failed.append(outcome)
                progress.log(outcome.details or "")
    if failed:
        raise RunError(
            f"fold {failed[0].item.fold.name} failed: {failed[0].error}; the finished folds are "
            f"kept, details are in {run.place(RUN_LOG)}"
        )
    finished = [run.fold(fold.name) for fold in folds]
    run.gather(finished)
    fits = sum(folder.record.seconds for folder in finished)
    run.write_seconds({**run.seconds(), "fits": fits})


def fold_masks(plan: Plan) -> FoldMasks | None:
    """Return how each fold's masks are predicted; ``None`` where they are not."""
    choice = plan.study.segmentation
    if choice is None or choice.train is None:
        return None
    seed = plan.study.split.seed
    return FoldMasks(
        choice=choice,
        source=plan.patients.source(plan.cache, seed=seed),
        sequences=plan.patients.sequences,
        seed=seed,
        device=plan.study.compute.device,
    )


def _columns_that_enter(prepared: Prepared) -> list[pd.DataFrame]:
    """Return the feature tables, and the covariates coded as the models see them."""
    plan = prepared.plan
    tables = [one.value for one in prepared.inputs.values() if isinstance(one, FeatureTable)]
    names = [name for name in plan.design.clinical_columns if name in plan.study.covariates]
    clinical = plan.patients.clinical
    return [*tables, ClinicalTable(names).fit(clinical).transform(clinical)] if names else tables


def _candidates(prepared: Prepared) -> int | None:
    """Count the parameters that could enter: features, and clinical terms; no network's weights."""
    tables = [v.value.shape[1] for v in prepared.inputs.values() if isinstance(v, FeatureTable)]
    if not tables:
        return None
    plan = prepared.plan
    covariates = plan.study.covariates  # other columns guide a network and enter no model
    columns = [name for name in plan.design.clinical_columns if name in covariates]
    terms = ClinicalTable(columns).fit(plan.patients.clinical).transform(plan.patients.clinical)
    return sum(tables) + terms.shape[1]


def _files_of(study: StudySettings) -> dict[str, str]:
    """Return the content of the files that the design's settings name, such as weights."""
    named = {key: Path(value) for key, value in study.settings.items() if isinstance(value, str)}
    return {key: file_hash(path) for key, path in named.items() if path.is_file()}


def _fingerprint(
    plan: Plan, data: CaseData, fold: Fold, *, files: dict[str, str], explain: int
) -> str:
    """Return a hash of all that the fold's result depends on: settings, code, patients' data."""
    clinical = FeatureTable(data.clinical[list(plan.design.clinical_columns)])
    return settings_hash(
        {
            "study": plan.study.definition(),
            "version": __version__,
            "inputs": {key: value.fingerprint(data.case_ids) for key, value in data.inputs.items()},
            "learned": [one.key for one in plan.design.inputs if one.scope == "fold"],
            "outcome": plan.outcome.loc[list(data.case_ids)].to_dict("list"),
            "clinical": clinical.fingerprint(data.case_ids),
            "fold": fold.__dict__,
            "files": files,
            "explain": explain,
        }
    )


def _model_tables(plan: Plan) -> dict[str, LogrankRecord]:
    study, final = plan.study, plan.design.final_model
    survival = study.survival_endpoint
    if survival is None:
        return {}
    return write_survival_curves(
        plan.run,
        study.endpoint,
        plan.patients.clinical,
        survival,
        final,
        plan.run.read(THRESHOLDS),
        plan.design.risk_model,
        plan.patients.groups(study.evaluation.subgroups),
    )


def _warnings(run: RunFolder, folds: list[Fold]) -> tuple[str, ...]:
    """Say what the fits warned of, once each, with the folds that it came from."""
    warned: dict[str, list[tuple[str, str]]] = {}
    for fold in folds:
        for text in run.fold(fold.name).record.warnings:
            alike = re.sub(r"[\d.e-]*\d", "n", text)  # but for its numbers
            warned.setdefault(alike, []).append((fold.name, text))
    return tuple(
        f"{len(told)} warnings in {', '.join(dict.fromkeys(name for name, _ in told))}, "
        f"for example: {told[0][1]}"
        if len(told) > 1
        else f"{told[0][0]}: {told[0][1]}"
        for told in warned.values()
    )


def _record(plan: Plan, split: SplitSettings, command: str) -> RunRecord:
    study, design = plan.study, plan.design
    counts = study.endpoint.strata(plan.outcome).value_counts().sort_index()
    return RunRecord(
        name=study.name,
        gliofuse_version=__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        packages=versions(),
        command=command or " ".join(sys.argv),
        design=DesignRecord(
            name=design.name,
            title=design.title,
            citation=design.paper.citation,
            doi=design.paper.doi,
            notes=design.choices + (design.choices_for_images if design.available.images else ()),
            preset=design.settings.preset,
            paper_labels=design.left_out_labels,
            paper_outcome=design.paper.outcome,
            paper_outcome_is_ours=design.paper.predicts(study.endpoint),
        ),
        models=tuple(ModelRecord(**vars(model)) for model in design.models),
        risk_model=design.risk_model,
        left_out=(
            *plan.patients.notes,
            *study.endpoint.remarks(plan.outcome, plan.patients.clinical),
            *design.left_out,
        ),
        preprocessing=plan.patients.preprocessing,
        endpoint=study.endpoint.as_dict(),
        endpoint_text=study.endpoint.describe(),
        split=split,
        threshold=study.threshold,
        source="images" if study.table is None else "table",
        synthetic=study.cohort is not None and is_phantom(study.cohort),
        source_file=str(study.cohort if study.table is None else study.table.features),
        sequences=plan.patients.sequences,
        n_cases=len(plan.outcome),
        class_counts={str(name): int(number) for name, number in counts.items()},
        settings_hash=settings_hash(study.definition()),
    )


def versions() -> dict[str, str]:
    """Return the version of each package that a result rests on, by name."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
