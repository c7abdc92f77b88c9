"""Sentences of the report are claims: each is there exactly when the run's own tables bear it out.

Nine kinds of run are read: every way to divide the patients, from a table and from images, with
and without covariates.
"""

from __future__ import annotations

import html
import re

import pandas as pd
import pytest

from gliofuse.records import (
    CALIBRATION_SUMMARY,
    CHARACTERISTICS,
    COHORT,
    DECISION_CURVE,
    EXCLUDED,
    FAILED_CASES,
    FOLDS,
    METRICS,
    MISSING,
    PAPER_RESULTS,
    PREDICTIONS,
    THRESHOLDS,
    TIMING,
    RunFolder,
)
from gliofuse.report import write_report
from gliofuse.study.runner import run_study

from .conftest import table_study, write_tables

pytestmark = pytest.mark.slow(minutes=0.3)

RUNS = {
    "two-way": {"split": {"kind": "holdout"}, "covariates": []},
    "three-way": {"split": {"kind": "holdout", "validation_fraction": 0.2}},
    "k-fold": {"split": {"kind": "kfold", "folds": 3}},
    "k-fold, validated": {
        "split": {"kind": "kfold", "folds": 2, "validation_fraction": 0.25},
        "covariates": [],
    },
    "repeated": {"split": {"kind": "kfold", "folds": 2, "repeats": 2}},
    "bootstrap": {"split": {"kind": "bootstrap", "resamples": 3}},
    "centre": {"split": {"kind": "center", "external": ["B"]}},
    "column": {
        "split": {"kind": "column", "column": "side"},
        "design": "imaging-clinical",
        "evaluation": {"bootstrap": 100, "threshold": "youden"},
    },
    "images": None,
}


