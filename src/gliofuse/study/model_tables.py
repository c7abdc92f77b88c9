"""Survival curves of a run's held-out patients."""

from __future__ import annotations

import pandas as pd

from gliofuse.cohort import Endpoint, SurvivalEndpoint
from gliofuse.evaluation import kaplan_meier, logrank, shares_training
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.records import KAPLAN_MEIER, LogrankRecord, RunFolder

__all__ = ["write_survival_curves"]


def write_survival_curves(
    run: RunFolder,
    endpoint: Endpoint,
    clinical: pd.DataFrame,
    survival: SurvivalEndpoint,
    final_model: str,
    thresholds: pd.DataFrame | None = None,
    risk_model: str | None = None,
) -> dict[str, LogrankRecord]:
    """Write Kaplan-Meier tables of the held-out patients, by class and as models call them.

    These are the final model and, where it is another, the one by whose score a design divides
    the patients (``risk_model``).

    Returns
    -------
    dict of str to LogrankRecord
        The log-rank tests, by what the groups are.
    """
    outcome, _ = survival.outcome(clinical)
    evaluation, predictions = evaluation_of(endpoint), run.predictions()
    found = evaluation.held_out_groups(predictions, final_model, thresholds)
    if risk_model not in (None, final_model):
        by_score = evaluation.score_groups(predictions, str(risk_model), thresholds)
        if by_score is not None:
            found["score"] = by_score
    sharing = bool(shares_training(predictions))
    tests, tables = {}, []
    for kind, everybody in found.items():
        group = everybody.loc[[case for case in everybody.index if case in outcome.index]]
        if group.nunique() < 2:
            continue
        time, event = outcome.loc[group.index, "time"], outcome.loc[group.index, "event"]
        tables.append(kaplan_meier(time, event, group).assign(groups=kind))
        if event.any():
            test = logrank(time, event, group, refits=sharing and kind != "class")
            tests[kind] = LogrankRecord(**vars(test))
    if tables:
        run.write(KAPLAN_MEIER, pd.concat(tables, ignore_index=True))
    return tests
