"""Errors of the system and of others' files are one line, and nothing is left running."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from gliofuse import cli
from gliofuse.cohort import SplitSettings
from gliofuse.designs import find_design
from gliofuse.errors import SettingError

WORK = """
    import os, sys, time
    from pathlib import Path
    from gliofuse.compute import parallel_map

    def work(number):
        Path(sys.argv[1], f"{os.getpid()}.pid").touch()
        time.sleep(60)

    list(parallel_map(work, range(2), workers=2))
"""


def running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = f"/proc/{pid}/stat"  # a zombie does nothing any more
    return not os.path.exists(status) or open(status).read().rsplit(")")[-1].split()[0] != "Z"


@pytest.mark.slow(minutes=0.2)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(tmp_path, how):
    script = tmp_path / "work.py"
    script.write_text(textwrap.dedent(WORK))
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
    try:
        begun = time.monotonic()
        while len(list(tmp_path.glob("*.pid"))) < 2:
            assert time.monotonic() - begun < 60
            time.sleep(0.1)
        workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
        parent.send_signal(how)
        parent.wait(10)
        begun = time.monotonic()
        while any(map(running, workers)):
            assert time.monotonic() - begun < 10, "workers live on"
            time.sleep(0.1)
    finally:
        parent.kill()


def _pydantic_error():
    try:
        SplitSettings(resamples=0)
    except ValueError as error:
        return error


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), "free some space", 3),
        (PermissionError(errno.EACCES, "Permission denied", "out"), "may read and write", 3),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"), "a file stands where", 3),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "is the --scheduler running", 3),
        (UnicodeDecodeError("utf-8", b"\\xff", 0, 1, "invalid"), "save it as UTF-8", 3),
        (MemoryError(), "fewer --workers", 3),
        (_pydantic_error(), r"resamples: Input should be greater than or equal to 2, got 0", 3),
        (SettingError("epochs: must be 1 or more"), "must be 1 or more", 2),
        (KeyboardInterrupt(), "goes on where it stopped", 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_the_user_can_mend_is_one_line(monkeypatch, capsys, error, line, code):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main(["run"])
    assert ended.value.code == code
    printed = capsys.readouterr().err
    assert line in printed
    assert len(printed.strip().splitlines()) == 1


def test_a_fault_of_the_program_is_not_hidden(monkeypatch):
    def fail(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["run"])


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def broken(:\n", "SyntaxError"),
        ("import no_such_module\n", "line 1: ModuleNotFoundError"),
        ("x = 1\nraise RuntimeError('half done')\n", "line 2: RuntimeError: half done"),
        ("x = 1\n", "exactly one Design subclass"),
    ],
)
def test_a_broken_design_of_ones_own_names_its_line(tmp_path, code, line):
    path = tmp_path / "mine.py"
    path.write_text(code)
    with pytest.raises(SettingError, match=line):
        find_design(str(path))
