"""External validation: a model that was handed on, judged on patients it has never seen."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from gliofuse.cohort import Cohort, Endpoint, SplitSettings, SurvivalEndpoint, write_manifest
from gliofuse.errors import InputError
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.evaluation.recalibration import recalibration_table
from gliofuse.files import write_csv
from gliofuse.model.prediction import Prediction
from gliofuse.model.trained import TrainedModel
from gliofuse.records import (
    CASE_MIX,
    CHARACTERISTICS,
    COHORT,
    EXCLUDED,
    FAILED_CASES,
    FOLDS,
    METRICS,
    RECALIBRATION,
    RUN,
    DesignRecord,
    RunFolder,
    RunRecord,
    table_named,
)
from gliofuse.study.progress import Progress
from gliofuse.study.runner import versions
from gliofuse.version import __version__

__all__ = ["EXTERNAL", "evaluate_model"]

#: Name of the one fold, and of the cohort.
EXTERNAL = "external"


def evaluate_model(
    model: TrainedModel,
    predictions: Mapping[str, Prediction],
    clinical: pd.DataFrame,
    out: str | Path,
    *,
    failed: pd.DataFrame | None = None,
    cohort: Cohort | None = None,
    source_file: str = "",
    bootstrap: int = 2000,
    workers: int = 1,
    command: str = "",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Judge a model's predictions of patients it has not learned from.

    Parameters
    ----------
    model : TrainedModel
    predictions : mapping of str to Prediction
        By ``case_id``.
    clinical : DataFrame
        Indexed by ``case_id``; with the outcome's columns.
    out : path
        Becomes a run folder, from which the report is drawn.
    failed : DataFrame, optional
        ``case_id, stage, error`` of patients who could not be predicted.
    cohort : Cohort, optional
        Where images were read.
    source_file : str
        The manifest or feature table, for the report.
    bootstrap : int
    workers : int
    command : str
        The command line, for the report.
    progress : Progress, optional

    Returns
    -------
    DataFrame
        The metrics.

    Raises
    ------
    InputError
        If nobody was predicted.
    EndpointError
        If the clinical table does not hold the outcome, or too little of it.
    """
    if not predictions:
        raise InputError(f"no patient was predicted: see {Path(out) / FAILED_CASES.path}")
    progress = progress or Progress()
    endpoint, about = model.endpoint, model.description
    outcome, excluded = endpoint.outcome(clinical.loc[list(predictions)])
    table = _prediction_table(predictions, outcome, endpoint)
    final = about.final_model
    rivals = [one.name for one in about.models if one.role == "rival"]
    evaluation = evaluation_of(endpoint)
    centers = clinical["center"].loc[outcome.index].dropna() if "center" in clinical else None
    tables = evaluation.tables(
        table,
        judged=(final, *rivals),
        final=final,
        threshold=about.threshold_rule or evaluation.rules[0],
        thresholds=pd.DataFrame(
            [(EXTERNAL, name, value) for name, value in about.thresholds.items()],
            columns=["fold", "model", "threshold"],
        ),
        bootstrap=bootstrap,
        workers=workers,
        progress=progress,
        centers=centers,
    )
    run = RunFolder(Path(out))
    run.path.mkdir(parents=True, exist_ok=True)
    run.write_predictions(table)
    for name, own in tables.items():
        run.write(table_named(name), own)
    run.write(EXCLUDED, excluded)
    none = pd.DataFrame(columns=["case_id", "stage", "error"])
    run.write(FAILED_CASES, none if failed is None else failed)
    folds = pd.DataFrame({"case_id": outcome.index, "fold": EXTERNAL, "cohort": EXTERNAL})
    run.write(FOLDS, folds)
    characteristics = evaluation.characteristics(
        clinical.loc[outcome.index], table, outcome_columns=endpoint.columns
    )
    run.write(CHARACTERISTICS, characteristics)
    if cohort is None:
        write_csv(run.place(COHORT), clinical.loc[outcome.index], index=True)
    else:
        write_manifest(cohort.subset(outcome.index), run.place(COHORT))
    if len(endpoint.prediction_columns) == 1:
        own = table[table["model"] == final]
        run.write(RECALIBRATION, recalibration_table(own["y_true"], own["probability"], final))
    run.write(CASE_MIX, _case_mix(model, table, clinical.loc[outcome.index]))
    counts = endpoint.strata(outcome).value_counts().sort_index()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    run.write(
        RUN,
        RunRecord(
            name=f"{about.name}, external validation",
            gliofuse_version=__version__,
            python=platform.python_version(),
            platform=f"{platform.system()} {platform.machine()}",
            packages=versions(),
            command=command,
            design=DesignRecord(
                name=about.design,
                title=about.title,
                preset=str(about.settings.get("preset", "")),
                notes=(f"The model was fitted on {about.fitted_on}; nothing of it was changed.",),
            ),
            models=about.models,
            endpoint=endpoint.as_dict(),
            endpoint_text=endpoint.describe(),
            split=SplitSettings(kind="none"),
            threshold=about.threshold_rule or "half",
            source=about.source,
            source_file=source_file,
            sequences=about.sequences,
            n_cases=len(outcome),
            class_counts={str(name): int(number) for name, number in counts.items()},
            settings_hash=model.sha256[:16],
            warnings=_warned(predictions),
            started=now,
            finished=now,
        ),
    )
    return tables[METRICS.name]


