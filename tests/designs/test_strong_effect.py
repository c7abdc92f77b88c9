"""A strong effect on synthetic patients is found by every design on held-out patients."""

from __future__ import annotations

import json

import pytest

from .conftest import SETTINGS, held_out_auc

pytestmark = pytest.mark.slow(minutes=1.5)

#: Of the designs that train a network a sequence, two show what four would.
FEWER = {"rdl": ["t1ce", "flair"], "deep-radiomics": ["t1ce", "flair"]}


@pytest.mark.parametrize("design", SETTINGS)
def test_strong_effect_is_found_on_held_out_patients(design, phantom_of, run_design):
    _, truth = phantom_of()
    fewer = {"sequences": FEWER[design]} if design in FEWER else {}
    folder = run_design(design, explain=1, **fewer)
    (final,) = (
        model["name"]
        for model in json.loads((folder / "run.json").read_text())["models"]
        if model["role"] == "final"
    )
    auc = held_out_auc(folder)
    assert auc.loc[final, "estimate"] >= truth.ceiling_auc - 0.05
