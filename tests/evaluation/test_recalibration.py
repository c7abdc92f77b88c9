"""Recalibration helps where it is needed, and its gain is not that of the fit itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from gliofuse.evaluation.recalibration import recalibration_table


def cohort(n, *, added, times, seed):
    """Return outcomes and probabilities whose log-odds are wrong by a line."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1.5, n)
    y = (rng.random(n) < expit(truth)).astype(int)
    return y, expit((truth - added) / times)


def test_a_shift_and_a_stretch_are_found_and_undone():
    y, p = cohort(4000, added=-1.0, times=0.5, seed=0)
    table = recalibration_table(y, p, "final").set_index("how")
    both = table.loc["intercept and slope"]
    assert both["slope"] == pytest.approx(0.5, abs=0.05)
    assert both["intercept"] == pytest.approx(-1.0, abs=0.1)
    assert both["brier"] < table.loc["intercept", "brier"] < table.loc["as handed on", "brier"]
    assert both["observed_expected"] == pytest.approx(1, abs=0.03)
    assert both["calibration_slope"] == pytest.approx(1, abs=0.05)
    kept = table.loc["as handed on"]
    assert (kept["intercept"], kept["slope"]) == (0, 1)
    assert kept["brier"] == pytest.approx(np.mean((p - y) ** 2))


def test_few_patients_of_a_good_model_gain_nothing():
    gains = []
    for seed in range(60):
        y, p = cohort(40, added=0.0, times=1.0, seed=seed)
        brier = recalibration_table(y, p).set_index("how")["brier"]
        gains.append(brier["as handed on"] - brier["intercept and slope"])
    assert np.mean(gains) < 0  # fitted on the patients themselves it would always gain


def test_separated_classes_leave_the_model_as_it_is():
    table = recalibration_table([0] * 10 + [1] * 10, [0.1] * 10 + [0.9] * 10)
    assert table.loc[2, ["intercept", "slope"]].tolist() == [0.0, 1.0]
