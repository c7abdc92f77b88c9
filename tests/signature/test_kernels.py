"""The compiled paths against scikit-learn's solvers and the optimality conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import Lasso, LogisticRegression

from gliofuse.signature._kernels import elastic_net_path, lasso_path


def problem(n, p, seed, signal=5.0):
    """Correlated columns in 0..1 and a label from the first five."""
    rng = np.random.default_rng(seed)
    X = 0.5 * rng.normal(size=(n, 5)) @ rng.normal(size=(5, p)) + rng.normal(size=(n, p))
    X = (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))
    eta = signal * (X - X.mean(axis=0))[:, :5].sum(axis=1)
    y = (rng.random(n) < expit(eta)).astype(float)
    y[:2] = 0, 1
    weights = np.where(y == 1, n / 2 / y.sum(), n / 2 / (n - y.sum()))
    return X, y, weights


def objective(X, y, weights, coefficients, intercept, penalty, ratio):
    eta = X @ coefficients + intercept
    loss = weights @ (np.logaddexp(0, eta) - y * eta)
    return loss + penalty * (
        ratio * np.abs(coefficients).sum() + (1 - ratio) / 2 * (coefficients**2).sum()
    )


@pytest.mark.parametrize(
    ("patients", "features", "penalty", "ratio"),
    [
        (80, 10, 0.5, 0.5),
        (120, 40, 2.0, 0.1),
        (60, 90, 1.0, 0.7),
        (150, 30, 0.05, 0.9),
        (100, 5, 0.01, 0.3),
        (60, 20, 0.5, 1.0),
        (100, 30, 0.1, 0.0),
        (60, 150, 0.5, 0.0),
    ],
)
def test_equals_scikit_learn(patients, features, penalty, ratio):
    X, y, weights = problem(patients, features, seed=features)
    grid = 2.0 ** np.arange(6, -11, -1)
    path = elastic_net_path(X, y, weights, np.r_[grid[grid > penalty], penalty], ratio, tol=1e-8)
    oracle = LogisticRegression(
        C=1 / penalty,
        l1_ratio=ratio,
        class_weight="balanced",
        solver="saga" if ratio else "lbfgs",
        tol=1e-10,
        max_iter=200_000,
        random_state=0,
    ).fit(X, y)
    assert path.converged.all()
    np.testing.assert_allclose(path.coefficients[-1], oracle.coef_[0], atol=1e-4)
    np.testing.assert_allclose(path.intercepts[-1], oracle.intercept_[0], atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    patients=st.integers(10, 60),
    features=st.integers(1, 80),
    power=st.integers(-10, 6),
    ratio=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
)
def test_optimality_conditions_hold(seed, patients, features, power, ratio):
    X, y, weights = problem(patients, max(features, 5), seed)
    X = X[:, :features]
    penalty = 2.0**power
    path = elastic_net_path(
        X, y, weights, 2.0 ** np.arange(7, power - 1, -1), ratio, tol=1e-6, max_iter=200
    )
    coefficients, intercept = path.coefficients[-1], path.intercepts[-1]
    residual = weights * (y - expit(X @ coefficients + intercept))
    gradient = X.T @ residual - penalty * (1 - ratio) * coefficients
    zero = coefficients == 0
    assert path.converged[-1]
    assert abs(residual.sum()) <= 1e-5 * penalty + 1e-9
    assert np.all(np.abs(gradient[zero]) <= penalty * (ratio + 1e-5) + 1e-9)
    np.testing.assert_allclose(
        gradient[~zero], penalty * ratio * np.sign(coefficients[~zero]), atol=1e-4 * penalty + 1e-9
    )


def test_warm_start_gives_the_cold_solution():
    X, y, weights = problem(70, 25, seed=3)
    grid = 2.0 ** np.arange(10, -11, -1)
    warm = elastic_net_path(X, y, weights, grid, 0.4, tol=1e-7)
    for k in (8, 14, 20):
        cold = elastic_net_path(X, y, weights, grid[k : k + 1], 0.4, tol=1e-7)
        np.testing.assert_allclose(warm.coefficients[k], cold.coefficients[0], atol=1e-4)


def test_shift_of_the_columns_moves_the_intercept_only():
    X, y, weights = problem(60, 8, seed=4)
    shift = np.linspace(-1000, 1000, 8)
    grid = np.array([1.0, 0.25])
    plain = elastic_net_path(X, y, weights, grid, 0.5, tol=1e-7)
    moved = elastic_net_path(X + shift, y, weights, grid, 0.5, tol=1e-7)
    np.testing.assert_allclose(moved.coefficients, plain.coefficients, atol=1e-6)
    np.testing.assert_allclose(
        moved.intercepts, plain.intercepts - plain.coefficients @ shift, atol=1e-3
    )


def test_constant_and_doubled_columns_are_solved():
    X, y, weights = problem(40, 6, seed=5)
    X = np.c_[X, np.ones(40), X[:, 0]]
    for ratio in (0.0, 0.5, 1.0):
        path = elastic_net_path(X, y, weights, 2.0 ** np.arange(5, -8, -1), ratio)
        assert path.converged.all()
        assert np.all(path.coefficients[:, 6] == 0)


def test_too_few_iterations_are_reported_not_hidden():
    X, y, weights = problem(60, 30, seed=6)
    path = elastic_net_path(X, y, weights, np.array([1e-3]), 0.5, tol=1e-8, max_iter=1)
    assert not path.converged.any()


@pytest.mark.parametrize("features", [6, 90])
def test_lasso_equals_scikit_learn(features):
    X, y, _ = problem(60, features, seed=features)
    grid = np.geomspace(0.1, 2e-3, 20)
    path = lasso_path(X, y, grid, tol=1e-8)
    assert path.converged.all()
    for k in (5, 12, 19):
        oracle = Lasso(alpha=grid[k], tol=1e-12, max_iter=1_000_000).fit(X, y)
        np.testing.assert_allclose(path.coefficients[k], oracle.coef_, atol=1e-5)
        np.testing.assert_allclose(path.intercepts[k], oracle.intercept_, atol=1e-5)
