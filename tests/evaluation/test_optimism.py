"""The .632+ estimator: its parts, its ends, and that it lies nearer to the truth than they do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gliofuse.cohort import parse_endpoint
from gliofuse.evaluation import optimism_table, plus_632
from gliofuse.evaluation.endpoints import evaluation_of

ERRORS = evaluation_of(parse_endpoint("grade >= 3")).errors
SHARES = st.floats(0.01, 0.99)


def test_the_published_formulas():
    """Efron and Tibshirani's equations 28 to 32, by hand."""
    made = plus_632(apparent=0.1, left_out=0.3, no_information=0.5)
    assert made.overfitting == pytest.approx(0.5)
    assert made.weight == pytest.approx(0.632 / (1 - 0.368 * 0.5))
    assert made.error == pytest.approx(0.1 + 0.632 / 0.816 * 0.2)
    assert plus_632(0.0, 0.7, 0.5).error == pytest.approx(0.5), "no worse than no information"


@given(SHARES, SHARES, SHARES)
def test_the_estimate_lies_between_its_parts(apparent, left_out, no_information):
    made = plus_632(apparent, left_out, no_information)
    ends = sorted([apparent, min(left_out, no_information)])
    assert ends[0] - 1e-12 <= made.error <= ends[1] + 1e-12
    assert 0 <= made.overfitting <= 1
    assert 0.632 <= made.weight <= 1 + 1e-12


def _study(rng, n=60, features=40, resamples=15):
    """Least squares of many features that tell nothing, as a study on a bootstrap's folds."""
    x, y = rng.normal(size=(n, features)), np.arange(n) % 2
    held, fitted = [], []
    for fold in range(resamples + 1):
        order = rng.permutation(n)
        training = order if fold == 0 else order[: round(0.632 * n)]
        weights = np.linalg.lstsq(x[training], y[training] - 0.5, rcond=None)[0]
        rows = pd.DataFrame(
            {
                "case_id": [f"p{i:02}" for i in range(n)],
                "fold": f"f{fold}",
                "cohort": "test",
                "model": "m",
                "y_true": y,
                "probability": np.clip(0.5 + x @ weights, 0.01, 0.99),
            }
        )
        learned = np.isin(np.arange(n), training)
        held.append(rows[~learned])
        fitted.append(rows[learned].drop(columns="cohort"))
    return pd.concat(held), pd.concat(fitted)


def test_noise_is_found_to_be_noise():
    rng = np.random.default_rng(1)
    tables = [optimism_table(*_study(rng), ERRORS) for _ in range(20)]
    mean = pd.concat(tables).groupby("metric").mean(numeric_only=True)
    assert mean.loc["auc", "apparent"] > 0.9
    assert mean.loc["auc", "estimate"] == pytest.approx(0.5, abs=0.06)
    assert mean.loc["auc", "overfitting"] > 0.85
    assert mean.loc["brier", "apparent"] < 0.15 < 0.25 < mean.loc["brier", "estimate"]
    assert mean.loc["brier", "estimate"] <= mean.loc["brier", "no_information"]


def test_the_brier_score_without_information_is_that_of_shuffled_outcomes():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"probability": rng.uniform(size=30), "y_true": np.arange(30) % 3 == 0})
    shuffled = [
        ((rng.permutation(rows["y_true"]) - rows["probability"]) ** 2).mean() for _ in range(4000)
    ]
    assert ERRORS["brier"][1](rows) == pytest.approx(np.mean(shuffled), abs=2e-3)


def test_other_studies_have_none():
    held, fitted = _study(np.random.default_rng(3))
    assert optimism_table(held, fitted[fitted["fold"] != "f0"], ERRORS) is None
