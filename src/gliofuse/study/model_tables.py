"""Tables that show what a run's models are, beside how well they do.

The nomogram and the correlation of the selected features are those of one fold's fit; survival
curves are of held-out patients.
"""

from __future__ import annotations

import pandas as pd

from gliofuse.cohort import Endpoint, SurvivalEndpoint
from gliofuse.evaluation import kaplan_meier, logrank, nomogram_table, shares_training
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.records import (
    COEFFICIENTS,
    KAPLAN_MEIER,
    NOMOGRAM,
    NOMOGRAM_AXES,
    NOMOGRAM_DATA,
    LogrankRecord,
    Nomogram,
    NomogramTerm,
    RunFolder,
)

__all__ = ["write_nomogram", "write_survival_curves"]


def write_nomogram(run: RunFolder, final_model: str, outcome: str) -> None:
    """Write the final model as a nomogram, if it is a logistic one that kept its training table.

    One table holds the ticks of every axis, the record the model on the variables' own scales,
    from which the report's calculator works.
    """
    coefficients, data = run.read(COEFFICIENTS), run.read(NOMOGRAM_DATA)
    if coefficients is None or data is None:
        return
    own = coefficients[coefficients["model"] == final_model]
    if own.empty:
        return
    fold = own["fold"].iloc[0]
    data = data[data["fold"] == fold].drop(columns="fold")
    slopes = own[own["fold"] == fold].set_index("term")["coefficient"]
    intercept = float(slopes.pop("(intercept)"))
    per_unit = {}
    for name, slope in slopes.items():
        spread = float(data[name].std(ddof=0))
        if spread > 0:  # the same in every patient: its standardised value is 0
            per_unit[str(name)] = float(slope) / spread
            intercept -= float(slope) * float(data[name].mean()) / spread
    if not per_unit:
        return
    ranges = {name: _range(data[name]) for name in per_unit}
    axes = nomogram_table(per_unit, intercept=intercept, ranges=ranges)
    ticks = pd.concat([axes.variables, axes.total], ignore_index=True)
    run.write(NOMOGRAM_AXES, ticks)
    terms = [_term(name, slope, ranges[name]) for name, slope in per_unit.items()]
    fitted_on = f"the {len(data)} training patients of {fold}"
    run.write(
        NOMOGRAM,
        Nomogram(outcome=outcome, fitted_on=fitted_on, intercept=intercept, terms=tuple(terms)),
    )


def _range(values: pd.Series) -> tuple[float, float] | list[float]:
    if set(values) <= {0.0, 1.0}:
        return [0.0, 1.0]
    return float(values.min()), float(values.max())


def _term(name: str, coefficient: float, limits: tuple[float, float] | list[float]) -> NomogramTerm:
    variable, _, level = name.partition("=")
    if isinstance(limits, list):
        words = ("no", "yes") if level else ("0", "1")
        levels = dict(zip(words, (0.0, 1.0), strict=True))
        label = f"{variable}: {level}" if level else name
        return NomogramTerm(name=name, label=label, coefficient=coefficient, levels=levels)
    low, high = limits
    return NomogramTerm(name=name, label=name, coefficient=coefficient, min=low, max=high)


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
