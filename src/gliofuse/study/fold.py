"""One fold: fit on its training patients, predict everybody, write what came out."""

from __future__ import annotations

import shutil
import time
import warnings
from collections import Counter
from dataclasses import dataclass, replace

import pandas as pd

from gliofuse.cohort import Cohort, Fold
from gliofuse.compute import PeakMemory
from gliofuse.designs import Design, FitContext, FittedDesign
from gliofuse.evaluation import correlation_matrix, nomogram_points
from gliofuse.inputs import CaseData, compute_fold_inputs
from gliofuse.records import (
    APPARENT,
    HEAT_SHARES,
    NOMOGRAM,
    NOMOGRAM_AXES,
    FoldFolder,
    FoldRecord,
    RunFolder,
)
from gliofuse.signature import SignatureWarning
from gliofuse.study.masks import FoldMasks

__all__ = ["FoldTask", "fit_fold", "fitted_design", "prediction_table"]


@dataclass(frozen=True)
class FoldTask:
    """Everything that one fold needs; sent to the process that fits it.

    The ``first`` fold also shows what was fitted: the heat maps of ``explain`` patients, the
    nomograms, and how the selected features correlate. With ``masks`` a segmenter is trained
    first, and every input is computed from its masks.
    """

    design: Design
    data: CaseData
    fold: Fold
    fingerprint: str
    run: RunFolder
    context: FitContext
    first: bool = False
    explain: int = 0
    cohort: Cohort | None = None
    masks: FoldMasks | None = None

    @property
    def folder(self) -> FoldFolder:
        """Where the fold's results go."""
        return self.run.fold(self.fold.name)


def fit_fold(task: FoldTask) -> None:
    """Fit and predict one fold and write its folder."""
    clock = time.monotonic()
    with PeakMemory() as memory:
        predictions, tables, warned = _fit_and_predict(task)
    task.folder.write_results(
        predictions,
        tables,
        FoldRecord(
            fingerprint=task.fingerprint,
            seconds=round(time.monotonic() - clock, 2),
            peak_memory_mb=round(memory.mb, 1),
            warnings=warned,
        ),
    )


