"""Progress where there is no terminal, and how much of it is told."""

from __future__ import annotations

import pytest
from rich.console import Console

from gliofuse.cli import progress


@pytest.fixture
def log(monkeypatch, tmp_path):
    """Return a function that reads what was printed to a job's log."""
    file = (tmp_path / "log").open("w+", encoding="utf-8")
    monkeypatch.setattr(progress, "console", Console(file=file, width=200))
    monkeypatch.setattr(progress, "_verbosity", 0)

    def read():
        file.flush()
        return (tmp_path / "log").read_text(encoding="utf-8")

    yield read
    file.close()


def test_a_job_without_a_terminal_gets_lines(log, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with progress.counting("features", 4) as count:
        count(0)
        for done, at in ((1, 5.0), (2, 40.0), (3, 45.0), (4, 50.0)):
            now[0] = at
            count(done)
        count(4)
    lines = [line for line in log().splitlines() if line]
    assert len(lines) == 2
    assert lines[0].startswith("features: 2 of 4 patients")
    assert lines[1] == "features: 4 of 4 patients"


def test_quiet_says_nothing(log, monkeypatch):
    monkeypatch.setattr(progress, "_verbosity", -1)
    drawn = progress.TerminalProgress()
    with drawn.stage("fitting", 1, "folds") as count:
        count(1)
    drawn.say("3 patients lack a mask")
    assert log() == ""


def test_verbose_prints_what_the_log_holds(log, monkeypatch):
    monkeypatch.setattr(progress, "_verbosity", 1)
    drawn = progress.TerminalProgress()
    drawn.log("rdl: epoch 3 of 5")
    drawn.say("3 patients lack a mask")
    assert log().splitlines() == ["rdl: epoch 3 of 5", "3 patients lack a mask"]
