"""Where nothing predicts the grade, no model of any design is better than chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.evaluation import auc_delong, pool_predictions

from .conftest import SETTINGS

pytestmark = pytest.mark.slow(minutes=1)


@pytest.fixture(scope="module")
def shuffled(phantom_of, fewer_of):
    """A manifest whose grades are dealt out anew, so that nothing at all predicts them."""
    phantom, _ = phantom_of()
    name = fewer_of(36, "shuffled.csv")
    table = pd.read_csv(phantom / name)
    order = np.random.default_rng(5).permutation(len(table))
    table["grade"] = table["grade"].to_numpy()[order]
    table.to_csv(phantom / name, index=False)
    return name


@pytest.mark.parametrize("design", SETTINGS)
def test_shuffled_labels_leave_no_model_better_than_chance(design, shuffled, run_design):
    short = {"epochs": 1} if "epochs" in SETTINGS[design] else {}
    folder = run_design(design, settings=short, manifest=shuffled)
    pooled = pool_predictions(pd.read_parquet(folder / "predictions.parquet"))
    held_out = dict(list(pooled[pooled["cohort"] == "test"].groupby("model")))
    for model, group in held_out.items():  # intervals that hold for all models of a design at once
        confidence = 1 - 0.05 / len(held_out)
        auc = auc_delong(group["y_true"], group["probability"], confidence=confidence)
        assert auc.ci_low <= 0.5 <= auc.ci_high, (model, auc)
