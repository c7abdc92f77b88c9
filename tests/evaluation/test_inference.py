"""Intervals and tests where the judged patients have trained each other's models."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from gliofuse.evaluation import (
    auc_delong,
    auc_within,
    delong_matrix,
    metrics_table,
    shares_training,
)
from gliofuse.evaluation.auc import apparent_aucs, newcombe_interval
from gliofuse.evaluation.inference import (
    difference_with_refits,
    logit_limits,
    rates_with_refits,
    refit_share,
    widened,
)
from gliofuse.evaluation.pairs import fold_pairs

pytestmark = pytest.mark.slow(minutes=0.1)

REACH = 1.959963984540054


@pytest.fixture(scope="module")
def simulation():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "inference.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_inference", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks its annotations up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def _repeated(n=60, repeats=2, seed=0, shift=1.0, models=("a", "b")):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    parts = []
    for repeat in range(repeats):
        place = rng.permutation(n) % 5
        for fold in range(5):
            for model in models:
                score = rng.normal(size=n) + shift * y
                parts.append(
                    pd.DataFrame(
                        {
                            "case_id": [f"p{i:02}" for i in range(n)],
                            "fold": f"{repeat}-{fold}",
                            "cohort": np.where(place == fold, "test", "training"),
                            "model": model,
                            "y_true": y,
                            "probability": 1 / (1 + np.exp(-score)),
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True)


def test_without_signal_plain_intervals_fail_and_ours_hold(simulation):
    cell = simulation.Cell("few", 60, "kfold", "none")
    found = simulation.simulate(cell, 150, seed=4)
    assert found["covered, plain"] < 91
    assert found["differ, plain"] > 12
    assert 92 <= found["covered"] <= 99
    assert found["differ"] <= 7
    assert 90 <= found["accuracy covered"] <= 99


def test_with_signal_the_interval_is_not_twice_as_wide(simulation):
    found = simulation.simulate(simulation.Cell("few", 60, "kfold", "strong"), 60, seed=1)
    assert 90 <= found["covered"] <= 99.5
    low, high = logit_limits(0.9, 0.04**2, refits=True, confidence=0.95)
    plain = logit_limits(0.9, 0.04**2, refits=False, confidence=0.95)
    assert 1.2 < (high - low) / (plain[1] - plain[0]) < 1.5
    shorter = logit_limits(0.9, 0.04**2, refits=True, apparent=0.92, confidence=0.95)
    assert low < shorter[0] < plain[0]
    assert shorter[1] == pytest.approx(plain[1])  # further up the models show all they show
    low, high = logit_limits(0.5, 0.08**2, refits=True, confidence=0.95)
    plain = logit_limits(0.5, 0.08**2, refits=False, confidence=0.95)
    assert 1.25 < (high - low) / (plain[1] - plain[0]) < np.sqrt(2.5)


def test_a_rate_that_says_nothing_is_widened_most():
    assert rates_with_refits(0.5, 60) == pytest.approx(2.8)
    assert rates_with_refits(0.2, 60) == rates_with_refits(0.8, 60)
    factors = [rates_with_refits(share, 60) for share in (0.5, 0.6, 0.8, 0.95)]
    assert factors == sorted(factors, reverse=True)
    assert rates_with_refits(0.7, 1000) < rates_with_refits(0.7, 60)
    assert rates_with_refits(1.0, 10**6) == pytest.approx(1.1, abs=1e-4)


def test_a_holdout_is_judged_as_before(simulation):
    found = simulation.simulate(simulation.Cell("few", 60, "holdout", "none"), 20, seed=1)
    assert found["covered"] == found["covered, plain"]
    assert found["differ"] == found["differ, plain"]


@pytest.mark.parametrize("apparent", [1.0, 0.93, 0.6])
def test_limits_solve_their_equation_and_rise_with_the_estimate(apparent):
    previous = (0.0, 0.0)
    for estimate in np.linspace(0.02, 0.98, 49):
        spread = 0.4
        variance = (spread * estimate * (1 - estimate)) ** 2
        limits = logit_limits(estimate, variance, refits=True, apparent=apparent, confidence=0.95)
        odds = np.log(estimate / (1 - estimate))
        for limit in limits:
            truth = np.log(limit / (1 - limit))
            share = refit_share(truth / spread, spread, apparent)
            assert abs(odds - truth) == pytest.approx(REACH * spread * np.sqrt(1 + share), rel=1e-6)
        assert limits[0] > previous[0]
        assert limits[1] > previous[1]
        previous = limits


def test_models_that_show_others_what_they_show_their_own_lean_on_nothing():
    area, error = 0.8, 0.3
    z = np.log(area / (1 - area)) / error
    assert refit_share(z, error, 0.8) == pytest.approx(0)
    assert refit_share(z, error, 0.75) == 0
    assert refit_share(0.0, error, 0.75) == 1.5
    shares = [refit_share(z, error, apparent) for apparent in (0.82, 0.85, 0.9, 0.95, 1.0)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.5 / (1 + z / 6))
    assert refit_share(z, error, 0.9) == pytest.approx(
        min(shares[-1], 1.5 * (1 - norm.ppf(0.8) / norm.ppf(0.9)))
    )


def test_more_folds_add_more():
    assert [refit_share(0.0, folds=folds) for folds in (2, 5, 10, 60)] == pytest.approx(
        [1.25, 1.25, 1.75, 1.75]
    )
    assert refit_share(0.0, folds=5) < refit_share(0.0) < refit_share(0.0, folds=10)
    assert refit_share(6.0, folds=5) == refit_share(6.0) < refit_share(6.0, folds=10)


def test_models_that_do_not_overfit_have_shorter_intervals():
    table = _repeated(repeats=1, models=("a",), shift=1.5)
    apparent = table[table["cohort"] == "training"]  # what is said of them is like the test
    held = table[table["cohort"] == "test"]
    known, unknown = (
        metrics_table(table, apparent=own).set_index("metric").loc["auc"]
        for own in (apparent, None)
    )
    assert known["estimate"] == unknown["estimate"]
    assert known["ci_low"] > unknown["ci_low"] + 0.01
    (described,) = apparent_aucs(apparent).values()
    area = auc_within(held, refits=True, apparent=described)
    assert (known["ci_low"], known["ci_high"]) == pytest.approx((area.ci_low, area.ci_high))
    folds = [
        auc_delong(own["y_true"], own["probability"]).estimate
        for _, own in table[table["cohort"] == "training"].groupby("fold")
    ]
    assert described == pytest.approx(np.mean(folds), abs=1e-3)
    assert apparent_aucs(None) == {}


def test_better_than_chance_takes_the_variance_of_no_signal():
    edge = REACH * np.sqrt(2.5)
    for z, above in ((edge * 0.999, False), (edge * 1.001, True)):
        spread = 0.3
        estimate = 1 / (1 + np.exp(-z * spread))
        variance = (spread * estimate * (1 - estimate)) ** 2
        low, _ = logit_limits(estimate, variance, refits=True, confidence=0.95)
        assert (low > 0.5) == above


def test_no_area_has_a_lower_limit_above_that_of_a_perfect_one():
    y = np.repeat([0, 1], 20)
    lowest = newcombe_interval(1.0, 20, 20)[0]
    assert auc_delong(y, y).ci_low == lowest
    previous = 1.0
    for slipped in range(1, 12):  # the lowest positive patient sinks among the negative ones
        score = np.r_[np.arange(20), 19.5 - slipped, np.arange(21, 40)]
        area = auc_delong(y, score)
        assert area.ci_low <= lowest
        assert area.ci_low <= previous
        assert area.ci_high < 1
        previous = area.ci_low


@pytest.mark.parametrize(("area", "n"), [(0.9, 20), (0.95, 60), (0.8, 60)])
def test_small_test_sets_are_covered(area, n):
    rng = np.random.default_rng(n)
    y = np.repeat([0, 1], n // 2)
    shift = np.sqrt(2) * norm.ppf(area)
    found = [auc_delong(y, rng.normal(size=n) + shift * y) for _ in range(400)]
    covered = np.mean([one.ci_low <= area <= one.ci_high for one in found])
    wald = [REACH * np.sqrt(max(one.variance, 0)) for one in found]
    plain = np.mean([abs(one.estimate - area) <= half for one, half in zip(found, wald)])
    assert 0.92 <= covered <= 0.99
    assert plain < covered


def test_who_shares_training_is_told_by_the_rows():
    table = _repeated()
    assert shares_training(table) == {"test"}
    assert shares_training(table[table["cohort"] == "test"]) == {"test"}  # nothing is known
    one = table[table["fold"] == "0-0"]
    assert shares_training(one) == frozenset()
    outside = table[table["cohort"] == "test"].assign(cohort="external")
    outside["case_id"] = "x" + outside["case_id"]
    assert shares_training(pd.concat([table, outside])) == {"test"}
    centers = table.assign(cohort=table["cohort"].replace("test", "external"))
    assert shares_training(centers) == {"external"}  # each centre left out in turn


def test_repeats_take_off_what_they_differ_by():
    table = _repeated(repeats=8, models=("a",), seed=2)
    table = table[table["cohort"] == "test"]
    pairs = fold_pairs(table, ["fold"])
    assert pairs.averaged > 0.2 * pairs.variance  # scores are drawn anew in each repeat
    found = auc_within(table, refits=True)
    error = np.sqrt(pairs.variance) / (found.estimate * (1 - found.estimate))
    share = 1 + refit_share(np.log(found.estimate / (1 - found.estimate)) / error, error, folds=5)
    expected = pairs.variance * max(0.5, share - pairs.averaged / pairs.variance)
    assert found.variance == pytest.approx(expected)
    single = auc_within(table[table["fold"].str.startswith("0-")], refits=True)
    assert found.ci_high - found.ci_low < single.ci_high - single.ci_low
    averaged = auc_within(table)
    assert averaged.estimate == pytest.approx(found.estimate)
    assert averaged.variance < 0.5 * found.variance


def test_repeats_that_agree_take_nothing_off():
    once = _repeated(repeats=1, models=("a",), seed=2)
    again = once.assign(fold="1" + once["fold"].str[1:])
    single, double = (
        auc_within(table[table["cohort"] == "test"], refits=True)
        for table in (once, pd.concat([once, again]))
    )
    assert (double.ci_low, double.ci_high) == pytest.approx((single.ci_low, single.ci_high))


def test_cross_validated_difference_takes_its_multiple_of_the_variance():
    table = _repeated(repeats=1)
    row = delong_matrix(table, "test").iloc[0]
    held = table[table["cohort"] == "test"]
    a, b = (fold_pairs(held[held["model"] == name], ["fold"]) for name in ("a", "b"))
    apart = a.minus(b)
    assert row["difference"] == pytest.approx(apart.estimate)
    half = (row["ci_high"] - row["ci_low"]) / 2
    assert half == pytest.approx(REACH * np.sqrt(3.5 * apart.variance))
    assert row["interval"] == "delong_refits"
    assert (row["p"] < 0.05) == (row["ci_low"] > 0 or row["ci_high"] < 0)
    assert difference_with_refits(0.04, 0.03) == pytest.approx(3.5 * 0.04 - 0.03)
    assert difference_with_refits(0.04, 0.2) == pytest.approx(0.02)
    outside = held.assign(cohort="external")
    others = table[table["cohort"] == "training"]
    others = others.assign(case_id="x" + others["case_id"])
    plain = delong_matrix(pd.concat([outside, others]), "external").iloc[0]
    assert plain["difference"] == pytest.approx(row["difference"])
    assert plain["interval"] == "delong"


def test_widened_keeps_its_range():
    low, high = widened(np.array([0.1, 0.5]), ([0.05, 0.4], [0.2, 0.6]), least=0.0, most=1.0)
    np.testing.assert_allclose(low, [0.1 - 0.05 * np.sqrt(2), 0.5 - 0.1 * np.sqrt(2)])
    np.testing.assert_allclose(high, [0.1 + 0.1 * np.sqrt(2), 0.5 + 0.1 * np.sqrt(2)])
    assert float(widened(0.1, (0.0, 0.2), least=0.0)[0]) == 0.0


def _has_proc() -> bool:
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", "quit(status = !requireNamespace('pROC', quietly = TRUE))"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _has_proc(), reason="needs R with pROC")
def test_log_odds_interval_from_procs_variance(tmp_path):
    rng = np.random.default_rng(12)
    y = rng.integers(0, 2, 70)
    score = rng.normal(size=70) + 1.3 * y
    pd.DataFrame({"y": y, "p": score}).to_csv(tmp_path / "data.csv", index=False)
    script = (
        "suppressMessages(library(pROC)); d <- read.csv('data.csv');"
        "r <- roc(d$y, d$p, quiet = TRUE, direction = '<'); a <- as.numeric(auc(r));"
        "s <- sqrt(var(r, method = 'delong')) / (a * (1 - a));"
        "cat(format(c(a, plogis(qlogis(a) + c(-1, 1) * qnorm(0.975) * s)), digits = 15))"
    )
    found = subprocess.run(
        ["Rscript", "-e", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    area = auc_delong(y, score)
    expected = [float(value) for value in found.stdout.split()]
    assert (area.estimate, area.ci_low, area.ci_high) == pytest.approx(expected, abs=1e-10)
