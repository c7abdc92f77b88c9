"""Survival studies for the report's tests: simulated patients, real models and real evaluation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gliofuse.cohort import SplitSettings, SurvivalEndpoint
from gliofuse.evaluation import cox_nomogram, nomogram_points
from gliofuse.evaluation.endpoints import evaluation_of
from gliofuse.records import (
    ADDED_BENEFIT,
    CHARACTERISTICS,
    COHORT,
    COMPARISON,
    DONE,
    FOLDS,
    NOMOGRAM,
    NOMOGRAM_AXES,
    PREDICTIONS,
    RUN,
    SAMPLE_SIZE,
    ComparisonFolder,
    RunFolder,
    table_named,
)
from gliofuse.records.run import (
    ComparedDesign,
    ComparisonRecord,
    DesignRecord,
    FoldRecord,
    ModelRecord,
    RunRecord,
)
from gliofuse.survival import CoxModel

MODELS = (
    ModelRecord(name="signature", label="Signature", kind="radiomics", role="rival"),
    ModelRecord(name="clinical", label="Clinical", kind="clinical", role="rival"),
    ModelRecord(name="integrated", label="Integrated", kind="fusion", role="final"),
)
LEVELS = {"grade": ["2", "3", "4"], "sex": ["F", "M"]}
ENDPOINT = SurvivalEndpoint("os_days", "died")
_CLINICAL = ["age", "sex=M", "grade=3", "grade=4"]
_TERMS = {
    "clinical": _CLINICAL,
    "integrated": [*_CLINICAL, "signature"],
}


def simulate(n=160, *, signal=0.7, followed=2600.0, competing=False, seed=0, prefix="p"):
    """Return patients with a covariate table, a signature of so much signal, time and event."""
    rng = np.random.default_rng(seed)
    grade = rng.choice(["2", "3", "4"], n, p=[0.3, 0.3, 0.4])
    people = pd.DataFrame(
        {
            "age": rng.integers(21, 80, n).astype(float),
            "sex": rng.choice(["F", "M"], n),
            "grade": grade,
            "signature": rng.normal(size=n),
        },
        index=pd.Index([f"{prefix}{number:03d}" for number in range(n)], name="case_id"),
    )
    log_hazard = (
        0.03 * (people["age"] - 50)
        + people["grade"].map({"2": -0.8, "3": 0.0, "4": 0.9})
        + signal * people["signature"]
    )
    death = rng.exponential(1300 * np.exp(-log_hazard))
    end = rng.uniform(200, followed, n)
    people["time"] = np.minimum(death, end).round() + 1
    people["event"] = (death <= end).astype(int)
    if competing:
        other = rng.exponential(3000, n)
        first = other < people["time"]
        people["competing"] = first.astype(int)
        people.loc[first, "event"] = 0
        people.loc[first, "time"] = other[first].round() + 1
    return people


def coded(people):
    """Return the patients' covariates as numbers, a column a level but the reference."""
    table = people[["age", "signature"]].copy()
    table["sex=M"] = (people["sex"] == "M").astype(float)
    for level in ("3", "4"):
        table[f"grade={level}"] = (people["grade"] == level).astype(float)
    return table


def fit_models(people):
    """Return a Cox model of each kind that has one."""
    table = coded(people)
    return {name: CoxModel().fit(table[terms], people[["time", "event"]])
            for name, terms in _TERMS.items()}  # fmt: skip


def predict(models, people, endpoint):
    """Return a prediction table's rows: the signature has a risk, and no probability."""
    table, times = coded(people), list(endpoint.horizon_times)
    own = people[list(endpoint.outcome_columns)]
    parts = [own.assign(risk=people["signature"], model="signature")]
    for name, model in models.items():
        survival = model.survival(table[_TERMS[name]], times)
        survival.columns = [f"survival_{time:g}" for time in times]
        part = own.assign(risk=model.log_hazard(table[_TERMS[name]]), model=name)
        parts.append(pd.concat([part, survival], axis=1))
    rows = pd.concat(parts).reset_index()
    columns = ["case_id", "model", *endpoint.outcome_columns, *endpoint.prediction_columns]
    return rows.reindex(columns=columns)


def cross_validated(people, endpoint, *, folds=3, external=None):
    """Return the prediction table of a cross-validation, and each fold's models."""
    sides, parts, models = np.arange(len(people)) % folds, [], {}
    for number in range(folds):
        fold = f"fold{number + 1}"
        train, test = people[sides != number], people[sides == number]
        models[fold] = (fit_models(train), train)
        for cohort, members in (("training", train), ("test", test), ("external", external)):
            if members is not None and (cohort != "external" or number == 0):
                found = predict(models[fold][0], members, endpoint)
                parts.append(found.assign(fold=fold, cohort=cohort))
    return pd.concat(parts, ignore_index=True), models


