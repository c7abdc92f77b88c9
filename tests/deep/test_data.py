"""Slices and patches: what is cut, the cache, failures, and the patient as the unit."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gliofuse.cohort import Cohort
from gliofuse.deep.data import (
    ItemGeometry,
    PatchSettings,
    SliceSettings,
    augmentation_preset,
    build_patches,
    build_slices,
    put_back,
)
from gliofuse.deep.data.geometry import cut, resample, square_box
from gliofuse.deep.data.patches import patch_plan
from gliofuse.deep.data.slices import slice_plan
from gliofuse.deep.data.store import StorePlan
from gliofuse.errors import InputError
from gliofuse.imaging import Volume, normalise

pytestmark = pytest.mark.slow(minutes=0.1)

SEQUENCES = ("t1", "flair")


def whole(case):
    return Volume.read(case.mask).array > 0


def test_every_tumour_slice_is_cut_to_the_square_around_its_box(tiny_cohort, tmp_path):
    settings = SliceSettings(size=16, minimum_side=1)
    store = build_slices(tiny_cohort, SEQUENCES, settings=settings, cache_dir=tmp_path)
    case = tiny_cohort["p3"]
    mask = whole(case)
    found = store.geometry("p3")
    assert [g.slice_index for g in found] == np.flatnonzero(mask.any(axis=(1, 2))).tolist()
    assert store.areas("p3").tolist() == [int(mask[g.slice_index].sum()) for g in found]
    image = normalise(Volume.read(case.images["flair"]).array, "minmax")
    for item, geometry in zip(store.array("p3"), found):
        z = geometry.slice_index
        rows, columns = np.flatnonzero(mask[z].any(1)), np.flatnonzero(mask[z].any(0))
        side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
        (_, top, left), (_, bottom, right) = geometry.start_zyx, geometry.stop_zyx
        assert bottom - top == right - left == side
        assert top <= rows[0] <= rows[-1] < bottom
        assert left <= columns[0] <= columns[-1] < right
        crop = image[z, top:bottom, left:right]
        np.testing.assert_allclose(item[1], resample(crop[None], (16, 16))[0], atol=1e-3)


@pytest.mark.parametrize(("which", "k", "count"), [("largest", 1, 1), ("k-largest", 3, 3)])
def test_the_largest_slices_are_those_with_most_tumour(tiny_cohort, tmp_path, which, k, count):
    settings = SliceSettings(size=16, which=which, k=k)
    store = build_slices(tiny_cohort, SEQUENCES, settings=settings, cache_dir=tmp_path)
    for case in tiny_cohort:
        areas = np.sort(whole(case).sum(axis=(1, 2)))[::-1][:count]
        assert sorted(store.areas(case.case_id), reverse=True) == areas.tolist()
        order = [g.slice_index for g in store.geometry(case.case_id)]
        assert order == sorted(order)


def test_tumour_pixels_only(tiny_cohort, tmp_path):
    settings = SliceSettings(size=36, crop="center", pixels="tumour")
    store = build_slices(tiny_cohort, SEQUENCES, settings=settings, cache_dir=tmp_path)
    geometry = store.geometry("p1")[2]
    mask = whole(tiny_cohort["p1"])[geometry.slice_index, 2:38]
    image = store.array("p1")[2]
    assert (image[:, ~mask] == 0).all()
    assert (image[:, mask] > 0).mean() > 0.99


def test_a_tumour_on_one_slice_gives_one_slice(case_writer, tmp_path):
    case = case_writer(tmp_path, "thin", 1, rng=np.random.default_rng(1))
    mask = Volume.read(case.mask)
    array = mask.array.copy()
    array[:5] = 0
    array[6:] = 0
    replace(mask, array=array).write(case.mask)
    store = build_slices(Cohort((case,)), SEQUENCES, cache_dir=tmp_path / "cache")
    assert [g.slice_index for g in store.geometry("thin")] == [5]


def test_patch_is_centred_on_the_tumour_and_padded(tiny_cohort, tmp_path):
    settings = PatchSettings(size_zyx=(16, 24, 48))
    store = build_patches(tiny_cohort, SEQUENCES, settings=settings, cache_dir=tmp_path)
    assert len(store.notes) == 0
    for case in tiny_cohort:
        (geometry,) = store.geometry(case.case_id)
        assert store.array(case.case_id).shape == (1, 2, 16, 24, 48)
        inside = whole(case)
        z = np.flatnonzero(inside.any(axis=(1, 2)))
        largest = inside[inside.sum(axis=(1, 2)).argmax()]
        y, x = np.flatnonzero(largest.any(1)), np.flatnonzero(largest.any(0))
        centre = [(axis[0] + axis[-1] + 1) / 2 for axis in (z, y, x)]
        middle = [(a + b) / 2 for a, b in zip(geometry.start_zyx, geometry.stop_zyx)]
        np.testing.assert_allclose(middle, centre, atol=0.5)
        image = normalise(Volume.read(case.images["t1"]).array, "minmax")
        expected = cut(image, geometry.start_zyx, geometry.stop_zyx, 0.0)
        np.testing.assert_allclose(store.array(case.case_id)[0, 0], expected, atol=1e-3)


@pytest.mark.parametrize("rule", ["fit", "crop"])
def test_a_tumour_larger_than_the_patch_is_noted(tiny_cohort, tmp_path, rule):
    settings = PatchSettings(size_zyx=(4, 8, 8), oversize=rule)
    store = build_patches(tiny_cohort, SEQUENCES, settings=settings, cache_dir=tmp_path)
    assert len(store.notes) == len(tiny_cohort)
    assert store.notes["note"].str.contains("larger than the patch|as large").all()
    (geometry,) = store.geometry("p0")
    z = np.flatnonzero(whole(tiny_cohort["p0"]).any(axis=(1, 2)))
    covers = geometry.start_zyx[0] <= z[0] and geometry.stop_zyx[0] > z[-1]
    assert covers == (rule == "fit")


def test_patch_pixels_in_mm(tiny_cohort, tmp_path):
    settings = PatchSettings(size_zyx=(20, 20, 20), pixel_mm_zyx=(2.5, 2.0, 2.4))
    store = build_patches(tiny_cohort, SEQUENCES, settings=settings, cache_dir=tmp_path)
    (geometry,) = store.geometry("p0")
    sides = [b - a for a, b in zip(geometry.start_zyx, geometry.stop_zyx)]
    assert sides == [10, 40, 40]  # 50, 40 and 48 mm of voxels of 5, 1 and 1.2 mm


def test_failures_are_listed_and_the_rest_goes_on(tiny_cohort, case_writer, tmp_path):
    rng = np.random.default_rng(2)
    empty = case_writer(tmp_path, "empty", 0, rng=rng)
    mask = Volume.read(empty.mask)
    replace(mask, array=np.zeros_like(mask.array)).write(empty.mask)
    lacking = case_writer(tmp_path, "lacking", 0, rng=rng, sequences=("t1",))
    gone = replace(tiny_cohort["p1"], case_id="gone", mask=tmp_path / "nothing.nii.gz")
    cohort = Cohort((tiny_cohort["p0"], empty, lacking, gone))
    store = build_slices(cohort, SEQUENCES, cache_dir=tmp_path / "cache")
    assert store.case_ids == ("p0",)
    errors = store.failures.set_index("case_id")["error"]
    assert list(errors.index) == ["empty", "lacking", "gone"]
    assert "no voxel" in errors["empty"]
    assert "lacks flair" in errors["lacking"]
    assert "nothing.nii.gz: no such file" in errors["gone"]
    with pytest.raises(InputError, match=r"'empty' has no slices.*no voxel"):
        store.dataset(["p0", "empty"])
    with pytest.raises(InputError, match="did you mean 'p0'"):
        store.dataset(["p00"])


@pytest.fixture
def two_patients(case_writer, tmp_path):
    """Return two patients whose files a test may change."""
    rng = np.random.default_rng(2)
    return Cohort(tuple(case_writer(tmp_path, f"r{i}", i, rng=rng) for i in range(2)))


def written(store):
    """Return when each patient's array was written."""
    return {path.stem: path.stat().st_mtime_ns for path in store.folder.glob("*.npy")}


