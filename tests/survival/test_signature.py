"""Survival signatures: what they find, what they make of noise, and who sees whom."""

import numpy as np
import pandas as pd
import pytest
from lifelines.utils import concordance_index

from gliofuse.errors import EndpointError, InputError, SettingError
from gliofuse.survival import (
    MartingaleForestTopK,
    SurvivalSignature,
    ridge_signature,
    survival_signature,
)
from gliofuse.survival._partial_likelihood import PartialLikelihood


def small(**options):
    """Return a signature of few trees, folds and penalties."""
    signature = survival_signature(**{"trees": 12, "folds": 3, **options})
    return signature.set_params(net__penalties=12)


def cohort(seed, patients=120, features=40, effect=0.8, clinical=0.0):
    """Return features, the outcome, and a clinical linear predictor that goes with it too."""
    rng = np.random.default_rng(seed)
    index = [f"p{number}" for number in range(patients)]
    X = pd.DataFrame(rng.normal(size=(patients, features)), index=index).add_prefix("f")
    lp = pd.Series(clinical * rng.normal(size=patients), index=index)
    hazard = np.exp(effect * (X["f0"] - 0.7 * X["f1"]) + lp)
    time, censored = rng.exponential(1 / hazard), rng.exponential(2, size=patients)
    y = pd.DataFrame(
        {"time": np.ceil(100 * np.minimum(time, censored)), "event": (time < censored) * 1},
        index=index,
    )
    return X, y, lp


def concordance(risk, y):
    return concordance_index(y["time"], -risk, y["event"])


@pytest.fixture(scope="module")
def fitted():
    X, y, _ = cohort(0)
    return small().fit(X, y), X, y


def test_it_finds_the_features_that_carry_the_risk(fitted):
    signature, X, y = fitted
    table = signature.selected_features_
    assert list(table["feature"][:2]) == ["f0", "f1"]
    assert table["coefficient"][0] > 0 > table["coefficient"][1]
    assert len(table) <= 10
    other, outcome, _ = cohort(100, patients=400)
    unseen = concordance(signature.risk(other), outcome)
    assert unseen > 0.68
    assert concordance(signature.held_out_, y) == pytest.approx(unseen, abs=0.08)
    assert concordance(signature.risk(X), y) > concordance(signature.held_out_, y)


def test_risk_is_the_weighted_sum_of_z_scores(fitted):
    signature, X, _ = fitted
    table = signature.selected_features_.set_index("feature")["coefficient"]
    z = (X - X.mean()) / X.std(ddof=0)
    np.testing.assert_allclose(signature.risk(X), z[table.index] @ table, atol=1e-10)
    assert signature.risk(X).mean() == pytest.approx(0, abs=1e-10)
    assert signature.risk(X).name == signature.held_out_.name == "risk"


def test_columns_order_and_missing_values(fitted):
    signature, X, _ = fitted
    moved = signature.risk(X[X.columns[::-1]].iloc[::-1])
    pd.testing.assert_series_equal(moved[::-1], signature.risk(X))
    holed = X.copy()
    holed.loc["p3", "f0"] = np.nan
    filled = signature.risk(holed.assign(extra=1.0))
    median = signature.risk(X.assign(f0=X["f0"].where(X.index != "p3", X["f0"].median())))
    assert filled["p3"] == pytest.approx(median["p3"], abs=1e-12)
    with pytest.raises(InputError, match=r"lacks the feature 'f5' \(one of 1\)"):
        signature.risk(X.drop(columns="f5"))


def test_the_same_seed_gives_the_same(fitted):
    signature, X, y = fitted
    again = small().fit(X, y)
    pd.testing.assert_series_equal(again.held_out_, signature.held_out_)
    pd.testing.assert_frame_equal(again.selected_features_, signature.selected_features_)
    other = small(seed=1).fit(X, y)
    assert not np.allclose(other.held_out_, signature.held_out_)


