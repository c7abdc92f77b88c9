"""Figures of four data sets with ties against R, by the session in reference.R."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gliofuse.evaluation import (
    LOGRANK_WEIGHTS,
    brier_scores,
    cumulative_incidence,
    harrell_concordance,
    kaplan_meier,
    logrank,
    null_brier_scores,
    restricted_mean,
    survival_at,
    survival_calibration,
    survival_calibration_summary,
    time_auc,
    uno_concordance,
)
from gliofuse.evaluation.survival._cox import fit_cox
from gliofuse.evaluation.survival.product_limit import product_limit
from gliofuse.evaluation.survival.scores import integrated

HERE = Path(__file__).parent
REFERENCE = json.loads((HERE / "reference.json").read_text(encoding="utf-8"))
VETERAN = HERE.parents[1] / "survival" / "veteran.csv"


def _taken(time, event, a, b, scale, shape, horizons):
    values = (np.asarray(value, dtype=float) for value in (time, event, a, b))
    time, event, a, b = values
    return SimpleNamespace(
        time=time, event=event, a=a, b=b, scale=scale, shape=shape, horizons=np.array(horizons)
    )


def _set(name):
    from lifelines.datasets import load_gbsg2, load_lung, load_rossi

    if name == "rossi":
        r = load_rossi()
        age = -0.06 * (r.age - 25)
        a = age + 0.09 * (r.prio - 3) - 0.4 * (r.fin - 0.5)
        return _taken(r.week, r.arrest, a, age, 150, 1.2, (20.0, 40.0))
    if name == "gbsg2":
        g = load_gbsg2()
        a = 0.05 * (g.pnodes - 5) - 0.3 * (g.horTh == "yes")
        return _taken(g.time, g.cens, a, 0.02 * (g.tsize - 29), 2500, 1.3, (365.0, 1095.0, 1825.0))
    if name == "lung":
        l = load_lung().dropna(subset=["time", "status", "age", "sex", "ph.ecog"])  # noqa: E741
        age = 0.02 * (l.age - 62)
        a = age - 0.5 * (l.sex - 1.4) + 0.45 * (l["ph.ecog"] - 1)
        return _taken(l.time, l.status - l.status.min(), a, age, 420, 1.3, (200.0, 365.0))
    v = pd.read_csv(VETERAN)
    small = 0.3 * (v.celltype == "smallcell")
    return _taken(v.time, v.status, -0.03 * (v.karno - 60), small, 130, 0.9, (60.0, 180.0))


@pytest.fixture(scope="module", params=list(REFERENCE))
def case(request):
    own = _set(request.param)
    own.r = REFERENCE[request.param]
    own.last = own.horizons.max()
    own.risk = lambda score, t: 1 - np.exp(-((t / own.scale) ** own.shape) * np.exp(score))
    own.high = np.where(own.a > np.median(own.a), "high", "low")
    return own


def near(values, expected):
    np.testing.assert_allclose(values, np.asarray(expected, dtype=float), rtol=1e-6, atol=1e-8)


def column(table, name, model=None):
    return [row[name] for row in table if model in (None, row.get("model"))]


def test_concordance_and_its_variance(case):
    a, b = (harrell_concordance(case.time, case.event, score) for score in (case.a, case.b))
    near([a.estimate, b.estimate], case.r["c"])
    near([a.variance, b.variance], case.r["c_var"])
    apart = a.influence - b.influence
    near(apart @ apart, case.r["c_difference_var"])
    uno = uno_concordance(case.time, case.event, case.a, tau=case.last)
    near([uno.estimate, uno.variance], case.r["uno"])
    fold = np.arange(case.time.size) % 5
    within = harrell_concordance(case.time, case.event, case.a, stratum=fold)
    near([within.estimate, within.variance], case.r["within"])


def test_time_dependent_auc_and_its_contrast(case):
    for place, horizon in enumerate(case.horizons):
        a, b = (
            time_auc(case.time, case.event, case.risk(score, horizon), horizon)
            for score in (case.a, case.b)
        )
        for name, score in (("a", a), ("b", b)):
            near(score.estimate[0], column(case.r["auc"], "AUC", name)[place])
            error = np.linalg.norm(score.influence)
            near(error, column(case.r["auc"], "se", name)[place])
        expected = case.r["auc_contrast"][place]
        near((b.estimate - a.estimate)[0], expected["delta.AUC"])
        near(np.linalg.norm(b.influence - a.influence), expected["se"])


def test_brier_scores_and_accuracy_against_kaplan_meier(case):
    null = null_brier_scores(case.time, case.event, case.horizons)
    near(null.estimate, column(case.r["brier"], "Brier", "Null model"))
    near(np.linalg.norm(null.influence, axis=0), column(case.r["brier"], "se", "Null model"))
    scores = {}
    for name, score in (("a", case.a), ("b", case.b)):
        chance = case.risk(score[:, None], case.horizons)
        scores[name] = own = brier_scores(case.time, case.event, chance, case.horizons)
        near(own.estimate, column(case.r["brier"], "Brier", name))
        near(np.linalg.norm(own.influence, axis=0), column(case.r["brier"], "se", name))
        near(1 - own.estimate / null.estimate, column(case.r["brier"], "IPA", name))
    near(
        scores["b"].estimate - scores["a"].estimate, column(case.r["brier_contrast"], "delta.Brier")
    )
    near(
        np.linalg.norm(scores["b"].influence - scores["a"].influence, axis=0),
        column(case.r["brier_contrast"], "se"),
    )


def test_integrated_brier_score(case):
    grid = np.unique(case.time[(case.event == 1) & (case.time <= case.last)])
    model = brier_scores(case.time, case.event, case.risk(case.a[:, None], grid), grid)
    near(integrated(model, grid)[0], column(case.r["ibs"], "IBS", "a")[0])
    null = null_brier_scores(case.time, case.event, grid)
    near(integrated(null, grid)[0], column(case.r["ibs"], "IBS", "Null model")[0])


def test_two_groups(case):
    near(logrank(case.time, case.event, case.high).statistic, case.r["logrank"][0])
    means = restricted_mean(case.time, case.event, case.high, tau=case.last).set_index("group")
    near(means.loc[["low", "high"], ["rmst", "se"]].to_numpy(), case.r["rmst"])
    for group, expected in zip(("low", "high"), case.r["at"]):
        own = case.high == group
        curve = product_limit(case.time[own], case.event[own] == 1)
        low, high = curve.limits(case.horizons[0])
        near([curve.at(case.horizons[0]), low, high], expected)
    fit = fit_cox((case.high == "high")[:, None] * 1.0, case.time, case.event == 1)
    near([fit.coefficients[0], np.sqrt(fit.covariance[0, 0])], case.r["hazard_ratio"])


@pytest.mark.parametrize("weights", list(LOGRANK_WEIGHTS))
def test_weighted_log_rank_is_that_of_lifelines(case, weights):
    """Its p 1, q 0 is rho = 1 of survdiff, which ties its weights to R's."""
    from lifelines.statistics import multivariate_logrank_test

    def lifelines(group, **options):
        return multivariate_logrank_test(case.time, group, case.event, **options).test_statistic

    early = {"weightings": "fleming-harrington", "p": 1, "q": 0}
    near(lifelines(case.high, **early), case.r["logrank"][1])
    late = {"weightings": "fleming-harrington", "p": 0, "q": 1}
    options = {} if weights == "logrank" else {"weightings": weights}
    options = late if weights == "fleming-harrington" else options
    third = np.digitize(case.a, np.quantile(case.a, [0.3, 0.6])).astype(str)
    for group in (case.high, third):
        own = logrank(case.time, case.event, group, weights=weights)
        near(own.statistic, lifelines(group, **options))


