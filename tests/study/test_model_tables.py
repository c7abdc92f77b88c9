"""Tables that show what a run's models are."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.duration.survfunc import survdiff

from gliofuse.cohort import BinaryEndpoint, SurvivalEndpoint
from gliofuse.records import RunFolder
from gliofuse.study.model_tables import write_nomogram, write_survival_curves


def test_nomogram_gives_the_fitted_models_probability(tmp_path):
    """Put back on the variables' own scales, the model predicts as scikit-learn's does."""
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "age": rng.normal(50, 12, 60),
            "sex=M": rng.integers(0, 2, 60),
            "score": rng.normal(size=60),
        }
    ).astype(float)
    y = (table["score"] + table["age"] / 30 + rng.normal(size=60) > 1.7).astype(int)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(table, y)
    folder = tmp_path / "tables"
    folder.mkdir()
    rows = zip(["(intercept)", *table], [*model[-1].intercept_, *model[-1].coef_[0]], strict=True)
    coefficients = pd.DataFrame(rows, columns=["term", "coefficient"])
    coefficients.assign(model="fusion", fold="fold1").to_csv(
        folder / "coefficients.csv", index=False
    )
    table.assign(fold="fold1").to_csv(folder / "nomogram_data.csv", index=False)

    write_nomogram(RunFolder(tmp_path), "another_model", "grade >= 3")
    assert not (folder / "nomogram.json").exists()
    write_nomogram(RunFolder(tmp_path), "fusion", "grade >= 3")
    drawn = json.loads((folder / "nomogram.json").read_text())
    assert drawn["fitted_on"] == "the 60 training patients of fold1"
    assert [term["label"] for term in drawn["terms"]] == ["age", "sex: M", "score"]
    assert drawn["terms"][1]["levels"] == {"no": 0, "yes": 1}
    score = drawn["intercept"] + sum(
        term["coefficient"] * table[term["name"]] for term in drawn["terms"]
    )
    expected = model.predict_proba(table)[:, 1]
    np.testing.assert_allclose(1 / (1 + np.exp(-score)), expected, rtol=1e-9)
    axes = pd.read_csv(folder / "nomogram.csv")
    assert axes["points"].max() == 100


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
