"""A cohort of raw scans through all steps, from the command line too."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gliofuse.cli import main
from gliofuse.cohort import Case, Cohort, read_manifest, write_manifest
from gliofuse.errors import InputError, SettingError
from gliofuse.imaging import Volume, load_case, read_mask
from gliofuse.preprocessing import (
    Affine,
    CaseRecord,
    PreprocessingSettings,
    check_settings,
    preprocess_cohort,
    resample,
    to_native,
)
from gliofuse.preprocessing.checks import dice
from gliofuse.preprocessing.template import load_template, template_grid

#: t1ce and flair have one grid, between which the patient moved: the mask's must be named.
SETTINGS = PreprocessingSettings(spacing_mm=2.0, mask_drawn_on="flair")

pytestmark = pytest.mark.slow(minutes=1.5)


@pytest.fixture(scope="module")
def truth(scan):
    """Three sequences of one patient, each scanned in its own way."""
    return {
        "t1ce": scan("t1ce"),
        "t2": scan("t2", "thick", 1, rotation_degrees=(6, -4, 5), shift_mm=(5, 8, -6)),
        "flair": scan("flair", "coarse", 2, rotation_degrees=(-5, 3, 8), shift_mm=(-9, 4, 7)),
    }


@pytest.fixture(scope="module")
def done(truth, tmp_path_factory):
    """The patient, and one whose FLAIR is another's noise, preprocessed."""
    folder = tmp_path_factory.mktemp("raw")
    images = {}
    for name, found in truth.items():
        found.volume.write(folder / f"{name}.nii.gz")
        images[name] = folder / f"{name}.nii.gz"
    flair = truth["flair"]
    flair.volume.with_array(flair.tumour).write(folder / "mask.nii.gz")
    rng = np.random.default_rng(1)
    noise = rng.integers(1, 900, flair.volume.shape).astype(np.int16)
    flair.volume.with_array(noise).write(folder / "noise.nii.gz")
    good = Case("good", images, folder / "mask.nii.gz", clinical={"grade": 3})
    bad = replace(good, case_id="bad", images={**images, "flair": folder / "noise.nii.gz"})
    no_t1 = replace(good, case_id="no-t1", images={"t2": images["t2"]}, mask=None)
    gone = replace(good, case_id="gone", images={**images, "t2": folder / "none.nii.gz"})
    cohort = Cohort((good, bad, no_t1, gone))
    out = tmp_path_factory.mktemp("clean")
    return cohort, out, *preprocess_cohort(cohort, out, SETTINGS)


def test_what_comes_through_is_on_one_grid_with_its_clinical_values(done):
    _, out, result, _ = done
    assert result.case_ids == ("good",)
    again = read_manifest(out / "cohort.csv")
    assert again["good"].clinical == {"grade": 3}
    images = load_case(again["good"], ("t1ce", "t2", "flair"))  # refuses differing grids
    assert images.mask.spacing_mm == (2.0, 2.0, 2.0)
    assert set(np.unique(images.mask.array)) == {0, 1, 2, 4}


def test_sequences_brain_and_mask_stand_where_they_should(done, truth):
    _, out, _, _ = done
    record = CaseRecord.read(out / "good")
    reference = truth["t1ce"]
    brain = Volume.read(out / "good" / "brain.nii.gz")
    expected = reference.volume.with_array(reference.brain.astype(np.uint8))
    seen = resample(expected, brain, Affine.identity(), how="nearest").array > 0
    assert dice(brain.array > 0, seen) > 0.9
    points = brain.index_to_point(np.argwhere(seen)[::200])
    for name, found in truth.items():
        there = Affine(found.motion @ np.linalg.inv(reference.motion)).apply(points)
        away = np.linalg.norm(record.transform(name).apply(points) - there, axis=1)
        assert away.mean() < 1.0
    tumour = reference.volume.with_array(reference.tumour)
    seen = resample(tumour, brain, Affine.identity(), how="nearest").array > 0
    carried = read_mask(out / "good" / "mask.nii.gz").array > 0
    assert dice(carried, seen) > 0.85  # voxels of 2 mm, drawn on another grid
    assert 900 < record.numbers["brain"]["volume_ml"] < 2000


