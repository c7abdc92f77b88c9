"""Survival curves of a run's held-out patients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import survdiff

from gliofuse.cohort import BinaryEndpoint, SurvivalEndpoint
from gliofuse.records import RunFolder
from gliofuse.study.model_tables import write_survival_curves


def test_survival_curves_are_of_held_out_patients_only(tmp_path):
    ids = [f"p{number}" for number in range(40)]
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 20)
    clinical = pd.DataFrame(
        {"os_days": rng.exponential(2000 / (1 + 2 * label)), "died": 1},
        index=pd.Index(ids, name="case_id"),
    )
    predictions = pd.DataFrame(
        {"case_id": ids, "fold": "holdout", "model": "m", "y_true": label}
        | {"cohort": ["training", "test"] * 20, "probability": label * 0.8 + 0.1}
    )
    run = RunFolder(tmp_path)
    run.write_predictions(predictions)
    endpoint, survival = BinaryEndpoint("grade", ">= 3"), SurvivalEndpoint("os_days", "died")
    tests = write_survival_curves(run, endpoint, clinical, survival, "m")
    table = pd.read_csv(tmp_path / "tables" / "kaplan_meier.csv")
    assert set(table["groups"]) == {"class", "called"}
    assert table["at_risk"].max() == 10, "ten held-out patients of each class"
    assert 0 <= tests["class"].p <= 1


def test_survival_is_drawn_by_the_score_too_at_its_own_threshold(tmp_path):
    ids = [f"p{number}" for number in range(40)]
    rng = np.random.default_rng(1)
    clinical = pd.DataFrame(
        {"os_days": rng.exponential(900, 40), "died": 1}, index=pd.Index(ids, name="case_id")
    )
    base = pd.DataFrame(
        {"case_id": ids, "fold": "holdout", "y_true": np.tile([0, 1], 20)}
        | {"cohort": ["training"] * 10 + ["test"] * 30}
    )
    score = base.assign(model="imaging_score", probability=np.linspace(0, 1, 40))
    fusion = base.assign(model="fusion", probability=rng.random(40))
    run = RunFolder(tmp_path)
    run.write_predictions(pd.concat([score, fusion]))
    thresholds = pd.DataFrame(
        {"fold": "holdout", "model": ["imaging_score", "fusion"], "threshold": [0.7, 0.5]}
    )
    endpoint, survival = BinaryEndpoint("grade", ">= 3"), SurvivalEndpoint("os_days", "died")
    given = (run, endpoint, clinical, survival)
    tests = write_survival_curves(*given, "fusion", thresholds, "imaging_score")
    table = pd.read_csv(tmp_path / "tables" / "kaplan_meier.csv")
    by_score = table[table["groups"] == "score"].groupby("group")["at_risk"].max()
    held_out = score.iloc[10:]["probability"]
    assert by_score["high score"] == (held_out >= 0.7).sum()
    assert by_score["low score"] == (held_out < 0.7).sum()
    high = held_out.to_numpy() >= 0.7
    times = clinical["os_days"].to_numpy()[10:]
    oracle = survdiff(times, np.ones(30), high)
    assert tests["score"].p == pytest.approx(oracle[1], rel=1e-6)
    # where the score is the final model, its calls say the same
    write_survival_curves(*given, "imaging_score", thresholds, "imaging_score")
    again = pd.read_csv(tmp_path / "tables" / "kaplan_meier.csv")
    assert set(again["groups"]) == {"class", "called"}


def test_curves_beside_classes_are_in_days_and_of_clinical_columns_in_the_endpoints_unit(tmp_path):
    ids = [f"p{number}" for number in range(20)]
    clinical = pd.DataFrame(
        {"months": np.arange(1.0, 21), "died": [1, 0] * 10}, pd.Index(ids, name="case_id")
    )
    base = {"case_id": ids, "fold": "holdout", "cohort": "test", "model": "m"}
    label = np.repeat([0, 1], 10)
    run = RunFolder(tmp_path)
    run.write_predictions(pd.DataFrame(base | {"y_true": label, "probability": label * 1.0}))
    survival = SurvivalEndpoint("months", "died", "months")
    write_survival_curves(run, BinaryEndpoint("grade", ">= 3"), clinical, survival, "m")
    table = pd.read_csv(tmp_path / "tables" / "kaplan_meier.csv")
    assert table["time"].max() == pytest.approx(20 * 365.25 / 12)

    (tmp_path / "tables" / "kaplan_meier.csv").unlink()
    grade = {"grade": pd.Series(np.where(label == 1, "grade 3", "grade 2"), index=ids)}
    tests = write_survival_curves(run, survival, clinical, survival, "m", columns=grade)
    table = pd.read_csv(tmp_path / "tables" / "kaplan_meier.csv")
    assert set(table["groups"]) == {"by grade"}
    assert table["time"].max() == 20
    y = clinical[["months", "died"]].to_numpy().T
    assert tests["by grade"].statistic == pytest.approx(survdiff(*y, grade["grade"])[0])
