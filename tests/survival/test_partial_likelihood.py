"""The partial likelihood against a naive one, term by term."""

import numpy as np
import pytest

from gliofuse.survival._partial_likelihood import PartialLikelihood


def naive(time, event, eta, X, ties):
    """Return log-likelihood, gradient and information from the definition, death by death."""
    value, gradient = 0.0, np.zeros(X.shape[1])
    information = np.zeros((X.shape[1], X.shape[1]))
    risk = np.exp(eta)
    for t in np.unique(time[event]):
        at_risk, died = time >= t, event & (time == t)
        for step in range(died.sum()):
            share = step / died.sum() if ties == "efron" else 0.0
            weight = risk * (at_risk - share * died)
            mean = weight @ X / weight.sum()
            value -= np.log(weight.sum())
            gradient -= mean
            information += (X.T * weight) @ X / weight.sum() - np.outer(mean, mean)
        value += eta[died].sum()
        gradient += X[died].sum(axis=0)
    return value, gradient, information


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", range(4))
def test_equals_the_definition(ties, seed):
    rng = np.random.default_rng(seed)
    n = 40
    time = np.floor(rng.exponential(4, size=n))  # many ties, zeros among them
    event = rng.random(n) < (0.6 if seed else 1.0)
    X = rng.normal(size=(n, 3))
    eta = X @ [0.5, -1.0, 3.0]
    likelihood = PartialLikelihood(time, event, ties=ties)
    value, gradient, information = naive(time, event, eta, X, ties)
    found = likelihood.gradient_information(eta, X)
    assert found[0] == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(found[1], gradient, atol=1e-10)
    np.testing.assert_allclose(found[2], information, atol=1e-9)
    # the residuals are the gradient in eta, and sum to nothing
    residual = likelihood.martingale(eta)
    np.testing.assert_allclose(residual @ X, gradient, atol=1e-10)
    assert residual.sum() == pytest.approx(0, abs=1e-10)
    shifted = likelihood.gradient_information(eta + 800, X)
    np.testing.assert_allclose(shifted[2], information, atol=1e-9)
    step = 1e-6
    for i in (0, 7, 20):
        moved = eta.copy()
        moved[i] += step
        slope = (likelihood.log_likelihood(moved) - found[0]) / step
        assert slope == pytest.approx(residual[i], abs=1e-4)


def test_martingale_residuals_are_those_of_r(lung):
    """``resid(coxph(Surv(time, status == 2) ~ 1, l), type = "martingale")[c(1, 2, 3, 100)]``,
    and of fl."""
    from gliofuse.survival import CoxModel

    X, y = lung
    likelihood = PartialLikelihood(y["time"].to_numpy(float), y["event"].to_numpy(bool))
    rows = [0, 1, 2, 99]
    np.testing.assert_allclose(likelihood.martingale(np.zeros(len(y)))[rows], NULL, atol=1e-6)
    eta = CoxModel().fit(X, y).log_hazard(X).to_numpy()
    np.testing.assert_allclose(likelihood.martingale(eta)[rows], FITTED, atol=1e-6)


NULL = [-0.0571389144, -2.8206893213, 0.6141038983, -1.2554322752]
FITTED = [0.1246789545, -2.0347665135, 0.5664354001, -0.8928647728]
