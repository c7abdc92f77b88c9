"""Survival curves of a run's held-out patients."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from gliofuse.cohort import TIME_UNITS, Endpoint, SurvivalEndpoint
from gliofuse.evaluation import kaplan_meier, logrank, shares_training
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.records import BY_COLUMN, KAPLAN_MEIER, LogrankRecord, RunFolder

__all__ = ["write_survival_curves"]


def write_survival_curves(
    run: RunFolder,
    endpoint: Endpoint,
    clinical: pd.DataFrame,
    survival: SurvivalEndpoint,
    final_model: str,
    thresholds: pd.DataFrame | None = None,
    risk_model: str | None = None,
    columns: Mapping[str, pd.Series] | None = None,
) -> dict[str, LogrankRecord]:
    """Write Kaplan-Meier tables of the held-out patients, by class and as models call them.

    These are the final model and, where it is another, the one by whose score a design divides
    the patients (``risk_model``). All patients stand in the curves of clinical ``columns``, of
    which each gives the patients' groups. Where survival is the endpoint itself, these curves
    alone are added to those of the evaluation.

    Returns
    -------
    dict of str to LogrankRecord
        The log-rank tests, by what the groups are.
    """
    outcome, _ = survival.outcome(clinical)
    if endpoint != survival:  # beside classes the curves are in days, whatever the columns are in
        outcome["time"] *= TIME_UNITS["days"] / TIME_UNITS[survival.unit]
    evaluation, predictions = evaluation_of(endpoint), run.predictions()
    tests, tables = {}, []
    found: dict[str, pd.Series] = {}
    if endpoint == survival:
        if (judged := run.read(KAPLAN_MEIER)) is not None:
            tables.append(judged)
    else:
        found = evaluation.held_out_groups(predictions, final_model, thresholds)
    for name, groups in (columns or {}).items():
        found[BY_COLUMN + name] = groups.dropna().sort_values(kind="stable")
    if endpoint != survival and risk_model not in (None, final_model):
        by_score = evaluation.score_groups(predictions, str(risk_model), thresholds)
        if by_score is not None:
            found["score"] = by_score
    sharing = bool(shares_training(predictions))
    of_model = {"called", "score"}
    for kind, everybody in found.items():
        group = everybody.loc[[case for case in everybody.index if case in outcome.index]]
        if group.nunique() < 2:
            continue
        time, event = outcome.loc[group.index, "time"], outcome.loc[group.index, "event"]
        tables.append(kaplan_meier(time, event, group).assign(groups=kind))
        if event.any():
            test = logrank(time, event, group, refits=sharing and kind in of_model)
            tests[kind] = LogrankRecord(**vars(test))
    if tables:
        run.write(KAPLAN_MEIER, pd.concat(tables, ignore_index=True))
    return tests
