"""Every design on synthetic patients whose truth is known."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from .conftest import SETTINGS, held_out_auc

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("design", SETTINGS)
def test_strong_effect_is_found_on_held_out_patients(design, phantom_of, run_design):
    phantom, truth = phantom_of()
    folder = run_design(design, phantom)
    final = json.loads((folder / "run.json").read_text())["final_model"]
    auc = held_out_auc(folder)
    assert auc.loc[final, "estimate"] >= truth.ceiling_auc - 0.05


@pytest.mark.parametrize("design", SETTINGS)
def test_shuffled_labels_leave_no_model_better_than_chance(design, phantom_of, run_design):
    phantom, _ = phantom_of(shuffle_labels=True)
    auc = held_out_auc(run_design(design, phantom, settings={"epochs": 3} if "epochs" in
                                  SETTINGS[design] else None))  # fmt: skip
    assert (auc["ci_low"] <= 0.5).all(), auc
    assert (auc["ci_high"] >= 0.5).all(), auc


def test_weights_of_rdl_name_the_sequence_that_carries_the_effect(phantom_of, run_design):
    phantom, _ = phantom_of(effect_sequence="t1ce", seed=2)
    folder = run_design("rdl", phantom, settings={"networks": "none"})
    weights = pd.read_csv(folder / "tables" / "contributions.csv")
    mean = weights.query("model == 'radiomics_fusion'").groupby("term")["coefficient"].mean()
    others = mean.drop(["(intercept)", "radiomics_t1ce"])
    assert mean["radiomics_t1ce"] > 2 * others.abs().max(), mean


def test_choice_of_imaging_clinical_names_the_region_that_carries_the_effect(
    phantom_of, run_design
):
    phantom, _ = phantom_of(effect_region="edema", seed=3)
    folder = run_design("imaging-clinical", phantom, settings={"allow_random": False})
    choice = pd.read_csv(folder / "tables" / "imaging_model_choice.csv")
    mean = choice.groupby("model")["training_cv_auc"].mean()
    assert mean["edema_radiomics"] > mean["tumor_radiomics"] + 0.1, mean
    chosen = set(choice.loc[choice["chosen"] == "yes", "model"])
    assert "tumor_radiomics" not in chosen


def test_killed_training_resumes_to_the_same_predictions(
    phantom_of, run_design, tmp_path, monkeypatch
):
    phantom, _ = phantom_of()
    small = {"epochs": 3}
    whole = run_design("shape-resnet", phantom, settings=small, workers=1, out=tmp_path / "whole")

    import gliofuse.designs.shape_resnet as design

    real, trained = design.fit_network_signature, []  # fmt: skip

    def killed(recipe, *arguments, name, **options):
        if len(trained) == 3:
            raise KeyboardInterrupt
        trained.append(name)
        return real(recipe, *arguments, name=name, **options)

    monkeypatch.setattr(design, "fit_network_signature", killed)
    with pytest.raises(KeyboardInterrupt):
        run_design("shape-resnet", phantom, settings=small, workers=1, out=tmp_path / "killed")
    monkeypatch.undo()
    again = run_design("shape-resnet", phantom, settings=small, workers=1, out=tmp_path / "killed")
    pd.testing.assert_frame_equal(
        pd.read_parquet(whole / "predictions.parquet"),
        pd.read_parquet(again / "predictions.parquet"),
        check_exact=True,
    )