def test_held_out_risk_does_not_know_its_own_patients():
    """Features and outcomes of a fold's patients can't move the chain that scores them."""
    X, y, _ = cohort(1)
    signature = ridge_signature(folds=3).fit(X, y)
    test = signature_fold(signature, y)
    other = y.copy()
    # the events stay where they are, so that the folds do
    other.loc[test, "time"] = y.loc[test, "time"].to_numpy()[::-1]
    changed = ridge_signature(folds=3).fit(X, other)
    pd.testing.assert_series_equal(changed.held_out_[test], signature.held_out_[test])
    assert not np.allclose(changed.held_out_.drop(test), signature.held_out_.drop(test))
    moved = X.copy()
    moved.loc[test[0]] += 3.0
    shifted = ridge_signature(folds=3).fit(moved, y)
    pd.testing.assert_series_equal(shifted.held_out_[test[1:]], signature.held_out_[test[1:]])


def signature_fold(signature, y):
    from gliofuse.survival import event_folds

    splits = event_folds(y["event"].to_numpy(bool), signature.folds, signature.random_state)
    return y.index[splits[0][1]]


def test_a_held_out_chain_is_the_chain_fitted_without_the_fold():
    """The fold's chain, made by hand: selection, penalty and weights from the other folds."""
    X, y, _ = cohort(2)
    signature = small().fit(X, y)
    test = signature_fold(signature, y)
    rest = X.index.difference(test, sort=False)
    forest = MartingaleForestTopK(10, trees=12).fit(
        (X.loc[rest] - X.loc[rest].mean()) / X.loc[rest].std(ddof=0), y.loc[rest]
    )
    names = list(forest.get_feature_names_out())
    z = (X[names] - X.loc[rest, names].mean()) / X.loc[rest, names].std(ddof=0)
    held_out = signature.held_out_[test].to_numpy()
    weights, residual, *_ = np.linalg.lstsq(z.loc[test].to_numpy(), held_out, rcond=None)
    assert residual.sum() < 1e-16  # a weighted sum of exactly those features
    assert np.abs(weights).max() > 0.1


def test_people_are_on_one_side_of_every_fold():
    X, y, _ = cohort(3, patients=60)
    twins = pd.concat([X, X.add(0.01).set_axis([f"{name}b" for name in X.index])])
    outcome = pd.concat([y, y.set_axis([f"{name}b" for name in y.index])])
    people = pd.Series([*X.index, *X.index], index=twins.index)
    seen = []

    class Spy(MartingaleForestTopK):
        def fit(self, X, y, *, offset=None):
            seen.append(set(X.index))
            return super().fit(X, y, offset=offset)

    signature = small()
    signature.set_params(selector=Spy(5, trees=5)).fit(twins, outcome, people=people)
    assert len(seen) == 1 + 3 + 3  # all, without each fold, without each pair
    for rows in seen:
        assert all((f"{name}b" in rows) == (name in rows) for name in X.index)


def test_noise_makes_no_signature_that_misleads():
    null, unseen = 0, []
    for seed in range(6):
        X, y, _ = cohort(seed, effect=0.0, features=20)
        signature = small(k=5).fit(X, y)
        if signature.null_:
            null += 1
            assert (signature.risk(X) == 0).all()
            assert signature.selected_features_.empty
        other, outcome, _ = cohort(seed + 50, effect=0.0, patients=300, features=20)
        unseen.append(concordance(signature.risk(other), outcome))
    assert null >= 4
    assert np.mean(unseen) == pytest.approx(0.5, abs=0.02)


def test_offset_leaves_what_the_clinic_does_not_know():
    X, y, lp = cohort(4, patients=200, effect=0.0, clinical=1.5)
    X["f7"] = lp + 0.3 * np.random.default_rng(0).normal(size=200)  # an image of the clinic alone
    plain = small().fit(X, y)
    beyond = small(rule="one-se").fit(X, y, offset=lp)
    assert plain.selected_features_["feature"][0] == "f7"
    assert "f7" not in beyond.selected_features_["feature"].tolist()[:1]
    assert beyond.risk(X).std() < 0.2 * plain.risk(X).std()


def test_forest_learns_the_martingale_residual_and_the_paper_the_time():
    X, y, lp = cohort(5)
    seen = {}

    class Spy(MartingaleForestTopK):
        def _importance(self, X, time, event, offset, seed, trees):
            likelihood = PartialLikelihood(time, event)
            seen[self.target] = likelihood.martingale(offset)
            return super()._importance(X, time, event, offset, seed, trees)

    Spy(trees=5).fit(X, y, offset=lp + 1)
    assert seen["martingale"].sum() == pytest.approx(0, abs=1e-9)
    by_time = MartingaleForestTopK(3, trees=60, target="time").fit(X, y)
    assert by_time.selected_.size == 3
    assert "f0" in by_time.get_feature_names_out()


