"""Probabilities that mean what they say: class weights are undone, the ranking stays."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from gliofuse.errors import SettingError
from gliofuse.evaluation import decision_curve
from gliofuse.signature import (
    ElasticNetSignature,
    ForestSignature,
    LogisticScorer,
    RidgeSignature,
    SVMSignature,
)

pytestmark = pytest.mark.slow(minutes=0.1)

#: one point a grid, so that the choice of a penalty cannot differ
SCORERS = [
    ElasticNetSignature(lambdas=(1.0,), l1_ratios=(0.5,), folds=5),
    RidgeSignature(lambdas=(1.0,), folds=5),
    LogisticScorer(class_weight="balanced"),
    ForestSignature(trees=100, min_samples_leaf=15, class_weight="balanced"),
    SVMSignature(C=(1.0,), gamma=(0.05,), folds=5, class_weight="balanced"),
]
NAMES = [type(scorer).__name__ for scorer in SCORERS]


def patients(n, seed, prevalence=0.2):
    """Return two features that tell a rare class, and the labels."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < prevalence).astype(int)
    X = rng.normal(size=(n, 4))
    X[:, :2] += 0.9 * y[:, None]
    return pd.DataFrame(X, columns=list("abcd")), y


def net_benefit(y, probability, threshold=0.2):
    table = pd.DataFrame(
        {"case_id": np.arange(y.size), "model": "m", "y_true": y, "probability": probability}
    )
    found = decision_curve(table, thresholds=[threshold], bootstrap=10)
    return found.set_index("model").loc["m", "net_benefit"]


@pytest.mark.parametrize("scorer", SCORERS, ids=NAMES)
def test_as_many_events_come_as_are_expected(scorer):
    unseen, truth = patients(6_000, seed=99)
    ratio, brier, benefit = [], [], []
    for seed in range(8):
        X, y = patients(300, seed)
        own = scorer.set_params(prior="training").fit(X, y).predict_proba(unseen)[:, 1]
        weighted = scorer.set_params(prior="weighted").fit(X, y).predict_proba(unseen)[:, 1]
        # Brier score and net benefit suffer from weights; what is expected is right with the
        # training patients' prevalence, which is the cohort's but for chance
        ratio.append(own.mean() / y.mean())
        brier.append([np.mean((p - truth) ** 2) for p in (own, weighted)])
        benefit.append([net_benefit(truth, p) for p in (own, weighted)])
        # means of a forest's trees can differ in their last bit alone, and then tie when moved
        exact = 1e-7 if isinstance(scorer, ForestSignature) else 0
        assert abs(roc_auc_score(truth, own) - roc_auc_score(truth, weighted)) <= exact
    # the mean of trees is not linear in the log-odds, so a forest is moved to about its place
    reach = 0.15 if isinstance(scorer, ForestSignature) else 0.08
    assert np.mean(ratio) == pytest.approx(1, abs=reach)
    brier, benefit = np.mean(brier, axis=0), np.mean(benefit, axis=0)
    assert brier[0] < brier[1] - 0.02
    assert benefit[0] > benefit[1]


def test_a_linear_scorer_moves_by_the_logarithm_of_the_weights():
    X, y = patients(200, seed=1)
    for weight, ratio in (("balanced", (y == 0).sum() / (y == 1).sum()), ({0: 2.0, 1: 7.0}, 3.5)):
        scorer = LogisticScorer(class_weight=weight)
        own = scorer.set_params(prior="training").fit(X, y).decision_function(X)
        weighted = scorer.set_params(prior="weighted").fit(X, y).decision_function(X)
        np.testing.assert_allclose(weighted - own, np.log(ratio))


def test_a_forest_moves_by_the_logarithm_of_the_weights():
    X, y = patients(200, seed=1)
    ours = ForestSignature(trees=50, min_samples_leaf=10, class_weight="balanced")
    ours.set_params(prior="training").fit(X, y)
    theirs = RandomForestClassifier(
        50, min_samples_leaf=10, class_weight="balanced", random_state=0
    ).fit(X.to_numpy(), y)
    moved = logit(theirs.predict_proba(X.to_numpy())[:, 1]) - logit(ours.predict_proba(X)[:, 1])
    np.testing.assert_allclose(moved, np.log((y == 0).sum() / (y == 1).sum()))


def test_balanced_accuracy_of_the_grid_is_blind_to_the_prior():
    X, y = patients(200, seed=1)
    grids = [
        ElasticNetSignature(scoring="balanced_accuracy", folds=5, prior=prior)
        .fit(X, y)
        .grid_["mean_score"]
        for prior in ("training", "weighted")
    ]
    pd.testing.assert_series_equal(*grids)


def test_an_unknown_prior_is_refused():
    X, y = patients(60, seed=1)
    for scorer in SCORERS:
        with pytest.raises(SettingError, match=r"prior got 'equal'.*training"):
            scorer.set_params(prior="equal").fit(X, y)
