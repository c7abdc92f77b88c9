"""Every design stands beside a model of the clinical variables alone, where any are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from gliofuse.cohort import parse_endpoint
from gliofuse.designs import (
    Available,
    FitContext,
    find_design,
    parse_settings,
    with_clinical_comparator,
)
from gliofuse.evaluation import added_benefit, decision_curve
from gliofuse.inputs import CaseData, FeatureTable

pytestmark = [
    pytest.mark.slow(minutes=0.1),
    pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning"),
]

IDS = pd.Index([f"p{number:02d}" for number in range(60)], name="case_id")


def planned(name, *, clinical=("age", "sex"), endpoint="grade >= 3"):
    kind = find_design(name)
    given = {"folds": 3, "inner_folds": 3} if name == "rdl" else {"folds": 3}
    available = Available(parse_endpoint(endpoint), ("t1ce",), images=False, clinical=clinical)
    return kind(parse_settings(kind, given), available)


def patients(design, classes=(0, 1)):
    rng = np.random.default_rng(3)
    y = rng.permutation(np.resize(classes, 60))
    columns = [f"t1ce.whole.original_glcm_F{number}" for number in range(8)]
    table = FeatureTable(pd.DataFrame(rng.normal(size=(60, 8)), index=IDS, columns=columns))
    age = rng.integers(20, 80, 60).astype(float)
    age[[4, 50]] = np.nan
    clinical = pd.DataFrame({"age": age, "sex": rng.choice(["F", "M"], 60)}, index=IDS)
    inputs = {one.key: table for one in design.inputs}
    return CaseData(tuple(IDS), inputs, clinical, pd.DataFrame({"y_true": y}, index=IDS))


@pytest.mark.parametrize("name", ["rdl", "deep-radiomics"])
def test_the_comparator_is_a_logistic_regression_on_the_same_training_patients(name):
    own = planned(name)
    design = with_clinical_comparator(own)
    assert [one.name for one in design.models] == [*own.names, "clinical"]
    assert design.final_model == own.final_model
    assert design.choices[:-1] == own.choices
    assert design.choices_for_images == own.choices_for_images
    assert (design.threshold, design.risk_model) == (own.threshold, own.risk_model)
    assert set(design.clinical_columns) == {"age", "sex"}
    data = patients(design)
    training = data.subset(IDS[:45])
    fitted = design.fit(training, None, FitContext())
    scores = fitted.predict(data.without_outcome())
    alone = own.fit(training, None, FitContext()).predict(data.without_outcome())
    pd.testing.assert_frame_equal(scores[list(own.names)], alone)

    table = data.clinical.assign(
        age=data.clinical["age"].fillna(data.clinical["age"].iloc[:45].median()),
        sex=(data.clinical["sex"] == "M").astype(float),
    )
    scale = StandardScaler().fit(table.iloc[:45])
    oracle = LogisticRegression().fit(scale.transform(table.iloc[:45]), training.y)
    expected = oracle.predict_proba(scale.transform(table))[:, 1]
    np.testing.assert_allclose(scores["clinical"], expected, atol=1e-6)
    honest = fitted.predict_training(training)["clinical"]
    assert not np.allclose(honest, scores.loc[honest.index, "clinical"])


def test_several_classes_have_a_comparator():
    design = with_clinical_comparator(planned("rdl", endpoint="grade: 2, 3, 4"))
    data = patients(design, classes=("2", "3", "4"))
    fitted = design.fit(data, None, FitContext())
    for scores in (fitted.predict(data.without_outcome()), fitted.predict_training(data)):
        np.testing.assert_allclose(scores["clinical"].sum(axis=1), 1)
        assert scores["clinical"].shape == (60, 3)


def test_nothing_is_added_where_there_is_nothing_to_compare_or_a_model_of_its_own():
    for design in (planned("rdl", clinical=()), planned("imaging-clinical")):
        assert with_clinical_comparator(design) is design


def test_added_benefit_is_the_difference_of_the_decision_curves():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 80)
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "case_id": np.arange(80),
                    "model": model,
                    "y_true": y,
                    "probability": np.clip(0.5 + s * (y - 0.5) + 0.2 * rng.normal(size=80), 0, 1),
                }
            )
            for model, s in (("imaging", 0.6), ("clinical", 0.1), ("other", 0.3))
        ]
    )
    cuts = [0.2, 0.5, 0.7]
    found = added_benefit(table, "imaging", "clinical", thresholds=cuts, bootstrap=400)
    curves = decision_curve(table, thresholds=cuts, bootstrap=10).set_index(["model", "threshold"])
    curve = curves["net_benefit"]
    np.testing.assert_allclose(
        found["difference"], curve["imaging"].to_numpy() - curve["clinical"].to_numpy()
    )
    assert (found["ci_low"] <= found["difference"]).all()
    assert (found["difference"] <= found["ci_high"]).all()
    turned = added_benefit(table, "clinical", "imaging", thresholds=cuts, bootstrap=400)
    np.testing.assert_allclose(turned["ci_low"], -found["ci_high"])
    same = added_benefit(table.assign(probability=0.4), "imaging", "clinical", bootstrap=50)
    assert (same[["difference", "ci_low", "ci_high"]] == 0).all(axis=None)
