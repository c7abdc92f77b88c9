"""The evaluation of a survival endpoint: every cohort evaluates, and what can't be told is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.errors import InputError, SettingError
from gliofuse.evaluation import harrell_concordance
from gliofuse.evaluation.endpoints import evaluation_kinds, evaluation_of
from gliofuse.evaluation.survival.groups import risk_thresholds
from gliofuse.evaluation.survival.metrics import survival_metrics_table
from gliofuse.evaluation.survival.predictions import judged, last_used
from gliofuse.records import AGREEMENT, MISJUDGED, SAMPLE_SIZE, table_named
from gliofuse.survival import CoxModel

pytestmark = pytest.mark.slow(minutes=0.5)

ENDPOINT = SurvivalEndpoint("os", "died", horizons=(200.0, 500.0))
HORIZONS = ENDPOINT.horizon_times


def patients(n=120, seed=0, strength=1.0, longest=1200.0):
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    x.index = pd.Index([f"p{i:03d}" for i in range(n)], name="case_id")
    time = np.ceil(rng.exponential(500 * np.exp(-strength * x["a"])))
    censored = np.ceil(rng.uniform(100, longest, n))
    y = pd.DataFrame(
        {"time": np.minimum(time, censored), "event": (time <= censored).astype(int)}, index=x.index
    )
    return x, y


def rows_of(x, y, side, fold, cohort, model, fit, horizons=HORIZONS):
    columns = list(fit.coefficients_.index)
    table = y[side].assign(fold=fold, cohort=cohort, model=model)
    table["risk"] = fit.log_hazard(x.loc[side, columns])
    survival = fit.survival(x.loc[side, columns], list(horizons))
    for horizon, column in zip(horizons, survival):
        table[f"survival_{horizon:g}"] = survival[column].to_numpy()
    return table.reset_index()


MODELS = {"full": ["a", "b"], "clinical": ["b"], "other": ["c"]}


def cross_validated(x, y, repeats=1, folds=4, seed=0, models=MODELS, horizons=HORIZONS):
    rng = np.random.default_rng(seed)
    parts = []
    for repeat in range(repeats):
        place = rng.permutation(np.arange(len(x)) % folds)
        for fold in range(folds):
            training = place != fold
            for model, columns in models.items():
                fit = CoxModel(penalty=0.01).fit(x.loc[training, columns], y[training])
                for cohort, side in (("training", training), ("test", ~training)):
                    name = f"r{repeat}f{fold}"
                    parts.append(rows_of(x, y, side, name, cohort, model, fit, horizons))
    return pd.concat(parts, ignore_index=True)


def tables(predictions, endpoint=ENDPOINT, **options):
    evaluation = evaluation_of(endpoint)
    found = evaluation.tables(predictions, judged=("full", "clinical"), final="full", **options)
    for name, table in found.items():
        table_named(name).check(table)
    return found


def metrics_alone(predictions):
    return {"metrics": survival_metrics_table(judged(predictions, HORIZONS))}


def metric(found, name, model="full", cohort="test"):
    table = found["metrics"]
    rows = table[
        (table["metric"] == name) & (table["model"] == model) & (table["cohort"] == cohort)
    ]
    assert len(rows) <= 1
    return None if rows.empty else rows.iloc[0]


@pytest.fixture(scope="module")
def cohort():
    return patients()


@pytest.fixture(scope="module")
def predictions(cohort):
    return cross_validated(*cohort)


@pytest.fixture(scope="module")
def found(cohort, predictions):
    centers = pd.Series(np.where(np.arange(120) % 2, "B", "A"), index=cohort[0].index)
    return tables(predictions, centers=centers, subgroups={"half": centers})


def test_tables_are_declared_and_whole(found):
    assert "survival" in evaluation_kinds()
    assert list(found) == [
        *("thresholds", "follow_up", "metrics", "brier_curve", "calibration"),
        *("calibration_summary", "decision_curve", "risk_groups", "risk_tests", "kaplan_meier"),
        *("concordance", "score_contrasts", "centers", "subgroups"),
    ]
    metrics = found["metrics"]
    assert set(metrics["metric"]) == {
        *("c_index", "c_index_pooled", "uno_c", "ibs", "calibration_slope"),
        *(f"{name}_{h:g}" for name in ("auc", "brier", "ipa", "oe") for h in HORIZONS),
    }
    with_limits = metrics[metrics["metric"] != "c_index_pooled"]
    assert ((with_limits["ci_low"] < with_limits["estimate"])
            & (with_limits["estimate"] < with_limits["ci_high"])).all()  # fmt: skip
    assert with_limits["interval"].str.contains("_refits|log-log").all()
    assert (
        metric(found, "c_index")["estimate"]
        > 0.65
        > metric(found, "c_index", "clinical")["estimate"]
    )
    pairs = found["concordance"][["model_a", "model_b"]].to_numpy().tolist()
    assert pairs == [["full", "clinical"], ["full", "other"]]
    assert (found["concordance"]["p"] < 0.05).all()


def test_c_is_of_pairs_within_folds_and_the_mean_of_single_repeats(cohort):
    x, y = cohort
    repeated = cross_validated(x, y, repeats=3, models={"full": ["a", "b"]})
    singles = [
        metric(metrics_alone(repeated[repeated["fold"].str.startswith(f"r{repeat}")]), "c_index")
        for repeat in range(3)
    ]
    whole = metric(metrics_alone(repeated), "c_index")
    mean = np.mean([row["estimate"] for row in singles])
    assert whole["estimate"] == pytest.approx(mean, abs=0.002)  # folds' pairs differ a little
    # Three repeats of the same patients are hardly surer than one.
    widths = [row["ci_high"] - row["ci_low"] for row in singles]
    assert whole["ci_high"] - whole["ci_low"] > 0.9 * np.mean(widths)
    own = repeated[(repeated["model"] == "full") & (repeated["cohort"] == "test")]
    by_hand = [
        (fold, harrell_concordance(g["time"], g["event"], g["risk"]))
        for fold, g in own.groupby("fold")
    ]
    weighted = np.average([c.estimate for _, c in by_hand], weights=[c.pairs for _, c in by_hand])
    assert whole["estimate"] == pytest.approx(weighted)


def test_risks_of_other_folds_scale_do_not_matter_to_c_but_to_the_pooled(predictions, found):
    other = predictions.copy()
    shift = other["fold"].map({name: 5.0 * i for i, name in enumerate(other["fold"].unique())})
    other["risk"] += shift
    before, after = found, tables(other)
    assert metric(after, "c_index")["estimate"] == metric(before, "c_index")["estimate"]
    pooled = [metric(one, "c_index_pooled")["estimate"] for one in (before, after)]
    assert pooled[1] < pooled[0] - 0.05
    pd.testing.assert_frame_equal(after["risk_groups"], before["risk_groups"])


def test_prediction_error_over_time_is_the_cox_models_own(cohort):
    """Between horizons survival is interpolated: for a Cox model exactly."""
    x, y = cohort
    training = np.arange(len(x)) < 80
    fit = CoxModel().fit(x.loc[training, ["a", "b"]], y[training])
    predictions = pd.concat(
        [
            rows_of(x, y, training, "0", "training", "full", fit),
            rows_of(x, y, ~training, "0", "test", "full", fit),
        ]
    )
    (held,) = judged(predictions, HORIZONS)
    times = np.array([50.0, 120, 200, 333, 499, 500])
    own = fit.survival(x.loc[held.rows["case_id"], ["a", "b"]], times)
    np.testing.assert_allclose(held.curves(times), own.to_numpy(), atol=2e-3)
    assert np.isnan(held.curves(np.array([501.0]))).all()
    curve = tables(predictions)["brier_curve"]
    assert curve["time"].iloc[0] == 0
    assert curve["time"].max() == min(500, held.tau)


def test_one_model_on_new_patients_has_no_refits(cohort):
    x, y = cohort
    training = np.arange(len(x)) < 80
    fit = CoxModel().fit(x.loc[training, ["a"]], y[training])
    predictions = pd.concat(
        [
            rows_of(x, y, training, "0", "training", "full", fit),
            rows_of(x, y, ~training, "0", "external", "full", fit),
        ]
    )
    found = tables(predictions)
    assert metric(found, "c_index", cohort="external")["interval"] == "jackknife"
    assert metric(found, "c_index_pooled", cohort="external") is None
    assert "concordance" not in found
    assert not found["risk_tests"]["refits"].any()


def test_a_threshold_is_of_training_patients_and_groups_are_of_others(predictions, found):
    own = predictions[(predictions["fold"] == "r0f1") & (predictions["model"] == "full")]
    training = own[own["cohort"] == "training"]
    row = found["thresholds"].query("fold == 'r0f1' and model == 'full'").iloc[0]
    assert row["threshold"] == training["risk"].median()
    optimal = tables(predictions, threshold="optimal")["thresholds"]
    assert optimal["p_corrected"].between(0, 1).all()
    assert (optimal["threshold"] != found["thresholds"]["threshold"]).any()
    groups = found["risk_groups"].query("model == 'full'").set_index("group")
    assert groups["n"].sum() == 120
    assert groups.loc["low risk", "rmst"] > groups.loc["high risk", "rmst"]
    tests = found["risk_tests"].query("model == 'full'").set_index("test")
    assert tests.loc["hazard ratio", "estimate"] > 1
    assert tests.loc["rmst difference", "estimate"] == pytest.approx(
        groups.loc["high risk", "rmst"] - groups.loc["low risk", "rmst"]
    )
    curves = found["kaplan_meier"]
    assert set(curves["groups"]) == {"all", "risk"}
    assert set(curves["model"].dropna()) == {"full", "clinical"}


def test_a_model_that_gives_only_a_risk_is_judged_by_ranks(predictions):
    silent = predictions.copy()
    columns = [f"survival_{h:g}" for h in HORIZONS]
    silent.loc[silent["model"] == "other", columns] = np.nan
    found = tables(silent)
    own = found["metrics"].query("model == 'other'")["metric"].tolist()
    assert own == ["c_index", "c_index_pooled", "uno_c", "auc_200", "auc_500"]
    assert "no probabilities from 'other'" in found["follow_up"]["note"].iloc[0]
    brier = found["score_contrasts"].query("metric == 'brier'")
    assert set(brier["model_b"]) == {"clinical"}


def test_test_times_beyond_the_training_patients(cohort):
    """The case at which other tools fail: figures end where training patients' times do."""
    x, y = cohort
    training = (np.arange(len(x)) % 2 == 0) & (y["time"].to_numpy() < 400)
    fit = CoxModel().fit(x.loc[training, ["a"]], y[training])
    predictions = pd.concat(
        [
            rows_of(x, y, training, "0", "training", "full", fit),
            rows_of(x, y, ~training, "0", "test", "full", fit),
        ]
    )
    longest = y["time"][training].max()
    found = tables(predictions)
    row = found["follow_up"].iloc[0]
    assert row["tau"] == longest
    assert "followed for longer than the training patients" in row["note"]
    assert metric(found, "uno_c") is not None
    assert metric(found, "brier_500") is None
    assert "no probability for 500 days from 'full'" in row["note"]
    assert found["brier_curve"].empty or found["brier_curve"]["time"].max() <= longest


