"""Scorers: grids, probabilities, separation and small data."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gliofuse.errors import SettingError
from gliofuse.signature import (
    ElasticNetSignature,
    ForestSignature,
    LogisticScorer,
    RidgeSignature,
    SignatureWarning,
    SVMSignature,
)
from gliofuse.signature._common import stratified_folds


def cohort(n=90, p=6, seed=0, effect=1.2):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.4).astype(int)
    X = rng.normal(size=(n, p))
    X[:, 0] += effect * y
    X[:, 1] -= effect * y
    return pd.DataFrame(X, columns=[f"f{i}" for i in range(p)]), y


@pytest.mark.parametrize("scoring", ["roc_auc", "accuracy", "balanced_accuracy", "neg_log_loss"])
def test_grid_equals_gridsearchcv(scoring):
    X, y = cohort()
    lambdas, ratios = [0.1, 1.0, 10.0], [0.2, 0.9]
    ours = ElasticNetSignature(
        lambdas=lambdas, l1_ratios=ratios, folds=5, scoring=scoring, random_state=3, tol=1e-8
    ).fit(X, y)
    theirs = GridSearchCV(
        LogisticRegression(
            solver="saga", class_weight="balanced", tol=1e-9, max_iter=100_000, random_state=0
        ),
        {"C": [1 / value for value in lambdas], "l1_ratio": ratios},
        scoring=scoring,
        cv=stratified_folds(y, 5, 3),
    ).fit(X.to_numpy(), y)
    expected = {
        (round(1 / point["C"], 9), point["l1_ratio"]): score
        for point, score in zip(theirs.cv_results_["params"], theirs.cv_results_["mean_test_score"])
    }
    for row in ours.grid_.itertuples():
        key = (round(row[1], 9), row.l1_ratio)
        assert row.mean_score == pytest.approx(expected[key], abs=1e-4)
    assert ours.best_score_ == pytest.approx(theirs.best_score_, abs=1e-4)


def test_default_grid_and_attributes():
    X, y = cohort()
    fitted = ElasticNetSignature().fit(X, y)
    assert fitted.grid_.shape == (210, 7)
    assert fitted.grid_["lambda"].max() == 1024
    assert fitted.grid_["l1_ratio"].unique().tolist() == [x / 10 for x in range(1, 11)]
    assert fitted.n_folds_ == 10
    assert fitted.not_converged_ == 0
    assert fitted.coef_.shape == (1, 6)
    oracle = LogisticRegression(
        C=1 / fitted.best_params_["lambda"],
        l1_ratio=fitted.best_params_["l1_ratio"],
        solver="saga",
        class_weight="balanced",
        tol=1e-10,
        max_iter=100_000,
        random_state=0,
    ).fit(X, y)
    np.testing.assert_allclose(fitted.coef_, oracle.coef_, atol=1e-5)
    np.testing.assert_allclose(fitted.predict_proba(X), oracle.predict_proba(X), atol=1e-5)


def test_ridge_standardises_and_ignores_units():
    X, y = cohort(p=4)
    scaled = X * [1000, 0.01, 1, 1] + [5, 5, 5, -1e4]
    plain, other = RidgeSignature().fit(X, y), RidgeSignature().fit(scaled, y)
    np.testing.assert_allclose(plain.predict_proba(X), other.predict_proba(scaled), atol=1e-6)
    np.testing.assert_allclose(plain.coef_, other.coef_, atol=1e-5)
    oracle = make_pipeline(
        StandardScaler(),
        LogisticRegression(
            C=1 / plain.best_params_["lambda"], class_weight="balanced", tol=1e-10, max_iter=10_000
        ),
    ).fit(X, y)
    np.testing.assert_allclose(plain.coef_, oracle[-1].coef_, atol=1e-4)


def test_constant_column_has_no_weight():
    X, y = cohort(p=3)
    X["f2"] = 7.0
    for scorer in (RidgeSignature(), ElasticNetSignature(), LogisticScorer()):
        fitted = scorer.fit(X, y)
        assert fitted.coef_[0, 2] == pytest.approx(0.0, abs=1e-9)
        assert np.all(np.isfinite(fitted.predict_proba(X)))


def test_ties_of_the_score_go_to_the_smaller_log_loss():
    y = np.tile([0, 1], 20)
    X = (y + 0.01 * np.arange(40))[:, None]  # every penalty ranks the patients perfectly
    fitted = RidgeSignature(scoring="roc_auc").fit(X, y)
    losses = fitted.grid_.set_index("lambda")["mean_log_loss"]
    assert (fitted.grid_["mean_score"] == 1).all()
    assert fitted.best_params_["lambda"] == losses.idxmin()


@pytest.mark.parametrize("scorer", [ElasticNetSignature, RidgeSignature, SVMSignature])
def test_few_patients(scorer):
    X, y = cohort(n=30)
    y = np.zeros(30, dtype=int)
    y[:2] = 1
    X.iloc[:2, 0] += 6
    assert scorer().fit(X, y).n_folds_ == 2
    y[1] = 0
    with pytest.raises(SettingError, match="needs two patients of each class"):
        scorer().fit(X, y)


def test_settings_are_checked():
    X, y = cohort()
    with pytest.raises(SettingError, match=r"scoring got 'rocauc'; did you mean 'roc_auc'\?"):
        ElasticNetSignature(scoring="rocauc").fit(X, y)
    with pytest.raises(SettingError, match="lambdas must be positive"):
        RidgeSignature(lambdas=[0.0, 1.0]).fit(X, y)
    with pytest.raises(SettingError, match="l1_ratios must be numbers from 0 to 1"):
        ElasticNetSignature(l1_ratios=[1.1]).fit(X, y)
    with pytest.raises(SettingError, match="folds must be 2 or more"):
        ElasticNetSignature(folds=1).fit(X, y)
    with pytest.raises(SettingError, match="gamma must be positive"):
        SVMSignature(gamma=[-1.0]).fit(X, y)
    with pytest.raises(SettingError, match="trees must be 1 or more"):
        ForestSignature(trees=0).fit(X, y)


def test_non_convergence_is_said_and_counted():
    X, y = cohort(p=20)
    with pytest.warns(SignatureWarning, match=r"did not converge .* \(lambda=0.001, l1_ratio=0.5"):
        fitted = ElasticNetSignature(lambdas=[1e-3], l1_ratios=[0.5], max_iter=1).fit(X, y)
    assert fitted.not_converged_ == 11
    assert fitted.grid_["not_converged"].tolist() == [10]


def test_threads_give_the_same():
    X, y = cohort()
    one, two = ElasticNetSignature().fit(X, y), ElasticNetSignature(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(one.coef_, two.coef_)


def test_logistic_equals_statsmodels():
    X, y = cohort(p=3)
    X = X * [3.0, 0.1, 1.0] + [5, 2, 0]
    fitted = LogisticScorer().fit(X, y)
    oracle = sm.Logit(y, sm.add_constant(X)).fit(disp=0)
    table = fitted.summary()
    assert table["term"].tolist() == ["(intercept)", "f0", "f1", "f2"]
    np.testing.assert_allclose(table["coefficient"], oracle.params, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(table["standard_error"], oracle.bse, rtol=1e-5)
    np.testing.assert_allclose(table["p"], oracle.pvalues, rtol=1e-4)
    np.testing.assert_allclose(np.log(table["ci_low"]), oracle.conf_int()[0], rtol=1e-4, atol=1e-5)
    assert fitted.aic_ == pytest.approx(oracle.aic)
    assert not fitted.separated_


@pytest.mark.parametrize("case", ["complete", "quasi", "wide"])
def test_separated_classes_get_a_ridge(case):
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 20)
    if case == "complete":
        X = np.c_[y + 0.1 * rng.normal(size=40)]
    elif case == "quasi":
        X = np.c_[y * (np.arange(40) < 10), rng.normal(size=40)].astype(float)
    else:
        X = rng.normal(size=(40, 60))
    with pytest.warns(SignatureWarning, match="the features separate the classes"):
        fitted = LogisticScorer().fit(X, y)
    assert fitted.separated_
    assert np.abs(fitted.coef_ * X.std(axis=0)).max() < 10


def test_svm_probabilities_rank_as_the_machine_and_are_calibrated():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(240, 2))
    y = (np.hypot(X[:, 0], X[:, 1]) + 0.3 * rng.normal(size=240) > 1.2).astype(int)
    fitted = SVMSignature(C=[1, 10], gamma=[0.1, 1], folds=5).fit(X[:160], y[:160])
    probability = fitted.predict_proba(X[160:])[:, 1]
    assert roc_auc_score(y[160:], probability) > 0.85
    np.testing.assert_array_equal(
        np.argsort(probability), np.argsort(fitted.svc_.decision_function(X[160:]))
    )
    assert abs(probability.mean() - y[160:].mean()) < 0.1
    assert set(fitted.grid_.columns) == {"C", "gamma", "mean_score", "std_score"}


def test_svm_whose_held_out_ranking_is_inverted_says_so():
    # leave-one-pair-out on alternating labels: every neighbour is of the other class
    X = np.arange(24.0)[:, None]
    y = np.tile([0, 1], 12)
    with pytest.warns(SignatureWarning, match="no better than chance"):
        fitted = SVMSignature(C=[10.0], gamma=[0.5], folds=12).fit(X, y)
    assert fitted.platt_[0] == pytest.approx(1e-3)
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], 0.5, atol=0.01)
