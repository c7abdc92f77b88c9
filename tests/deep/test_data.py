"""Slices and patches: what is cut, the cache, failures, and the patient as the unit."""

from __future__ import annotations

import os
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
from gliofuse.errors import InputError
from gliofuse.imaging import Volume, normalise

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
    assert "no such file" in errors["gone"]
    with pytest.raises(InputError, match=r"'empty' has no slices.*no voxel"):
        store.dataset(["p0", "empty"])
    with pytest.raises(InputError, match="did you mean 'p0'"):
        store.dataset(["p00"])


def test_the_cache_is_used_and_follows_the_files(tiny_cohort, tmp_path, monkeypatch):
    cohort = tiny_cohort.subset(["p0", "p1"])
    first = build_slices(cohort, SEQUENCES, cache_dir=tmp_path)
    times = {p: p.stat().st_mtime_ns for p in first.folder.glob("*.npy")}
    build_slices(cohort, SEQUENCES, cache_dir=tmp_path)
    assert times == {p: p.stat().st_mtime_ns for p in first.folder.glob("*.npy")}
    status = cohort["p0"].mask.stat()
    os.utime(cohort["p0"].mask, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    again = build_slices(cohort, SEQUENCES, cache_dir=tmp_path)
    changed = {p.stem for p in again.folder.glob("*.npy") if p.stat().st_mtime_ns != times[p]}
    assert changed == {"p0"}
    other = build_slices(cohort, SEQUENCES, settings=SliceSettings(size=32), cache_dir=tmp_path)
    assert other.folder != first.folder


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
    steps = augmentation_preset("shape-resnet-quick")
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
