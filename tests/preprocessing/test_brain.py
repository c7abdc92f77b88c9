"""The brain that is found against the brain that is there."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.phantom.acquisition import Acquisition, acquire
from gliofuse.phantom.tumour import plan_tumour
from gliofuse.phantom.whole_head import at_the_edge, head_grid, make_whole_head
from gliofuse.preprocessing import Affine, extract_brain, find_head, resample
from gliofuse.preprocessing.checks import dice

CUBIC = Acquisition(shape=(100, 120, 120), spacing_mm=(2.0, 2.0, 2.0), bias=0.2)
THICK = Acquisition(shape=(30, 240, 240), spacing_mm=(5.5, 0.94, 0.94), bias=0.2)


@pytest.mark.slow(minutes=0.4)
@pytest.mark.parametrize(
    ("acquisition", "seed"),
    [(CUBIC, 1), (THICK, 5)],  # of slices of 5.5 mm a head with a thick skull
    ids=["cubic", "thick"],
)
def test_brain_with_a_tumour_is_found(acquisition, seed):
    rng = np.random.default_rng(seed)
    plan = plan_tumour(rng, 0.6)
    head = make_whole_head(rng, head_grid(2.0), at_the_edge(plan) if acquisition is THICK else plan)
    scans = {name: acquire(rng, head, name, acquisition) for name in ("t1ce", "t2", "flair")}
    found = extract_brain(
        {name: scan.volume for name, scan in scans.items()},
        {name: find_head(scan.volume) for name, scan in scans.items()},
        dict.fromkeys(scans, Affine.identity()),
        "t1ce",
    )
    truth = scans["t1ce"]
    seen = resample(found.mask, truth.volume, Affine.identity(), how="nearest").array > 0
    assert dice(seen, truth.brain) >= 0.95
    assert (truth.tumour > 0)[~seen].sum() < 0.03 * (truth.tumour > 0).sum()
    assert found.own.keys() == scans.keys()