def test_what_patients_do_not_allow_is_said(cohort):
    x, y = cohort
    endpoint = SurvivalEndpoint("os", "died", horizons=(200.0, 5000.0))
    predictions = cross_validated(x, y, horizons=endpoint.horizon_times)
    found = tables(predictions, endpoint)
    assert metric(found, "auc_5000") is None
    assert metric(found, "auc_200") is not None
    assert (
        "nothing is told of 5000 days: no patient was followed for longer"
        in (found["follow_up"]["note"].iloc[0])
    )


def test_a_cohort_without_an_event(predictions):
    quiet = predictions.copy()
    quiet.loc[quiet["cohort"] == "test", "cohort"] = "external"
    ids = quiet["case_id"].unique()
    renamed = {name: f"e{name}" for name in ids}
    external = quiet["cohort"] == "external"
    quiet.loc[external, "case_id"] = quiet.loc[external, "case_id"].map(renamed)
    quiet.loc[external, "event"] = 0
    found = tables(quiet)
    row = metric(found, "c_index", cohort="external")
    assert np.isnan(row["estimate"])
    assert row["note"] == "no pair of patients can be compared"
    assert "no patient had the event" in found["follow_up"]["note"].iloc[0]
    assert "concordance" not in found
    assert set(found["risk_tests"]["note"]) == {"no patient had the event"}


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_very_few_patients_evaluate(predictions, n):
    ids = predictions["case_id"].unique()[:n]
    keep = (predictions["cohort"] == "training") | predictions["case_id"].isin(ids)
    found = tables(predictions[keep])
    assert len(found["metrics"]) >= 3
    assert len(found["risk_groups"])


