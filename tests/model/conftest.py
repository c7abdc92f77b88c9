"""Small studies that are run, and the models that they hand on."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

SURVIVAL = {"kind": "survival", "time": "os_days", "event": "died"}
SEVERAL = {"kind": "multiclass", "column": "grade", "classes": [2, 3, 4]}
BINARY = {"kind": "binary", "column": "grade", "positive": ">= 3"}


def write_tables(folder, patients=48, seed=0):
    """Write features.csv and clinical.csv of patients with an effect, and return them."""
    rng = np.random.default_rng(seed)
    grade = rng.permutation(np.repeat([2, 3, 4], patients // 3))
    columns = {
        f"{sequence}.whole.original_glcm_F{number}": rng.normal(size=patients)
        + (1.5 * (grade - 2) if number < 3 else 0.0)
        for sequence in ("t1ce", "flair")
        for number in range(8)
    }
    ids = pd.Index([f"case-{number:03d}" for number in range(patients)], name="case_id")
    features = pd.DataFrame(columns, index=ids)
    days = rng.exponential(900 * np.exp(-0.8 * (grade - 2))).round() + 1
    clinical = pd.DataFrame(
        {
            "grade": grade,
            "age": rng.integers(20, 80, patients),
            "sex": rng.choice(["F", "M"], patients),
            "os_days": days,
            "died": (rng.random(patients) < 0.8).astype(int),
            "person": [f"person-{number // 2}" for number in range(patients)],
        },
        index=ids,
    )
    clinical.loc[ids[3], "age"] = np.nan
    features.to_csv(folder / "features.csv")
    clinical.to_csv(folder / "clinical.csv")
    return features, clinical


@pytest.fixture(scope="session")
def tables(tmp_path_factory):
    """A folder with features.csv and clinical.csv."""
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder)
    return folder


@pytest.fixture(scope="session")
def run_study_on(tmp_path_factory):
    """Return a function that runs a study and gives its folder."""
    from gliofuse.signature import SignatureWarning
    from gliofuse.study import check_study
    from gliofuse.study.runner import run_study

    def run(source, endpoint=BINARY, design="rdl", settings=None, **more):
        given = {
            **source,
            "name": "small study",
            "endpoint": endpoint,
            "design": design,
            "settings": settings or {},
            "covariates": ["age", "sex"],
            "split": {"kind": "holdout"},
            "explain": 0,
            "evaluation": {"bootstrap": 100},
            "compute": {"workers": 1, "device": "cpu"},
        }
        folder = tmp_path_factory.mktemp("run")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SignatureWarning)
            run_study(check_study({**given, **more}), folder)
        return folder

    return run


@pytest.fixture(scope="session")
def of_tables(tables, run_study_on):
    """Return a function that runs a study on the tables."""
    source = {
        "table": {
            "features": str(tables / "features.csv"),
            "clinical": str(tables / "clinical.csv"),
            "id_column": "case_id",
        }
    }
    return lambda **options: run_study_on(source, **options)


@pytest.fixture(scope="session")
def table_run(of_tables):
    """A finished study of two classes on tables."""
    return of_tables(settings={"folds": 3, "inner_folds": 3, "alpha": 0.3})


@pytest.fixture(scope="session")
def table_model(table_run, tmp_path_factory):
    """The folder of its model."""
    from gliofuse.study.export import export_run

    return export_run(table_run, tmp_path_factory.mktemp("export") / "model", fold="holdout")


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    """A phantom cohort of small images."""
    from gliofuse.phantom import make_phantom

    folder = tmp_path_factory.mktemp("phantom")
    make_phantom(folder, cases=16, seed=1, shape=(24, 36, 36), effect=3.0, workers=1)
    return folder


@pytest.fixture(scope="session")
def image_model(phantom, run_study_on, tmp_path_factory):
    """The folder of a model of images without networks."""
    from gliofuse.study.export import export_run

    run = run_study_on(
        {"cohort": str(phantom / "cohort.csv")},
        settings={"radiomics": "shape", "networks": "none", "folds": 2, "inner_folds": 2},
        covariates=["age_years", "sex"],
        compute={"workers": 1, "device": "cpu", "cache": str(phantom / "cache")},
    )
    return export_run(run, tmp_path_factory.mktemp("export") / "model", fold="holdout")


def held_out(run, model):
    """Return a model's held-out predictions in a run, index ``case_id``."""
    table = pd.read_parquet(run / "predictions.parquet")
    own = table[(table["cohort"] == "test") & (table["model"] == model)]
    return own.set_index("case_id")


def assert_same(run, found, endpoint):
    """Hold predictions against those of the study, to the last digit."""
    (case_id, *_) = found
    for model in found[case_id].models:
        truth = held_out(run, model.name)
        assert set(truth.index) == set(found)
        for case_id, one in found.items():
            own = next(m for m in one.models if m.name == model.name)
            row = truth.loc[case_id]
            if endpoint is BINARY:
                assert own.probability == row["probability"]
            elif endpoint is SEVERAL:
                assert own.probabilities == {
                    name: row[f"probability_{name}"] for name in ("2", "3", "4")
                }
            else:
                assert own.risk == row["risk"]
                columns = [name for name in truth.columns if name.startswith("survival_")]
                for said, name in zip(own.survival.values(), columns, strict=True):
                    assert said == row[name] or (said is None and np.isnan(row[name]))
