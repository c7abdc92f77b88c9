"""Survival from images: the dual-task network, its features in the signature, and a comparison."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = pytest.mark.slow(minutes=0.5)

SURVIVAL = {"kind": "survival", "time": "os_days", "event": "died"}


@pytest.fixture(scope="module")
def run_folder(run_design):
    """Return a hold-out run of the publication's survival half on a phantom cohort."""
    return run_design(
        "deep-radiomics",
        endpoint=SURVIVAL,
        covariates=["age_years"],
        settings={"guide": "grade >= 3", "epochs": 2, "trees": 20},
    )


def test_network_signature_and_nomograms_predict_survival(run_folder):
    predictions = pd.read_parquet(run_folder / "predictions.parquet")
    models = ["radiomics_t1", "radiomics_t1ce", "radiomics_t2", "cnn_dual", "signature"]
    assert predictions["model"].unique().tolist() == [*models, "clinical", "integrated"]
    test = predictions[predictions["cohort"] == "test"].set_index("model")
    assert test["risk"].notna().all()
    assert test.loc["cnn_dual", "survival_365"].isna().all()
    assert test.loc["signature", "survival_365"].between(0, 1).all()
    metrics = pd.read_csv(run_folder / "metrics.csv").set_index(["cohort", "model", "metric"])
    assert metrics.loc[("test", "radiomics_t1ce", "c_index"), "estimate"] > 0.6


def test_network_learned_both_tasks_and_its_features_were_offered(run_folder):
    curves = pd.read_csv(run_folder / "tables" / "curves.csv")
    assert set(curves["model"]) == {"cnn_dual"}
    assert curves["training_auc"].notna().all()  # of the guiding classes
    assert (run_folder / "tables" / "nomogram_clinical.json").is_file()


def test_thresholds_are_the_training_medians(run_folder):
    thresholds = pd.read_csv(run_folder / "thresholds.csv").set_index("model")["threshold"]
    predictions = pd.read_parquet(run_folder / "predictions.parquet")
    training = predictions[predictions["cohort"] == "training"]
    medians = training.groupby("model")["risk"].median()
    pd.testing.assert_series_equal(
        thresholds.sort_index(), medians.sort_index(), check_names=False, rtol=1e-6
    )


def test_summary_prints_a_network_that_has_no_probabilities(run_folder):
    from rich.console import Console

    from gliofuse.cli.run import print_summary
    from gliofuse.cohort import endpoint_from_dict

    console = Console(record=True, width=100)
    print_summary(pd.read_csv(run_folder / "metrics.csv"), endpoint_from_dict(SURVIVAL), console)
    row = next(line for line in console.export_text().splitlines() if "cnn_dual" in line)
    assert row.split("│")[4].strip() == "-"
