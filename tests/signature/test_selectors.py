"""Selectors against SciPy and scikit-learn, and on data that does not carry them."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.linear_model import LassoCV, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from gliofuse.errors import InputError, SettingError
from gliofuse.signature import (
    BackwardAIC,
    CorrelationFilter,
    ForestTopK,
    ICCFilter,
    LassoSelector,
    LeveneSelector,
    MannWhitneySelector,
    SignatureWarning,
    TTestSelector,
    read_icc_table,
)
from gliofuse.signature._common import column_auc, stratified_folds


@pytest.fixture(scope="module")
def groups():
    rng = np.random.default_rng(11)
    y = np.repeat([0, 1], [37, 25])
    X = rng.normal(size=(62, 40)) * rng.uniform(0.5, 3, size=40)
    X[y == 1] = X[y == 1] * rng.uniform(0.7, 1.6, size=40) + rng.normal(scale=0.4, size=40)
    X[:, 5] = X[:, 5].round()  # ties
    X[:, 6] = 100.0  # constant
    X[:, 7] = 1e6 + 1e-3 * X[:, 7]  # small spread on a large mean
    return X, y


UNIVARIATE = [
    (TTestSelector(), lambda a, b: stats.ttest_ind(b, a)),
    (TTestSelector(equal_var=False), lambda a, b: stats.ttest_ind(b, a, equal_var=False)),
    (LeveneSelector(), lambda a, b: stats.levene(a, b)),
    (LeveneSelector(center="mean"), lambda a, b: stats.levene(a, b, center="mean")),
    (MannWhitneySelector(), lambda a, b: stats.mannwhitneyu(b, a, method="asymptotic")),
]


@pytest.mark.parametrize(
    ("selector", "oracle"), UNIVARIATE, ids=[str(selector) for selector, _ in UNIVARIATE]
)
def test_p_values_equal_scipy(selector, oracle, groups):
    X, y = groups
    selector.fit(X, y)
    for j in range(X.shape[1]):
        if j == 6:
            assert selector.pvalues_[j] == 1.0
            assert selector.statistic_[j] == 0.0
            continue
        expected = oracle(X[y == 0, j], X[y == 1, j])
        np.testing.assert_allclose(selector.statistic_[j], expected.statistic, rtol=1e-7)
        np.testing.assert_allclose(selector.pvalues_[j], expected.pvalue, rtol=1e-6)
    np.testing.assert_array_equal(selector.get_support(), selector.pvalues_ < 0.05)
    assert not selector.fallback_


@pytest.mark.parametrize("selector", [TTestSelector, LeveneSelector, MannWhitneySelector])
def test_nothing_passes(selector, groups):
    X, y = groups
    with pytest.warns(SignatureWarning, match=r"no feature has p < 1e-40; the best 2 of 40 kept"):
        fitted = selector(1e-40, min_features=2).fit(X, y)
    assert fitted.fallback_
    np.testing.assert_array_equal(
        np.flatnonzero(fitted.get_support()), np.sort(np.argsort(fitted.pvalues_)[:2])
    )


@pytest.mark.parametrize("selector", [TTestSelector, LeveneSelector, MannWhitneySelector])
def test_all_constant_and_two_patients(selector):
    with pytest.warns(SignatureWarning, match="no feature has p < 0.05"):
        fitted = selector().fit(np.ones((6, 3)), [0, 1] * 3)
    np.testing.assert_array_equal(fitted.pvalues_, 1.0)
    with pytest.warns(SignatureWarning, match="no feature has p < 0.05"):
        fitted = selector().fit(np.array([[1.0, 2.0], [3.0, 4.0]]), [0, 1])
    assert np.all(np.isfinite(fitted.pvalues_))


def test_feature_constant_within_classes_separates_them():
    y = np.repeat([0, 1], 5)
    assert TTestSelector().fit(np.c_[0.1 + 0.2 * y], y).pvalues_[0] == 0.0


@pytest.mark.parametrize("bad", [-0.1, 1.5])
def test_alpha_outside_its_range(bad, groups):
    with pytest.raises(SettingError, match="alpha must be from 0 to 1"):
        TTestSelector(bad).fit(*groups)


def test_three_classes_are_refused():
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        TTestSelector().fit(np.eye(6), [0, 1, 2] * 2)


def lasso_data(n=90, p=25, seed=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = (X[:, 3] - X[:, 2] + 0.8 * rng.normal(size=n) > 0.3).astype(int)
    return X, y


def test_lasso_equals_lassocv_on_the_same_folds():
    X, y = lasso_data()
    ours = LassoSelector(random_state=4).fit(X, y)
    theirs = LassoCV(
        alphas=ours.path_["penalty"].to_numpy(),
        cv=stratified_folds(y, 10, 4),
        tol=1e-10,
        max_iter=100_000,
    ).fit(X, y)
    assert ours.penalty_ == pytest.approx(theirs.alpha_)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(-ours.path_["mean_score"], theirs.mse_path_.mean(axis=1), rtol=1e-3)
    assert {2, 3} <= set(np.flatnonzero(ours.get_support()))


def test_lasso_by_auc_finds_the_features_and_one_se_fewer():
    X, y = lasso_data(p=60)
    best = LassoSelector(scoring="auc").fit(X, y)
    sparse = LassoSelector(scoring="auc", rule="one-se").fit(X, y)
    assert {2, 3} <= set(np.flatnonzero(sparse.get_support()))
    assert sparse.get_support().sum() <= best.get_support().sum()
    assert sparse.penalty_ >= best.penalty_
    assert best.path_["mean_score"].max() > 0.8


def test_lasso_without_any_relation_keeps_the_most_correlated():
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(40, 5)), np.tile([0, 1], 20)
    with pytest.warns(SignatureWarning, match="every coefficient of the LASSO is zero"):
        fitted = LassoSelector(rule="one-se").fit(X, y)
    correlation = [abs(np.corrcoef(X[:, j], y)[0, 1]) for j in range(5)]
    assert list(np.flatnonzero(fitted.get_support())) == [int(np.argmax(correlation))]
    with pytest.warns(SignatureWarning, match="every coefficient of the LASSO is zero"):
        assert LassoSelector().fit(np.ones((12, 3)), np.tile([0, 1], 6)).get_support().sum() == 1


def test_the_deviance_of_the_path_is_that_of_scikit_learns_fits(groups):
    X, y = groups
    X = StandardScaler().fit_transform(X[:, :12])
    ours = LassoSelector(scoring="deviance", folds=4, random_state=2).fit(X, y)
    parts = stratified_folds(y, 4, 2)
    for row in (5, 40, 80):
        penalty = ours.path_.loc[row, "penalty"]
        losses = []
        for training, test in parts:
            model = LogisticRegression(
                l1_ratio=1.0,
                C=1 / (penalty * len(training)),
                solver="saga",
                tol=1e-8,
                max_iter=9999,
            ).fit(X[training], y[training])
            losses.append(2 * log_loss(y[test], model.predict_proba(X[test])[:, 1]))
        assert ours.path_.loc[row, "mean_score"] == pytest.approx(-np.mean(losses), rel=1e-3)
    assert ours.penalty_ == ours.path_.loc[ours.path_["mean_score"].idxmax(), "penalty"]


@pytest.mark.parametrize(("rarer", "few"), [(39, True), (40, False)])
def test_auto_leaves_the_auc_where_folds_hold_few_patients_of_the_rarer_class(rarer, few):
    rng = np.random.default_rng(4)
    y = np.repeat([0, 1], [60, rarer])
    X = rng.normal(size=(60 + rarer, 20)) + 0.5 * y[:, None] * (np.arange(20) < 3)
    auto = LassoSelector(scoring="auto", folds=4).fit(X, y)
    named = {"scoring": "deviance", "rule": "one-se"} if few else {"scoring": "auc"}
    same = LassoSelector(folds=4, **named).fit(X, y)
    np.testing.assert_array_equal(auto.coef_, same.coef_)
    assert (auto.scoring_, auto.rule_) == (same.scoring_, same.rule_)
    kept = auto.with_choice().fit(X, y)
    np.testing.assert_allclose(kept.coef_, auto.coef_, atol=1e-5)


def test_folds_shrink_to_the_smaller_class():
    X, y = lasso_data(n=30)
    y = np.zeros(30, dtype=int)
    y[:3] = 1
    X[:3, 0] += 5
    assert LassoSelector().fit(X, y).n_folds_ == 3
    with pytest.raises(SettingError, match="needs two patients of each class"):
        LassoSelector().fit(X[2:], y[2:])


def test_column_auc_equals_pairs():
    rng = np.random.default_rng(5)
    y = np.array([0, 1, 1, 0, 0, 1, 0])
    decision = rng.integers(0, 4, size=(7, 6)).astype(float)
    for j in range(6):
        pairs = [
            (p > n) + 0.5 * (p == n)
            for p, n in itertools.product(decision[y == 1, j], decision[y == 0, j])
        ]
        assert column_auc(y, decision)[j] == pytest.approx(np.mean(pairs))


def test_correlation_filter_keeps_the_more_informative():
    rng = np.random.default_rng(6)
    y = np.tile([0, 1], 40)
    strong = y + 0.5 * rng.normal(size=80)
    X = np.c_[strong + 0.1 * rng.normal(size=80), strong, rng.normal(size=80), np.ones(80)]
    assert CorrelationFilter(0.8).fit(X).get_support().tolist() == [True, False, True, False]
    best = int(abs(np.corrcoef(X[:, 1], y)[0, 1]) > abs(np.corrcoef(X[:, 0], y)[0, 1]))
    support = CorrelationFilter(0.8).fit(X, y).get_support()
    assert support[best]
    assert not support[1 - best]
    kept = X[:, CorrelationFilter(0.3, method="spearman").fit(X).get_support()]
    if kept.shape[1] > 1:
        rho = np.abs(stats.spearmanr(kept).statistic)
        assert np.all(rho[~np.eye(len(rho), dtype=bool)] <= 0.3) if rho.ndim else rho <= 0.3
    with pytest.raises(SettingError, match="threshold must be from 0 to 1"):
        CorrelationFilter(2).fit(X)


def test_icc_filter(tmp_path):
    X = pd.DataFrame(np.zeros((3, 3)), columns=["a", "b", "c"])
    table = pd.DataFrame({"feature": ["a", "b", "z"], "icc": [0.9, 0.4, 0.99]})
    table.to_csv(tmp_path / "icc.csv", index=False)
    for given in (["a"], table, read_icc_table(tmp_path / "icc.csv"), {"a": 0.75, "b": np.nan}):
        assert list(ICCFilter(given).fit(X).get_feature_names_out()) == ["a"]
    with pytest.raises(InputError, match="none of the 3 features is reproducible"):
        ICCFilter(["A"]).fit(X)
    with pytest.raises(InputError, match="X must be a DataFrame"):
        ICCFilter(["a"]).fit(X.to_numpy())
    with pytest.raises(InputError, match="no such file"):
        read_icc_table(tmp_path / "none.csv")
    (tmp_path / "bad.csv").write_text("feature,icc\na,high\n")
    with pytest.raises(InputError, match="icc of a must be a number, got 'high'"):
        read_icc_table(tmp_path / "bad.csv")


def test_forest_keeps_all_when_there_are_fewer():
    X, y = lasso_data(p=5)
    assert ForestTopK(8, trees=10).fit(X, y).get_support().all()
    kept = np.flatnonzero(ForestTopK(2, trees=100).fit(*lasso_data()).get_support())
    assert kept.tolist() == [2, 3]


def test_backward_aic_equals_exhaustive_elimination():
    X, y = lasso_data(n=120, p=7, seed=9)
    columns = list(range(7))

    def aic(chosen):
        return sm.Logit(y, sm.add_constant(X[:, chosen])).fit(disp=0).aic

    while True:
        trials = {j: aic([c for c in columns if c != j]) for j in columns}
        drop = min(trials, key=trials.get)
        if trials[drop] >= aic(columns):
            break
        columns.remove(drop)
    fitted = BackwardAIC(ridge=1e-6).fit(X, y)
    assert np.flatnonzero(fitted.get_support()).tolist() == columns
    assert fitted.aic_ == pytest.approx(aic(columns), rel=1e-5)
    assert (np.diff(fitted.steps_["aic"]) < 0).all()


def test_backward_aic_limits():
    X, y = lasso_data(n=100, p=12)
    assert BackwardAIC(2).fit(X, y).get_support().sum() == 2
    ruled = BackwardAIC("n/10", always=False).fit(X, y)
    assert ruled.max_features_ == 10
    assert ruled.get_support().sum() <= 10
    assert BackwardAIC(12, always=False).fit(X, y).get_support().all()
    with pytest.raises(SettingError, match="max_features must be 1 or more"):
        BackwardAIC(0).fit(X, y)


def test_backward_aic_with_separated_classes_and_more_features_than_patients():
    rng = np.random.default_rng(1)
    y = np.tile([0, 1], 10)
    X = rng.normal(size=(20, 30))
    X[:, 4] = 3 * y + 0.1 * rng.normal(size=20)
    fitted = BackwardAIC().fit(X, y)
    assert fitted.get_support().sum() <= 3
    assert np.isfinite(fitted.aic_)