def write_run(folder, people, *, endpoint=ENDPOINT, threshold="median", external=None, **record):
    """Write a run folder as a study writes it, and return it."""
    run = RunFolder.open(folder, "simulated")
    predictions, models = cross_validated(people, endpoint, external=external)
    run.write(PREDICTIONS, predictions)
    evaluation = evaluation_of(endpoint)
    names = tuple(model.name for model in MODELS)
    tables = evaluation.tables(
        predictions, judged=names[::-1], final="integrated", threshold=threshold, bootstrap=100
    )
    for name, table in tables.items():
        run.write(table_named(name), table)
    added = evaluation.added(predictions, "integrated", "clinical")
    if added is not None:
        run.write(ADDED_BENEFIT, added)
    size = evaluation.sample_size(predictions, "integrated", 5)
    if len(size):
        run.write(SAMPLE_SIZE, size)
    everybody = people if external is None else pd.concat([people, external])
    clinical = everybody[["age", "sex", "grade"]]
    run.write(COHORT, clinical.reset_index())
    _write_folds(run, predictions, models, endpoint)
    groups = evaluation.outcome_groups(predictions)
    if len(groups):
        from gliofuse.evaluation import characteristics_table

        run.write(CHARACTERISTICS, characteristics_table(clinical, groups))
    given = {
        "name": "simulated survival",
        "gliofuse_version": "0",
        "design": DesignRecord(name="simulated", title="Simulated signature"),
        "models": MODELS,
        "endpoint": endpoint.as_dict(),
        "endpoint_text": endpoint.describe(),
        "split": SplitSettings(kind="kfold", folds=3),
        "threshold": threshold,
        "source": "table",
        "n_cases": len(everybody),
        "class_counts": {"0": 1, "1": 1},
        "settings_hash": "simulated",
    }
    run.write(RUN, RunRecord(**{**given, **record}))
    return run


def _write_folds(run, predictions, models, endpoint):
    sides = predictions[["fold", "case_id", "cohort"]].drop_duplicates()
    run.write(FOLDS, sides[list(FOLDS.columns)])
    for fold, (fitted, train) in models.items():
        tables = {"hazard_ratios": [], "proportional_hazards": [], "schoenfeld": []}
        outcome = train[["time", "event"]]
        for name, model in fitted.items():
            table = coded(train)[_TERMS[name]]
            counts = {"model": name, "n": model.n_, "events": model.events_}
            for kind, own in (
                ("univariable", _one_by_one(table, outcome)),
                ("multivariable", model.summary()),
            ):
                tables["hazard_ratios"].append(own.assign(kind=kind, **counts))
            tables["proportional_hazards"].append(model.proportional_hazards().assign(model=name))
            tables["schoenfeld"].append(model.schoenfeld().assign(model=name))
        own = predictions[predictions["fold"] == fold]
        run.fold(fold).write_results(
            own,
            {name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()},
            FoldRecord(fingerprint="simulated"),
        )
    run.gather(run.folds())
    for name, model in models["fold1"][0].items():
        drawn = nomogram_of(model, models["fold1"][1], name, endpoint)
        run.write(NOMOGRAM, drawn, model=name)
        run.write(NOMOGRAM_AXES, nomogram_points(drawn).axes(), model=name)
    assert all(fold.place(DONE).is_file() for fold in run.folds())


def _one_by_one(table, outcome):
    parts = [CoxModel().fit(table[[term]], outcome).summary() for term in table]
    return pd.concat(parts, ignore_index=True)


def nomogram_of(model, train, name, endpoint):
    """Return a fitted Cox model as a nomogram."""
    middle = pd.DataFrame([model.center_])
    baseline = model.survival(middle, list(endpoint.horizon_times)).iloc[0]
    baseline.index = [endpoint.horizon_label(time) for time in endpoint.horizon_times]
    return cox_nomogram(
        model.coefficients_,
        coded(train)[_TERMS[name]],
        baseline=baseline,
        center=model.center_,
        outcome=endpoint.event,
        levels=LEVELS,
        units={"age": "years"},
    )


def write_comparison(folder, studies, *, endpoint=ENDPOINT):
    """Write a comparison of simulated designs, one a name with its patients."""
    compared = ComparisonFolder(folder)
    parts = []
    for name, people in studies.items():
        run = write_run(folder / name, people, endpoint=endpoint)
        own = run.predictions()
        parts.append(own[own["model"] == "integrated"].assign(model=name))
    predictions = pd.concat(parts, ignore_index=True)
    evaluation = evaluation_of(endpoint)
    tables = evaluation.tables(predictions, judged=tuple(studies), bootstrap=100)
    tables["misjudged"] = evaluation.misjudged(predictions, tables["thresholds"])
    tables["agreement"] = evaluation.agreement(predictions, tables["thresholds"], bootstrap=100)
    compared.write(PREDICTIONS, predictions)
    for name, table in tables.items():
        compared.write(table_named(name), table)
    designs = tuple(
        ComparedDesign(name=name, run_folder=name, final_model="integrated") for name in studies
    )
    compared.write(COMPARISON, ComparisonRecord(designs=designs))
    return compared
