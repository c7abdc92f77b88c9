"""The elastic net equals R's glmnet; see conftest.py for the session."""

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_gbsg2

from gliofuse.errors import EndpointError, InputError, SettingError
from gliofuse.signature.nested import InnerFold
from gliofuse.survival import CoxElasticNet, CoxModel, event_folds
from gliofuse.survival._partial_likelihood import PartialLikelihood
from gliofuse.survival._penalised import largest_penalty, penalised_fit, penalised_path

# x <- as.matrix(rossi[, c("fin","age","race","wexp","mar","paro","prio")])
# coef(glmnet(x, Surv(rossi$week, rossi$arrest), family = "cox", alpha = a,
#             lambda = c(.05, .02, .005, .001), thresh = 1e-15, maxit = 1e7))
GLMNET = {
    0.5: [
        [-0.1543886070, -0.03335587917, 0, -0.1304277179, -0.1367586462, 0, 0.06378222442],
        [-0.2807898989, -0.04548738437, 0.1677096941, -0.1502293486, -0.2996439916,
         -0.002876611137, 0.08113238113],
        [-0.3535897911, -0.05400846755, 0.2751102307, -0.1518480459, -0.3960246555,
         -0.063700555265, 0.08861965358],
        [-0.3738863928, -0.05658004978, 0.3061810871, -0.1513204096, -0.4252091237,
         -0.080683447296, 0.09061309901],
    ],
    1.0: [
        [0, -0.02331729737, 0, -0.04471653771, 0, 0, 0.04478346714],
        [-0.2084004286, -0.04120304352, 0.0543140236, -0.12476001143, -0.1958697690, 0,
         0.07393582232],
        [-0.3349086607, -0.05268683518, 0.2445423195, -0.14573483741, -0.3685481730,
         -0.04443288775, 0.08745726795],
        [-0.3701763386, -0.05631579132, 0.2999807516, -0.15005820911, -0.4194538638,
         -0.07687432440, 0.09039055489],
    ],
    0.0: [
        [-0.3177817279, -0.04341975620, 0.2465026446, -0.1925263850, -0.3606632262,
         -0.06747926733, 0.07942498041],
        [-0.3520306210, -0.05043556464, 0.2827663351, -0.1742684169, -0.3999087676,
         -0.07636911355, 0.08595986454],
        [-0.3719222651, -0.05530901461, 0.3055843848, -0.1581009335, -0.4239626515,
         -0.08253824087, 0.08974815768],
        [-0.3775823435, -0.05684340245, 0.3123777910, -0.1525884258, -0.4309845105,
         -0.08447530521, 0.09083432703],
    ],
}  # fmt: skip
PENALTIES = np.array([0.05, 0.02, 0.005, 0.001])


def standardised(X):
    values = X.to_numpy(dtype=float)
    return (values - values.mean(axis=0)) / values.std(axis=0), values.std(axis=0)


def breslow(y):
    """glmnet's ties; the package's own are Efron's."""
    time, event = y["time"].to_numpy(float), y["event"].to_numpy(bool)
    return PartialLikelihood(time, event, ties="breslow")


@pytest.mark.parametrize("ratio", list(GLMNET))
def test_path_is_that_of_glmnet(rossi, ratio):
    X, y = rossi
    Z, scale = standardised(X)
    path, failed = penalised_path(breslow(y), Z, PENALTIES, ratio, tol=1e-10)
    assert failed == 0
    np.testing.assert_allclose(path / scale, GLMNET[ratio], atol=1e-6)
    np.testing.assert_array_equal(path == 0, np.array(GLMNET[ratio]) == 0)


def test_largest_penalty_is_that_of_glmnet(rossi):
    """``glmnet(x, y, family = "cox", alpha = .5)$lambda[1]``"""
    X, y = rossi
    top = largest_penalty(breslow(y), standardised(X)[0], 0.5)
    assert top == pytest.approx(0.1768088293, rel=1e-8)
    near = penalised_path(breslow(y), standardised(X)[0], np.array([top, 0.99 * top]), 0.5)[0]
    assert not near[0].any()
    assert (near[1] != 0).sum() == 1


