"""The lowest layers: files written whole or not at all, loops that survive a bad item."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from gliofuse import compute, errors, files
from gliofuse.errors import GliofuseError, InputError, MissingExtraError, RunError, did_you_mean
from gliofuse.optional import require


def test_atomic_path_leaves_the_old_file_when_the_block_fails(tmp_path):
    target = tmp_path / "deep" / "table.csv"
    files.write_text(target, "old")

    def fail():
        with files.atomic_path(target) as temporary:
            assert temporary.parent == target.parent
            assert temporary.suffix == ".csv"
            temporary.write_text("half")
            raise KeyboardInterrupt("stopped")

    with pytest.raises(KeyboardInterrupt, match="stopped"):
        fail()
    assert target.read_text() == "old"
    assert os.listdir(target.parent) == ["table.csv"]


def test_atomic_path_keeps_double_suffixes_and_usual_permissions(tmp_path):
    with files.atomic_path(tmp_path / "image.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.touch()
    plain = tmp_path / "plain"
    plain.touch()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (plain, tmp_path / "image.nii.gz")]
    assert modes[0] == modes[1]


def test_a_name_with_dots_in_front_of_the_suffix(tmp_path):
    path = tmp_path / "TCGA-02_1996.08.23_t1.csv"
    files.write_csv(path, pd.DataFrame({"a": [1]}))
    assert path.read_text() == "a\n1\n"


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    files.check_writable(tmp_path / "new" / "table.csv")
    assert os.listdir(tmp_path / "new") == []
    with pytest.raises(InputError, match="it is a folder; give a file's name"):
        files.write_text(tmp_path, "x")
    with pytest.raises(InputError, match=r"cannot write .*file.x\.csv: .*choose another place"):
        files.check_writable(tmp_path / "file" / "x.csv")


def test_parquet_with_metadata(tmp_path):
    table = pd.DataFrame({"f": [1.5, None]}, index=pd.Index(["a", "b"], name="case_id"))
    files.write_parquet(tmp_path / "t.parquet", table, {"bin_width": 25})
    pd.testing.assert_frame_equal(files.read_parquet(tmp_path / "t.parquet"), table)
    assert files.read_parquet_metadata(tmp_path / "t.parquet") == {"bin_width": 25}
    files.write_parquet(tmp_path / "u.parquet", table)
    assert files.read_parquet_metadata(tmp_path / "u.parquet") == {}


def test_json_and_hashes(tmp_path):
    files.write_json(tmp_path / "a.json", {"b": Path("x"), "a": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1, "b": "x"}
    # printf 'abc' | sha256sum
    (tmp_path / "abc").write_bytes(b"abc")
    assert files.file_hash(tmp_path / "abc") == "ba7816bf8f01cfea"
    assert files.settings_hash({"a": 1}) != files.settings_hash({"a": 2})
    assert len(files.settings_hash([1], length=8)) == 8


def reciprocal(number: int) -> float:
    if number == 7:
        raise InputError("seven is\nnot allowed")
    return 1 / number


@pytest.mark.parametrize("workers", [1, 2])
def test_parallel_map_goes_on_after_a_bad_item(workers):
    outcomes = list(compute.parallel_map(reciprocal, [1, 0, 7, 4], workers=workers))
    assert [outcome.item for outcome in outcomes] == [1, 0, 7, 4]
    assert [outcome.result for outcome in outcomes] == [1.0, None, None, 0.25]
    assert outcomes[1].error == "ZeroDivisionError: division by zero"
    assert "Traceback" in outcomes[1].details
    assert outcomes[2].error == "seven is not allowed"
    assert [outcome.failed for outcome in outcomes] == [False, True, True, False]
    assert list(compute.parallel_map(reciprocal, [], workers=workers)) == []


def test_an_interrupt_ends_the_loop():
    def interrupt(item):
        raise KeyboardInterrupt("stopped")

    with pytest.raises(KeyboardInterrupt, match="stopped"):
        list(compute.parallel_map(interrupt, [1]))


def test_resolve_workers():
    assert compute.resolve_workers(3) == 3
    assert compute.resolve_workers(0) == 1
    assert compute.resolve_workers(None) == compute.resolve_workers(-1) >= 1


def test_every_error_is_of_the_family():
    for name in errors.__all__:
        kind = getattr(errors, name)
        if isinstance(kind, type):
            assert issubclass(kind, GliofuseError)
    assert issubclass(InputError, ValueError)
    assert issubclass(RunError, RuntimeError)


def test_did_you_mean_with_nothing_allowed():
    assert did_you_mean("x", []) == "allowed: none"


def test_require():
    assert require("json", extra="deep") is json
    with pytest.raises(MissingExtraError, match=r"no_such_module .*extra 'deep'.*pip install"):
        require("no_such_module.part", extra="deep")


def test_require_does_not_hide_a_broken_module(tmp_path, monkeypatch):
    (tmp_path / "broken_inside.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        require("broken_inside", extra="deep")


def test_peak_memory_counts_what_its_own_block_used():
    """In a process of its own, whose memory nothing else moves."""
    code = """
import numpy as np
from gliofuse.compute import PeakMemory
with PeakMemory() as both:
    with PeakMemory() as large:
        np.ones(40_000_000)  # 305 MiB
    with PeakMemory() as small:
        pass
print(both.mb, large.mb, small.mb)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    both, large, small = map(float, told.stdout.split())
    assert both == large
    assert large > small + 250
