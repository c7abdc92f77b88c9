"""What a run's report shows, against the tables that the study wrote."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import parse_endpoint
from gliofuse.designs import find_design
from gliofuse.designs.framework.base import parse_settings
from gliofuse.designs.framework.context import Available
from gliofuse.evaluation import nomogram_points
from gliofuse.records import (
    METRICS,
    NOTES,
    ODDS_RATIOS,
    PAPER_RESULTS,
    PREDICTIONS,
    RUN,
    SELECTED_FEATURES,
    RunFolder,
)
from gliofuse.report import summarise, write_report
from gliofuse.report.page import drawings
from gliofuse.study.runner import run_study

from .conftest import table_study, write_tables

pytestmark = pytest.mark.slow(minutes=0.2)


@pytest.fixture(scope="module")
def clinical(clinical_run):
    return summarise(clinical_run)


def test_summary_is_plain_data_without_training_performance(clinical):
    json.dumps(clinical)
    cohorts = clinical["performance"]["cohorts"]
    assert [cohort["cohort"] for cohort in cohorts] == ["test"]


def test_patients_are_counted_from_the_cohort_to_the_analysis(clinical, image_run):
    people = clinical["patients"]
    assert (people["manifest"], people["n_excluded"], people["analysed"]) == (54, 2, 52)
    assert people["excluded"][0]["case_ids"] == ["p05", "p06"]
    assert people["classes"] == [{"label": "negative", "n": 16}, {"label": "positive", "n": 36}]
    assert sum(row["n"] for row in people["centers"]) == 52
    assert sum(entry["n"] for row in people["centers"] for entry in row["classes"]) == 52
    assert [row["test"] for row in people["folds"]] == [18, 17, 17]
    people = summarise(image_run)["patients"]
    assert (people["manifest"], people["n_failed"], people["analysed"]) == (25, 1, 24)


def test_the_failed_patient_is_named_with_the_error(image_run, page_of):
    (failed,) = summarise(image_run)["failed"]
    assert failed["case_id"] == "phantom-0003"
    assert failed["error"] in page_of(image_run)[0].replace("&#39;", "'").replace("&#34;", '"')


def test_headline_is_the_final_models_auc_on_held_out_patients(clinical, clinical_run):
    metrics = RunFolder(clinical_run).read(METRICS)
    row = metrics.query("cohort == 'test' and model == 'fusion' and metric == 'auc'").iloc[0]
    head = clinical["overview"]["headline"]
    assert (head["model"], head["label"], head["metric_label"]) == ("fusion", "Fusion", "AUC")
    assert [head["estimate"], head["low"], head["high"]] == [
        row["estimate"], row["ci_low"], row["ci_high"],
    ]  # fmt: skip
    assert head["patients"] == "52 patients, 36 positive"
    assert head["paper"] is None  # which predicts another outcome


def test_models_stand_in_the_papers_order_and_the_final_is_not_tested_against_itself(clinical):
    (cohort,) = clinical["performance"]["cohorts"]
    models = ["overall_radiomics", "imaging_score", "clinical", "fusion"]
    assert [row["model"] for row in cohort["rows"]] == models
    assert cohort["metrics"] == ["sensitivity", "specificity", "accuracy", "auc"]
    assert [row["p"] is None for row in cohort["rows"]] == [False, False, False, True]
    assert cohort["paper_metrics"] == []


@pytest.mark.parametrize("design", ["rdl", "deep-radiomics", "shape-resnet", "imaging-clinical"])
def test_columns_follow_the_papers_own_table(design, rdl_run, copied):
    """The order of the metrics in the published results is that of the report's columns."""
    results = find_design(design).paper.results
    folder = RunFolder(copied(rdl_run))
    folder.write(PAPER_RESULTS, results)
    expected = [name for name in dict.fromkeys(results["metric"]) if name != "f1"]
    assert summarise(folder.path)["performance"]["cohorts"][0]["metrics"] == expected


