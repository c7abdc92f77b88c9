"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

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


def pytest_collection_modifyitems(items):
    """Start the slow files first, the slowest before all, so that processes end together."""

    def minutes(item):
        marker = item.get_closest_marker("slow")
        return 0 if marker is None else marker.kwargs["minutes"]

    items.sort(key=minutes, reverse=True)
