"""Several designs on one cohort: the same patients, splits and seeds, one report.

Features that don't depend on labels are computed once and shared through one cache; each design
then has a run folder of its own, and their final models are judged together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gliofuse.compute import resolve_workers
from gliofuse.errors import SettingError
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.records import (
    AGREEMENT,
    APPARENT,
    COMPARISON,
    COMPARISON_LOG,
    COMPARISON_TIMING,
    CONTACT_SHEET,
    MISJUDGED,
    PREDICTIONS,
    RUN_LOG,
    THRESHOLDS,
    TIMING,
    ComparedDesign,
    ComparisonFolder,
    ComparisonRecord,
    RunFolder,
    table_named,
)
from gliofuse.study.patients import Patients
from gliofuse.study.prepare import compute_plans, make_design, plan_study, with_validation
from gliofuse.study.progress import Progress
from gliofuse.study.runner import RunResult, fit_prepared
from gliofuse.study.scans import patients_of
from gliofuse.study.settings import StudySettings

__all__ = ["Comparison", "compare_designs"]


@dataclass(frozen=True)
class Comparison:
    """Where a comparison's results stand, and its figures of merit."""

    folder: Path
    metrics: pd.DataFrame
    runs: dict[str, RunResult]


def compare_designs(
    studies: dict[str, StudySettings],
    out: str | Path,
    *,
    progress: Progress | None = None,
    command: str = "",
    force: bool = False,
) -> Comparison:
    """Run several designs on identical patients and splits, and judge their final models.

    A patient that any of the designs cannot use is left out of all of them. They are judged on
    held-out patients alone, not on those on whom some of them chose an epoch.

    Parameters
    ----------
    studies : dict of str to StudySettings
        Study by name; they must agree on the patients, the endpoint and the split.
    out : path
        The comparison's folder.
    progress : Progress, optional
    command : str, optional
    force : bool, default False

    Returns
    -------
    Comparison

    Raises
    ------
    SettingError
        If the studies differ in what must be equal.
    InputError, RunError
        As :func:`~gliofuse.study.runner.run_study`.
    """
    progress = progress or Progress()
    folder = ComparisonFolder(Path(out).resolve())
    clock = time.monotonic()
    folder.path.mkdir(parents=True, exist_ok=True)
    first = next(iter(studies.values()))
    with progress.log_to(folder.place(COMPARISON_LOG)):
        _check_alike(studies)
        patients = patients_of(first, first.compute.cache or folder.cache, progress)
        plans = {}
        for name, study in _harmonised(studies, patients, folder.cache).items():
            progress.say(f"[{name}]")
            plans[name] = plan_study(
                study, folder.run(name).path, progress=progress, force=force, patients=patients
            )
        first = plans[next(iter(plans))].study
        prepared = compute_plans(plans, progress)
        without: dict[str, str] = {}
        for name, ready in prepared.items():
            for row in ready.failed.itertuples():
                without.setdefault(str(row.case_id), f"design {name}: {row.stage}: {row.error}")
        runs = {}
        for name, ready in prepared.items():
            progress.say(f"[{name}] fits")
            with progress.log_to(folder.run(name).place(RUN_LOG)):
                runs[name] = fit_prepared(
                    ready.without(without), progress=progress, command=command
                )
        folders = {name: RunFolder(result.folder) for name, result in runs.items()}
        finals = {name: run.record.final.name for name, run in folders.items()}
        predictions, apparent = (
            pd.concat(
                [_of_final(run.need(file), finals[name], name) for name, run in folders.items()],
                ignore_index=True,
            )
            for file in (PREDICTIONS, APPARENT)
        )
        tables = _judge(first, predictions, apparent, tuple(runs), progress, patients)
        tables[COMPARISON_TIMING.name] = _timing(folders)
        folder.write(PREDICTIONS, predictions)
        for name, table in tables.items():
            folder.write(table_named(name), table)
        _picture_misjudged(patients, tables[MISJUDGED.name], folder.place(CONTACT_SHEET))
        folder.write(
            COMPARISON,
            ComparisonRecord(
                designs=tuple(
                    ComparedDesign(name=name, run_folder=name, final_model=finals[name])
                    for name in runs
                ),
                command=command,
                seconds=round(time.monotonic() - clock, 1),
            ),
        )
    return Comparison(folder.path, tables["metrics"], runs)


