"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

# Test processes run side by side, one for each core: with several threads in each they would wait
# for one another, and spin while they wait. Libraries read this when they are first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# The same examples each time, so that a change is judged by itself and not by the day's luck;
# HYPOTHESIS_PROFILE=search draws new ones.
settings.register_profile("repeatable", derandomize=True)
settings.register_profile("search", max_examples=500)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    """Return a function that gives a folder of real patients or skips the test by its name."""

    def folder(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"needs the real data set {name!r}, which is not on this machine")
        return path

    return folder


@pytest.fixture(scope="session")
def shallow_networks():
    """Return a context in which each stage of a network has one block or layer.

    What each network is made of has tests of its own; what a design makes of them needs no depth.
    """

    @contextmanager
    def shallow():
        from gliofuse.deep.networks import base, densenet

        with pytest.MonkeyPatch.context() as patch:
            for depths in (base.RESNET_BLOCKS, densenet.DENSENET_BLOCKS):
                for depth in depths:
                    patch.setitem(depths, depth, (1, 1, 1, 1))
            yield

    return shallow


def pytest_collection_finish():
    """What is imported by now stays: spare the collector from looking at it in each training."""
    gc.freeze()


def pytest_collection_modifyitems(items):
    """Start the slow files first, the slowest before all, so that processes end together."""

    def minutes(item):
        marker = item.get_closest_marker("slow")
        return 0 if marker is None else marker.kwargs["minutes"]

    items.sort(key=minutes, reverse=True)
