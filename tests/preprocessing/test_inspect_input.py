"""What a scan's values say of its history, and what is refused before anything is done."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.errors import PreprocessingError
from gliofuse.imaging import Volume
from gliofuse.preprocessing import find_head, inspect_scan


def test_a_raw_scan_is_unremarkable(scan):
    state = inspect_scan(scan("t1").volume, "t1")
    assert not state.stripped
    assert not state.normalised
    assert state.notes == ()


def test_a_stripped_scan_and_a_normalised_one_are_told(scan):
    found = scan("t2")
    stripped = np.where(found.brain, found.volume.array, 0)
    state = inspect_scan(found.volume.with_array(stripped), "t2")
    assert state.stripped
    assert "no skull" in state.notes[0]
    inside = stripped[found.brain]
    scaled = np.where(found.brain, (stripped - inside.mean()) / inside.std(), 0)
    assert inspect_scan(found.volume.with_array(scaled), "t2").normalised
    unit = (found.volume.array / found.volume.array.max()).astype(np.float32)
    state = inspect_scan(found.volume.with_array(unit), "t2")
    assert state.normalised
    assert not state.stripped


def hounsfield(volume: Volume) -> Volume:
    return volume.with_array(np.where(volume.array > 60, volume.array, -1000).astype(np.int16))


def with_nan(volume: Volume) -> Volume:
    array = volume.array.astype(np.float32)
    array[3, 4, 5] = np.nan
    return volume.with_array(array)


REFUSED = {
    "Hounsfield": hounsfield,
    "shows nothing": lambda volume: volume.with_array(np.full(volume.shape, 7)),
    "NaN": with_nan,
    "localizer": lambda volume: volume.crop((slice(40, 45), slice(None), slice(None))),
    "head coil": lambda volume: Volume(volume.array, (8.0, 8.0, 8.0)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_mri_of_a_head_is_refused_with_its_reason(scan, reason):
    with pytest.raises(PreprocessingError, match=f"^t1: .*{reason}"):
        inspect_scan(REFUSED[reason](scan("t1").volume), "t1")


def test_something_small_is_no_head(scan):
    volume = scan("t1").volume
    array = np.zeros(volume.shape, dtype=np.float32)
    array[40:50, 40:50, 40:50] = 100
    with pytest.raises(PreprocessingError, match="ml, a head at least"):
        find_head(volume.with_array(array), "t1")


def test_real_slices_of_eight_bits_are_said_to_be_that(shared_data):
    folder = shared_data("tcga_lgg") / "TCGA-CS-4944"
    state = inspect_scan(Volume.read(folder / "t1.nii.gz"), "t1")
    assert not state.stripped
    assert any("8-bit" in note for note in state.notes)
    assert any("nominal" in note for note in state.notes)
