"""Net benefit, clinical impact and reclassification."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import InputError
from gliofuse.evaluation import (
    TREAT_ALL,
    TREAT_NONE,
    clinical_impact,
    decision_curve,
    net_reclassification,
)


def _patients(n=80, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    models = {
        "good model": np.clip(0.5 * y + rng.uniform(0, 0.5, n), 0, 1),
        "all": rng.uniform(size=n),  # a name that dcurves uses itself
    }
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "case_id": [f"p{i}" for i in range(n)],
                    "model": model,
                    "y_true": y,
                    "probability": p,
                }
            )
            for model, p in models.items()
        ],
        ignore_index=True,
    )


def test_net_benefit_is_the_definition_for_models_and_for_treating_all_or_none():
    patients = _patients()
    curve = decision_curve(patients, bootstrap=200).set_index(["model", "threshold"])
    y = patients.loc[patients["model"] == "all", "y_true"].to_numpy()
    for model, group in patients.groupby("model"):
        p = group["probability"].to_numpy()
        for t in (0.05, 0.5, 0.83):
            called = p >= t
            expected = ((called & (y == 1)).sum() - (called & (y == 0)).sum() * t / (1 - t)) / 80
            assert curve.loc[(model, t), "net_benefit"] == pytest.approx(expected)
    for t in (0.1, 0.6):
        everyone = y.mean() - (1 - y.mean()) * t / (1 - t)
        assert curve.loc[(TREAT_ALL, t), "net_benefit"] == pytest.approx(everyone)
        assert curve.loc[(TREAT_NONE, t), "net_benefit"] == 0
    inside = curve["net_benefit"].between(curve["ci_low"], curve["ci_high"])
    assert inside.all()
    models = curve[curve.index.get_level_values("model") != TREAT_NONE]
    assert (models["ci_high"] > models["ci_low"]).mean() > 0.95
    assert (curve["n"] == 80).all()


def test_bootstrap_interval_agrees_with_a_plain_loop():
    patients = _patients(seed=2)
    found = decision_curve(patients, thresholds=[0.4], bootstrap=4000).set_index("model")
    own = patients[patients["model"] == "good model"]
    y, called = own["y_true"].to_numpy() == 1, own["probability"].to_numpy() >= 0.4
    rng = np.random.default_rng(9)
    drawn = []
    for _ in range(4000):
        index = rng.integers(0, 80, 80)
        false = (called & ~y)[index].mean()
        drawn.append((called & y)[index].mean() - false * 0.4 / 0.6)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.loc["good model", "ci_low"] == pytest.approx(low, abs=0.02)
    assert found.loc["good model", "ci_high"] == pytest.approx(high, abs=0.02)


def test_decision_curve_refuses_unlike_patients_and_thresholds():
    patients = _patients()
    with pytest.raises(InputError, match="doubled"):
        decision_curve(pd.concat([patients, patients]))
    with pytest.raises(InputError, match="the same patients"):
        decision_curve(patients.iloc[1:])
    with pytest.raises(InputError, match="both excluded"):
        decision_curve(patients, thresholds=[0.0, 0.5])
    with pytest.raises(InputError, match="lacks the columns"):
        decision_curve(patients.drop(columns="model"))
    patients.loc[0, "probability"] = 1.7
    with pytest.raises(InputError, match="probabilities between 0 and 1"):
        decision_curve(patients)


def test_impact_counts_of_1000():
    y = np.repeat([1, 0], [30, 70])
    p = np.r_[np.repeat([0.9, 0.3], [20, 10]), np.repeat([0.6, 0.1], [10, 60])]
    table = clinical_impact(y, p, thresholds=[0.2, 0.5, 0.95]).set_index("threshold")
    assert table["high_risk"].tolist() == pytest.approx([400, 300, 0])
    assert table["high_risk_with_event"].tolist() == pytest.approx([300, 200, 0])
    # statsmodels 0.14: proportion_confint(30, 100, method="wilson") = (0.21895, 0.39584)
    assert table.loc[0.5, "high_risk_low"] == pytest.approx(218.95, abs=0.01)
    assert table.loc[0.5, "high_risk_high"] == pytest.approx(395.85, abs=0.01)
    assert table.loc[0.95, "high_risk_high"] > 30  # nobody of 100 is not nobody of 1,000
    assert (table["high_risk_with_event"] <= table["high_risk"]).all()


def test_reclassification_by_hand():
    y = np.array([1] * 10 + [0] * 20)
    old = np.r_[np.full(10, 0.4), np.full(20, 0.6)]
    new = old.copy()
    new[:4], new[4] = 0.7, 0.2  # four events up; the fifth moves within its class
    new[10:15] = 0.3  # five non-events down
    table = net_reclassification(y, old, new).set_index("part")
    assert table["estimate"].tolist() == pytest.approx([0.4, 0.25, 0.65])
    assert table.loc["events", ["up", "down"]].tolist() == [4, 0]
    assert table.loc["non-events", ["up", "down"]].tolist() == [0, 5]
    assert (table["ci_low"] < table["estimate"]).all()
    assert (table["estimate"] < table["ci_high"]).all()
    assert table["caveat"].str.contains("useless").all()
    free = net_reclassification(y, old, new, thresholds=None).set_index("part")
    assert free.loc["events", "estimate"] == pytest.approx(0.3)
    still = net_reclassification(y, old, old)
    assert (still["ci_low"] < 0).all()
    assert (still["ci_high"] > 0).all()
    with pytest.raises(InputError, match="at least one bound"):
        net_reclassification(y, old, new, thresholds=())