def recut(before, after):
    """Return the patients whose arrays were written between two looks."""
    return {case_id for case_id, when in after.items() if when != before[case_id]}


def contents(store):
    """Return the hash of each patient's arrays."""
    return {case_id: store.content(case_id) for case_id in store.case_ids}


def test_what_is_cut_is_kept_under_the_settings_it_was_cut_by(two_patients, tmp_path):
    first = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    before = written(first)
    again = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    assert (written(again), contents(again)) == (before, contents(first))
    for changes in ({"settings": SliceSettings(size=32)}, {"region": "core"}):
        other = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache", **changes)
        assert other.folder != first.folder
        assert not set(contents(other).values()) & set(contents(first).values())


def test_a_touched_file_is_cut_again_to_the_same_content(two_patients, tmp_path):
    first = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    before = written(first)
    status = two_patients["r0"].mask.stat()
    os.utime(two_patients["r0"].mask, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    again = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    assert recut(before, written(again)) == {"r0"}
    assert contents(again) == contents(first)


@pytest.mark.parametrize("which", ["image", "mask"])
def test_a_replaced_file_changes_its_patients_content_alone(two_patients, tmp_path, which):
    first = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    before = written(first)
    path = two_patients["r1"].images["flair"] if which == "image" else two_patients["r1"].mask
    old = Volume.read(path)
    array = np.roll(old.array, 3, axis=2) if which == "mask" else old.array[..., ::-1].copy()
    replace(old, array=array).write(path)
    again = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    assert recut(before, written(again)) == {"r1"}
    assert again.content("r0") == first.content("r0")
    assert again.content("r1") != first.content("r1")
    fresh = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "fresh")
    assert contents(fresh) == contents(again)
    assert np.array_equal(fresh.array("r1"), again.array("r1"))