def test_without_published_results_the_usual_columns_stand(rdl_run, copied):
    folder = copied(rdl_run)
    (folder / "paper_results.csv").write_text("cohort,model,metric,value\n")
    summary = summarise(folder)
    assert summary["performance"]["cohorts"][0]["metrics"][0] == "auc"
    assert summary["publication"] is None


def test_the_papers_nearest_cohort_stands_beside_held_out_patients(rdl_run, copied):
    folder = RunFolder(copied(rdl_run))
    for cohort in ("training", "validation", "external"):
        row = {"cohort": cohort, "model": "radiomics_fusion", "metric": "auc", "value": 0.949}
        folder.write(PAPER_RESULTS, pd.DataFrame([row]))
        head = summarise(folder.path)["overview"]["headline"]
        assert head["paper"] == (None if cohort == "training" else 0.949)
        assert head["paper_cohort"] == (None if cohort == "training" else cohort)


def test_models_of_two_kinds_stand_in_a_grid(rdl_run, copied):
    """Kinds and groups come from the models' records, whatever the names are."""
    folder = RunFolder(copied(rdl_run))
    table = folder.read(METRICS)
    base = table[table["model"] == "radiomics_fusion"]
    names = [("a", "flat", "t1"), ("b", "flat", "all"), ("c", "deep", "t1"), ("d", "deep", "all")]
    folder.write(METRICS, pd.concat([base.assign(model=name) for name, _, _ in names]))
    model = folder.record.final
    models = tuple(
        model.model_copy(
            update={"name": name, "label": name, "kind": kind, "group": group}
            | {"role": "final" if name == "d" else "part"}
        )
        for name, kind, group in names
    )
    folder.write(RUN, folder.record.model_copy(update={"models": models}))
    (cohort,) = summarise(folder.path)["performance"]["cohorts"]
    assert cohort["grid"]["kinds"] == ["Flat", "Deep"]
    assert cohort["grid"]["groups"] == ["T1", "All"]
    assert cohort["grid"]["cells"][1][1]["final"]
    alone = (*models[:2], models[2].model_copy(update={"group": "x"}), models[3])
    folder.write(RUN, folder.record.model_copy(update={"models": alone}))
    assert summarise(folder.path)["performance"]["cohorts"][0]["grid"] is None


def test_curves_are_those_of_the_table(clinical, clinical_run):
    table = pd.read_csv(clinical_run / "roc.csv").query("model == 'fusion'")
    curve = clinical["roc"][0]["curves"][-1]
    assert curve["label"] == "Fusion"
    assert curve["true_positive_rate"] == pytest.approx(table["sensitivity"].tolist())
    assert curve["false_positive_rate"] == pytest.approx((1 - table["specificity"]).tolist())
    assert curve["low"] == pytest.approx(table["sensitivity_low"].tolist())


def test_the_worst_misjudged_patients_are_listed(clinical, clinical_run):
    table = pd.read_parquet(clinical_run / "predictions.parquet")
    own = table.query("model == 'fusion' and cohort == 'test'")
    error = (own["probability"] - own["y_true"]).abs()
    wrong = own[error > 0.5]
    found = clinical["misjudged"]
    assert found["n_wrong_side"] == len(wrong) > 0
    assert found["rows"][0]["case_id"] == own.loc[error.idxmax(), "case_id"]
    assert sorted(found["negative"]) == sorted(own.loc[own["y_true"] == 0, "probability"])


def test_selection_counts_folds(clinical, clinical_run):
    table = RunFolder(clinical_run).read(SELECTED_FEATURES)
    table = table[table["feature"] != "(intercept)"]
    found = clinical["selection"]
    (model,) = found["models"]
    assert found["folds"] == 3
    assert model["n_features"] == table["feature"].nunique()
    for entry in model["features"]:
        own = table[table["feature"] == entry["feature"]]
        assert entry["folds"] == own["fold"].nunique()
        assert entry["mean"] == pytest.approx(own["coefficient"].mean())
        assert entry["label"].startswith(("T1ce · whole · original · ", "T1 · whole · original · "))


