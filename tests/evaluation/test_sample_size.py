"""Riley's criteria, against the figures of their authors' R packages and by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import InputError
from gliofuse.evaluation.sample_size import (
    cox_snell_of_auc,
    development_size,
    largest_cox_snell,
    parameters_carried,
    sample_size_table,
    validation_size,
)


# R package pmsampsize (CRAN), its tests of binary outcomes:
# pmsampsize(type = "b", rsquared = r2, parameters = p, prevalence = share)
@pytest.mark.parametrize(
    ("parameters", "prevalence", "r2", "expected"),
    [
        (24, 0.174, 0.288, (623, 662, 221)),
        (24, 0.174, 0.55, (255, 532, 221)),
        (36, 0.174, 0.288, (934, 992, 221)),
        (24, 0.25, 0.288, (623, 590, 289)),
    ],
)
def test_development_is_pmsampsizes(parameters, prevalence, r2, expected):
    found = development_size(parameters, prevalence, r2)
    assert (found.shrinkage, found.optimism, found.risk) == expected
    carried = parameters_carried(max(expected[:2]), prevalence, r2)
    assert carried == parameters


def test_validation_is_pmvalsampsizes(monkeypatch):
    # pmvalsampsize(type = "b", prevalence = 0.018, cstatistic = 0.8, oeciwidth = 1, ...): 905 for
    # observed by expected (its standard error is rounded up to 0.0001), 4252 for the C statistic.
    monkeypatch.setitem(
        __import__("gliofuse.evaluation.sample_size", fromlist=["WIDTHS"]).WIDTHS,
        "observed_expected",
        1.0,
    )
    found = validation_size(0.018, 0.8)
    assert found.observed_expected == pytest.approx(905, abs=1)
    assert found.auc == 4252


def test_r2_of_an_auc_and_the_slope_are_those_of_a_simulation():
    from scipy.special import expit
    from statsmodels.api import GLM, add_constant, families

    rng = np.random.default_rng(0)
    n, share, auc = 400_000, 0.3, 0.8
    shift = np.sqrt(2) * 0.8416212335729143  # qnorm(0.8)
    y = rng.random(n) < share
    score = rng.normal(size=n) + shift * y
    fitted = GLM(y.astype(float), add_constant(score), family=families.Binomial()).fit()
    r2 = 1 - np.exp((fitted.deviance - fitted.null_deviance) / n)
    assert cox_snell_of_auc(auc, share) == pytest.approx(r2, abs=0.003)
    predictor = fitted.params[0] + fitted.params[1] * score
    weight = expit(predictor) * (1 - expit(predictor))
    information = np.array(
        [[weight.mean(), (weight * predictor).mean()], [0, (weight * predictor**2).mean()]]
    )
    information[1, 0] = information[0, 1]
    variance = np.linalg.inv(information)[1, 1]
    needed = variance / (0.4 / (2 * 1.959964)) ** 2
    assert validation_size(share, auc).slope == pytest.approx(needed, rel=0.02)


def test_limits_of_r2():
    assert largest_cox_snell(0.174) == pytest.approx(0.603, abs=5e-4)
    assert cox_snell_of_auc(0.5, 0.2) == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(InputError, match=r"r2 must lie between 0 and 0\.750"):
        development_size(5, 0.5, 0.8)
    with pytest.raises(InputError, match="prevalence must lie between 0 and 1, got 0"):
        validation_size(0, 0.8)


def test_a_study_is_counted_by_its_smallest_training_part_and_its_test_patients():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 90)
    rows = []
    for fold in range(3):
        for i in range(90):
            side = "test" if i % 3 == fold and i < 60 else "training"
            if fold == 1 and side == "training" and i >= 80:
                continue  # a fold with fewer to learn from
            rows.append((f"p{i}", str(fold), side, "m", int(y[i]), 0.3 + 0.4 * y[i] * rng.random()))
    columns = ["case_id", "fold", "cohort", "model", "y_true", "probability"]
    table = sample_size_table(pd.DataFrame(rows, columns=columns), "m", 107)
    development = table[table["part"] == "development"]
    assert (development.loc[development["criterion"] == "shrinkage", "present"] == 60).all()
    counted = development[development["criterion"] == "parameters"]
    assert (counted["present"] == 107).all()
    assert (counted["needed"] < 20).all()  # what sixty patients carry
    tested = table[table["part"] == "validation: test"]
    assert set(tested["criterion"]) == {"observed_expected", "slope", "auc"}
    assert (tested["present"] == 60).all()
    unknown = sample_size_table(pd.DataFrame(rows, columns=columns), "m", None)
    assert set(unknown.loc[unknown["part"] == "development", "criterion"]) == {"parameters"}
