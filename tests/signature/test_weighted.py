"""Fusion by weights that are not negative and shrunk towards equal ones."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from gliofuse.errors import SettingError
from gliofuse.signature import RidgeSignature, WeightedFusion, coefficients


def signatures(n, seed, strengths=(1.0, 0.5, 0.0, 0.0)):
    """Return probabilities of signatures of given strength, and the labels."""
    rng = np.random.default_rng(seed)
    y = rng.permutation((np.arange(n) < 0.4 * n).astype(int))
    scores = rng.normal(size=(n, len(strengths))) + np.outer(2 * y - 1, strengths)
    return pd.DataFrame(expit(scores), columns=[f"s{k}" for k in range(len(strengths))]), y


@pytest.mark.parametrize("penalty", [0.0, 1.0, 50.0])
@pytest.mark.parametrize("seed", range(4))
def test_equals_a_general_minimiser(penalty, seed):
    X, y = signatures(60, seed)
    scores = logit(X.to_numpy())

    def objective(b):
        eta = b[0] + scores @ b[1:]
        spread = ((b[1:] - b[1:].mean()) ** 2).sum()
        loss = np.logaddexp(0, np.where(y == 1, -eta, eta)).sum()
        return loss + penalty / 2 * spread + 0.5 * (b[1:].sum() - 1) ** 2

    oracle = minimize(
        objective,
        np.full(5, 0.2),
        method="L-BFGS-B",
        bounds=[(None, None), *[(0, None)] * 4],
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 5000},
    )
    found = WeightedFusion(penalty=penalty).fit(X, y)
    intercept = found.intercept_ - found.weights_ @ found.mean_
    np.testing.assert_allclose(np.r_[intercept, found.weights_], oracle.x, atol=2e-4)
    assert objective(np.r_[intercept, found.weights_]) <= oracle.fun + 1e-9
    log_odds = intercept + scores @ found.weights_
    np.testing.assert_allclose(found.decision_function(X), log_odds)


def test_weights_are_never_negative_and_become_equal():
    X, y = signatures(80, seed=3, strengths=(1.0, 0.3, -0.8))
    free, shrunk = (WeightedFusion(penalty=p).fit(X, y).weights_ for p in (0.0, 1e6))
    assert free.min() == 0.0
    assert free[2] == 0.0
    np.testing.assert_allclose(shrunk, shrunk.mean(), rtol=1e-3)


def test_separated_classes_and_certain_signatures_have_a_finite_fusion():
    y = np.repeat([0, 1], 10)
    X = pd.DataFrame({"right": y.astype(float), "flat": 0.5})
    fitted = WeightedFusion().fit(X, y)
    assert np.isfinite(fitted.coef_).all()
    assert fitted.score(X, y) == 1.0
    assert coefficients(fitted)["term"].tolist() == ["(intercept)", "right", "flat"]
    assert clone(fitted).fit(X.to_numpy(), y.astype(str)).classes_.tolist() == ["0", "1"]


def test_few_patients_are_ranked_better_than_by_a_free_ridge():
    ours, theirs = [], []
    for seed in range(16):
        X, y = signatures(30, seed, strengths=(0.15, 0.15, 0.15, 0.15))
        unseen, truth = signatures(2000, 100 + seed, strengths=(0.15, 0.15, 0.15, 0.15))
        for found, fusion in ((ours, WeightedFusion()), (theirs, RidgeSignature(folds=5))):
            found.append(roc_auc_score(truth, fusion.fit(X, y).predict_proba(unseen)[:, 1]))
    assert np.mean(ours) > np.mean(theirs) + 0.01
    assert np.min(ours) > np.min(theirs)


def test_as_many_events_are_expected_as_came():
    X, y = signatures(200, seed=1)
    fitted = WeightedFusion().fit(X, y)
    assert fitted.predict_proba(X)[:, 1].sum() == pytest.approx(y.sum(), abs=1e-6)


def test_what_is_no_probability_is_refused():
    y = np.repeat([0, 1], 5)
    with pytest.raises(SettingError, match=r"takes probabilities from 0 to 1, got values from -1"):
        WeightedFusion().fit(np.linspace(-1, 1, 10)[:, None], y)
    with pytest.raises(SettingError, match=r"penalty must be 0 or more, got -1"):
        WeightedFusion(penalty=-1).fit(np.linspace(0, 1, 10)[:, None], y)