@pytest.fixture(scope="module", params=RUNS, ids=str)
def run(request, tmp_path_factory, image_run):
    """A run's folder and the words of its report."""
    changes = RUNS[request.param]
    if changes is None:
        folder = image_run
    else:
        base = tmp_path_factory.mktemp("sentences")
        write_tables(base)
        clinical = pd.read_csv(base / "clinical.csv")
        clinical["side"] = ["training", "training", "test"] * (len(clinical) // 3)
        clinical.to_csv(base / "clinical.csv", index=False)
        changes = {"evaluation": {"bootstrap": 100}, **changes}
        design = changes.pop("design", "rdl")
        run_study(table_study(base, design, **changes), base / "run")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gliofuse.report.page.draw_all", lambda drawings, folder: ({}, []))
            write_report(base / "run")
        folder = base / "run"
    text = (folder / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"<(style|script)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return RunFolder(folder), " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def _sides(run):
    return set(run.need(FOLDS)["cohort"])


def _learned(run):
    return bool((run.need(THRESHOLDS)["threshold"] != 0.5).any())


def _tested(run):
    return set(run.need(METRICS)["cohort"]) - {"training", "validation"}


def _rows(run, file):
    table = run.read(file)
    return 0 if table is None else len(table)


def _has_clinical(run):
    return any(model.kind == "clinical" for model in run.record.models)


def _kind(*kinds):
    return lambda run: run.record.split.kind in kinds


def _off(run):
    """Whether an interval of the final model's calibration leaves its ideal out."""
    table = run.read(CALIBRATION_SUMMARY)
    cohort = "test" if "test" in _tested(run) else "external"
    own = table[(table["model"] == run.record.final.name) & (table["cohort"] == cohort)]
    ideals = {"observed_expected": 1, "intercept": 0, "slope": 1}
    return any(
        (own[f"{name}_low"] > ideal).any() or (own[f"{name}_high"] < ideal).any()
        for name, ideal in ideals.items()
    )


def _predicts_as_published(run):
    return run.record.design.name == "rdl"  # of grades; imaging-clinical's paper is of ATRX


def _is_published(run):
    return (run.need(PAPER_RESULTS)["model"] == run.record.final.name).any()


#: What the page may say, and when that is true of the run.
CLAIMS = {
    r"[Tt]hresholds,? learned": _learned,
    r"thresholds fixed at 0\.5": lambda run: not _learned(run),
    r"told apart at a probability of 0\.5 in every model": lambda run: not _learned(run),
    r"[Ii]nternal and external evaluation": lambda run: _tested(run) == {"test", "external"},
    r"(?<!internal and )[Ee]xternal evaluation": lambda run: _tested(run) == {"external"},
    r"[Ii]nternal evaluation": lambda run: _tested(run) == {"test"},
    r"into training, validation and test": lambda run: (
        run.record.split.kind == "holdout" and "validation" in _sides(run)
    ),
    r"into training and test": lambda run: (
        run.record.split.kind == "holdout" and "validation" not in _sides(run)
    ),
    r"were put aside to choose the networks' stopping point": lambda run: (
        "validation" in _sides(run)
    ),
    r"models without one learned from them too": lambda run: (
        run.record.split.validation == "epochs"
    ),
    r"No clinical covariates were named": lambda run: not _has_clinical(run),
    r"the clinical covariates alone on the same folds": lambda run: _has_clinical(run),
    r"were cut into \d+ parts": _kind("kfold"),
    r"repeated 2 times": lambda run: run.record.split.repeats == 2,
    r"seed \d+; (by \w+, )?stratified by": _kind("kfold", "bootstrap", "holdout"),
    r"Images were T1": lambda run: run.record.source == "images",
    r"\d+ radiomic features a patient, as PyRadiomics defines": (
        lambda run: run.record.source == "images"
    ),
    r"Features were given as a table \(\d+ columns\)": lambda run: run.record.source == "table",
    r"Patients were called positive from a probability of 0\.5": lambda run: not _learned(run),
    r"Thresholds were those of Youden's index on each fold": _learned,
    r"was estimated by the \.632\+ method": _kind("bootstrap"),
    r"Missing clinical values were replaced, in each fold": lambda run: (
        run.read(MISSING) is not None and run.read(MISSING)["n_missing"].sum() > 0
    ),
    r"What of its published form was left out is listed": lambda run: bool(run.record.left_out),
    r"\d+ synthetic patients, made by gliofuse's phantom": lambda run: run.record.synthetic,
    r"Net benefit was drawn as decision curves": lambda run: _rows(run, DECISION_CURVE) > 0,
    r"The held-out patients have trained the models of each other's folds": _kind("kfold"),
    r"They are of means over resamples": _kind("bootstrap"),
    r"The paired test takes 3\.5 \(5 folds or fewer\) to 4 times \(10 or more\)": _kind("kfold"),
    r"The paired test allows for resamples": _kind("bootstrap"),
    r"In each of 3 resamples 63\.2% of the patients were drawn": _kind("bootstrap"),
    r"fitted to 63\.2% of the patients and judged on the others": _kind("bootstrap"),
    r"Optimism What the models say of the patients they learned from is too good": (
        _kind("bootstrap")
    ),
    r"whole centres were kept as external": _kind("center"),
    r"A column of the table \(side\)": _kind("column"),
    r"Feature table: ": lambda run: run.record.source == "table",
    r"Manifest: ": lambda run: run.record.source == "images",
    r"Normalisation of the images": lambda run: run.record.source == "images",
    r"\d+ bins are used": lambda run: run.record.source == "images",
    r"wavelet and LoG images": lambda run: False,
    r"before the data were seen": lambda run: False,
    r"Nobody of the given cohort was excluded": lambda run: (
        _rows(run, EXCLUDED) + _rows(run, FAILED_CASES) == 0
    ),
    r"could not be processed": lambda run: _rows(run, FAILED_CASES) > 0,
    r"Study report · synthetic patients": lambda run: run.record.source == "images",
    r"Synthetic patients The patients were made by gliofuse's phantom": lambda run: (
        run.record.source == "images"
    ),
    r"The publication reports": lambda run: _predicts_as_published(run) and _is_published(run),
    r"publication, other patients \(its": _predicts_as_published,
    r"and another endpoint: ATRX mutation": lambda run: not _predicts_as_published(run),
    r"Not as they are\. ": _off,
    r"Nothing speaks against it": lambda run: not _off(run),
    r"Read with care (?:(?!What these figures).)*Probabilities are not calibrated": lambda run: (
        _off(run) and run.record.split.kind != "center"
    ),
    r"predictions of \d+ models": _kind("kfold"),
    r"predictions of 4 models, one for each of 2 folds in 2 repeats": lambda run: (
        run.record.split.repeats == 2
    ),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_sentence_stands_exactly_where_it_is_true(run, claim):
    folder, text = run
    assert bool(re.search(claim, text)) == CLAIMS[claim](folder), claim


def test_the_column_of_the_split_is_no_characteristic(run):
    folder, _ = run
    described = "side" in set(folder.need(CHARACTERISTICS)["variable"])
    assert not (described and folder.record.split.kind == "column")


def test_shares_of_validation_patients_are_those_of_the_folds(run):
    folder, text = run
    table = folder.need(FOLDS)
    learning = table[table["cohort"].isin(["training", "validation"])]
    share = (learning["cohort"] == "validation").mean()
    said = re.search(r"patients to learn from, (\d+) % were put aside|(\d+)% were put aside", text)
    assert (said is not None) == (share > 0)
    if said:
        assert abs(int(said[1] or said[2]) / 100 - share) < 0.05


def test_the_endpoint_stands_in_the_title_and_over_the_main_result(run):
    folder, text = run
    assert folder.record.endpoint_text == "grade >= 3"
    assert "grade >= 3 · gliofuse report" in text
    assert "Main result, grade ≥ 3" in text


def test_centres_hold_every_analysed_patient(run):
    folder, text = run
    centers = folder.need(COHORT).set_index("case_id")["center"]
    analysed = folder.need(PREDICTIONS)["case_id"].unique()
    line = re.search(r"Centres (.*?\))(?: (?:Patients per part|\d+ patients excluded|$))", text)[1]
    said = {name: int(n) for name, n in re.findall(r"(\w+): (\d+) \(", line)}
    assert said == centers[analysed].value_counts().to_dict()
    assert sum(said.values()) == folder.record.n_cases


def test_stages_add_up_to_the_time_of_the_run_or_the_page_says_why_not(run):
    folder, text = run
    stages = folder.need(TIMING)["seconds"].sum()
    told = "The stages sum to more than the time from start to end" in text
    assert told == (stages >= folder.record.seconds)
    assert ("evaluation and everything else" in text) != told


def test_warnings_keep_their_numbers(run):
    folder, text = run
    names = dict.fromkeys(folder.need(FOLDS)["fold"])
    given = {warning for name in names for warning in folder.fold(name).record.warnings}
    for warning in folder.record.warnings:
        assert warning in text
        assert any(warning.endswith(whole) for whole in given), warning
