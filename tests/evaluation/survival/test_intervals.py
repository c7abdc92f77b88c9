"""Intervals of C and tests of two models where the judged patients have trained the models."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow(minutes=0.5)


@pytest.fixture(scope="module")
def simulation():
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "survival_inference.py"
    spec = importlib.util.spec_from_file_location("benchmark_of_survival_inference", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks its annotations up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_without_signal_plain_intervals_fail_and_ours_hold(simulation):
    """150 patients, 40 % events, five folds; two models on features that tell nothing."""
    found = simulation.simulate(simulation.Cell("few", 150, "kfold", "none"), 200)
    assert 92 <= found["covered"] <= 99
    assert found["covered, plain"] < 92
    assert found["differ"] <= 7
    assert found["differ, plain"] > 7
    assert 0.48 < found["c"] < 0.52