@pytest.mark.parametrize("change", ["all_events", "one_risk", "one_time", "separated", "zero"])
def test_odd_patients_evaluate(predictions, change):
    odd = predictions.copy()
    if change == "all_events":
        odd["event"] = 1
    elif change == "one_risk":
        odd["risk"] = 0.0
    elif change == "one_time":
        odd["time"] = 300.0
    elif change == "separated":
        odd["risk"] = -odd["time"]
    else:
        odd.loc[odd["case_id"].isin(odd["case_id"].unique()[:5]), "time"] = 0.0
    found = tables(odd)
    row = metric(found, "c_index")
    if change == "one_risk":
        assert row["estimate"] == 0.5
        assert "the risk is the same for everybody" in metric(found, "calibration_slope")["note"]
    if change == "separated":
        assert (row["estimate"], row["ci_high"]) == (1.0, 1.0)
        assert row["ci_low"] < 0.98
        assert row["interval"] == "newcombe_refits"
    if change == "one_time":
        assert row["n"] == 120


def test_competing_causes(cohort):
    x, y = cohort
    endpoint = SurvivalEndpoint("os", "died", horizons=HORIZONS, seen="1", competing="2")
    rng = np.random.default_rng(1)
    other = ((y["event"] == 0) & (rng.uniform(size=len(y)) < 0.5)).astype(int)
    predictions = cross_validated(x, y)
    predictions["competing"] = predictions["case_id"].map(other)
    found = tables(predictions, endpoint)
    table = found["cumulative_incidence"]
    assert set(table["cause"]) == {"event", "competing"}
    assert set(table["group"]) == {"all patients", "low risk", "high risk"}
    whole = table[table["group"] == "all patients"].groupby("cause")["incidence"].max()
    seen = found["kaplan_meier"].query("groups == 'all'")["survival"].min()
    assert whole["event"] < 1 - seen
    assert found["follow_up"]["competing"].iloc[0] == other.sum()
    both = predictions.assign(competing=1)
    with pytest.raises(InputError, match="both event and competing 1"):
        evaluation_of(endpoint).check(both)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("event", 2, "event must hold only 0 and 1 and nothing missing, got 2"),
        ("time", -1.0, "time must be 0 or more and nothing missing, got -1"),
        ("time", np.nan, "time must be 0 or more and nothing missing, got nan"),
        ("risk", np.inf, r"predictions.risk must be finite, got \d+ missing or infinite"),
        ("survival_200", 1.2, "survival_200 must lie between 0 and 1 or be missing, got 1.2"),
    ],
)
def test_bad_predictions_are_refused_in_a_line(predictions, column, value, message):
    bad = predictions.copy()
    bad[column] = bad[column].astype(float)
    bad.loc[bad["case_id"] == bad["case_id"].iloc[0], column] = value
    with pytest.raises(InputError, match=message):
        evaluation_of(ENDPOINT).check(bad)


