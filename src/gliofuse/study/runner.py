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
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from gliofuse import __version__
from gliofuse.cohort import (
    BinaryEndpoint,
    Fold,
    SplitSettings,
    SurvivalEndpoint,
    make_folds,
    write_manifest,
)
from gliofuse.compute import parallel_map, resolve_workers
from gliofuse.designs import CaseData, Design, FitContext, find_design, parse_settings
from gliofuse.errors import EndpointError, RunError
from gliofuse.files import settings_hash, write_csv, write_json, write_parquet, write_text
from gliofuse.study.evaluate import evaluate_run
from gliofuse.study.fold import FoldTask, fit_fold
from gliofuse.study.folder import RunFolder
from gliofuse.study.inputs import Patients, load_patients, materialise
from gliofuse.study.model_tables import write_nomogram, write_survival_curves
from gliofuse.study.progress import Progress
from gliofuse.study.settings import StudySettings

__all__ = ["VALIDATION_FRACTION", "Prepared", "RunResult", "prepare_study", "run_study"]

_PACKAGES = (
    "numpy", "scipy", "pandas", "scikit-learn", "SimpleITK", "numba", "PyWavelets",
    "torch", "monai", "lightning",
)  # fmt: skip
VALIDATION_FRACTION = 0.2  # put aside for choosing an epoch, unless the study says otherwise


@dataclass(frozen=True)
class RunResult:
    """Where a run's results stand, and how it went."""

    folder: Path
    metrics: pd.DataFrame
    failed_cases: pd.DataFrame


@dataclass(frozen=True)
class Prepared:
    """A study before its first fit: who takes part, and every label-free input.

    Parameters
    ----------
    design : Design
    patients : Patients
        Those who take part.
    labels : pandas.Series
        0 / 1 by ``case_id``.
    inputs : mapping
        Request key to value.
    excluded, failed : pandas.DataFrame
        ``case_id, reason`` and ``case_id, stage, error``.
    """

    design: Design
    patients: Patients
    labels: pd.Series
    inputs: Mapping[str, Any]
    excluded: pd.DataFrame
    failed: pd.DataFrame


def prepare_study(
    study: StudySettings,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    force: bool = False,
    without: Mapping[str, str] | None = None,
) -> Prepared:
    """Read the patients, plan the design and compute its label-free inputs.

    Parameters
    ----------
    study : StudySettings
    folder : path
        The run folder; inputs are kept in it, or in the study's own cache.
    progress : Progress, optional
    force : bool, default False
        Go on in a folder that holds another study.
    without : mapping of str to str, optional
        Patients to leave out, with the reason.

    Raises
    ------
    InputError
        If the manifest, the endpoint or the design's settings break a rule.
    RunError
        If the folder holds another study, or fewer than two classes are left.
    """
    study = study.resolved()
    tell = progress or Progress()
    run = RunFolder.open(folder, settings_hash(study.definition()), force=force)
    write_text(run.path / "study.yaml", _as_yaml(study))
    workers = resolve_workers(study.compute.workers)
    endpoint = study.endpoint.build()
    if not isinstance(endpoint, BinaryEndpoint):
        raise EndpointError(
            "endpoint: this version runs binary endpoints; survival designs are not built in "
            'yet: cut the outcome, for example --endpoint "os_days >= 730"'
        )
    patients = load_patients(study, label_workers=workers)
    labels, unlabelled = endpoint.labels(patients.clinical)
    left_out = {case: why for case, why in (without or {}).items() if case in labels.index}
    labels = labels.drop(index=list(left_out))
    excluded = pd.concat(
        [
            patients.excluded,
            unlabelled,
            pd.DataFrame(left_out.items(), columns=["case_id", "reason"]),
        ],
        ignore_index=True,
    )
    patients = patients.restricted(labels.index)
    design = _plan(study, patients)
    for note in (*patients.notes, *design.left_out):
        tell.say(note)
    inputs, failed = _materialise(study, design, patients, run, workers, tell)
    labels = labels.drop(index=failed["case_id"].unique(), errors="ignore")
    run.write_table("excluded", excluded)
    run.write_table("failed_cases", failed)
    if labels.nunique() < 2:
        raise RunError(
            f"{len(labels)} patients are left and they are not of two classes; "
            f"{failed['case_id'].nunique()} failed, see {run.path / 'failed_cases.csv'}"
        )
    return Prepared(design, patients.restricted(labels.index), labels, inputs, excluded, failed)


