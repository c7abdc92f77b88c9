"""A finished study's model for new patients: refitted on all of them, or as one fold had it."""

from __future__ import annotations

import platform
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from gliofuse.cohort import Endpoint, Fold, SplitSettings, TwoClassEndpoint, make_folds
from gliofuse.cohort.splits import groups_of
from gliofuse.compute import resolve_workers
from gliofuse.designs import FitContext
from gliofuse.designs.framework.clinical import ClinicalTable
from gliofuse.errors import SettingError, did_you_mean
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.files import file_hash
from gliofuse.inputs import CaseData, FoldInput
from gliofuse.model.bundle import check_place, write_bundle
from gliofuse.model.card import card_text, model_card
from gliofuse.model.description import ClinicalVariable, HeldOut, ModelDescription
from gliofuse.model.parts import Fit, fit_parts
from gliofuse.records import METRICS, THRESHOLDS, RunFolder
from gliofuse.records.run import ModelRecord, RunRecord
from gliofuse.signature import SignatureWarning
from gliofuse.study.fold import FoldTask, fitted_design, prediction_table
from gliofuse.study.prepare import Plan, Prepared, compute_plans, plan_study, split_of
from gliofuse.study.progress import Progress
from gliofuse.study.runner import fold_masks, versions
from gliofuse.study.settings import StudySettings, check_study
from gliofuse.version import __version__

__all__ = ["export_run"]

#: The fold of a model that is fitted on all development patients.
ALL = "all"