def test_contributions_name_the_models_that_they_weigh(rdl_run, clinical):
    (fusion,) = summarise(rdl_run)["contributions"]
    assert [term["label"] for term in fusion["terms"]] == ["Radiomics T1", "Radiomics T1ce"]
    terms = {term["term"]: term["label"] for term in clinical["contributions"][-1]["terms"]}
    assert terms["imaging_score"] == "Imaging score"
    assert all(len(term["values"]) == 3 for term in fusion["terms"])


def test_calculators_work_with_the_nomograms_of_the_run(clinical_run, page_of):
    """The page's models give the probabilities that the stored ones give."""
    text = page_of(clinical_run)[0]
    stored = RunFolder(clinical_run).nomograms()
    assert set(stored) == {"fusion", "clinical"}
    pattern = r'<script type="application/json">(.*?)</script>'
    found = [json.loads(script) for script in re.findall(pattern, text, re.DOTALL)]
    for name, shown in zip(("fusion", "clinical"), found, strict=True):  # the final one first
        own = stored[name]
        assert shown["intercept"] == own.intercept
        assert [term["name"] for term in shown["terms"]] == [term.name for term in own.terms]
        for term, kept in zip(shown["terms"], own.terms, strict=True):
            assert term["coefficients"] == list(kept.coefficients)
            if kept.levels:
                assert {one["label"]: one["value"] for one in term["levels"]} == kept.levels
            else:
                assert (term["min"], term["max"]) == (kept.min, kept.max)
                assert kept.min <= term["start"] <= kept.max
    assert text.count('<form class="calculator"') == 2
    assert "Imaging score" in text


def test_nomograms_give_the_predicted_probabilities(clinical_run):
    """What the first fold's clinical model says of a held-out patient, to 1e-9."""
    run = RunFolder(clinical_run)
    drawn = nomogram_points(run.nomograms()["clinical"])
    predictions = run.predictions()
    own = predictions[(predictions["model"] == "clinical") & (predictions["fold"] == "fold1")]
    own = own[own["cohort"] == "test"].set_index("case_id")["probability"]
    patients = pd.read_csv(clinical_run.parent.parent / "clinical.csv").set_index("id")
    for case_id, expected in own.items():
        values = patients.loc[case_id, ["age", "sex"]].to_dict()
        assert drawn.probabilities(values)[""] == pytest.approx(expected, abs=1e-9)


def test_odds_ratios_stand_beside_the_nomogram_and_say_whose_they_are(clinical, clinical_run):
    table = RunFolder(clinical_run).read(ODDS_RATIOS)
    odds = clinical["odds"]
    assert odds["fold"] == "fold1"
    drawn = RunFolder(clinical_run).nomograms()["fusion"]
    assert drawn.fitted_on.endswith("fold1")
    own = table[(table["fold"] == "fold1") & (table["model"] == "fusion")].reset_index()
    shown = odds["rows"][-len(own) :]
    assert shown[0]["label"] == "Fusion"
    assert [row["term"] for row in shown] == ["Age", "Sex: M", "Imaging score"]
    assert shown[0]["figures"].startswith(f"{own.loc[0, 'odds_ratio']:.2f} (")
    assert "of the training patients of fold1" in (clinical_run / "report.html").read_text()


def test_survival_shows_curves_and_the_test_between_them(clinical, clinical_run):
    record = RunFolder(clinical_run).record
    plots = {plot["groups"]: plot for plot in clinical["survival"]}
    assert list(plots) == ["class", "called", "score"]
    assert plots["class"]["p"] == record.logrank["class"].p
    curves = plots["class"]["curves"]
    assert [curve["label"] for curve in curves] == ["negative", "positive"]
    assert [curve["at_risk"][0] for curve in curves] == [16, 36]
    assert all(np.diff(curve["survival"]).max() <= 0 for curve in curves)
    figure = (clinical_run / "figures" / "kaplan_meier_class.svg").read_text()
    assert "log-rank p" in figure