def run_study(
    study: StudySettings,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    command: str = "",
    force: bool = False,
    without: Mapping[str, str] | None = None,
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
    without : mapping of str to str, optional
        Patients to leave out, with the reason.

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
    study = study.resolved()
    tell = progress or Progress()
    started = datetime.now(UTC)
    clock = time.monotonic()
    workers = resolve_workers(study.compute.workers)
    run = RunFolder(Path(folder))
    with tell.log_to(run.path / "run.log"):
        ready = prepare_study(study, run.path, progress=tell, force=force, without=without)
        _write_patients(run, ready.patients)
        split = _split(study, ready.design)
        folds = make_folds(split, ready.labels, ready.patients.clinical)
        write_csv(
            run.path / "folds.csv",
            pd.DataFrame([row for fold in folds for row in fold.as_rows()]),
        )
        _fit_folds(study, ready, folds, run, workers, tell)
        write_json(
            run.path / "run.json",
            {
                **_information(study, ready, command),
                "warnings": _warnings(run, folds),
                "logrank": _model_tables(run, study, ready),
                "started": started.isoformat(timespec="seconds"),
                "finished": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - clock, 1),
            },
        )
        metrics = evaluate_run(
            run,
            ready.design,
            study.evaluation,
            outcome=study.endpoint.column,
            workers=workers,
            progress=tell,
        )
    return RunResult(run.path, metrics, ready.failed)


def _as_yaml(study: StudySettings) -> str:
    return yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _plan(study: StudySettings, patients: Patients) -> Design:
    kind = find_design(study.design)
    return kind(parse_settings(kind, study.settings), patients.available(tuple(study.covariates)))


def _materialise(
    study: StudySettings,
    design: Design,
    patients: Patients,
    run: RunFolder,
    workers: int,
    tell: Progress,
) -> tuple[dict[str, Any], pd.DataFrame]:
    inputs: dict[str, Any] = {}
    failures = []
    seconds = run.seconds()
    cache = study.compute.cache or run.path / "features" / "cache"
    for request in design.requests:
        clock = time.monotonic()
        with tell.stage(f"computing {request.what}", len(patients.clinical), "patients") as count:
            value, failed = materialise(
                request,
                patients,
                cache=cache,
                workers=workers,
                scheduler=study.compute.scheduler,
                progress=count,
            )
        spent = seconds.get(request.what, 0.0)  # before the run was stopped and started again
        seconds[request.what] = spent + time.monotonic() - clock
        run.write_seconds(seconds)
        inputs[request.key] = value
        failures.append(failed)
        if isinstance(value, pd.DataFrame):
            write_parquet(
                run.path / "features" / f"{request.what.replace(' ', '-')}-{request.key}.parquet",
                value,
                {"request": request.definition(), "hash": request.key},
            )
    table = pd.concat(failures, ignore_index=True).drop_duplicates(["case_id", "error"])
    for row in table.itertuples():
        tell.say(f"{row.case_id} failed ({row.stage}): {row.error}")
    return inputs, table


def _write_patients(run: RunFolder, patients: Patients) -> None:
    if patients.cohort is not None:
        write_manifest(patients.cohort, run.path / "cohort.csv")
    else:
        write_csv(run.path / "cohort.csv", patients.clinical, index=True)


def _split(study: StudySettings, design: Design) -> SplitSettings:
    given = study.split
    if design.needs_validation and "validation_fraction" not in given.model_fields_set:
        return given.model_copy(update={"validation_fraction": VALIDATION_FRACTION})
    return given