def test_refused_patients_are_listed_with_the_reason(done):
    _, out, _, failed = done
    assert list(failed["case_id"]) == ["bad", "no-t1", "gone"]
    errors = failed.set_index("case_id")["error"]
    assert "flair" in errors["bad"]
    assert "no t1ce and no t1" in errors["no-t1"]
    assert "no such file" in errors["gone"]
    written = pd.read_csv(out / "failed_cases.csv")
    assert list(written.columns) == ["case_id", "stage", "error"]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.index("bad") < page.index("good")  # refused ones first
    assert "Refused" in (out / "bad" / "index.html").read_text(encoding="utf-8")
    assert (out / "good" / "overview.png").stat().st_size > 10_000
    for name in ("scans", "alignment", "brain", "bias"):
        assert (out / "good" / "pictures" / f"{name}.png").exists()


def test_finished_patients_are_kept_and_a_changed_setting_redoes_them(done):
    cohort, out, _, _ = done
    settings = SETTINGS
    before = (out / "good" / "case.json").stat().st_mtime_ns
    one = cohort.subset(["good"])
    preprocess_cohort(one, out, settings)
    assert (out / "good" / "case.json").stat().st_mtime_ns == before
    steps = ("reorient", "resample")
    quick = settings.model_copy(update={"spacing_mm": 3.0, "steps": steps})
    preprocess_cohort(one, out.parent / "quick", quick)
    record = CaseRecord.read(out.parent / "quick" / "good")
    assert "register" not in record.seconds
    assert record.fingerprint != CaseRecord.read(out / "good").fingerprint


def test_a_mask_goes_back_to_the_scan_it_is_for(done, truth, tmp_path):
    _, out, _, _ = done
    back = to_native(out / "good" / "mask.nii.gz", out / "good", "flair")
    flair = truth["flair"]
    assert back.same_geometry(flair.volume)
    assert dice(back.array > 0, flair.tumour > 0) > 0.85
    main_arguments = [
        "preprocess", "--to-native", str(out / "good" / "mask.nii.gz"), "--patient",
        str(out / "good"), "--sequence", "t2", "-o", str(tmp_path / "on_t2.nii.gz"),
    ]  # fmt: skip
    with pytest.raises(SystemExit) as stopped:
        main(main_arguments)
    assert stopped.value.code == 0
    assert read_mask(tmp_path / "on_t2.nii.gz").same_geometry(truth["t2"].volume)
    with pytest.raises(InputError, match="no sequence 'adc'"):
        to_native(out / "good" / "mask.nii.gz", out / "good", "adc")


def test_a_mask_that_may_belong_to_either_scan_is_asked_about(done, tmp_path):
    cohort, _, _, _ = done
    steps = ("register", "resample")
    settings = PreprocessingSettings(spacing_mm=3.0, steps=steps)
    case = cohort["good"]
    two = replace(case, images={name: case.images[name] for name in ("t1ce", "flair")})
    _, failed = preprocess_cohort(Cohort((two,)), tmp_path, settings)
    assert "t1ce and flair have its grid" in failed["error"][0]


def test_stripped_scans_are_taken_as_they_are(truth, tmp_path):
    images = {}
    for name, found in truth.items():
        array = np.where(found.brain, found.volume.array, 0)
        found.volume.with_array(array).write(tmp_path / f"{name}.nii.gz")
        images[name] = tmp_path / f"{name}.nii.gz"
    mixed = tmp_path / "whole.nii.gz"
    truth["t2"].volume.write(mixed)
    cohort = Cohort((Case("stripped", images), Case("mixed", {**images, "t2": mixed})))
    _, failed = preprocess_cohort(cohort, tmp_path / "o", PreprocessingSettings(spacing_mm=2.0))
    assert list(failed["case_id"]) == ["mixed"]
    assert "t2 with one" in failed["error"][0]
    record = CaseRecord.read(tmp_path / "o" / "stripped")
    assert any("no skull" in note for note in record.notes)
    reference = truth["t1ce"]
    expected = reference.brain.sum() * reference.volume.voxel_volume_mm3 / 1000
    assert record.numbers["brain"]["volume_ml"] == pytest.approx(expected, rel=0.03)


