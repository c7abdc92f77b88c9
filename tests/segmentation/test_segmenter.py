"""Masks that a trained segmenter gives, in the patient's own geometry."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from gliofuse.cohort import Case, Cohort, read_manifest
from gliofuse.errors import GeometryError, ImageError, InputError, ManifestError
from gliofuse.imaging import Orientation, Volume, read_mask
from gliofuse.segmentation import CleanUp, PredictionSettings, Segmenter, compare_masks
from gliofuse.segmentation.cohorts import EmptyMaskWarning, predict_cohort
from gliofuse.segmentation.heads import is_stripped, read_images, take_head


def dice(found, mask):
    return compare_masks(found.mask.array > 0, mask.array > 0, mask.spacing_mm).dice


def test_held_out_patients_are_found(segmenter, heads):
    for case in heads.cases[6:]:
        found = segmenter.predict_case(case)
        assert dice(found, read_mask(case.mask)) > 0.85
        assert 0.5 < found.quality <= 1
        assert set(np.unique(found.mask.array)) <= {0, 1, 2, 4}
        assert found.missing == ()


@pytest.mark.parametrize("degrees", [0.0, 17.0])
@pytest.mark.parametrize("turned", ["axial", "sagittal"])
def test_masks_lie_on_the_images_voxels(
    segmenter, head_maker, axes_turned, degrees, turned, tmp_path
):
    direction = axes_turned(degrees)
    volumes, mask = head_maker(np.random.default_rng(5), direction=direction)
    if turned == "sagittal":  # the same patient, stored with x as the slowest axis

        def store(volume):
            array = np.ascontiguousarray(volume.array.transpose(2, 0, 1))
            z, y, x = volume.spacing_mm
            columns = volume.direction[:, [1, 2, 0]]
            return Volume(array, (x, z, y), volume.origin_mm, columns)

        volumes, mask = {name: store(v) for name, v in volumes.items()}, store(mask)
    found = segmenter.predict(volumes)
    assert found.mask.same_geometry(mask)
    assert dice(found, mask) > 0.85
    path = tmp_path / "mask.nii.gz"
    found.mask.write(path)
    next(iter(volumes.values())).write(tmp_path / "image.nii.gz")
    _check_with_simpleitk(path, tmp_path / "image.nii.gz", found.mask.array)
    _check_with_nibabel(path, tmp_path / "image.nii.gz", found.mask.array)


def _check_with_simpleitk(path, image, array):
    import SimpleITK as sitk

    mask, reference = sitk.ReadImage(str(path)), sitk.ReadImage(str(image))
    assert mask.GetSize() == reference.GetSize()
    for name in ("GetSpacing", "GetOrigin", "GetDirection"):
        assert np.allclose(getattr(mask, name)(), getattr(reference, name)(), atol=1e-5)
    assert np.array_equal(sitk.GetArrayFromImage(mask), array)


def _check_with_nibabel(path, image, array):
    nibabel = pytest.importorskip("nibabel")
    mask, reference = nibabel.load(path), nibabel.load(image)
    assert np.allclose(mask.affine, reference.affine, atol=1e-5)
    assert np.array_equal(np.asarray(mask.dataobj).T, array)


def test_the_order_of_sequences_does_not_matter_and_others_are_not_read(segmenter, heads, tmp_path):
    case = heads.cases[6]
    straight = segmenter.predict_case(case)
    turned = dict(reversed(case.images.items()))
    turned["t2"] = tmp_path / "no-such-file.nii.gz"
    other = segmenter.predict_case(replace(case, images=turned))
    assert np.array_equal(straight.mask.array, other.mask.array)


@pytest.mark.parametrize("lost", ["t1", "flair"])
def test_a_missing_sequence_costs_little(segmenter, heads, lost):
    for case in heads.cases[6:]:
        kept = {name: path for name, path in case.images.items() if name != lost}
        found = segmenter.predict_case(replace(case, images=kept))
        assert found.missing == (lost,)
        assert dice(found, read_mask(case.mask)) > 0.85


def test_without_any_of_its_sequences_there_is_no_mask(segmenter, heads):
    case = heads.cases[0]
    strange = replace(case, images={"t2": case.images["t1"]})
    with pytest.raises(ManifestError, match="has none of the sequences t1, flair, got t2"):
        segmenter.predict_case(strange)


def test_another_spacing_is_resampled(segmenter, head_maker):
    fine = head_maker(np.random.default_rng(6), (18, 60, 54), spacing=(2.7, 1.0, 1.07))
    found = segmenter.predict(fine[0])
    assert found.mask.shape == (18, 60, 54)
    assert dice(found, fine[1]) > 0.7


def test_skull_and_brain_are_told_apart(segmenter, head_maker):
    volumes, _ = head_maker(np.random.default_rng(7))
    noise = np.random.default_rng(8).uniform(1, 8, volumes["t1"].shape).astype(np.float32)
    with_skull = {name: v.with_array(v.array + noise) for name, v in volumes.items()}
    assert is_stripped({name: volume.array for name, volume in volumes.items()})
    assert not is_stripped({name: volume.array for name, volume in with_skull.items()})
    with pytest.raises(
        ImageError, match="with skull, but the segmenter was trained on images without"
    ):
        segmenter.predict(with_skull)
    segmenter.predict(with_skull, PredictionSettings(check_skull=False))


@pytest.mark.parametrize("case_id", ["TCGA-CS-4944", "TCGA-FG-A4MU", "TCGA-HT-7882"])
def test_real_heads_are_not_taken_for_stripped(shared_data, case_id):
    folder = shared_data("tcga_lgg") / case_id
    images = {name: folder / f"{name}.nii.gz" for name in ("flair", "t1", "t1ce")}
    head = read_images(Case(case_id, images, folder / "mask.nii.gz"), tuple(images), mask=True)
    assert not head.stripped
    inside = head.images["flair"][head.labels > 0]
    assert inside.mean() > 0.5  # the abnormality is bright against the head


def test_images_of_two_geometries_are_refused(segmenter, heads, tmp_path):
    case = heads.cases[0]
    moved = Volume.read(case.images["t1"])
    path = tmp_path / "t1.nii.gz"
    Volume(moved.array, moved.spacing_mm, (0.0, 0.0, 0.0), moved.direction).write(path)
    with pytest.raises(GeometryError, match="must share one geometry"):
        segmenter.predict_case(replace(case, images={**case.images, "t1": path}))


@pytest.fixture
def blind(segmenter):
    """Return a segmenter that is sure that there is nothing."""
    with torch.no_grad():
        segmenter.networks["coarse"].heads[0].bias -= 50.0
    return segmenter


def test_a_cohort_without_a_tumour_gets_empty_masks_and_warnings(blind, heads, tmp_path):
    with pytest.warns(EmptyMaskWarning, match="patient p[67]: no tumour was found"):
        found = predict_cohort(blind, heads.subset(["p6", "p7"]), tmp_path)
    assert found.empty == ("p6", "p7")
    empty = read_mask(found.cohort["p6"].mask)
    assert not empty.array.any()
    assert empty.same_geometry(Volume.read(heads["p6"].images["t1"]))
    assert found.table["quality"].tolist() == [0.0, 0.0]


def test_a_cohort_gets_masks_a_table_and_a_manifest(segmenter, heads, tmp_path):
    cohort = Cohort((*heads.cases[6:], Case("no-images")))
    settings = PredictionSettings(cleaning=CleanUp(least_mm3=300.0))
    found = predict_cohort(segmenter, cohort, tmp_path, settings=settings)
    assert found.empty == ()
    assert found.failures["case_id"].tolist() == ["no-images"]
    assert "none of the sequences" in found.failures["error"].iloc[0]
    assert read_manifest(tmp_path / "cohort.csv").case_ids == ("p6", "p7")
    table = pd.read_csv(tmp_path / "predictions.csv").set_index("case_id")
    voxels = np.count_nonzero(read_mask(found.cohort["p6"].mask).array)
    assert table.loc["p6", "volume_mm3"] == pytest.approx(voxels * 4.0 * 1.5 * 1.6, rel=1e-3)


def test_probabilities_and_uncertainty_are_kept_on_request(segmenter, heads):
    case = heads.cases[7]
    plain = segmenter.predict_case(case)
    settings = PredictionSettings(probabilities=True, uncertainty=True)
    found = segmenter.predict_case(case, settings)
    assert np.array_equal(found.mask.array, plain.mask.array)
    assert (plain.probabilities, plain.uncertainty) == ({}, None)
    assert list(found.probabilities) == ["whole", "core", "enhancing"]
    whole = found.probabilities["whole"].array
    assert np.mean((whole > 0.5) == (found.mask.array > 0)) > 0.999
    assert found.uncertainty.array.max() <= 1.0
    border = found.uncertainty.array[(whole > 0.3) & (whole < 0.7)]
    assert border.mean() > 0.8


def test_the_second_stage_sees_whole_patches(segmenter, heads):
    head = read_images(heads.cases[7], segmenter.plan.sequences)
    coarse = torch.zeros(3, *segmenter.plan.stages[0].grid(head.shape, head.spacing_mm))
    coarse[:, 4:6, 1:3, 1:3] = 1.0  # small, and in a corner
    fine = segmenter.plan.stages[1]
    for room in (fine.patch, (16, 24)):
        plan = replace(segmenter.plan, stages=(segmenter.plan.stages[0], replace(fine, patch=room)))
        box = Segmenter(plan, segmenter.networks)._region(head, coarse)
        seen = fine.grid([part.stop - part.start for part in box], head.spacing_mm)
        whole = fine.grid(head.shape, head.spacing_mm)
        assert all(
            size >= min(length, most) for size, length, most in zip(seen[1:], room, whole[1:])
        )
        assert box[0].stop - box[0].start < head.shape[0]


def test_mirrored_passes_change_little_and_overlap_may(segmenter, heads):
    case = heads.cases[7]
    straight = segmenter.predict_case(case)
    mirrored = segmenter.predict_case(case, PredictionSettings(flips=True))
    assert compare_masks(
        straight.mask.array > 0, mirrored.mask.array > 0, straight.mask.spacing_mm
    ).dice > 0.9  # fmt: skip
    assert straight.quality != mirrored.quality


def test_turning_is_undone(axes_turned):
    array = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    for direction in (np.eye(3), axes_turned(30), axes_turned(-40)[:, [2, 0, 1]], -np.eye(3)):
        turn = Orientation.of(direction)
        assert np.array_equal(turn.to_image(turn.to_patient(array)), array)


def test_heads_are_cut_turned_and_scaled(heads):
    head = read_images(heads.cases[0], ("t1", "flair"), mask=True)
    assert head.stripped
    inside = head.images["t1"] != 0
    assert head.images["t1"][inside].mean() == pytest.approx(0, abs=1e-3)
    assert head.images["t1"][inside].std() == pytest.approx(1, abs=1e-3)
    back = head.to_source(head.labels)
    assert np.array_equal(back.array, read_mask(heads.cases[0].mask).array)
    with pytest.raises(ImageError, match="no grey values that differ"):
        take_head({"t1": Volume(np.zeros((3, 4, 5)))})


# ---------------------------------------------------------------- the folder


def test_a_segmenter_is_read_back_without_running_code(segmenter_folder, segmenter, heads):
    files = {path.suffix for path in segmenter_folder.iterdir() if path.is_file()}
    assert files <= {".json", ".safetensors", ".csv"}
    content = json.loads((segmenter_folder / "segmenter.json").read_text(encoding="utf-8"))
    assert content["trained"]["training"] == list(heads.case_ids[:6])
    assert segmenter.learned_from == set(heads.case_ids[:6])


def test_damaged_folders_say_what_is_wrong(segmenter_folder, tmp_path):
    import shutil

    with pytest.raises(InputError, match="holds no segmenter"):
        Segmenter.load(tmp_path)
    folder = shutil.copytree(segmenter_folder, tmp_path / "copy")
    (folder / "fine.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"fine\.safetensors: damaged, or not the weights"):
        Segmenter.load(folder)
    (folder / "fine.safetensors").unlink()
    with pytest.raises(InputError, match="lacks a stage's weights"):
        Segmenter.load(folder)
    (folder / "segmenter.json").write_text("{}")
    with pytest.raises(InputError, match="not a segmenter's plan"):
        Segmenter.load(folder)