def test_missing_columns_and_two_outcomes_are_refused(predictions):
    with pytest.raises(InputError, match=r"lacks the columns .*survival_500"):
        evaluation_of(ENDPOINT).check(predictions.drop(columns="survival_500"))
    bad = predictions.copy()
    bad.loc[0, "time"] += 1
    with pytest.raises(InputError, match="two different time"):
        evaluation_of(ENDPOINT).check(bad)


def test_unknown_threshold_is_refused():
    with pytest.raises(SettingError, match="'median' or 'optimal', got 'half'"):
        evaluation_of(ENDPOINT).check_threshold("half")


def test_other_answers(predictions, found):
    evaluation = evaluation_of(ENDPOINT)
    thresholds = found["thresholds"]
    misjudged = evaluation.misjudged(predictions, thresholds)
    MISJUDGED.check(misjudged)
    assert misjudged["n_wrong"].is_monotonic_decreasing
    assert misjudged["y_true"].str.match(r"(event|censored) at \d+ days").all()
    worst = misjudged[misjudged["misjudged_by_all"]]
    early = worst["y_true"].str.startswith("event")
    assert early.any()
    agreement = evaluation.agreement(predictions, thresholds, bootstrap=200)
    AGREEMENT.check(agreement)
    wide = predictions[predictions["cohort"] == "test"].pivot(
        index="case_id", columns="model", values="risk"
    )
    first = agreement.iloc[0]
    expected = wide[[first["model_a"], first["model_b"]]].corr("spearman").iloc[0, 1]
    assert first["spearman"] == pytest.approx(expected)
    assert first["spearman_low"] < expected < first["spearman_high"]
    called = evaluation.held_out_groups(predictions, "full", thresholds)["called"]
    assert called.unique().tolist() == ["low risk", "high risk"]
    assert len(called) == 120
    assert set(evaluation.outcome_groups(predictions)) == {"censored", "event"}
    events = int(predictions.drop_duplicates("case_id")["event"].sum())
    assert evaluation.patients_line(found["metrics"]) == f"120 patients, {events} events"
    added = evaluation.added(predictions, "full", "clinical")
    assert set(added["horizon"]) == {200.0}
    assert (added["difference"] == added["net_benefit"] - added["net_benefit_against"]).all()
    SAMPLE_SIZE.check(evaluation.sample_size(predictions, "full", 5))


