"""Every design on synthetic patients whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gliofuse.evaluation import auc_delong, pool_predictions

from .conftest import SETTINGS, held_out_auc

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("design", SETTINGS)
def test_strong_effect_is_found_on_held_out_patients(design, phantom_of, run_design):
    phantom, truth = phantom_of()
    folder = run_design(design, phantom)
    final = json.loads((folder / "run.json").read_text())["final_model"]
    auc = held_out_auc(folder)
    assert auc.loc[final, "estimate"] >= truth.ceiling_auc - 0.05


@pytest.fixture(scope="module")
def shuffled(phantom_of):
    """The phantom with its grades dealt out anew, so that nothing at all predicts them."""
    phantom, _ = phantom_of()
    table = pd.read_csv(phantom / "cohort.csv")
    order = np.random.default_rng(5).permutation(len(table))
    table["grade"] = table["grade"].to_numpy()[order]
    table.to_csv(phantom / "shuffled.csv", index=False)
    return phantom


@pytest.mark.parametrize("design", SETTINGS)
def test_shuffled_labels_leave_no_model_better_than_chance(design, shuffled, run_design):
    short = {"epochs": 2} if "epochs" in SETTINGS[design] else {}
    folder = run_design(design, shuffled, settings=short, manifest="shuffled.csv")
    pooled = pool_predictions(pd.read_parquet(folder / "predictions.parquet"))
    held_out = dict(list(pooled[pooled["cohort"] == "test"].groupby("model")))
    for model, group in held_out.items():  # intervals that hold for all models of a design at once
        confidence = 1 - 0.05 / len(held_out)
        auc = auc_delong(group["y_true"], group["probability"], confidence=confidence)
        assert auc.ci_low <= 0.5 <= auc.ci_high, (model, auc)


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
    """Killed in the middle of the second fold: the first is kept, the second is trained anew."""
    import gliofuse.designs.deep_radiomics as design
    import gliofuse.study.runner as runner

    phantom, _ = phantom_of()
    options = {"settings": {"epochs": 2}, "split": {"kind": "kfold", "folds": 2}}
    monkeypatch.setattr(runner, "resolve_workers", lambda workers: 1)  # so that a kill is seen here
    whole = run_design("deep-radiomics", phantom, out=tmp_path / "whole", **options)
    again = run_design("deep-radiomics", phantom, out=tmp_path / "again", **options)
    real, trained = design.fit_network_signature, []

    def killed(recipe, *arguments, **others):
        if trained:
            raise KeyboardInterrupt
        trained.append(recipe)
        return real(recipe, *arguments, **others)

    monkeypatch.setattr(design, "fit_network_signature", killed)
    with pytest.raises(KeyboardInterrupt):
        run_design("deep-radiomics", phantom, out=tmp_path / "killed", **options)
    monkeypatch.setattr(design, "fit_network_signature", real)
    resumed = run_design("deep-radiomics", phantom, out=tmp_path / "killed", **options)
    for other in (again, resumed):
        pd.testing.assert_frame_equal(
            pd.read_parquet(whole / "predictions.parquet"),
            pd.read_parquet(other / "predictions.parquet"),
            check_exact=True,
        )