def _fit_and_predict(
    task: FoldTask,
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], dict[str, int]]:
    """Return the predictions of all patients, the design's tables, and counted warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SignatureWarning)
        task, data, fitted = fitted_design(task)
    training = data.subset(task.fold.training)
    warned = Counter(str(w.message) for w in caught if issubclass(w.category, SignatureWarning))
    sides = {
        "training": task.fold.training,
        "validation": task.fold.validation,
        "test": task.fold.test,
        "external": task.fold.external,
    }
    if task.context.validation == "epochs":  # they were learned from, by one model or another
        sides |= {"training": sides["training"] + sides["validation"], "validation": ()}
    said = {
        cohort: fitted.predict(data.subset(case_ids).without_outcome())
        for cohort, case_ids in sides.items()
        if case_ids
    }
    tables = fitted.tables() | fitted.patient_tables(data.without_outcome())
    tables[APPARENT.name] = prediction_table(fitted, said["training"], data)
    said["training"] = fitted.predict_training(data.subset(sides["training"]), said["training"])
    predictions = [
        prediction_table(fitted, scores, data, fold=task.fold.name, cohort=cohort)
        for cohort, scores in said.items()
    ]
    if task.first:
        _explain(fitted, task, data)
        _write_nomograms(fitted, task)
        selected = fitted.selected_features(training)
        if selected is not None and selected.shape[1] > 1:
            tables["correlation"] = correlation_matrix(selected)
    return pd.concat(predictions, ignore_index=True), tables, dict(warned)


def fitted_design(task: FoldTask) -> tuple[FoldTask, CaseData, FittedDesign]:
    """Fit the design on a fold.

    Returns
    -------
    FoldTask
        As given, or without the patients in whom a predicted mask finds no tumour.
    CaseData
        All patients of the fold, with the inputs that the fit was given.
    FittedDesign
    """
    task, data = _with_predicted_masks(task)
    data = compute_fold_inputs(data, task.design.inputs, task.fold.training)
    training = data.subset(task.fold.training)
    validation = data.subset(task.fold.validation) if task.fold.validation else None
    return task, data, task.design.fit(training, validation, task.context)


def _with_predicted_masks(task: FoldTask) -> tuple[FoldTask, CaseData]:
    """Return the fold and its data; from predicted masks, if the study asks for them."""
    data = task.data.subset(task.fold.case_ids)
    if task.masks is None:
        return task, data
    fold, data = task.masks.apply(
        task.fold, data, task.design.inputs, task.folder.path / "segmenter"
    )
    return replace(task, fold=fold), data


def prediction_table(
    fitted: FittedDesign, scores: pd.DataFrame, data: CaseData, **where: str
) -> pd.DataFrame:
    """Return the table of what is predicted: one row a patient and model.

    Parameters
    ----------
    fitted : FittedDesign
    scores : DataFrame
        What it predicts, as :meth:`~gliofuse.designs.FittedDesign.predict` gives it.
    data : CaseData
        The same patients with their outcomes, among others.
    **where : str
        The fold and the cohort, where the table is to have these columns.
    """
    endpoint = fitted.design.available.endpoint
    scores = scores.rename_axis(index="case_id")
    columns = list(endpoint.prediction_columns)
    parts = []
    for model in dict.fromkeys(scores.columns.get_level_values(0)):
        own = scores[[model]] if scores.columns.nlevels == 1 else scores[model][columns]
        parts.append(own.set_axis(columns, axis=1).reset_index().assign(model=model))
    long = pd.concat(parts, ignore_index=True).assign(**where)
    assert data.outcome is not None
    known = data.outcome.loc[long["case_id"]].reset_index(drop=True)
    return pd.concat([long, known], axis=1)[
        ["case_id", *where, "model", *endpoint.outcome_columns, *columns]
    ]


def _explain(fitted: FittedDesign, task: FoldTask, data: CaseData) -> None:
    """Draw heat maps of a few patients; the rest of a run does not depend on it."""
    if task.cohort is None:
        return
    shown = _shown(task, data)
    for name, network in fitted.networks.items():
        pictures = task.run.heat_map_folder(name)
        shutil.rmtree(pictures, ignore_errors=True)  # of other patients, before a change of mind
        task.run.place(HEAT_SHARES, model=name).unlink(missing_ok=True)
        if not shown:
            continue
        from gliofuse.deep.explain import explain_case

        samples = network.recipe.dataset(
            data.subset(shown).without_outcome(), augmented=False, seed=0
        )
        rows = [
            {
                "case_id": case_id,
                "model": name,
                **explain_case(
                    network.trained,
                    samples,
                    case_id,
                    case=task.cohort[case_id],
                    directory=pictures,
                ),
            }
            for case_id in shown
        ]
        task.run.write(HEAT_SHARES, pd.DataFrame(rows), model=name)


def _write_nomograms(fitted: FittedDesign, task: FoldTask) -> None:
    """Write each nomogram as a record, and the ticks of its axes as a table."""
    for file in (NOMOGRAM, NOMOGRAM_AXES):
        for path in file.all_in(task.run.path):  # of models before a change of mind
            path.unlink()
    for name, model in fitted.nomograms().items():
        if model is not None:
            fitted_on = f"{model.fitted_on} of {task.fold.name}"
            model = model.model_copy(update={"fitted_on": fitted_on})
            task.run.write(NOMOGRAM, model, model=name)
            task.run.write(NOMOGRAM_AXES, nomogram_points(model).axes(), model=name)


def _shown(task: FoldTask, data: CaseData) -> list[str]:
    """Return patients to draw, of each class in turn.

    They are held out, or where nobody is, those who chose the epoch, or else those learned from.
    """
    fold = task.fold
    side = fold.test or fold.external or fold.validation or fold.training
    assert data.outcome is not None
    classes = task.design.available.endpoint.strata(data.outcome.loc[list(side)])
    turn = classes.groupby(classes).cumcount()
    last = pd.Series(pd.factorize(classes, sort=True)[0], classes.index)
    ordered = sorted(side, key=lambda case_id: (turn[case_id], -last[case_id]))
    return ordered[: task.explain]