def test_censored_time_misleads_the_forest_on_time_alone():
    """A feature that goes with follow-up, not with death: the paper's target takes it for risk."""
    rng = np.random.default_rng(0)
    n = 300
    X = pd.DataFrame(rng.normal(size=(n, 10))).add_prefix("f")
    time = rng.exponential(1, size=n)
    censored = rng.exponential(np.exp(1.5 * X["f0"]))
    y = pd.DataFrame({"time": np.minimum(time, censored), "event": (time < censored) * 1})
    on_time = MartingaleForestTopK(1, target="time").fit(X, y)
    on_residual = MartingaleForestTopK(1).fit(X, y)
    share = on_time.importance_[0] / on_time.importance_.mean()
    assert on_time.get_feature_names_out().tolist() == ["f0"]
    assert share > 1.5 * on_residual.importance_[0] / on_residual.importance_.mean()


def test_stability_keeps_what_every_half_finds():
    X, y, _ = cohort(6, patients=160)
    stable = small(stability=0.6, subsamples=4).fit(X, y)
    kept = stable.selected_features_
    assert {"f0", "f1"} <= set(kept["feature"])
    assert (kept["frequency"] >= 0.6).all()
    assert len(kept) < 10
    noise, outcome, _ = cohort(7, effect=0.0)
    nothing = small(stability=1.0, subsamples=4).fit(noise, outcome)
    assert nothing.null_
    assert (nothing.held_out_ == 0).all()


def test_the_papers_weights():
    """An elastic net on the time is scikit-learn's; a longer time is a smaller risk."""
    from sklearn.linear_model import ElasticNet

    X, y, lp = cohort(10)
    y["event"] = 1  # with nobody censored it is a fair model
    signature = small(target="time", weights="time").fit(X, y)
    other, outcome, _ = cohort(11, patients=300)
    assert concordance(signature.risk(other), outcome) > 0.65
    assert signature.selected_features_["feature"][0] == "f0"
    assert signature.selected_features_["coefficient"][0] > 0
    names = list(signature.selected_features_["feature"])
    z = (X - X.mean()) / X.std(ddof=0)
    time = (y["time"] - y["time"].mean()) / y["time"].std(ddof=0)
    direct = ElasticNet(alpha=signature.net_.penalty_, l1_ratio=0.5, tol=1e-8).fit(z[names], time)
    np.testing.assert_allclose(
        signature.selected_features_["coefficient"], -direct.coef_, atol=1e-3
    )
    with pytest.raises(SettingError, match="on the time takes no offset"):
        small(weights="time").fit(X, y, offset=lp)


def test_ridge_takes_all_features():
    X, y, _ = cohort(8, patients=60, features=150)
    signature = ridge_signature(folds=3).fit(X, y)
    assert len(signature.selected_features_) in (0, 150)
    assert np.isfinite(signature.held_out_).all()
    assert signature.net_.l1_ratio_ == 0.0


def test_input_that_is_refused():
    X, y, lp = cohort(9, patients=40)
    signature = small()
    with pytest.raises(InputError, match="one feature or more"):
        signature.fit(X[[]], y)
    with pytest.raises(InputError, match="'p0' comes twice"):
        signature.fit(X.set_axis(["p0"] * 40), y.set_axis(["p0"] * 40))
    with pytest.raises(InputError, match="same patients in the same order"):
        signature.fit(X.iloc[1:], y)
    with pytest.raises(InputError, match="offset must have a value for every patient: 'p0'"):
        signature.fit(X, y, offset=lp.iloc[1:])
    with pytest.raises(EndpointError, match=r"needs 3 patient\(s\) or more with the event, got 2"):
        signature.fit(X, y.assign(event=(np.arange(40) < 2) * 1))
    with pytest.raises(SettingError, match="target got 'months'; allowed: martingale, time"):
        survival_signature(target="months").fit(X, y)
    with pytest.raises(SettingError, match="weights got 'coxs'; did you mean 'cox'"):
        survival_signature(weights="coxs")
    with pytest.raises(SettingError, match="stability must be above 0"):
        survival_signature(stability=2)
    assert isinstance(ridge_signature(), SurvivalSignature)
