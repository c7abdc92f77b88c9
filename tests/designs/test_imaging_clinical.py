"""The imaging score, the choice of its model, and the odds ratios of imaging-clinical."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from gliofuse.cohort import parse_endpoint
from gliofuse.designs import Available, FitContext, find_design, parse_settings
from gliofuse.designs.framework.classes import mean_fold_auc
from gliofuse.designs.framework.clinical import odds_ratios
from gliofuse.inputs import CaseData, FeatureTable

pytestmark = [
    pytest.mark.slow(minutes=0.3),
    pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning"),
]

IDS = pd.Index([f"p{number:02d}" for number in range(70)], name="case_id")
TWO, THREE = parse_endpoint("grade >= 3"), parse_endpoint("grade: 2, 3, 4")


def planned(*, clinical=("age", "sex"), endpoint=TWO, **settings):
    kind = find_design("imaging-clinical")
    regions = ("edema", "enhancing")
    available = Available(endpoint, ("t1ce",), regions, images=False, clinical=clinical)
    given = {"folds": 3, "selection_folds": 4, "alpha": 0.3, **settings}
    return kind(parse_settings(kind, given), available)


def patients(design, classes=(0, 1)):
    rng = np.random.default_rng(8)
    y = rng.permutation(np.resize(classes, 70))
    up = pd.Series(y).astype(int).to_numpy() >= (1 if len(classes) == 2 else 3)
    columns = {
        f"t1ce.{region}.original_glcm_F{number}": rng.normal(size=70) + shift * (number < 2) * up
        for region, shift in (("edema", 0.2), ("enhancing", 1.0))
        for number in range(6)
    }
    table = FeatureTable(pd.DataFrame(columns, index=IDS))
    age = rng.normal(50, 12, 70) + 6 * up
    clinical = pd.DataFrame({"age": age, "sex": rng.choice(["F", "M"], 70)}, index=IDS)
    inputs = {one.key: table for one in design.inputs}
    return CaseData(tuple(IDS), inputs, clinical, pd.DataFrame({"y_true": y}, index=IDS))


@pytest.fixture(scope="module")
def fit():
    design = planned()
    data = patients(design)
    return data, design.fit(data, None, FitContext(seed=3))


@pytest.mark.parametrize("clinical", [("age", "sex"), ()])
def test_the_imaging_score_is_always_a_model(clinical):
    design = planned(clinical=clinical)
    score = next(one for one in design.models if one.name == "imaging_score")
    assert score.role == ("rival" if clinical else "final")
    assert design.risk_model == "imaging_score"
    data = patients(design)
    fitted = design.fit(data, None, FitContext())
    scores = fitted.predict(data.without_outcome())
    assert list(scores) == list(design.names)
    np.testing.assert_array_equal(scores["imaging_score"], scores[fitted.chosen])


def test_the_imaging_model_is_chosen_by_the_mean_auc_of_the_inner_folds(fit):
    data, fitted = fit
    table = fitted.tables()["imaging_model_choice"].set_index("model")
    folds = list(StratifiedKFold(4, shuffle=True, random_state=3).split(data.y, data.y))
    for name, known in fitted.out_of_fold().items():
        if name not in table.index:
            continue
        p = known.iloc[:, 0].to_numpy()
        y = data.y.to_numpy()
        expected = np.mean([roc_auc_score(y[test], p[test]) for _, test in folds])
        assert table.loc[name, "training_cv_auc"] == pytest.approx(expected)
        assert expected != pytest.approx(roc_auc_score(y, p))  # that of the pooled ones
    assert fitted.chosen == table["training_cv_auc"].idxmax()
    assert table.index[table["chosen"] == "yes"].tolist() == [fitted.chosen]


def test_mean_fold_auc_of_several_classes_and_of_persons():
    rng = np.random.default_rng(0)
    index = [f"p{number}" for number in range(60)]
    y = pd.Series(rng.choice(["2", "3", "4"], 60), index=index)
    p = pd.DataFrame(rng.dirichlet([1, 1, 1], 60), index=index)
    groups = pd.Series(np.repeat(np.arange(20), 3), index=index).sample(frac=1, random_state=0)
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=5)
    areas = []
    for _, test in splitter.split(p, y, groups[index]):
        own, q = y.iloc[test], p.iloc[test]
        each = [roc_auc_score(own == c, q[k]) for k, c in enumerate("234")]
        areas.append(np.mean(each))
    found = mean_fold_auc(y, p, THREE, folds=3, seed=5, groups=groups)
    assert found == pytest.approx(np.mean(areas))


def test_odds_ratios_are_those_of_statsmodels(fit):
    data, fitted = fit
    table = fitted.tables()["odds_ratios"]
    assert set(table["model"]) == {"clinical", "fusion"}
    for name, own in table.groupby("model"):
        X = sm.add_constant(fitted.clinical[name].table)
        oracle = sm.Logit(data.y.to_numpy(), X).fit(disp=0, tol=1e-10)
        own = own.set_index("term")
        bounds = np.exp(oracle.conf_int())
        assert list(own.index) == list(X.columns[1:])
        for term in own.index:
            assert own.loc[term, "odds_ratio"] == pytest.approx(np.exp(oracle.params[term]))
            assert own.loc[term, "ci_low"] == pytest.approx(bounds.loc[term, 0], rel=1e-5)
            assert own.loc[term, "ci_high"] == pytest.approx(bounds.loc[term, 1], rel=1e-5)
            assert own.loc[term, "p"] == pytest.approx(oracle.pvalues[term], rel=1e-4)
    assert "imaging_score" in set(table.loc[table["model"] == "fusion", "term"])


def test_where_the_classes_are_separated_no_odds_ratio_is_tested():
    y = pd.Series(np.repeat([0, 1], 15))
    table = pd.DataFrame({"score": y * 2.0 + np.linspace(0, 1, 30), "same": 1.0})
    found = odds_ratios(table, y).set_index("term")
    assert found[["ci_low", "ci_high", "p"]].isna().all(axis=None)
    assert found.loc["score", "odds_ratio"] > 1
    assert "separated" in found.loc["score", "note"]
    assert found.loc["same", "note"] == "the same in every patient"
    alone = odds_ratios(table[["same"]], y)
    assert alone["odds_ratio"].isna().all()
    assert alone["note"].tolist() == ["the same in every patient"]


def test_a_forest_has_terms_without_coefficients():
    design = planned(classifier="forest")
    data = patients(design)
    table = design.fit(data, None, FitContext()).tables()["selected_features"]
    assert table["feature"].str.startswith("t1ce.").all()
    assert table["coefficient"].isna().all()


def test_several_classes_have_a_score_and_no_odds_ratios():
    design = planned(endpoint=THREE)
    fitted = design.fit(patients(design, ("2", "3", "4")), None, FitContext())
    assert "odds_ratios" not in fitted.tables()
    assert "imaging_score" in design.names