def test_the_same_files_at_another_place_are_taken_from_the_cache(two_patients, tmp_path):
    first = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    before = written(first)
    moved = []
    for case in two_patients:
        folder = shutil.copytree(case.mask.parent, tmp_path / "moved" / case.case_id)
        images = {name: folder / path.name for name, path in case.images.items()}
        moved.append(replace(case, images=images, mask=folder / case.mask.name))
        shutil.rmtree(case.mask.parent)
    again = build_slices(Cohort(tuple(moved)), SEQUENCES, cache_dir=tmp_path / "cache")
    assert (written(again), contents(again)) == (before, contents(first))


def test_a_cut_that_was_stopped_is_done_again(two_patients, tmp_path, monkeypatch):
    """Neither an array without description nor an old description of a new array counts."""
    first = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    expected, before = contents(first), written(first)
    state = two_patients["r0"].mask.stat()
    os.utime(two_patients["r0"].mask, ns=(state.st_atime_ns, state.st_mtime_ns + 10**9))

    class Killed(BaseException):
        pass

    def kill(*_arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("gliofuse.deep.data.store.write_json", kill)
        patch.setattr(StorePlan, "describe", lambda plan: None)
        with pytest.raises(Killed):
            build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    # the file as it was: an old description would now be believed
    os.utime(two_patients["r0"].mask, ns=(state.st_atime_ns, state.st_mtime_ns))
    again = build_slices(two_patients, SEQUENCES, cache_dir=tmp_path / "cache")
    assert recut(before, written(again)) == {"r0"}
    assert contents(again) == expected


@pytest.mark.parametrize("kind", ["slices", "patches"])
def test_cutting_patient_by_patient_gives_what_cutting_the_cohort_gives(
    tiny_cohort, tmp_path, kind
):
    plan, build, settings = {
        "slices": (slice_plan, build_slices, SliceSettings(size=16, which="k-largest", k=3)),
        "patches": (patch_plan, build_patches, PatchSettings(size_zyx=(4, 8, 8))),
    }[kind]
    together = build(tiny_cohort, SEQUENCES, settings=settings, cache_dir=tmp_path / "a")
    one = plan(SEQUENCES, "whole", "brats", settings, cache_dir=tmp_path / "b")
    one.describe()
    found = {case.case_id: one.arrays_of(case) for case in reversed(list(tiny_cohort))}
    none = pd.DataFrame(columns=["case_id", "stage", "error"])
    alone = one.store(tiny_cohort.case_ids, found, none)
    assert alone.case_ids == together.case_ids
    assert contents(alone) == contents(together)
    assert alone.folder.name == together.folder.name
    pd.testing.assert_frame_equal(alone.notes, together.notes)
    for case_id in together.case_ids:
        assert np.array_equal(alone.array(case_id), together.array(case_id))
        assert alone.array(case_id).dtype == together.array(case_id).dtype
        assert alone.geometry(case_id) == together.geometry(case_id)
        assert alone.areas(case_id).tolist() == together.areas(case_id).tolist()


def test_two_processes_cut_the_same(tiny_cohort, tmp_path):
    one = build_slices(tiny_cohort, SEQUENCES, cache_dir=tmp_path / "a")
    two = build_slices(tiny_cohort, SEQUENCES, cache_dir=tmp_path / "b", workers=2)
    for case_id in one.case_ids:
        assert np.array_equal(one.array(case_id), two.array(case_id))
    assert one.case_ids == two.case_ids


def test_put_back_is_the_inverse_of_cutting(tiny_slices, tiny_cohort):
    dataset = tiny_slices.dataset(["p5"])
    volume = None
    for index in range(len(dataset)):
        volume = put_back(dataset[index]["image"][1].numpy(), dataset.geometry(index), volume)
    image = normalise(Volume.read(tiny_cohort["p5"].images["flair"]).array, "minmax")
    inside = whole(tiny_cohort["p5"])
    assert np.corrcoef(volume[inside], image[inside])[0, 1] > 0.9
    assert volume.shape == inside.shape


def test_put_back_of_a_ramp_is_exact_and_ignores_what_lies_outside():
    geometry = ItemGeometry("a", (-1, 2, 1), (3, 6, 7), (8, 8, 12), (4, 8, 9), (1.0, 1.0, 1.0))
    ramp = np.broadcast_to((np.arange(12) + 0.5) / 2, (8, 8, 12))
    volume = put_back(ramp, geometry)
    inside = volume[:3, 2:6, 1:7]
    assert np.allclose(inside[..., 1:-1], np.arange(1, 5) + 0.5)
    assert volume.sum() == pytest.approx(inside.sum())


@given(
    st.lists(st.integers(-5, 40), min_size=2, max_size=2),
    st.lists(st.integers(1, 30), min_size=2, max_size=2),
    st.integers(1, 40),
)
@settings(max_examples=50, deadline=None)
def test_square_boxes_are_square_and_hold_the_box(low, sides, minimum):
    high = [a + n for a, n in zip(low, sides)]
    start, stop = square_box(low, high, minimum=minimum)
    assert len({b - a for a, b in zip(start, stop)}) == 1
    assert stop[0] - start[0] == max(*sides, minimum)
    assert all(a <= b for a, b in zip(start, low))
    assert all(a >= b for a, b in zip(stop, high))


@given(st.permutations([f"p{i}" for i in range(8)]), st.integers(1, 7))
@settings(max_examples=25, deadline=None)
def test_slices_of_a_patient_are_never_on_two_sides(tiny_slices, tiny_labels, order, cut_at):
    sides = [tiny_slices.dataset(part, tiny_labels) for part in (order[:cut_at], order[cut_at:])]
    patients = [{side.case_ids[side[i]["case"]] for i in range(len(side))} for side in sides]
    assert not patients[0] & patients[1]
    assert patients[0] | patients[1] == set(order)
    assert sum(map(len, sides)) == sum(len(tiny_slices.areas(c)) for c in order)
    for side in sides:
        for case_id in side.case_ids:
            labels = {int(side[int(i)]["label"]) for i in side.items_of(case_id)}
            assert labels == {tiny_labels[case_id]}


def test_items_carry_channels_shape_and_survival_in_order(tiny_slices, tiny_labels):
    ids = ["p4", "p1"]
    shape = pd.DataFrame(np.arange(16).reshape(8, 2), index=[f"p{i}" for i in range(8)])
    survival = pd.DataFrame({"time": [10.0, np.nan], "event": [1, 0]}, index=["p1", "p4"])
    dataset = tiny_slices.dataset(
        ids, tiny_labels, sequences=["flair"], shape=shape, survival=survival
    )
    item = dataset[int(dataset.items_of("p1")[0])]
    assert torch.equal(item["shape"], torch.tensor([2.0, 3.0]))
    assert (int(item["case"]), float(item["time"]), float(item["event"])) == (1, 10.0, 1.0)
    assert torch.isnan(dataset[0]["time"])
    expected = torch.from_numpy(tiny_slices.array("p1")[0, [1]].astype(np.float32))
    assert torch.equal(item["image"], expected)
    assert int(tiny_slices.dataset(ids)[0]["label"]) == -1


def test_bad_data_sets_are_refused(tiny_slices, tiny_labels):
    with pytest.raises(InputError, match="at least one patient"):
        tiny_slices.dataset([])
    with pytest.raises(InputError, match="'p1' is given twice"):
        tiny_slices.dataset(["p1", "p1"])
    with pytest.raises(InputError, match="labels: no row for patient 'p2'"):
        tiny_slices.dataset(["p1", "p2"], tiny_labels.drop("p2"))
    with pytest.raises(InputError, match="labels: a value is missing for patient 'p2'"):
        tiny_slices.dataset(["p1", "p2"], tiny_labels.astype(float).replace({0.0: np.nan}))
    with pytest.raises(InputError, match="sequence 't1c': did you mean 't1'"):
        tiny_slices.dataset(["p1"], sequences=["t1c"])
    with pytest.raises(InputError, match="no labels"):
        _ = tiny_slices.dataset(["p1"]).item_label


def test_centre_crop_moves_the_geometry_with_it(tiny_slices):
    full, cropped = tiny_slices.dataset(["p2"]), tiny_slices.dataset(["p2"], center_crop=8)
    assert torch.equal(cropped[1]["image"], full[1]["image"][:, 4:12, 4:12])
    a, b = full.geometry(1), cropped.geometry(1)
    sides = np.subtract(a.stop_zyx, a.start_zyx)
    np.testing.assert_allclose(np.subtract(b.stop_zyx, b.start_zyx)[1:], sides[1:] / 2)
    np.testing.assert_allclose(np.add(b.stop_zyx, b.start_zyx), np.add(a.stop_zyx, a.start_zyx))


def test_loader_workers_do_not_change_what_is_drawn(tiny_slices, tiny_labels):
    steps = augmentation_preset("shifts")
    dataset = tiny_slices.dataset(["p0", "p1"], tiny_labels, augmentation=steps, seed=5)

    class Drawn(torch.utils.data.Dataset):
        def __len__(self):
            return len(dataset)

        def __getitem__(self, index):
            return dataset.draw(index, epoch=3)["image"]

    here = torch.stack([Drawn()[i] for i in range(len(dataset))])
    loader = torch.utils.data.DataLoader(Drawn(), batch_size=3, num_workers=2)
    assert torch.equal(torch.cat(list(loader)), here)
    other = torch.stack([dataset.draw(i, epoch=4)["image"] for i in range(len(dataset))])
    assert not torch.equal(other, here)