def export_run(
    folder: str | Path,
    out: str | Path,
    *,
    fold: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write a study's model for new patients.

    Parameters
    ----------
    folder : path
        The run folder of a finished study.
    out : path
        The model's folder.
    fold : str, optional
        The fold whose fit is written; by default the design is fitted anew, on every patient who
        was not kept for external validation, with networks choosing their epoch on some of them as
        they do in a fold.
    overwrite : bool, default False
        Whether a model that stands there is replaced.
    progress : Progress, optional

    Returns
    -------
    pathlib.Path
        The model's folder.

    Raises
    ------
    InputError
        If the study was not finished, there is no such fold, or the design cannot be handed on.
    """
    progress = progress or Progress()
    check_place(Path(out), overwrite)
    run = RunFolder(Path(folder).resolve())
    record = run.record
    study = check_study(run.study(), source=str(run.path / "study.yaml"))
    place = run.path / "export" / (fold or ALL)
    # what the study computed is found again, and nothing of its folder is written over
    cache = study.compute.cache or run.cache
    study = study.model_copy(update={"compute": study.compute.model_copy(update={"cache": cache})})
    plan = plan_study(study, place, progress=progress, force=True)
    learned = next((one for one in plan.design.inputs if isinstance(one, FoldInput)), None)
    if learned is not None:
        raise SettingError(
            f"design {study.design}: its {learned.what} are learned anew in each fold from all "
            "patients at once, so that a single new patient has none: it cannot be handed on"
        )
    (prepared,) = compute_plans({study.name: plan}, progress).values()
    task = _task(prepared, run, fold)
    with progress.stage("fitting", 1, "models") as count, warnings.catch_warnings():
        warnings.simplefilter("ignore", SignatureWarning)  # the run's report says them
        task, data, fitted = fitted_design(task)
        count(1)
    learners = _learners(task)
    training = prediction_table(
        fitted,
        fitted.predict_training(data.subset(learners)),
        data,
        fold=task.fold.name,
        cohort="training",
    )
    held_out = run.predictions()
    held_out = held_out[held_out["cohort"] != "training"]
    described = _description(
        prepared.plan, task, data.subset(learners), training, held_out
    ).model_copy(
        update={
            "nomogram": fitted.nomograms().get(prepared.plan.design.final_model),
            "held_out": _held_out(study.endpoint, run.read(METRICS)),
        }
    )
    source = prepared.plan.patients.source(plan.cache, seed=study.split.seed)
    parts = fit_parts(Fit(fitted, data.subset(learners), source, held_out, run.read(THRESHOLDS)))
    strata = study.endpoint.strata(data.outcome.loc[list(learners)])  # type: ignore[union-attr]
    card = model_card(
        described,
        classes=_counts(study.endpoint, strata),
        metrics=run.read(METRICS),
        citation=record.design.citation,
        notes=record.left_out,
        split=_split_in_words(record),
    )
    write_bundle(
        Path(out),
        described,
        fitted,
        card=card,
        card_text=card_text(card),
        parts=parts,
        files=_setting_files(study, plan),
        segmenter=_segmenter(study, task),
        overwrite=overwrite,
    )
    return Path(out)


def _task(prepared: Prepared, run: RunFolder, fold: str | None) -> FoldTask:
    plan = prepared.plan
    split = split_of(plan.study, plan.design)
    classes = plan.study.endpoint.strata(plan.outcome)
    folds = make_folds(split, classes, plan.patients.clinical)
    if fold is None:
        chosen = _everybody(split, classes, plan, folds)
        scratch = plan.run.fold(ALL)
        validation: Literal["cohort", "epochs"] = "epochs"
    else:
        found = {one.name: one for one in folds}
        if fold not in found:
            raise SettingError(f"fold {fold!r}: {did_you_mean(fold, found)}")
        chosen, scratch, validation = found[fold], run.fold(fold), split.validation
    return FoldTask(
        design=plan.design,
        data=prepared.data,
        fold=chosen,
        fingerprint="",
        run=run if fold else plan.run,
        context=FitContext(
            seed=plan.study.split.seed,
            validation=validation,
            workers=resolve_workers(plan.study.compute.workers),
            scratch=scratch.networks,
            device=plan.study.compute.device,
            groups=groups_of(plan.study.split, plan.outcome.index, plan.patients.clinical),
        ),
        cohort=plan.patients.cohort,
        masks=fold_masks(plan),
    )


def _everybody(split: SplitSettings, classes: pd.Series, plan: Plan, folds: list[Fold]) -> Fold:
    """Return the fold in which all development patients train, but for those that choose epochs.

    They are those whom a fold trained or tested on; kept for external validation alone, none is.
    """
    developed = {
        case_id for fold in folds for case_id in (*fold.training, *fold.validation, *fold.test)
    }
    kept = [case_id for case_id in classes.index if case_id in developed]
    everybody = SplitSettings(
        kind="none",
        seed=split.seed,
        validation_fraction=split.validation_fraction,
        validation="epochs",
        group=split.group,
        stratify=split.stratify if split.validation_fraction else [],
    )
    (found,) = make_folds(everybody, classes.loc[kept], plan.patients.clinical)
    return replace(found, name=ALL)


def _learners(task: FoldTask) -> tuple[str, ...]:
    """Return the patients that a model learned from, by one way or another."""
    fold = task.fold
    if task.context.validation == "cohort":
        return fold.training
    return fold.training + fold.validation


def _description(
    plan: Plan, task: FoldTask, learned: CaseData, training: pd.DataFrame, held_out: pd.DataFrame
) -> ModelDescription:
    """Return what the model is, without what its bundle adds."""
    study, design = plan.study, plan.design
    available = design.available
    evaluation = evaluation_of(study.endpoint)
    thresholds = evaluation.thresholds(training, study.threshold)
    tested = held_out[held_out["cohort"] == "test"]
    survival = available.survival
    name = task.fold.name
    whom = (
        f"all {len(learned)} development patients"
        if name == ALL
        else f"the {len(learned)} training patients of {name}"
    )
    features: tuple[str, ...] = ()
    if plan.patients.features is not None:
        features = tuple(str(column) for column in plan.patients.features.columns)
    return ModelDescription(
        gliofuse_version=__version__,
        python=platform.python_version(),
        packages=versions(),
        name=study.name,
        fitted_on=whom,
        n_training=len(learned),
        design=design.name,
        design_sha256=file_hash(study.design, length=64) if study.design.endswith(".py") else "",
        title=design.title,
        settings=design.settings.model_dump(mode="json"),
        models=tuple(ModelRecord(**vars(model)) for model in design.models),
        final_model=design.final_model,
        endpoint=study.endpoint.as_dict(),
        survival=None if survival is None else survival.as_dict(),
        source="images" if study.table is None else "table",
        sequences=available.sequences,
        regions=available.regions,
        convention=plan.patients.convention,
        deep=available.deep,
        features=features,
        table_sequence="" if study.table is None else study.table.sequence,
        clinical=_clinical(learned, available.clinical),
        seed=study.split.seed,
        threshold_rule=study.threshold,
        thresholds=dict(zip(thresholds["model"], thresholds["threshold"].astype(float))),
        known_scores=_quantiles(
            training if tested.empty else tested, study.endpoint.prediction_columns[0]
        ),
        known_scores_held_out=not tested.empty,
        preprocessing=None
        if study.preprocess is None
        else study.preprocess.model_dump(mode="json"),
        segmentation=None
        if study.segmentation is None
        else study.segmentation.model_dump(mode="json", exclude={"model"}),
    )


def _held_out(endpoint: Endpoint, metrics: pd.DataFrame | None) -> dict[str, HeldOut]:
    """Return each model's main figure of merit on the first cohort that has one."""
    if metrics is None or metrics.empty:
        return {}
    headline = evaluation_of(endpoint).headline
    own = metrics[(metrics["metric"] == headline) & metrics["cohort"].isin(("test", "external"))]
    if "class" in own:
        own = own[own["class"].isna()]
    own = own.sort_values("cohort", key=lambda names: names != "test", kind="stable")
    found: dict[str, HeldOut] = {}
    for row in own.dropna(subset=["estimate"]).itertuples():
        limits = [None if pd.isna(one) else float(one) for one in (row.ci_low, row.ci_high)]
        found.setdefault(
            str(row.model),
            HeldOut(
                metric=headline, estimate=float(row.estimate), ci_low=limits[0], ci_high=limits[1]
            ),
        )
    return found


def _clinical(learned: CaseData, columns: tuple[str, ...]) -> tuple[ClinicalVariable, ...]:
    table = learned.clinical_table(columns)
    coding = ClinicalTable(columns).fit(table)
    found = []
    for name in columns:
        if name in coding.levels_:
            found.append(
                ClinicalVariable(
                    name=name, levels=tuple(coding.levels_[name]), missing=coding.modes_[name]
                )
            )
            continue
        known = table[name].dropna().astype(float)
        found.append(
            ClinicalVariable(
                name=name,
                min=float(known.min()),
                max=float(known.max()),
                missing=f"{coding.medians_[name]:g}",
            )
        )
    return tuple(found)


def _counts(endpoint: Endpoint, strata: pd.Series) -> dict[str, int]:
    """Return the patients by class, or by whether the event was seen."""
    counts = strata.value_counts().sort_index()
    names = endpoint.class_labels if isinstance(endpoint, TwoClassEndpoint) else counts.index
    return {str(name): int(count) for name, count in zip(names, counts, strict=True)}


def _quantiles(predictions: pd.DataFrame, column: str) -> dict[str, tuple[float, ...]]:
    steps = np.linspace(0, 1, 101)
    return {
        str(model): tuple(float(value) for value in np.quantile(own[column].dropna(), steps))
        for model, own in predictions.groupby("model", sort=False)
        if own[column].notna().any()
    }


def _setting_files(study: StudySettings, plan: Plan) -> dict[str, Path]:
    """Return the files that the design's settings name and a prediction needs, by setting."""
    named = {key: Path(one) for key, one in study.settings.items() if isinstance(one, str)}
    return {key: path for key, path in named.items() if path.is_file()}


def _segmenter(study: StudySettings, task: FoldTask) -> Path | None:
    """Return the folder of the segmenter that made the masks, if one did."""
    if study.segmentation is None:
        return None
    return study.segmentation.model or task.folder.path / "segmenter"


def _split_in_words(record: RunRecord) -> str:
    split = record.split
    kind = {
        "kfold": f"{split.folds}-fold cross-validation, {split.repeats} times",
        "bootstrap": f"{split.resamples} resamples of 63 % of them",
        "holdout": "one division into training and test patients",
        "center": "by centre",
        "column": f"by the column {split.column}",
        "none": "nobody held out",
    }[split.kind]
    return f"{record.n_cases} patients, {kind}, seed {split.seed}; fitted by gliofuse " + (
        record.gliofuse_version
    )
