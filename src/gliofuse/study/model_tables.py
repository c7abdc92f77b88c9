"""Tables that show what a run's models are, beside how well they do.

The nomogram and the correlation of the selected features are those of one fold's fit; survival
curves are of all analysed patients.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.evaluation import kaplan_meier, logrank, nomogram_table, pool_predictions
from gliofuse.files import write_csv, write_json
from gliofuse.study.folder import RunFolder

__all__ = ["write_nomogram", "write_survival_curves"]


def write_nomogram(run: RunFolder, final_model: str, outcome: str) -> None:
    """Write the final model as a nomogram, if it is a logistic one that kept its training table.

    ``tables/nomogram.csv`` holds the ticks of every axis, ``tables/nomogram.json`` the model on
    the variables' own scales, from which the report's calculator works.
    """
    folder = run.path / "tables"
    if not ((folder / "coefficients.csv").exists() and (folder / "nomogram_data.csv").exists()):
        return
    coefficients = pd.read_csv(folder / "coefficients.csv")
    own = coefficients[coefficients["model"] == final_model]
    if own.empty:
        return
    fold = own["fold"].iloc[0]
    data = pd.read_csv(folder / "nomogram_data.csv")
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
    write_csv(folder / "nomogram.csv", pd.concat([axes.variables, axes.total], ignore_index=True))
    write_json(
        folder / "nomogram.json",
        {
            "outcome": outcome,
            "fitted_on": f"the {len(data)} training patients of {fold}",
            "intercept": intercept,
            "terms": [
                {"name": name, "coefficient": slope, **_scale(name, ranges[name])}
                for name, slope in per_unit.items()
            ],
        },
    )


def _range(values: pd.Series) -> tuple[float, float] | list[float]:
    if set(values) <= {0.0, 1.0}:
        return [0.0, 1.0]
    return float(values.min()), float(values.max())


def _scale(name: str, limits: tuple[float, float] | list[float]) -> dict[str, Any]:
    variable, _, level = name.partition("=")
    if isinstance(limits, list):
        words = ("no", "yes") if level else ("0", "1")
        label = f"{variable}: {level}" if level else name
        return {"label": label, "levels": dict(zip(words, (0, 1), strict=True))}
    return {"label": name, "min": limits[0], "max": limits[1]}


def write_survival_curves(
    run: RunFolder, clinical: pd.DataFrame, survival: SurvivalEndpoint, final_model: str
) -> dict[str, Any]:
    """Write Kaplan-Meier tables of the two classes, as they are and as held-out predictions say.

    Returns
    -------
    dict
        The log-rank tests, by what the groups are.
    """
    outcomes, _ = survival.outcome(clinical)
    pooled = pool_predictions(run.predictions())
    own = pooled[(pooled["model"] == final_model) & pooled["cohort"].isin(["test", "external"])]
    own = own.drop_duplicates("case_id").set_index("case_id")
    known = own.index.intersection(outcomes.index)
    groups = {
        "class": own.loc[known, "y_true"].map({0: "negative", 1: "positive"}),
        "called": (own["probability"] >= own["threshold"])
        .loc[known]
        .map({False: "called negative", True: "called positive"}),
    }
    tests, tables = {}, []
    for kind, group in groups.items():
        if group.nunique() < 2:
            continue
        group = group.sort_values(kind="stable")  # curves come in this order: negative first
        time_days, event = outcomes.loc[group.index, "time"], outcomes.loc[group.index, "event"]
        tables.append(kaplan_meier(time_days, event, group).assign(groups=kind))
        if event.any():
            tests[kind] = vars(logrank(time_days, event, group))
    if tables:
        write_csv(run.path / "tables" / "kaplan_meier.csv", pd.concat(tables, ignore_index=True))
    return tests