def test_calibration(case):
    chance = case.risk(case.a, case.last)
    reached = (np.minimum(case.time, case.last) / case.scale) ** case.shape * np.exp(case.a)
    found = survival_calibration_summary(
        case.time, case.event, chance, case.last, cumulative_hazard=reached
    )
    slope, error = case.r["slope"]
    near([found["slope"], found["slope_high"]], [slope, slope + 1.959963984540054 * error])
    near(found["ici"], case.r["ici"])
    names = ("observed_expected", "observed_expected_low", "observed_expected_high")
    near([found[name] for name in names], case.r["oe"])
    large, error = case.r["intercept"]
    near([found["intercept"], found["intercept_low"]], [large, large - 1.959963984540054 * error])
    near(found["brier"], column(case.r["brier"], "Brier", "a")[-1])
    curve = survival_calibration(case.time, case.event, chance, case.last, points=2)
    near(curve.to_numpy(), [case.r["curve"][0], case.r["curve"][-1]])


def test_cumulative_incidence(case):
    cause = case.event.copy()
    cause[np.flatnonzero(cause == 1)[2::3]] = 2
    table = cumulative_incidence(case.time, cause == 1, cause == 2, ["all"] * cause.size)
    for place, horizon in enumerate(case.horizons):
        at = table[table["time"] <= horizon].groupby("cause").last()
        rows = at.loc[["event", "competing"]]
        near(rows["incidence"], case.r["incidence"][place])
        near(rows["se"], case.r["incidence_se"][place])


def test_kaplan_meier_tables_agree_with_the_closed_form(case):
    table = kaplan_meier(case.time, case.event, ["all"] * case.time.size)
    near(survival_at(case.time, case.event, table["time"]), table["survival"])
    curve = product_limit(case.time, case.event == 1)
    low, high = curve.limits(table["time"].to_numpy()[1:])
    near(low, table["ci_low"][1:])
    near(high, table["ci_high"][1:])


def test_a_term_that_is_the_same_in_every_risk_set_has_no_fit():
    """One group alone is watched when events come: its size would be a rounding error."""
    time = np.array([1.0, 2.0, 5.0, 6.0, 7.0, 8.0])
    event = np.array([False, False, True, True, False, False])
    group = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])[:, None]
    assert fit_cox(group, time, event) is None
    assert fit_cox(group, time, event, stratum=np.array([0, 1, 0, 1, 0, 1])) is None