def _fit_folds(
    study: StudySettings,
    ready: Prepared,
    folds: list[Fold],
    run: RunFolder,
    workers: int,
    tell: Progress,
) -> None:
    data = CaseData(tuple(ready.labels.index), ready.inputs, ready.patients.clinical, ready.labels)
    base = {
        "study": study.definition(),
        "version": __version__,
        "inputs": {key: _content(value) for key, value in data.inputs.items()},
        "labels": data.y.to_dict(),
        "clinical": _content(ready.patients.clinical[list(study.covariates)]),
    }
    tasks = [
        FoldTask(
            design=ready.design,
            data=data,
            fold=fold,
            fingerprint=settings_hash({**base, "fold": fold.__dict__}),
            folder=run.fold(fold.name),
            context=FitContext(
                seed=study.split.seed,
                workers=1 if len(folds) > 1 else workers,
                scratch=run.fold(fold.name).path / "checkpoints",
                device=study.compute.device,
            ),
            first=number == 0,
            cohort=ready.patients.cohort,
        )
        for number, fold in enumerate(folds)
    ]
    todo = [task for task in tasks if not task.folder.finished(task.fingerprint)]
    if len(todo) < len(tasks):
        tell.say(f"{len(tasks) - len(todo)} of {len(tasks)} folds were finished before")
    with tell.stage("fitting", len(tasks), "folds") as count:
        finished_before = len(tasks) - len(todo)
        count(finished_before)
        failed = []
        outcomes = parallel_map(fit_fold, todo, workers=workers, scheduler=study.compute.scheduler)
        for done, outcome in enumerate(outcomes, finished_before + 1):
            count(done)
            if outcome.failed:
                failed.append(outcome)
                tell.log(outcome.details or "")
    if failed:
        raise RunError(
            f"fold {failed[0].item.fold.name} failed: {failed[0].error}; the finished folds are "
            f"kept, details are in {run.path / 'run.log'}"
        )
    finished = [run.fold(fold.name) for fold in folds]
    run.write_predictions(pd.concat([folder.predictions for folder in finished], ignore_index=True))
    tables: dict[str, list[pd.DataFrame]] = {}
    for fold, folder in zip(folds, finished, strict=True):
        for name, table in folder.tables.items():
            tables.setdefault(name, []).append(table.assign(fold=fold.name))
    for name, parts in tables.items():
        write_csv(run.path / "tables" / f"{name}.csv", pd.concat(parts, ignore_index=True))
    fits = sum(float(folder.done["seconds"]) for folder in finished)
    run.write_seconds({**run.seconds(), "fits": fits})


def _model_tables(run: RunFolder, study: StudySettings, ready: Prepared) -> dict[str, Any]:
    final = ready.design.final_model
    write_nomogram(run, final, study.endpoint.build().describe())
    if study.survival is None:
        return {}
    columns = SurvivalEndpoint(time=study.survival.time, event=study.survival.event)
    return write_survival_curves(run, ready.patients.clinical, columns, final)


def _warnings(run: RunFolder, folds: list[Fold]) -> list[str]:
    """Say what the fits warned of, once each, with the folds that it came from."""
    told: dict[str, list[str]] = {}
    for fold in folds:
        for text in run.fold(fold.name).done["warnings"]:
            told.setdefault(re.sub(r"[\d.e-]*\d", "n", text), []).append(fold.name)
    return [
        f"{len(names)} warnings in {', '.join(dict.fromkeys(names))}: {text}"
        for text, names in told.items()
    ]


def _content(value: Any) -> str:
    if isinstance(value, pd.DataFrame):
        return settings_hash(
            [list(value.columns), pd.util.hash_pandas_object(value).astype(str).tolist()]
        )
    return str(value.key)


def _information(study: StudySettings, ready: Prepared, command: str) -> dict[str, Any]:
    design = ready.design
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "gliofuse_version": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": packages,
        "command": command or " ".join(sys.argv),
        "design": {
            "name": design.name,
            "title": design.title,
            "citation": design.paper.citation,
            "doi": design.paper.doi,
            "notes": list(design.choices),
            "preset": design.settings.preset,
        },
        "models": list(design.models),
        "final_model": design.final_model,
        "left_out": [*ready.patients.notes, *design.left_out],
        "endpoint_text": study.endpoint.build().describe(),
        "n_cases": len(ready.labels),
        "n_positive": int(ready.labels.sum()),
        "settings_hash": settings_hash(study.definition()),
        "sequences": list(ready.patients.sequences),
    }