def _check_alike(studies: dict[str, StudySettings]) -> None:
    first = next(iter(studies.values()))
    if first.split.kind == "none":
        raise SettingError(
            "compare: the split 'none' holds no patient out to judge the designs on; use kfold, "
            "holdout, center or column"
        )
    for name, study in studies.items():
        for part in (
            *("cohort", "table", "endpoint", "split", "sequences", "labels", "preprocess"),
            "complete_cases",
        ):
            if getattr(study, part) != getattr(first, part):
                raise SettingError(
                    f"compare: study {name!r} differs from the first in {part}; designs can only "
                    "be compared on the same patients, endpoint and split"
                )


def _harmonised(
    studies: dict[str, StudySettings], patients: Patients, shared_cache: Path
) -> dict[str, StudySettings]:
    """Give all studies one cache, one rule of thresholds, and one validation part if need be."""
    first = next(iter(studies.values()))
    split, rule = first.split, _common_rule(studies)
    if any(make_design(study, patients).needs_validation for study in studies.values()):
        split = with_validation(split)
    cache = first.compute.cache or shared_cache
    return {
        name: study.model_copy(
            update={
                "split": split,
                "evaluation": study.evaluation.model_copy(update={"threshold": rule}),
                "compute": study.compute.model_copy(update={"cache": cache}),
            }
        )
        for name, study in studies.items()
    }


def _common_rule(studies: dict[str, StudySettings]) -> str:
    """Return the one rule of thresholds: what a study names, or all designs have, or the usual one.

    Sensitivities by different rules could not be held against each other.
    """
    given = [study.evaluation.threshold for study in studies.values()]
    named = {str(rule) for rule in given if rule is not None}
    rules = named or {study.resolved().threshold for study in studies.values()}
    if len(named) > 1:
        raise SettingError(
            f"compare: the studies name different thresholds ({', '.join(sorted(named))}); name one"
        )
    first = next(iter(studies.values()))
    return rules.pop() if len(rules) == 1 else evaluation_of(first.endpoint).rules[0]


def _of_final(predictions: pd.DataFrame, final: str, name: str) -> pd.DataFrame:
    return predictions[predictions["model"] == final].assign(model=name)


def _judge(
    study: StudySettings,
    predictions: pd.DataFrame,
    apparent: pd.DataFrame,
    names: tuple[str, ...],
    progress: Progress,
    patients: Patients,
) -> dict[str, pd.DataFrame]:
    """Return the tables of figures of merit of the designs' final models on held-out patients."""
    evaluation, seed = evaluation_of(study.endpoint), study.split.seed
    tables = evaluation.tables(
        predictions[predictions["cohort"] != "validation"],
        judged=names,
        threshold=study.threshold,
        bootstrap=study.evaluation.bootstrap,
        seed=seed,
        workers=resolve_workers(study.compute.workers),
        progress=progress,
        centers=patients.centers,
        subgroups=patients.groups(study.evaluation.subgroups),
        apparent=apparent,
    )
    thresholds = tables.get(THRESHOLDS.name)
    tables[MISJUDGED.name] = evaluation.misjudged(predictions, thresholds)
    if len(names) > 1:
        tables[AGREEMENT.name] = evaluation.agreement(predictions, thresholds, seed=seed)
    return tables


def _timing(folders: dict[str, RunFolder]) -> pd.DataFrame:
    parts = []
    for name, run in folders.items():
        peak = max(fold.record.peak_memory_mb for fold in run.folds())
        parts.append(run.need(TIMING).assign(design=name, peak_mb=peak))
    return pd.concat(parts, ignore_index=True)[["design", "stage", "seconds", "peak_mb"]]


def _picture_misjudged(patients: Patients, misjudged: pd.DataFrame, sheet: Path) -> None:
    """Draw the patients whom every design gets wrong, for a person to look at."""
    wrong = misjudged.loc[misjudged["misjudged_by_all"], "case_id"].astype(str).tolist()
    sheet.unlink(missing_ok=True)
    if patients.cohort is None or not wrong:
        return
    from gliofuse.imaging import case_picture, contact_sheet

    names = patients.sequences
    pictures = [case_picture(case, sequences=names) for case in patients.cohort.subset(wrong)]
    contact_sheet(pictures, sheet, sequences=names)