def test_tau_keeps_a_tenth_of_the_patients():
    rows = pd.DataFrame({"case_id": range(100), "time": np.arange(1.0, 101)})
    nobody = pd.DataFrame(columns=["fold", "time"])
    assert last_used(rows, nobody) == 91
    training = pd.DataFrame({"fold": ["1", "2"], "time": [80.0, 85.0]})
    assert last_used(rows, training) == 80


def test_brier_score_of_repeats_is_the_mean_error(cohort):
    x, y = cohort
    repeated = cross_validated(x, y, repeats=2, models={"full": ["a", "b"]})
    singles = [
        metric(metrics_alone(repeated[repeated["fold"].str.startswith(f"r{repeat}")]), "brier_500")
        for repeat in range(2)
    ]
    whole = metric(metrics_alone(repeated), "brier_500")
    assert whole["estimate"] == pytest.approx(np.mean([row["estimate"] for row in singles]))


@pytest.mark.parametrize(
    "changes",
    [
        {"risk": np.r_[[1.0, 2.0, 3.0], np.zeros(37)]},  # as where most inner folds found nothing
        {"event": 0},
        {"time": 5.0},
    ],
)
def test_training_patients_who_allow_no_cut_are_divided_at_the_median(changes):
    training = {"fold": "fold1", "model": "signature", "cohort": "training", "event": 1}
    training |= {"time": np.arange(1.0, 41.0), "risk": np.arange(40.0)}
    table = pd.DataFrame({**training, **changes})
    row = risk_thresholds(table, "optimal").iloc[0]
    assert row["threshold"] == table["risk"].median()
    assert np.isnan(row["statistic"])
