"""Calibration against statsmodels, scikit-learn and the truth of simulated probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import InputError
from gliofuse.evaluation import (
    calibration_curve,
    calibration_groups,
    calibration_summary,
    calibration_table,
    hosmer_lemeshow,
)
from gliofuse.evaluation._logistic import fit_logistic, log_odds


def _patients(n=200, seed=0, slope=1.0, shift=0.0):
    """Outcomes whose log odds are ``shift + slope`` times those of the probabilities."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1.5, 1.5, n)
    true = 1 / (1 + np.exp(-(shift + slope * np.log(p / (1 - p)))))
    return (rng.uniform(size=n) < true).astype(int), p


def test_slope_and_intercept_are_statsmodels():
    import statsmodels.api as sm

    y, p = _patients(n=120, seed=1, slope=0.6, shift=0.4)
    score = np.log(p / (1 - p))
    found = calibration_summary(y, p).iloc[0]
    slope = sm.Logit(y, sm.add_constant(score)).fit(disp=0)
    assert found["slope"] == pytest.approx(slope.params[1], abs=1e-7)
    assert (found["slope_low"], found["slope_high"]) == pytest.approx(
        tuple(slope.conf_int()[1]), abs=1e-6
    )
    large = sm.GLM(y, np.ones(len(y)), family=sm.families.Binomial(), offset=score).fit()
    assert found["intercept"] == pytest.approx(large.params[0], abs=1e-7)
    assert (found["intercept_low"], found["intercept_high"]) == pytest.approx(
        tuple(large.conf_int()[0]), abs=1e-6
    )


def test_brier_is_scikit_learns_inside_its_interval():
    from sklearn.metrics import brier_score_loss

    y, p = _patients()
    found = calibration_summary(y, p).iloc[0]
    assert found["brier"] == pytest.approx(brier_score_loss(y, p))
    assert found["brier_low"] < found["brier"] < found["brier_high"]


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (0.5, 0.0), (1.0, -0.8)])
def test_intervals_cover_the_truth(slope, shift):
    covered = 0
    for seed in range(60):
        y, p = _patients(n=150, seed=seed, slope=slope, shift=shift)
        row = calibration_summary(y, p, bootstrap=100).iloc[0]
        covered += row["slope_low"] <= slope <= row["slope_high"]
    assert covered >= 52  # 95 % of 60 is 57; below 52 with probability under 0.5 %


def test_separated_classes_have_no_slope_and_the_note_says_so():
    y = np.repeat([0, 1], 10)
    row = calibration_summary(y, np.linspace(0.1, 0.9, 20)).iloc[0]
    assert np.isnan([row["slope"], row["slope_low"], row["slope_high"]]).all()
    assert "separate the classes" in row["note"]
    assert np.isfinite(row["intercept"])
    same = calibration_summary(y, np.full(20, 0.5)).iloc[0]
    assert "same probability" in same["note"]
    assert same["brier_low"] < 0.25 < same["brier_high"]
    certain = calibration_summary(y, y.astype(float)).iloc[0]
    assert certain["brier"] == 0
    assert certain["brier_high"] > 0.1


def test_batched_newton_equals_single_weighted_fits():
    import statsmodels.api as sm

    y, p = _patients(n=60, seed=3)
    design = np.column_stack([np.ones(60), log_odds(p)])
    weights = np.random.default_rng(0).multinomial(60, np.full(60, 1 / 60), size=5)
    fit = fit_logistic(design, y, weights=weights)
    for row, counts in enumerate(weights):
        one = sm.GLM(y, design, family=sm.families.Binomial(), freq_weights=counts).fit()
        np.testing.assert_allclose(fit.coefficients[row], one.params, atol=1e-6)
    assert fit.converged.all()


def test_curve_follows_the_truth_and_its_band_holds_it():
    y, p = _patients(n=1500, seed=4, slope=0.5)
    curve = calibration_curve(y, p)
    middle = curve[curve["predicted"].between(0.05, 0.95)]
    odds = np.log(middle["predicted"] / (1 - middle["predicted"]))
    truth = 1 / (1 + np.exp(-0.5 * odds))
    assert np.abs(middle["observed"] - truth).max() < 0.06
    assert ((middle["ci_low"] <= truth) & (truth <= middle["ci_high"])).mean() > 0.9
    assert (curve["ci_low"] < curve["ci_high"]).all()
    assert curve["predicted"].iloc[[0, -1]].tolist() == [p.min(), p.max()]
    pd.testing.assert_frame_equal(curve, calibration_curve(y, p))


def test_curve_stays_finite_where_there_is_little_to_fit():
    y = np.repeat([0, 1], 8)
    separated = calibration_curve(y, np.linspace(0.1, 0.9, 16))
    assert separated.notna().all(axis=None)
    assert separated["observed"].is_monotonic_increasing
    assert len(calibration_curve(y, np.full(16, 0.4))) == 0
    two_values = calibration_curve(y, np.tile([0.3, 0.6], 8))
    assert two_values["observed"].between(0, 1).all()
    zero_and_one = calibration_curve(y, y.astype(float))
    assert zero_and_one["observed"].between(0, 1).all()


def test_hosmer_lemeshow_by_hand_and_with_its_caveat():
    # Two groups of two: expected 0.3 and 1.5, observed 0 and 2 of n = 2.
    test = hosmer_lemeshow([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.8], groups=2)
    by_hand = 0.3**2 / (0.3 * (1 - 0.15)) + 0.5**2 / (1.5 * (1 - 0.75))
    assert test.statistic == pytest.approx(by_hand)
    assert test.degrees == 2
    assert "little power" in test.caveat
    y, p = _patients(n=400)
    fitted = hosmer_lemeshow(y, p, parameters_fitted_here=2)
    assert fitted.degrees == 8
    with pytest.raises(InputError, match="degree of freedom"):
        hosmer_lemeshow([0, 1], [0.5, 0.5], parameters_fitted_here=2)


def test_hosmer_lemeshow_keeps_its_level():
    rejected = [hosmer_lemeshow(*_patients(n=300, seed=seed)).p < 0.05 for seed in range(200)]
    assert 2 <= sum(rejected) <= 22


def test_groups_hold_every_patient_once():
    y, p = _patients(n=103)
    groups = calibration_groups(y, p)
    assert groups["n"].sum() == 103
    assert groups["predicted"].is_monotonic_increasing
    assert (groups["ci_low"] < groups["ci_high"]).all()


def test_table_leaves_training_out_unless_asked():
    y, p = _patients(n=40)
    rows = pd.DataFrame(
        {"case_id": range(40), "fold": "0", "model": "m", "y_true": y, "probability": p}
    )
    both = pd.concat([rows.assign(cohort="training"), rows.assign(cohort="test")])
    assert calibration_table(both, bootstrap=100)["cohort"].tolist() == ["test"]
    asked = calibration_table(both, bootstrap=100, include_training=True)
    assert asked.set_index("cohort")["apparent"].to_dict() == {"training": True, "test": False}
    with pytest.raises(InputError, match="no cohort with both classes"):
        calibration_table(both.assign(y_true=1))


def test_scores_that_are_no_probabilities_are_refused():
    with pytest.raises(InputError, match="between 0 and 1"):
        calibration_summary([0, 1], [-1.0, 2.0])
