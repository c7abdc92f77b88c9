"""Heads with a known truth, scanned in known ways; made once for all tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gliofuse.phantom.acquisition import Acquisition, acquire
from gliofuse.phantom.tumour import plan_tumour
from gliofuse.phantom.whole_head import at_the_edge, head_grid, make_whole_head

#: How the tests scan: cubic voxels of 2 mm, or thick slices.
KINDS = {
    "coarse": Acquisition(shape=(88, 110, 100), spacing_mm=(2.0, 2.0, 2.0), bias=0.2),
    "thick": Acquisition(shape=(30, 224, 208), spacing_mm=(6.0, 1.0, 1.0), bias=0.2),
}


@pytest.fixture(scope="session")
def head():
    """A patient with a tumour at the brain's edge, on 2 mm voxels."""
    rng = np.random.default_rng(11)
    return make_whole_head(rng, head_grid(2.0), at_the_edge(plan_tumour(rng, 0.6)))


@pytest.fixture(scope="session")
def scan(head):
    """Return a function that scans the patient's head; the same arguments, the same scan."""
    made = {}

    def scanned(sequence, kind="coarse", seed=0, **changes):
        changed = replace(KINDS[kind], **changes)
        key = (sequence, repr(changed), seed)
        if key not in made:
            made[key] = acquire(np.random.default_rng(seed), head, sequence, changed)
        return made[key]

    return scanned