def _prediction_table(
    predictions: Mapping[str, Prediction], outcome: pd.DataFrame, endpoint: Endpoint
) -> pd.DataFrame:
    """Return the predictions as a run holds them: a row a patient and model."""
    columns = list(endpoint.prediction_columns)
    rows = []
    for case_id in outcome.index:
        for one in predictions[case_id].models:
            if isinstance(endpoint, SurvivalEndpoint):
                values = [one.risk, *one.survival.values()]
            elif len(columns) == 1:
                values = [one.probability]
            else:
                values = [one.probabilities[name] for name in endpoint.classes]
            told = dict(zip(columns, values, strict=True))
            rows.append({"case_id": case_id, "model": one.name, **told})
    table = pd.DataFrame(rows).assign(fold=EXTERNAL, cohort=EXTERNAL)
    known = outcome.loc[table["case_id"]].reset_index(drop=True)
    table = pd.concat([table, known], axis=1)
    table[columns] = table[columns].astype(float)
    names = ["case_id", "fold", "cohort", "model", *endpoint.outcome_columns, *columns]
    return table[names]


def _case_mix(model: TrainedModel, table: pd.DataFrame, clinical: pd.DataFrame) -> pd.DataFrame:
    """Hold the patients against those whom the model learned from, variable by variable."""
    about = model.description
    rows = []
    column = model.endpoint.prediction_columns[0]
    known = about.known_scores.get(about.final_model)
    if known and about.known_scores_held_out:
        label = next(one.label for one in about.models if one.name == about.final_model)
        own = table.loc[table["model"] == about.final_model, column]
        rows.append((f"{label}, {column}", _spread(np.array(known)), _spread(own.to_numpy()), ""))
    for one in about.clinical:
        if one.name not in clinical:
            continue
        values = clinical[one.name]
        if one.levels:
            shares = values.dropna().astype(str).value_counts(normalize=True)
            told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
            new = int((~values.dropna().astype(str).isin(one.levels)).sum())
            seen = f"levels {', '.join(one.levels)}"
            rows.append((one.name, seen, told, f"{new} of a new level" if new else ""))
            continue
        numbers = pd.to_numeric(values, errors="coerce").dropna()
        low, high = one.min or 0.0, one.max or 0.0
        beyond = int(((numbers < low) | (numbers > high)).sum())
        outside = f"{beyond} beyond" if beyond else ""
        rows.append((one.name, f"{low:g} to {high:g}", _spread(numbers.to_numpy()), outside))
    return pd.DataFrame(rows, columns=["variable", "development", "external", "outside"])


def _spread(values: np.ndarray) -> str:
    if not len(values):
        return ""
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return f"median {median:.3g} (5 to 95 %: {low:.3g} to {high:.3g})"


def _warned(predictions: Mapping[str, Prediction]) -> tuple[str, ...]:
    """Say what spoke against single predictions, once each, with the number of patients."""
    kinds: dict[str, int] = {}
    for one in predictions.values():
        for text in {warning.split(" (")[0] for warning in one.warnings}:
            kinds[text] = kinds.get(text, 0) + 1
    ordered = sorted(kinds.items(), key=lambda item: -item[1])
    return tuple(f"{count} of {len(predictions)} patients: {text}" for text, count in ordered[:8])
