"""An effect in one sequence or one region alone is named by the fusion's weights."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = pytest.mark.slow(minutes=1)


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