def test_ones_own_brain_mask_and_a_program_that_is_not_there(truth, tmp_path):
    found = truth["t1ce"]
    found.volume.write(tmp_path / "t1ce.nii.gz")
    own = found.volume.with_array(found.brain.astype(np.uint8))
    own.write(tmp_path / "p.nii.gz")
    cohort = Cohort((Case("p", {"t1ce": tmp_path / "t1ce.nii.gz"}),))
    settings = check_settings(
        {"brain_mask": str(tmp_path / "{case_id}.nii.gz"), "spacing_mm": 2, "steps": ["brain"]}
    )
    preprocess_cohort(cohort, tmp_path / "own", settings)
    brain = Volume.read(tmp_path / "own" / "p" / "brain.nii.gz")
    seen = resample(own, brain, Affine.identity(), how="nearest").array > 0
    assert dice(brain.array > 0, seen) > 0.97
    _, failed = preprocess_cohort(cohort, tmp_path / "no", check_settings({"brain": "hd-bet"}))
    assert "no hd-bet on PATH" in failed["error"][0]


def test_template_space_is_that_of_the_atlas(truth, tmp_path):
    found = truth["t1ce"]
    found.volume.write(tmp_path / "p_t1ce.nii.gz")
    found.volume.with_array(found.brain.astype(np.uint8)).write(tmp_path / "p_brain.nii.gz")
    found.volume.with_array(found.tumour).write(tmp_path / "p_mask.nii.gz")
    case = Case("p", {"t1ce": tmp_path / "p_t1ce.nii.gz"}, tmp_path / "p_mask.nii.gz")
    write_manifest(Cohort((case,)), tmp_path / "cohort.csv")
    with pytest.raises(SystemExit) as stopped:
        main([
            "preprocess", str(tmp_path / "cohort.csv"), "-o", str(tmp_path / "out"), "--space",
            "template", "--spacing", "2", "--steps", "brain,resample", "--brain-mask",
            str(tmp_path / "{case_id}_brain.nii.gz"),
        ])  # fmt: skip
    assert stopped.value.code == 0
    folder = tmp_path / "out" / "p"
    brain, image = Volume.read(folder / "brain.nii.gz"), Volume.read(folder / "t1ce.nii.gz")
    assert brain.same_geometry(template_grid(2.0))
    assert image.same_geometry(brain)
    atlas = load_template()
    here = resample(atlas.brain, brain, Affine.identity(), how="nearest").array > 0
    assert dice(brain.array > 0, here) > 0.9
    before = resample(atlas.brain, found.volume, Affine.identity(), how="nearest").array > 0
    assert dice(found.brain, before) < 0.85  # it took an affine map
    back = to_native(folder / "brain.nii.gz", folder, "t1ce")
    assert back.same_geometry(found.volume)
    assert dice(back.array > 0, found.brain) > 0.95
    back = to_native(folder / "mask.nii.gz", folder, "t1ce")
    assert dice(back.array > 0, found.tumour > 0) > 0.85


def test_settings_that_are_not_known_are_named():
    with pytest.raises(SettingError, match="unknown step 'registre'; did you mean 'register'"):
        check_settings({"steps": ["registre"]})
    with pytest.raises(SettingError, match="unknown key 'spacing'; did you mean 'spacing_mm'"):
        check_settings({"spacing": 1})
    with pytest.raises(SettingError, match="spacing_mm"):
        check_settings({"spacing_mm": 0})


def test_the_real_patient_of_the_scanner(shared_data, tmp_path):
    folder = shared_data("raw_tcga") / "TCGA-FG-6692"
    images = {name: folder / f"{name}.nii.gz" for name in ("t1", "t1ce", "t2", "flair")}
    cohort = Cohort((Case("TCGA-FG-6692", images),))
    result, failed = preprocess_cohort(cohort, tmp_path, PreprocessingSettings())
    assert failed.empty
    record = json.loads((tmp_path / "TCGA-FG-6692" / "case.json").read_text(encoding="utf-8"))
    numbers = record["numbers"]
    # HD-BET 2 found 1,570 ml in each of the four scans.
    assert numbers["brain"]["volume_ml"] == pytest.approx(1570, rel=0.10)
    for name in images:
        assert numbers[name]["brain_ml"] == pytest.approx(1570, rel=0.10)
        assert numbers[name]["brain_dice"] >= 0.95
    volumes = [Volume.read(result["TCGA-FG-6692"].images[name]) for name in images]
    assert all(volume.same_geometry(volumes[0]) for volume in volumes)
    assert volumes[0].spacing_mm == (1.0, 1.0, 1.0)
