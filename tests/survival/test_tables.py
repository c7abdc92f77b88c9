"""Univariate tables and elimination on lung; R's figures (see conftest.py for the session)."""

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import EndpointError, InputError, SettingError
from gliofuse.survival import CoxModel, eliminate, events_per_variable, univariate_table

GROUPS = {"age": ["age"], "sex": ["sex"], "ecog": ["e1", "e2"], "weight": ["wt.loss"]}


def test_univariate_table_is_that_of_r(lung):
    """``summary(coxph(Surv(time, status == 2) ~ age, l))`` and so on; of e1 + e2 the wald.test"""
    table = univariate_table(*lung, variables=GROUPS).set_index("term")
    assert list(table["variable"]) == ["age", "sex", "ecog", "ecog", "weight"]
    for term, figures in {
        "age": (1.022236484892, 1.003057362213, 1.041782325129, 0.022854211204),
        "sex": (0.5864436437454, 0.4167396675448, 0.8252541672253, 0.0021993574675),
        "wt.loss": (1.00058067428, 0.98860482895, 1.01270159362, 0.92471947095),
    }.items():
        found = table.loc[term, ["hazard_ratio", "ci_low", "ci_high", "p"]].astype(float)
        np.testing.assert_allclose(found, figures, rtol=1e-6)
        assert table.loc[term, "variable_p"] == pytest.approx(figures[3], rel=1e-6)
    np.testing.assert_allclose(table.loc[["e1", "e2"], "variable_p"], 0.0002837704629, rtol=1e-6)
    assert set(table["n"]) == {213}
    assert set(table["events"]) == {151}


def test_a_patient_is_left_out_of_what_he_lacks():
    """``coxph(Surv(time, status == 2) ~ wt.loss, lung)``: n= 214, number of events= 152"""
    from lifelines.datasets import load_lung

    lung = load_lung()
    y = lung[["time", "status"]].set_axis(["time", "event"], axis=1)
    table = univariate_table(lung[["wt.loss", "age"]], y).set_index("term")
    assert table.loc["wt.loss", ["n", "events"]].tolist() == [214, 152]
    assert table.loc["age", "n"] == 228
    assert table.loc["wt.loss", "coefficient"] == pytest.approx(0.001319, abs=5e-7)


def test_variables_without_figures_say_why(lung):
    X, y = lung
    alive = y["event"] == 0
    table = univariate_table(
        X[["age"]].assign(flat=1.0, living=X["age"].where(alive)), y
    ).set_index("term")
    assert table.loc["flat", "note"] == "constant: left out"
    assert table.loc["living", "note"] == "no event among those who have it"
    assert table.loc[["flat", "living"], "hazard_ratio"].isna().all()
    assert univariate_table(X[[]], y).empty


def test_elimination_drops_one_after_the_other(lung):
    """Weight fails alone; age fails beside the others; the rest is ``coxph(... ~ sex + e1 + e2)``.

    Their Wald p: age 0.0229 alone, 0.28 with sex and ecog (drop by hand); sex 0.001.
    """
    X, y = lung
    left = eliminate(X, y, variables=GROUPS)
    assert left.kept == ("sex", "ecog")
    assert left.steps["variable"].tolist() == ["weight", "age"]
    assert left.steps["step"].tolist() == [0, 1]
    assert left.steps["p"][0] == pytest.approx(0.92471947095, rel=1e-6)
    assert left.steps["p"][1] > 0.05
    # exp(coef(coxph(Surv(time, status == 2) ~ sex + e1 + e2, l)))
    np.testing.assert_allclose(
        left.model.summary()["hazard_ratio"],
        [0.5653956608, 1.5274170232, 2.6238992378],
        rtol=1e-6,
    )
    # as columns of their own, e1 fails alone (p 0.86) and e2 stays
    assert eliminate(X, y).kept == ("sex", "e2")
    assert set(eliminate(X, y, p=1.0).kept) == set(X.columns)


def test_nothing_may_be_left(lung):
    X, y = lung
    left = eliminate(X[["wt.loss"]], y)
    assert left.kept == ()
    assert (left.model.log_hazard(X) == 0).all()
    assert left.model.baseline_survival([365])[365] == pytest.approx(0.41, abs=0.03)
    assert left.model.summary().empty


def test_a_separating_variable_is_kept_by_its_likelihood_ratio():
    """``coxph(Surv(t, e) ~ x, d)$loglik``: -15.1044 and -9.5750, so p is 0.0009 in the limit"""
    y = pd.DataFrame({"time": np.arange(1.0, 11), "event": 1})
    X = pd.DataFrame({"x": [1.0] * 5 + [0.0] * 5, "noise": [0.0, 1] * 5})
    left = eliminate(X, y)
    assert left.kept == ("x",)
    assert left.steps["variable"].tolist() == ["noise"]
    table = univariate_table(X, y).set_index("term")
    assert 0.0009 <= table.loc["x", "variable_p"] < 0.005
    assert "separation" in table.loc["x", "note"]


def test_a_variable_that_follows_from_the_others_goes(lung):
    X, y = lung
    left = eliminate(X.assign(woman=X["sex"] - 1)[["sex", "woman", "e2"]], y)
    assert left.kept == ("sex", "e2")
    assert "woman" in left.steps["variable"].tolist()


def test_events_for_each_parameter(lung):
    X, y = lung
    enough = events_per_variable(y, list(X.columns))
    assert (enough.events, enough.parameters, enough.note) == (151, 5, "")
    assert enough.ratio == pytest.approx(30.2)
    assert "151 events for 20 parameters: 7.5 for each" in events_per_variable(y, 20).note
    assert events_per_variable(y, 0).ratio == np.inf


def test_settings_that_are_refused(lung):
    X, y = lung
    with pytest.raises(SettingError, match="p must be above 0 and up to 1, got 0"):
        eliminate(X, y, p=0)
    with pytest.raises(InputError, match="variable 'grade' must name columns of X"):
        univariate_table(X, y, variables={"grade": ["grade=4"]})
    with pytest.raises(EndpointError, match="with the event, got 0 of 213"):
        events_per_variable(y.assign(event=0), 3)


def test_intervals_cover_the_true_effect():
    """95 % intervals of a Cox model on data with a known log hazard ratio, ties and censoring."""
    truth = np.array([0.5, -0.8, 0.0])
    inside = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
        X["b"] = (X["b"] > 0).astype(float)
        time = rng.exponential(np.exp(-(X.to_numpy() @ truth)))
        censored = rng.exponential(2.0, size=200)
        y = pd.DataFrame(
            {"time": np.ceil(np.minimum(time, censored) * 50), "event": (time < censored) * 1}
        )
        table = CoxModel().fit(X, y).summary()
        inside.append((np.log(table["ci_low"]) < truth) & (truth < np.log(table["ci_high"])))
    cover = np.mean(inside, axis=0)
    assert ((cover > 0.91) & (cover < 0.985)).all(), cover