def test_limitations_speak_from_the_data(clinical, image_run):
    titles = [entry["title"] for entry in clinical["limitations"]]
    assert "Few patients" in titles
    assert "Cross-validation, not one model" in titles
    assert "No external validation" in titles
    assert "Quick settings" in titles
    assert "Patients left out" in titles
    assert titles[-1] == "Research use only"
    assert "the middle patient" in next(
        one.caption for one in drawings(image_run) if one.name == "probabilities"
    )
    assert "One split" in [entry["title"] for entry in summarise(image_run)["limitations"]]


@pytest.mark.parametrize(
    ("name", "low", "high", "said"),
    [
        ("slope", 0.3, 0.8, "the probabilities are too extreme"),
        ("slope", 1.2, 3.0, "the probabilities are too timid"),
        ("slope", -0.4, 0.7, "it is not shown that events rise with the probability"),
        ("slope", -2.0, -0.1, "patients of higher probability had fewer events"),
        ("observed_expected", 0.5, 0.8, "on average the probabilities are too high"),
        ("observed_expected", 1.2, 1.9, "on average the probabilities are too low"),
        ("intercept", 1.1, 3.5, "on average the probabilities are too low"),
        ("intercept", -3.5, -1.1, "on average the probabilities are too high"),
        ("intercept", -1.0, 1.0, None),
    ],
)
def test_every_fault_of_calibration_is_said(clinical_run, copied, name, low, high, said):
    folder = copied(clinical_run)
    table = pd.read_csv(folder / "calibration_summary.csv")
    own = table["model"] == "fusion"
    for column, ideal in (("slope", 1.0), ("intercept", 0.0), ("observed_expected", 1.0)):
        bounds = (low, high) if column == name else (ideal - 0.1, ideal + 0.1)
        figures = [sum(bounds) / 2, *bounds]
        table.loc[own, [column, f"{column}_low", f"{column}_high"]] = figures
    table.to_csv(folder / "calibration_summary.csv", index=False)
    texts = {entry["title"]: entry["text"] for entry in summarise(folder)["limitations"]}
    text = texts.get("Probabilities are not calibrated")
    assert (text is None) if said is None else said in text


def test_what_imaging_adds_is_shown_on_the_same_patients(rdl_run, clinical_run):
    for folder in (rdl_run, clinical_run):
        summary = summarise(folder)
        metrics = RunFolder(folder).read(METRICS).query("metric == 'auc'").set_index("model")
        final = RunFolder(folder).record.final
        (cohort,) = summary["added"]["cohorts"]
        assert (summary["added"]["final"], summary["added"]["clinical"]) == (
            final.label,
            "Clinical",
        )
        apart = metrics.loc[final.name, "estimate"] - metrics.loc["clinical", "estimate"]
        assert cohort["headline"]["estimate"] == pytest.approx(apart)
        assert cohort["headline"]["low"] < apart < cohort["headline"]["high"]
        assert [row["threshold"] for row in cohort["benefit"]] == [0.1, 0.2, 0.3, 0.4, 0.5]
        for row in cohort["benefit"]:
            assert row["difference"]["estimate"] == pytest.approx(row["final"] - row["clinical"])


def test_an_auc_below_chance_is_explained(rdl_run, copied):
    folder = RunFolder(copied(rdl_run))
    metrics = folder.read(METRICS)
    rows = (metrics["metric"] == "auc") & (metrics["model"] == "radiomics_t1")
    for low, high, said in ((0.4, 0.6, False), (0.15, 0.45, True)):
        metrics.loc[rows, ["estimate", "ci_low", "ci_high"]] = [0.3, low, high]
        folder.write(METRICS, metrics)
        limits = {e["title"]: e["text"] for e in summarise(folder.path)["limitations"]}
        assert ("Below chance is no finding" in limits) == said
    assert "Radiomics T1 lies below 0.5" in limits["Below chance is no finding"]


