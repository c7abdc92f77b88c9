"""The report of a survival endpoint, against the tables that the real evaluation wrote."""

from __future__ import annotations

import html
import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.evaluation import nomogram_points
from gliofuse.records import (
    CONCORDANCE,
    HAZARD_RATIOS,
    KAPLAN_MEIER,
    METRICS,
    PREDICTIONS,
    PROPORTIONAL_HAZARDS,
    RISK_GROUPS,
    RISK_TESTS,
    RUN,
    SAMPLE_SIZE,
    SCHOENFELD,
    SCORE_CONTRASTS,
    RunFolder,
)
from gliofuse.report import summarise, write_comparison_report, write_report
from gliofuse.report.page import drawings

from .survival_study import ENDPOINT, simulate, write_comparison, write_run

pytestmark = pytest.mark.slow(minutes=0.6)


def words_of(folder):
    """Return a report's words, without markup and figures."""
    text = (folder / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"<(svg|script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text)))


def titles(folder):
    """Return the titles of a run's limitations, with their texts."""
    return {entry["title"]: entry["text"] for entry in summarise(folder)["limitations"]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A run whose signature carries information beyond the clinical terms."""
    run = write_run(tmp_path_factory.mktemp("survival") / "run", simulate())
    write_report(run.path)
    return run


@pytest.fixture(scope="module")
def null(tmp_path_factory):
    """Few patients, a signature of noise, short follow-up and a threshold that was searched for."""
    people = simulate(66, signal=0.0, followed=700, seed=1)
    run = write_run(tmp_path_factory.mktemp("null") / "run", people, threshold="optimal")
    write_report(run.path)
    return run


@pytest.fixture(scope="module")
def competing(tmp_path_factory):
    """External patients, horizons of one's own in months, and competing causes."""
    people = simulate(100, competing=True, followed=1200, seed=5)
    others = simulate(50, competing=True, followed=2600, seed=6, prefix="x")
    for table in (people, others):
        table["time"] = (table["time"] / 30).round(1)
    endpoint = SurvivalEndpoint(
        "pfs", "status", unit="months", horizons=(12, 18), seen="1", competing="2"
    )
    folder = tmp_path_factory.mktemp("competing") / "run"
    run = write_run(folder, people, endpoint=endpoint, external=others)
    write_report(run.path)
    return run


def test_the_page_is_whole_and_every_figure_is_drawn(study, null, competing, page_of):
    for run in (study, null, competing):
        text, page = page_of(run.path)
        assert "Not drawn" not in text
        assert len(page.ids) == len(set(page.ids))
        assert all(link.startswith(("#", "data:")) for link in page.loads)
        assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
        drawn = {drawing.name for drawing in drawings(run.path)}
        assert drawn == {path.stem for path in (run.path / "figures").glob("*.svg")}
    for heading in ("Risk groups", "Nomograms and calculators", "Hazard ratios"):
        assert f"{heading}</h2>" in page_of(study.path)[0]
    assert "Competing causes</h2>" in page_of(competing.path)[0]
    assert "Competing causes</h2>" not in page_of(study.path)[0]


def test_the_c_index_stands_first_with_its_tests(study):
    found = summarise(study.path)
    metrics, tests = study.read(METRICS), study.read(CONCORDANCE)
    own = metrics[(metrics["metric"] == "c_index") & (metrics["model"] == "integrated")].iloc[0]
    head = found["overview"]["headline"]
    assert (head["metric_label"], head["estimate"]) == ("C-index", own["estimate"])
    assert head["patients"] == "160 patients, 108 events"
    (cohort,) = found["performance"]["cohorts"]
    rows = {row["model"]: row for row in cohort["rows"]}
    for row in tests.to_dict("records"):
        assert rows[row["model_b"]]["p"] == row["p"]
        assert rows[row["model_b"]]["p_holm"] == row["p_holm"]
    assert cohort["test"] == "the cross-validated paired test"
    assert not [name for name in cohort["other_metrics"] if name.endswith("365")]
    assert "jackknife" in cohort["intervals"]
    assert "DeLong" not in words_of(study.path)


def test_figures_at_horizons_are_the_tables(study):
    (cohort,) = summarise(study.path)["horizons"]
    metrics = study.read(METRICS).set_index(["model", "metric"])["estimate"]
    assert [horizon["label"] for horizon in cohort["horizons"]] == ["1 year", "3 years", "5 years"]
    for horizon in cohort["horizons"]:
        for row in horizon["rows"]:
            for name, cell in zip(cohort["columns"], row["cells"], strict=True):
                known = metrics.get((row["model"], f"{name}_{horizon['time']:g}"))
                assert cell["estimate"] == (known if known is not None else None)
    contrasts = study.read(SCORE_CONTRASTS)
    shown = [row for row in cohort["contrasts"] if row["b"] == "Clinical"]
    own = contrasts[(contrasts["model_b"] == "clinical") & (contrasts["metric"] == "brier")]
    assert [row["brier"]["estimate"] for row in shown] == own["difference"].tolist()


def test_risk_groups_are_the_tables(study):
    groups, tests = study.read(RISK_GROUPS), study.read(RISK_TESTS)
    curves = study.read(KAPLAN_MEIER)
    (cohort,) = summarise(study.path)["risk_groups"]["cohorts"]
    assert [model["model"] for model in cohort["models"]] == ["integrated", "signature", "clinical"]
    for model in cohort["models"]:
        own = groups[groups["model"] == model["model"]]
        assert [row["n"] for row in model["groups"]] == own["n"].tolist()
        test = tests[(tests["model"] == model["model"]) & (tests["test"] == "logrank")]
        assert model["p"] == test["p"].iloc[0]
        steps = curves[(curves["model"] == model["model"]) & (curves["groups"] == "risk")]
        assert [curve["label"] for curve in model["curves"]] == ["low risk", "high risk"]
        assert sum(len(curve["time"]) for curve in model["curves"]) == len(steps)
        assert [curve["at_risk"][0] for curve in model["curves"]] == own["n"].tolist()
    figure = (study.path / "figures" / "kaplan_meier_test_integrated.svg").read_text()
    assert "time (days)" in figure
    assert "Number at risk" in figure
    assert "at least the median risk of the training patients" in words_of(study.path)


def test_a_searched_threshold_is_warned_of_with_its_corrected_p(null):
    text = words_of(null.path)
    assert "The threshold was searched for. In each fold it is the risk that divides" in text
    found = summarise(null.path)["risk_groups"]["thresholds"]
    table = pd.read_csv(null.path / "thresholds.csv")
    for row in found:
        own = table.loc[table["model"] == row["model"], "p_corrected"]
        assert row["p_corrected"] == pytest.approx(own.median())
    assert "The threshold was searched for" in titles(null.path)


def test_the_calculators_survival_is_the_models(study, page_of):
    """Nomogram, stored model and the predictions of fold 1, to 1e-10."""
    people, drawn = simulate(), nomogram_points(study.nomograms()["integrated"])
    predictions = study.read(PREDICTIONS)
    own = predictions[
        (predictions["fold"] == "fold1")
        & (predictions["cohort"] == "test")
        & (predictions["model"] == "integrated")
    ].set_index("case_id")
    for case_id, row in own.iterrows():
        values = people.loc[case_id, ["age", "sex", "grade", "signature"]].to_dict()
        found = drawn.probabilities(values)
        expected = [row[f"survival_{time:g}"] for time in ENDPOINT.horizon_times]
        known = [value for value in expected if not np.isnan(value)]
        np.testing.assert_allclose(list(found.values()), known, atol=1e-10)
    text = page_of(study.path)[0]
    scripts = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    first, second = (json.loads(script) for script in scripts)
    assert first["link"] == second["link"] == "cox"
    assert first["intercept"] == drawn.model.intercept
    assert {one["label"]: one["survival"] for one in first["baseline"]} == drawn.model.baseline
    assert [term["name"] for term in second["terms"]] == ["age", "sex", "grade"]


def test_hazard_ratios_are_those_of_the_first_fold(study):
    found = summarise(study.path)
    table = study.read(HAZARD_RATIOS)
    model = found["hazard_ratios"]["models"][0]
    assert model["model"] == "integrated"
    own = table[(table["fold"] == "fold1") & (table["model"] == "integrated")]
    together = own[own["kind"] == "multivariable"].set_index("term")
    assert [row["term"] for row in model["rows"]] == together.index.tolist()
    for row in model["rows"]:
        assert row["estimate"] == together.loc[row["term"], "hazard_ratio"]
        assert row["univariable"]["figures"]
    assert f"{model['n']:.0f} training patients with" in words_of(study.path)


def test_tests_of_proportional_hazards_say_what_the_table_says(study, copied):
    table = study.read(PROPORTIONAL_HAZARDS)
    own = table[(table["fold"] == "fold1") & (table["model"] == "integrated")]
    (model, *_) = summarise(study.path)["proportional_hazards"]["models"]
    assert [row["value"] for row in model["rows"]] == own["p"].tolist()
    events = study.read(SCHOENFELD)
    residuals = events[(events["fold"] == "fold1") & (events["model"] == "integrated")]
    assert sum(len(panel["time"]) for panel in model["panels"]) == len(residuals)
    folder = copied(study.path)
    table.loc[table["term"] == "GLOBAL", "p"] = 0.01
    RunFolder(folder).write(PROPORTIONAL_HAZARDS, table)
    assert "Hazards are not proportional" in titles(folder)
    if (own["p"] >= 0.05).all():
        assert "Hazards are not proportional" not in titles(study.path)


def test_a_final_model_below_the_clinical_one_is_remarked_in_the_head(study, copied):
    """By chance or by more, and not where it lies above with an interval over 0."""
    folder = RunFolder(copied(study.path))
    metrics, tests = study.read(METRICS), study.read(CONCORDANCE)
    final = (metrics["model"] == "integrated") & (metrics["metric"] == "c_index")
    rows = tests["model_b"] == "clinical"
    clinical = tests.loc[rows, "c_b"].iloc[0]
    for difference, low, high, title in (
        (-0.04, -0.07, -0.01, "Imaging made the clinical model worse"),
        (-0.04, -0.10, 0.02, "The final model falls below the clinical one"),
        (0.04, -0.02, 0.10, "Imaging is not shown to add to the clinical model"),
        (0.04, 0.01, 0.07, None),
    ):
        metrics.loc[final, ["estimate", "ci_low", "ci_high"]] = (clinical + difference, 0.6, 0.8)
        tests.loc[rows, ["difference", "ci_low", "ci_high"]] = (difference, low, high)
        folder.write(METRICS, metrics)
        folder.write(CONCORDANCE, tests)
        found = summarise(folder.path)
        known = {
            "Imaging made the clinical model worse",
            "The final model falls below the clinical one",
            "Imaging is not shown to add to the clinical model",
        }
        assert known & set(titles(folder.path)) == ({title} if title else set())
        if title:
            assert found["overview"]["cautions"][0] == title
            assert f"{abs(difference):.3f}" in titles(folder.path)[title]
    # turned round in the table, it is the same claim
    turned = tests.rename(
        columns={"model_a": "model_b", "model_b": "model_a", "c_a": "c_b", "c_b": "c_a"}
    ).assign(difference=0.04, ci_low=0.01, ci_high=0.07)
    metrics.loc[final, "estimate"] = clinical - 0.04
    folder.write(METRICS, metrics)
    folder.write(CONCORDANCE, turned)
    assert "Imaging made the clinical model worse" in titles(folder.path)


def test_few_events_and_what_they_allow_are_said(study, null):
    predictions = null.read(PREDICTIONS)
    tested = predictions[predictions["cohort"] == "test"].drop_duplicates("case_id")
    trained = predictions[predictions["cohort"] == "training"].drop_duplicates(["fold", "case_id"])
    fewest = int(trained.groupby("fold")["event"].sum().min())
    text = titles(null.path)["Few events"]
    assert f"{int(tested['event'].sum())} had the event" in text
    assert f"has {fewest} events to learn from, for 5 candidate parameters" in text
    carried = fewest // 10
    expected = f"carry {carried} coefficient" if carried else "carry no coefficient"
    assert expected in text
    assert "Few events" not in titles(study.path)


def test_a_final_model_that_is_the_clinical_one_is_said_to_be_it(study, copied):
    folder, predictions = RunFolder(copied(study.path)), study.read(PREDICTIONS)
    keys = ["fold", "case_id", "cohort"]
    clinical = predictions[predictions["model"] == "clinical"].set_index(keys)["risk"]
    final = predictions["model"] == "integrated"
    risks = clinical.loc[pd.MultiIndex.from_frame(predictions.loc[final, keys])].to_numpy()
    one = final & (predictions["fold"] == "fold1")
    for rows, title in (
        (one, "Imaging is not shown to add to the clinical model"),
        (final, "Imaging took no part in the final model"),
    ):
        predictions.loc[rows, "risk"] = risks[rows[final].to_numpy()]
        folder.write(PREDICTIONS, predictions)
        assert title in titles(folder.path)
        said = "In 1 of 3 folds imaging did not enter" in titles(folder.path)[title]
        assert said == (rows is one)


def test_many_candidates_are_held_against_the_training_events(study, copied):
    folder, size = RunFolder(copied(study.path)), study.read(SAMPLE_SIZE)
    size.loc[size["criterion"] == "parameters", "present"] = 107
    folder.write(SAMPLE_SIZE, size)
    text = titles(folder.path)["Few events for the candidates"]
    assert "for 107 candidate parameters (0.6 each)" in text
    assert "Few events" not in titles(folder.path)


def test_a_splines_columns_are_not_read_alone(study, copied, undrawn):
    folder, table = RunFolder(copied(study.path)), study.read(HAZARD_RATIOS)
    extra = table[table["term"] == "age"].assign(term="age'")
    folder.write(HAZARD_RATIOS, pd.concat([table, extra]))
    write_report(folder.path)
    assert "Age, Age' are the columns of a restricted cubic spline" in words_of(folder.path)
    (model, *_) = summarise(folder.path)["hazard_ratios"]["models"]
    assert [row["term"] for row in model["rows"] if row["spline"]] == ["age", "age'"]
    assert "restricted cubic spline" not in words_of(study.path)


def test_an_interval_that_holds_one_half_and_horizons_without_figures_are_said(null):
    metrics = null.read(METRICS)
    own = metrics[(metrics["metric"] == "c_index") & (metrics["model"] == "integrated")].iloc[0]
    found = titles(null.path)
    assert ("Not shown to be better than chance" in found) == (own["ci_low"] <= 0.5)
    told = set(metrics.dropna(subset=["horizon", "estimate"])["horizon"])
    absent = [time for time in ENDPOINT.horizon_times if time not in told]
    assert absent
    for time in absent:
        assert ENDPOINT.horizon_label(time) in found["Horizons left out"]
        assert f"survival_{time:g}" not in metrics["metric"].tolist()


def test_times_are_in_the_endpoints_unit_and_at_its_horizons(competing):
    text, found = words_of(competing.path), summarise(competing.path)
    assert "the time to the event status = 1 (pfs, in months)" in text
    assert [one["cohort"] for one in found["horizons"]] == ["test", "external"]
    for cohort in found["horizons"]:
        assert {one["label"] for one in cohort["horizons"]} <= {"1 year", "18 months"}
    for path in (competing.path / "figures").glob("kaplan_meier_*.svg"):
        assert "time (months)" in path.read_text()
    counts = {entry["label"]: entry["n"] for entry in found["patients"]["classes"]}
    people = competing.read(PREDICTIONS).drop_duplicates("case_id")
    assert counts == {
        "censored": int(((people["event"] == 0) & (people["competing"] == 0)).sum()),
        "with the event": int(people["event"].sum()),
        "with a competing cause": int(people["competing"].sum()),
    }
    row = found["follow_up"]["rows"][1]
    assert row["cohort"] == "external"
    assert row["longest"] > row["training_longest"]
    assert row["tau"] <= row["training_longest"]


def test_incidence_is_drawn_for_all_and_for_the_final_models_groups(competing):
    plots = summarise(competing.path)["incidence"]
    assert [(plot["cohort"], plot["model"]) for plot in plots] == [
        ("test", None), ("test", "integrated"), ("external", None), ("external", "integrated"),
    ]  # fmt: skip
    causes = {(curve["group"], curve["cause"]) for curve in plots[0]["curves"]}
    assert causes == {("all patients", "event"), ("all patients", "competing")}
    for curve in plots[0]["curves"]:
        assert np.diff(curve["incidence"]).min() >= 0


def test_a_run_without_its_tables_leaves_sections_out(study, copied, undrawn):
    folder = copied(study.path)
    kept = {"run.json", "predictions.parquet", "metrics.csv", "study.yaml", "run.log"}
    for path in [*folder.iterdir()]:
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_report(folder)
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "Main result" in text
    for heading in ("Risk groups", "Nomograms and calculators", "Hazard ratios", "Calibration"):
        assert f"{heading}</h" not in text
    assert "<b>Not drawn</b>" not in text


def test_where_nobody_is_censored_all_are_counted_as_events(study, copied):
    """The split then keeps early and late events alike, which are no outcomes."""
    folder = RunFolder(copied(study.path))
    folder.write(PREDICTIONS, study.read(PREDICTIONS).assign(event=1))
    record = study.record.model_copy(update={"class_counts": {"early": 80, "late": 80}})
    folder.write(RUN, record)
    classes = summarise(folder.path)["patients"]["classes"]
    assert classes == [{"label": "censored", "n": 0}, {"label": "with the event", "n": 160}]


def test_a_comparison_holds_the_designs_against_each_other(tmp_path):
    people = simulate(90, signal=1.0)
    rng = np.random.default_rng(1)
    compared = write_comparison(
        tmp_path / "compare",
        {"with-signal": people, "noise": people.assign(signature=rng.normal(size=90))},
    )
    write_comparison_report(compared.path)
    text = words_of(compared.path)
    row = compared.read(CONCORDANCE).iloc[0]
    assert "2 designs (with-signal, noise) met the same patients" in text
    told = "tell 1 of 1 pair of designs apart by C-index" in text
    assert told == (row["p_holm"] < 0.05)
    assert "no pair of designs apart by C-index" in text or told
    assert f"{row['difference']:.3f}".replace("-", "−") in text
    for heading in ("Risk groups", "Patients whom all designs misjudge", "Same risk group"):
        assert heading in text
    assert "positive" not in text