def test_choice_is_that_of_glmnet():
    """glmnet's cross-validation, on times that are made all different.

    ``g$t <- g$time + seq_len(686) / 1000``, columns h, age, m, tsize, pnodes, progrec, estrec ::

        cv <- cv.glmnet(gx, Surv(g$t, g$cens), family = "cox", alpha = .5, foldid = rep(1:7, 98),
          lambda = c(.1, .05, .02, .01, .005, .001), grouped = TRUE, thresh = 1e-15, maxit = 1e7)
        cv$cvm; cv$nzero; coef(cv, s = "lambda.min"); cv$lambda.min; cv$lambda.1se

    and its cvm of 13.80873119 where no feature is left.
    """
    table = load_gbsg2()
    table = table.assign(h=table["horTh"] == "yes", m=table["menostat"] == "Post")
    X = table[["h", "age", "m", "tsize", "pnodes", "progrec", "estrec"]].to_numpy(dtype=float)
    y = pd.DataFrame({"time": table["time"] + np.arange(1, 687) / 1000, "event": table["cens"]})
    fold = np.arange(686) % 7
    inner = [
        InnerFold(np.flatnonzero(fold != k), np.flatnonzero(fold == k), X[fold != k], X[fold == k])
        for k in range(7)
    ]
    grid = [0.1, 0.05, 0.02, 0.01, 0.005, 0.001]
    model = CoxElasticNet(penalties=grid).fit(X, y, inner=inner)
    cvm = [13.59843327, 13.56272266, 13.55624618, 13.55901409, 13.56125929, 13.56393586]
    np.testing.assert_allclose(model.path_["deviance"][1:], np.array(cvm) - 13.80873119, atol=2e-6)
    assert model.path_["features"].tolist() == [0, 4, 4, 6, 6, 7, 7]
    assert model.penalty_ == 0.02
    expected = [-0.3022563414315, -0.0004959725565, 0.0789841640344, 0.0069048762170,
                0.0488243817474, -0.0020385585547, 0.0]  # fmt: skip
    np.testing.assert_allclose(model.coef_, expected, atol=1e-6)
    careful = CoxElasticNet(penalties=grid, rule="one-se").fit(X, y, inner=inner)
    assert careful.penalty_ == 0.1


def test_without_a_penalty_it_is_the_cox_model(rossi):
    X, y = rossi
    Z, scale = standardised(X)
    likelihood = PartialLikelihood(y["time"].to_numpy(float), y["event"].to_numpy(bool))
    fit = penalised_fit(likelihood, Z, np.zeros(7), np.zeros(7))
    np.testing.assert_allclose(fit.coefficients / scale, CoxModel().fit(X, y).coefficients_,
                               rtol=1e-6)  # fmt: skip
    assert fit.converged
    small = CoxModel(penalty=1e-9).fit(X, y)
    np.testing.assert_allclose(small.coefficients_, fit.coefficients / scale, rtol=1e-5)
    assert (small.notes_ == "penalised: no interval").all()
    assert small.summary()[["ci_low", "se", "p"]].isna().all(axis=None)


def test_ridge_on_more_features_than_patients_is_solved_in_their_span():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 80))
    likelihood = PartialLikelihood(np.ceil(rng.exponential(9, size=30)), rng.random(30) < 0.7)
    path, _ = penalised_path(likelihood, X, np.array([1.0, 0.1]), 0.0, tol=1e-9)
    for row, penalty in zip(path, (1.0, 0.1)):
        direct = penalised_fit(likelihood, X, np.zeros(80), np.full(80, penalty))
        np.testing.assert_allclose(row, direct.coefficients, atol=1e-6)


def simulated(seed, patients=150, features=6, effect=0.8):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(patients, features))).add_prefix("f")
    time = rng.exponential(np.exp(-effect * X["f0"]))
    censored = rng.exponential(2, size=patients)
    y = pd.DataFrame({"time": np.minimum(time, censored), "event": (time < censored).astype(int)})
    return X, y


