"""From predictions to tables of figures of merit.

Reads predictions, thresholds and the clinical table; nothing of a model is needed, so a folder
can be evaluated again at any time, and a comparison of designs is evaluated by the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gliofuse.designs import Design
from gliofuse.evaluation import (
    calibration_curve,
    calibration_summary,
    characteristics_table,
    clinical_impact,
    confusion_table,
    decision_curve,
    delong_matrix,
    metrics_table,
    pool_predictions,
    roc_points,
    youden_threshold,
)
from gliofuse.study.folder import RunFolder
from gliofuse.study.progress import Progress
from gliofuse.study.settings import EvaluationSettings

__all__ = ["evaluate_run", "evaluation_tables"]


def evaluate_run(
    run: RunFolder,
    design: Design,
    settings: EvaluationSettings,
    *,
    outcome: tuple[str, ...] = (),
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Write every table of figures of merit of a run; returns the metrics.

    ``outcome`` are the clinical columns that define the classes: no characteristic of theirs.
    ``seed`` is that of resampling.
    """
    predictions = run.predictions()
    tables = evaluation_tables(
        predictions,
        settings,
        judged=(design.final_model, *(m.name for m in design.models if m.role == "rival")),
        seed=seed,
        workers=workers,
        progress=progress,
    )
    for name, table in tables.items():
        run.write_table(name, table)
    run.write_table("paper_results", design.paper.results)
    run.write_table("characteristics", _characteristics(run, predictions, outcome))
    return tables["metrics"]


def evaluation_tables(
    predictions: pd.DataFrame,
    settings: EvaluationSettings,
    *,
    judged: tuple[str, ...],
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables of figures of merit of a prediction table, by name.

    Thresholds are 0.5, or each fold's and model's Youden point on its own training patients.

    Parameters
    ----------
    predictions : pandas.DataFrame
        ``case_id, fold, cohort, model, y_true, probability``.
    settings : EvaluationSettings
    judged : tuple of str
        Models whose calibration and decision curves are drawn; all models get the rest.
    seed : int
        Of resampling.
    workers : int
    progress : Progress, optional
    """
    thresholds = _thresholds(predictions, settings.threshold)
    pooled = pool_predictions(predictions, thresholds=thresholds)
    by_cohort = {
        str(cohort): group
        for cohort, group in pooled.groupby("cohort", sort=False)
        if group["y_true"].nunique() == 2
    }
    several = predictions["model"].nunique() > 1
    with (progress or Progress()).stage("evaluating", 1, "tables") as count:
        tables = {
            "thresholds": thresholds,
            "metrics": metrics_table(
                predictions, thresholds, bootstrap=settings.bootstrap, seed=seed, workers=workers
            ),
            "confusion": confusion_table(predictions, thresholds),
            "roc": _each_model(by_cohort, roc_points),
        }
        if several:
            tables["delong"] = pd.concat(
                [delong_matrix(predictions, name).assign(cohort=name) for name in by_cohort],
                ignore_index=True,
            )
        chosen = {name: group[group["model"].isin(judged)] for name, group in by_cohort.items()}
        tables["calibration"] = _each_model(chosen, calibration_curve)
        tables["calibration_summary"] = _each_model(chosen, calibration_summary)
        tables["decision_curve"] = _each_cohort(chosen, decision_curve)
        tables["clinical_impact"] = _each_model(
            {n: group[group["model"] == judged[0]] for n, group in by_cohort.items()},
            clinical_impact,
        )
        count(1)
    return tables


def _each_model(groups: Mapping[str, pd.DataFrame], function) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    parts = [
        function(group["y_true"], group["probability"]).assign(cohort=cohort, model=model)
        for cohort, patients in groups.items()
        for model, group in patients.groupby("model", sort=False)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _each_cohort(groups: Mapping[str, pd.DataFrame], function) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    parts = [function(patients).assign(cohort=cohort) for cohort, patients in groups.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _thresholds(predictions: pd.DataFrame, kind: str) -> pd.DataFrame:
    training = predictions[predictions["cohort"] == "training"]
    rows = [
        (
            fold,
            model,
            0.5 if kind == "half" else youden_threshold(group["y_true"], group["probability"]),
        )
        for (fold, model), group in training.groupby(["fold", "model"], sort=False)
    ]
    return pd.DataFrame(rows, columns=["fold", "model", "threshold"])


def _characteristics(
    run: RunFolder, predictions: pd.DataFrame, outcome: tuple[str, ...]
) -> pd.DataFrame:
    """Compare cohorts where they are fixed; in cross-validation compare the two classes."""
    clinical = pd.read_csv(run.path / "cohort.csv").set_index("case_id")
    clinical = clinical.drop(columns=["t1", "t1ce", "t2", "flair", "mask"], errors="ignore")
    first = predictions.drop_duplicates(["case_id", "cohort"])
    if predictions["fold"].nunique() == 1:
        groups = first.set_index("case_id")["cohort"] + " cohort"
    else:
        labels = first.drop_duplicates("case_id").set_index("case_id")["y_true"]
        groups = labels.map({0: "negative", 1: "positive"})
        clinical = clinical.drop(columns=list(outcome), errors="ignore")
    return characteristics_table(clinical.loc[groups.index], groups)
