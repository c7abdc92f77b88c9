"""Studies of several centres: each put aside in turn, or some outside a cross-validation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.records import CENTER_CHARACTERISTICS, CENTER_SUMMARY, CENTERS, METRICS, RunFolder
from gliofuse.report import summarise
from gliofuse.study import Progress
from gliofuse.study.runner import run_study

pytestmark = pytest.mark.slow(minutes=0.1)

PREVALENCE = {"A": 0.8, "B": 0.15, "C": 0.5}
# Without class weights, so that a model's probabilities lie about its training prevalence.
DESIGN = {
    "design": "imaging-clinical",
    "covariates": ["sex"],
    "settings": {"folds": 3, "selection_folds": 3},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three centres of very different prevalence, features without any signal."""
    base = tmp_path_factory.mktemp("centers")
    rng = np.random.default_rng(4)
    center = np.repeat(list(PREVALENCE), 40)
    high = np.concatenate([np.arange(40) < round(share * 40) for share in PREVALENCE.values()])
    ids = pd.Index([f"p{number:03d}" for number in range(len(center))], name="id")
    names = [f"t1ce.whole.original_glcm_F{number}" for number in range(8)]
    pd.DataFrame(rng.normal(size=(len(ids), 8)), columns=names, index=ids).to_csv(
        base / "features.csv"
    )
    clinical = {"grade": 2 + high, "center": center, "sex": rng.choice(["F", "M"], len(ids))}
    pd.DataFrame(clinical, index=ids).to_csv(base / "clinical.csv")
    return base


class Heard(Progress):
    """Keeps what is said."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def test_each_centre_in_turn_is_judged_within_centres(folder, study_of):
    heard = Heard()
    study = study_of(folder, split={"kind": "center"}, **DESIGN)
    run_study(study, folder / "turn", progress=heard)
    run = RunFolder(folder / "turn")
    metrics = run.need(METRICS)
    values = metrics[metrics["model"] == run.record.final.name].set_index("metric")["estimate"]
    # pooled over models of different centres: no signal, yet "below"
    assert values["auc_pooled"] < 0.4
    assert values["auc"] == pytest.approx(values["auc_within_centers"])
    assert values["auc_within_centers"] == pytest.approx(0.5, abs=0.15)
    assert (run.read(CENTERS)["center"].unique() == ["A", "B", "C"]).all()
    described = run.read(CENTER_CHARACTERISTICS).set_index(["variable", "level"])
    assert described.loc[("grade", "3"), "A (n=40)"] == "32 (80 %)"
    assert described.loc[("grade", "3"), "B (n=40)"] == "6 (15 %)"
    assert set(described.index.get_level_values("variable")) == {"grade", "sex"}
    shown = summarise(folder / "turn")["characteristics"]["centers"]
    assert shown["groups"] == ["A (n=40)", "B (n=40)", "C (n=40)"]
    assert run.read(CENTER_SUMMARY)["n_centers"].eq(3).all()
    assert any("centre and class go together (Cramér's V" in line for line in heard.lines)
    page = summarise(folder / "turn")
    head = page["overview"]["headline"]
    assert head["metric"] == "auc_within_centers"
    assert head["estimate"] == values["auc_within_centers"]
    assert page["roc"] is None
    (cohort,) = page["centers"]
    assert cohort["alone"]["together"]
    titles = [entry["title"] for entry in page["limitations"]]
    assert "Centre and class go together" in titles
    limits = {entry["title"]: entry["text"] for entry in page["limitations"]}
    assert "events (ideal 1) in 2 centres of 3: A " in limits["Probabilities are not calibrated"]
    assert "slope" not in limits["Probabilities are not calibrated"]
    assert "Each centre in turn was put aside" in page["patients"]["split"]["words"]


def test_a_cross_validation_inside_and_a_centre_outside(folder, study_of):
    split = {"kind": "kfold", "folds": 3, "external": ["C"]}
    run_study(study_of(folder, split=split, **DESIGN), folder / "outside")
    predictions = pd.read_parquet(folder / "outside" / "predictions.parquet")
    of = predictions.drop_duplicates(["case_id", "fold"]).groupby(["fold", "cohort"]).size()
    assert of["external-C"].to_dict() == {"training": 80, "external": 40}
    assert [of[f"fold{n}"].to_dict().get("external") for n in (1, 2, 3)] == [None] * 3
    tested = predictions[predictions["cohort"] == "test"]["case_id"].unique()
    assert len(tested) == 80
    metrics = RunFolder(folder / "outside").need(METRICS)
    assert set(metrics["cohort"]) == {"test", "external"}
    inside = metrics.query("cohort == 'test' and metric == 'auc_within_centers'")
    assert len(inside) == metrics["model"].nunique()
    page = summarise(folder / "outside")
    (cohort,) = page["centers"]  # the external cohort is one centre: nothing to hold apart
    assert cohort["cohort"] == "test"
    assert "AUC of" in cohort["alone"]["sentence"]
    assert "took no part in this" in page["patients"]["split"]["words"]
