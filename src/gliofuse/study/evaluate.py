"""From a run's predictions to its tables of figures of merit.

Reads predictions and the clinical table; nothing of a model is needed, so that a folder can be
evaluated again at any time, and a comparison of designs is evaluated by the same rules.
"""

from __future__ import annotations

import pandas as pd

from gliofuse.evaluation import characteristics_table
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.records import (
    ADDED_BENEFIT,
    APPARENT,
    CENTER_CHARACTERISTICS,
    CHARACTERISTICS,
    METRICS,
    MISSING,
    OPTIMISM,
    PAPER_RESULTS,
    SAMPLE_SIZE,
    table_named,
)
from gliofuse.study.prepare import Plan
from gliofuse.study.progress import Progress

__all__ = ["evaluate_run", "telling_columns"]


def evaluate_run(
    plan: Plan, *, candidates: int | None = None, workers: int, progress: Progress
) -> pd.DataFrame:
    """Write every table of figures of merit of a run whose predictions are there.

    ``candidates`` counts the parameters that could enter the models, where that can be counted.

    Returns
    -------
    pandas.DataFrame
        The metrics; empty where every patient was learned from, so that there are none.
    """
    study, run, design = plan.study, plan.run, plan.design
    evaluation = evaluation_of(study.endpoint)
    predictions = run.predictions()
    if (predictions["cohort"] == "training").all():
        progress.say("every patient was learned from: there are no figures of merit")
        return pd.DataFrame(columns=list(METRICS.columns))
    apparent = run.read(APPARENT)
    rivals = [model.name for model in design.models if model.role == "rival"]
    tables = evaluation.tables(
        predictions,
        judged=(design.final_model, *rivals),
        final=design.final_model,
        threshold=study.threshold,
        bootstrap=study.evaluation.bootstrap,
        seed=study.split.seed,
        workers=workers,
        progress=progress,
        centers=plan.patients.centers,
        subgroups=plan.patients.groups(study.evaluation.subgroups),
        apparent=apparent,
    )
    for name, table in tables.items():
        run.write(table_named(name), table)
    clinical = next((model.name for model in design.models if model.kind == "clinical"), None)
    if clinical is not None:
        added = evaluation.added(predictions, design.final_model, clinical, seed=study.split.seed)
        if added is not None:
            run.write(ADDED_BENEFIT, added)
    optimism = None if apparent is None else evaluation.optimism(predictions, apparent)
    if optimism is not None:
        run.write(OPTIMISM, optimism)
    run.write(PAPER_RESULTS, design.paper.results_beside(study.endpoint))
    characteristics = evaluation.characteristics(
        plan.patients.clinical.drop(columns=[study.split.column], errors="ignore"),
        predictions,
        outcome_columns=study.endpoint.columns,
        seed=study.split.seed,
    )
    run.write(CHARACTERISTICS, characteristics)
    _describe_centers(plan)
    run.write(MISSING, _missing(plan))
    sizes = evaluation.sample_size(predictions, design.final_model, candidates)
    if len(sizes):
        run.write(SAMPLE_SIZE, sizes)
    return tables[METRICS.name]


def telling_columns(plan: Plan) -> tuple[str, ...]:
    """Return the clinical columns that the table of characteristics leaves out."""
    endpoint = plan.study.endpoint
    return evaluation_of(endpoint).telling_columns(
        plan.patients.clinical, plan.run.predictions(), endpoint.columns
    )


def _describe_centers(plan: Plan) -> None:
    """Write the characteristics by centre, where there are several; the outcome is one of them."""
    centers = plan.patients.centers
    if centers is None or centers.nunique() < 2:
        return
    clinical = plan.patients.clinical.loc[centers.index]
    # the centre itself is none, nor is what the split was made by
    own = [name for name in ("center", plan.study.split.column) if name in clinical]
    clinical = clinical.drop(columns=own)
    ordered = centers.sort_values(kind="stable")
    table = characteristics_table(clinical.loc[ordered.index], ordered, seed=plan.study.split.seed)
    plan.run.write(CENTER_CHARACTERISTICS, table)


def _missing(plan: Plan) -> pd.DataFrame:
    """Count who lacks each variable that may enter, and say what stands in for it."""
    clinical = plan.patients.clinical
    rows = [
        (
            name,
            len(clinical),
            int(clinical[name].isna().sum()),
            "nothing: the network learns from those who have it"
            if name not in plan.study.covariates
            else "the training patients' median"
            if pd.api.types.is_numeric_dtype(clinical[name])
            else "the training patients' most frequent level",
        )
        for name in plan.design.clinical_columns
    ]
    return pd.DataFrame(rows, columns=["variable", "n", "n_missing", "imputed"])