def test_repeated_predictions_of_a_patient_count_once(clinical_run, copied):
    folder = RunFolder(copied(clinical_run))
    table = folder.predictions()
    again = table.assign(fold=table["fold"] + "-2", probability=1 - table["probability"])
    folder.write(PREDICTIONS, pd.concat([table, again], ignore_index=True))
    found = summarise(folder.path)["misjudged"]
    assert len(found["negative"]) + len(found["positive"]) == 52
    assert found["negative"] == pytest.approx([0.5] * 16)


def test_left_out_models_of_the_publication_have_their_labels(rdl_run):
    """The run trained no network; the design says what they are called."""
    assert RunFolder(rdl_run).record.design.paper_labels["dl_t1"] == "DL T1"
    labels = {row["label"] for row in summarise(rdl_run)["publication"]["rows"]}
    assert {"DL T1", "Radiomics T1", "DL fusion", "Radiomics FLAIR", "RDL"} <= labels


@pytest.mark.parametrize("name", ["rdl", "deep-radiomics", "shape-resnet", "imaging-clinical"])
def test_every_model_of_a_publication_has_its_label(name):
    """In its full form a design calls its models as the publication's labels do."""
    design = find_design(name)
    labels = design.paper.labels
    assert set(design.paper.results["model"]) <= set(labels)
    endpoint = parse_endpoint("grade >= 3")
    known = ("whole", "core", "enhancing", "edema", "necrosis")
    full = Available(endpoint, ("t1", "t1ce", "t2", "flair"), known, clinical=("age",))
    given = {
        "shape-resnet": {"ablate": True},
        "imaging-clinical": {"allow_random": True},
    }.get(name, {})
    planned = design(parse_settings(design, {"preset": "paper", **given}), full)
    own = {model.name: model.label for model in planned.models}
    assert {key: own[key] for key in labels if key in own} == {
        key: labels[key] for key in labels if key in own
    }
    assert set(design.paper.results["model"]) <= set(own)
    assert planned.left_out_labels == {k: v for k, v in labels.items() if k not in own}


def test_the_diamond_is_named_where_it_is_drawn(rdl_run, copied):
    """The publication's sensitivity stands in the table, but the forest shows AUCs."""
    folder = RunFolder(copied(rdl_run))
    table = folder.read(PAPER_RESULTS)
    captions = []
    for own in (table, table[table["metric"] != "auc"]):
        folder.write(PAPER_RESULTS, own)
        (forest,) = (one for one in drawings(folder.path) if one.name == "forest")
        captions.append(forest.caption)
    assert ["diamond" in caption for caption in captions] == [True, False]


def test_columns_that_tell_the_class_are_named_where_they_are_left_out(tmp_path, page_of):
    write_tables(tmp_path)
    clinical = pd.read_csv(tmp_path / "clinical.csv")
    clinical["diagnosis"] = clinical["grade"].map({2: "diffuse", 3: "anaplastic", 4: "GBM"})
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    run_study(table_study(tmp_path), tmp_path / "run")
    write_report(tmp_path / "run")
    found = summarise(tmp_path / "run")["characteristics"]
    assert {row["variable"] for row in found["rows"]} & {"grade", "diagnosis", "age"} == {"age"}
    text, _ = page_of(tmp_path / "run")
    said = "Left out: grade (the endpoint itself); diagnosis (each value is found in one class"
    assert said in text


def test_remarks_on_patients_stand_under_the_limitations(rdl_run, copied, page_of, undrawn):
    assert summarise(rdl_run)["remarks"] is None
    folder = RunFolder(copied(rdl_run))
    rows = [("p07", "the region is larger: its rim is cut"), ("p03", "a box 1.2 times as large")]
    folder.write(NOTES, pd.DataFrame(rows, columns=["case_id", "note"]))
    limits = {e["title"]: e["text"] for e in summarise(folder.path)["limitations"]}
    assert "The images of 2 patients did not fit" in limits["Patients with a remark"]
    write_report(folder.path)
    text, _ = page_of(folder.path)
    assert "2 patients with a remark</summary>" in text
    assert text.index("a box 1.2 times as large") < text.index("its rim is cut")