def test_what_an_offset_explains_is_not_explained_again():
    X, y = simulated(0)
    plain = CoxElasticNet(folds=5).fit(X, y)
    beyond = CoxElasticNet(folds=5, rule="one-se").fit(X, y, offset=0.8 * X["f0"])
    assert plain.coef_[0] > 0.5
    assert beyond.null_
    assert beyond.penalty_ == np.inf
    assert (beyond.predict(X) == 0).all()
    # the offset moves the gradient: at no penalty the coefficients differ by it
    free = CoxElasticNet(folds=5, penalties=[1e-8]).fit(X, y).coef_
    given = CoxElasticNet(folds=5, penalties=[1e-8]).fit(X, y, offset=0.3 * X["f0"]).coef_
    if given.any():
        np.testing.assert_allclose(given + 0.3 * np.eye(6)[0], free, atol=1e-4)


def test_noise_gives_the_null_model_as_often_as_not():
    def null(rule, effect, seed):
        data = simulated(seed, patients=100, effect=effect)
        return CoxElasticNet(folds=5, penalties=15, rule=rule).fit(*data).null_

    assert sum(null("best", 0.0, seed) for seed in range(12)) >= 4
    assert sum(null("one-se", 0.0, seed) for seed in range(12)) >= 8
    assert not any(null("best", 0.8, seed) for seed in range(3))


def test_mixture_is_chosen():
    X, y = simulated(1, features=12)
    model = CoxElasticNet(l1_ratios=(0.0, 0.5, 1.0), folds=5).fit(X, y)
    assert model.l1_ratio_ in (0.0, 0.5, 1.0)
    assert len(model.path_) == 3 * 51
    best = model.path_.loc[model.path_["deviance"].idxmin()]
    assert (model.l1_ratio_, model.penalty_) == (best["l1_ratio"], best["penalty"])


def test_no_column_and_constant_columns_give_the_null_model():
    X, y = simulated(2)
    empty = CoxElasticNet(folds=3).fit(X[[]], y)
    assert empty.null_
    assert (empty.predict(X[[]]) == 0).all()
    flat = CoxElasticNet(folds=3).fit(X * 0 + 7, y)
    assert flat.null_
    assert (flat.predict(X) == 0).all()


def test_folds_spread_events_and_keep_people_together():
    event = np.arange(60) % 6 == 0
    splits = event_folds(event, 5, 0)
    assert [int(event[test].sum()) for _, test in splits] == [2] * 5
    people = np.arange(60) // 4
    for training, test in event_folds(event, 5, 0, people):
        assert not set(people[training]) & set(people[test])
    # both people with an event have four rows each; whatever the folds, one is left to learn from
    lumped = event_folds(np.arange(60) < 8, 5, 0, people)
    assert all((training < 8).any() for training, _ in lumped)
    assert sorted(np.concatenate([test for _, test in lumped])) == list(range(60))
    assert len(event_folds(np.arange(40) < 3, 10, 0)) == 3
    assert len(event_folds(np.ones(40, bool), 10, 0)) == 10
    with pytest.raises(EndpointError, match="two patients or more with the event, got 1 of 40"):
        event_folds(np.arange(40) < 1, 5, 0)


def test_settings_and_input_that_are_refused():
    X, y = simulated(3)
    for setting, message in (
        ({"l1_ratios": 1.5}, "l1_ratios must be from 0 to 1, got 1.5"),
        ({"rule": "min"}, "rule must be one of best, one-se, got 'min'"),
        ({"penalties": 0}, "penalties must be 1 or more"),
        ({"penalties": [0.1, -1]}, "penalties must be positive numbers"),
        ({"folds": 1}, "folds must be 2 or more, got 1"),
    ):
        with pytest.raises(SettingError, match=message):
            CoxElasticNet(**setting).fit(X, y)
    with pytest.raises(InputError, match="row of finite numbers for each of the 150 patients"):
        CoxElasticNet().fit(X.where(X < 1), y)
    with pytest.raises(EndpointError, match=r"needs 2 patient\(s\) or more with the event, got 1"):
        CoxElasticNet().fit(X, y.assign(event=np.arange(150) == 0))
    with pytest.raises(InputError, match="must have the 6 columns"):
        CoxElasticNet(folds=3).fit(X, y).predict(X[["f0"]])
