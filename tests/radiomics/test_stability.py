"""Perturbations, intraclass correlation against pingouin, and a whole stability run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import Case, Cohort, write_manifest
from gliofuse.errors import InputError, ManifestError, RegionError, SettingError
from gliofuse.imaging.volume import Volume
from gliofuse.radiomics.icc import intraclass_correlation
from gliofuse.radiomics.parameters import RadiomicsSettings
from gliofuse.radiomics.perturb import (
    PERTURBATIONS,
    PerturbationSettings,
    change_volume,
    move,
    perturb,
    vary_contour,
)
from gliofuse.radiomics.stability import measure_stability, second_masks

SETTINGS = RadiomicsSettings.from_params(
    {
        "setting": {"binCount": 16},
        "featureClass": {"shape": [], "firstorder": ["Mean", "Median"], "glcm": ["Contrast"]},
    }
)


def ball(shape=(16, 40, 40), radius=9.0, spacing=(2.5, 1.0, 1.0)):
    middle = [size / 2 for size in shape]
    grid = np.indices(shape).T - np.array(middle)
    return (np.linalg.norm(grid * np.array(spacing), axis=-1) < radius).T


def example(seed=0, radius=9.0):
    rng = np.random.default_rng(seed)
    region = ball(radius=radius)
    values = rng.normal(100 + 10 * seed, 20, region.shape) + 60 * region
    image = Volume(values.astype(np.float32), spacing_mm=(2.5, 1.0, 1.0))
    return image, region


# intraclass correlation


@pytest.mark.parametrize(("patients", "raters"), [(5, 2), (12, 3), (40, 8)])
def test_icc_equals_pingouin(patients, raters):
    pingouin = pytest.importorskip("pingouin")
    rng = np.random.default_rng(patients)
    spread = np.array([0.1, 0.5, 1.0, 3.0, 30.0])
    truth = rng.normal(size=(patients, 1, 5)) * spread
    values = truth + rng.normal(size=(patients, raters, 5)) + rng.normal(size=(1, raters, 5))
    found = intraclass_correlation(values)
    for feature in range(5):
        long = pd.DataFrame(values[:, :, feature]).melt(ignore_index=False).reset_index()
        expected = pingouin.intraclass_corr(
            data=long, targets="index", raters="variable", ratings="value"
        ).set_index("Type")
        column = next(name for name in expected.columns if name.startswith("CI95"))
        for kind, names in (
            (("ICC2", "ICC(A,1)"), ("icc", "ci_low", "ci_high")),
            (("ICC3", "ICC(C,1)"), ("icc3", "icc3_ci_low", "icc3_ci_high")),
        ):
            row = expected.loc[next(name for name in kind if name in expected.index)]
            figures = found.loc[feature, list(names)].to_numpy(float)
            assert figures[0] == pytest.approx(row["ICC"], abs=1e-9)
            # pingouin rounds its intervals to two digits
            np.testing.assert_allclose(figures[1:], row[column], atol=0.00501)


def test_icc_of_perfect_shifted_and_constant_features():
    truth = np.arange(6.0)[:, None]
    values = np.stack(
        [
            np.repeat(truth, 2, axis=1),
            np.hstack([truth, truth + 3]),
            np.full((6, 2), 7.1),
            np.hstack([truth, -truth]),
        ],
        axis=2,
    )
    found = intraclass_correlation(values)
    assert found.loc[0, ["icc", "ci_low", "ci_high", "icc3"]].tolist() == [1, 1, 1, 1]
    assert found.loc[1, "icc"] < 0.6 < found.loc[1, "icc3"] == pytest.approx(1.0)
    assert np.isnan(found.loc[2, "icc"])
    assert found.loc[3, "icc3"] == pytest.approx(-1.0)


def test_icc_leaves_out_patients_with_a_gap_and_needs_three():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(6, 2, 2))
    values[2, 1, 0] = np.nan
    found = intraclass_correlation(values)
    assert found["n"].tolist() == [5, 6]
    whole = intraclass_correlation(np.delete(values, 2, axis=0))
    assert found.loc[0, "icc"] == whole.loc[0, "icc"]
    assert np.isnan(intraclass_correlation(values[:2]).loc[1, "icc"])
    with pytest.raises(InputError, match="raters >= 2"):
        intraclass_correlation(values[:, :1])


def test_icc_does_not_depend_on_units_or_order():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(9, 3, 4)) + rng.normal(size=(9, 1, 4)) * 2
    first = intraclass_correlation(values).to_numpy()
    shuffled = values[rng.permutation(9)][:, rng.permutation(3)]
    np.testing.assert_allclose(
        intraclass_correlation(shuffled * 1e-9 + 5e-9), first, rtol=1e-6, atol=1e-9
    )


# perturbations


@pytest.mark.parametrize("fraction", [-0.3, -0.1, 0.1, 0.4])
def test_volume_changes_by_the_fraction_at_the_surface(fraction):
    region = ball()
    changed = change_volume(region, (2.5, 1.0, 1.0), fraction)
    assert changed.sum() == round(region.sum() * (1 + fraction))
    outer, inner = (changed, region) if fraction > 0 else (region, changed)
    assert (outer & inner).sum() == inner.sum()
    again = change_volume(region, (2.5, 1.0, 1.0), fraction)
    np.testing.assert_array_equal(again, changed)


def test_contour_noise_is_seeded_and_stays_near_the_surface():
    region = ball()
    one, two, other = (
        vary_contour(region, (2.5, 1.0, 1.0), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    dice = 2 * (one & region).sum() / (one.sum() + region.sum())
    assert 0.8 < dice < 1


def test_a_whole_voxel_of_translation_shifts_the_array():
    image, region = example()
    moved, inside = move(image, region, shift_voxels=1.0)
    np.testing.assert_allclose(moved.array[:, :-1, :-1], image.array[:, 1:, 1:], rtol=1e-5)
    np.testing.assert_array_equal(inside[:, :-1, :-1], region[:, 1:, 1:])


def test_a_quarter_turn_maps_a_slice_onto_its_transpose():
    region = np.zeros((4, 21, 21), bool)
    region[1:3, 4:17, 8:13] = True
    image = Volume(region.astype(np.float32) * 10, spacing_mm=(2.0, 1.0, 1.0))
    _, inside = move(image, region, degrees=90)
    np.testing.assert_array_equal(inside, region.swapaxes(1, 2))


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_perturbations_keep_type_and_grid(name):
    image, region = example()
    image = image.with_array(image.array.astype(np.int16))
    changed, inside = perturb(name, image, region, np.random.default_rng(0))
    assert changed.array.dtype == np.int16
    assert changed.same_geometry(image)
    assert inside.shape == region.shape
    assert inside.any()


def test_wrong_perturbations_are_named():
    image, region = example()
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match="did you mean 'erosion'"):
        perturb("erode", image, region, rng)
    with pytest.raises(SettingError, match="volume_fraction must be below 1"):
        PerturbationSettings(volume_fraction=1.5)
    with pytest.raises(SettingError, match="noise_fraction must be above 0"):
        PerturbationSettings(noise_fraction=0)
    tiny = np.zeros_like(region)
    tiny[8, 20, 20] = True
    with pytest.raises(RegionError, match="erosion leaves no voxel"):
        perturb("erosion", image, tiny, rng, PerturbationSettings(volume_fraction=0.9))


# a whole run


@pytest.fixture
def cohort(tmp_path):
    cases = []
    for number in range(5):
        image, region = example(number, radius=7.0 + number)
        folder = tmp_path / f"p{number}"
        folder.mkdir()
        image.write(folder / "t1ce.nii.gz")
        image.with_array(region.astype(np.uint8)).write(folder / "mask.nii.gz")
        second = change_volume(region, image.spacing_mm, 0.1)
        image.with_array(second.astype(np.uint8)).write(tmp_path / f"second_p{number}.nii.gz")
        cases.append(Case(f"p{number}", {"t1ce": folder / "t1ce.nii.gz"}, folder / "mask.nii.gz"))
    return Cohort(tuple(cases))


def test_a_run_ranks_features_and_repeats_itself(cohort):
    found = measure_stability(cohort, settings=SETTINGS)
    again = measure_stability(cohort.subset(reversed(cohort.case_ids)), settings=SETTINGS)
    pd.testing.assert_frame_equal(
        found.values.sort_index(), again.values.sort_index(), check_exact=True
    )
    assert found.failures.empty
    assert len(found.values) == 5 * (1 + len(PERTURBATIONS))
    icc = found.icc.set_index("feature")["icc"]
    assert icc["t1ce.whole.original_shape_Maximum3DDiameter"] > 0.9
    alone = found.by_variant.set_index(["variant", "feature"])["icc"]
    assert alone["noise", "t1ce.whole.original_shape_MeshVolume"] == 1.0
    assert alone["binning", "t1ce.whole.original_firstorder_Mean"] == 1.0
    assert alone["binning", "t1ce.whole.original_glcm_Contrast"] < 1.0
    stable = found.stable(0.75)
    assert (stable["icc"] >= 0.75).all()
    assert set(stable["feature"]) == set(icc[icc >= 0.75].index)


def test_second_masks_are_the_only_variant(cohort, tmp_path):
    folder = tmp_path / "reader2"
    folder.mkdir()
    for number in range(5):
        (tmp_path / f"second_p{number}.nii.gz").rename(folder / f"p{number}.nii.gz")
    masks = second_masks(folder, cohort.case_ids)
    found = measure_stability(cohort, settings=SETTINGS, masks2=masks)
    assert set(found.by_variant["variant"]) == {"mask2"}
    ratio = found.values["t1ce.whole.original_shape_VoxelVolume"].unstack()
    np.testing.assert_allclose(ratio["mask2"] / ratio["original"], 1.1, atol=0.01)
    manifest = tmp_path / "reader2.csv"
    cases = [Case(case.case_id, case.images, masks[case.case_id]) for case in cohort]
    write_manifest(Cohort(tuple(cases)), manifest)
    assert second_masks(manifest, cohort.case_ids) == masks


def test_a_patient_that_fails_is_listed(cohort):
    empty = cohort["p2"].mask
    image = Volume.read(empty)
    image.with_array(np.zeros_like(image.array)).write(empty)
    found = measure_stability(cohort, settings=SETTINGS, perturbations=["noise"], workers=1)
    assert found.failures["case_id"].tolist() == ["p2"]
    assert found.icc["n"].max() == 4


def test_too_little_to_compare_is_named(cohort, tmp_path):
    with pytest.raises(ManifestError, match="at least 3 patients, 2 of 2"):
        measure_stability(cohort.subset(["p0", "p1"]), settings=SETTINGS, perturbations=["noise"])
    with pytest.raises(SettingError, match="did you mean 'noise'"):
        measure_stability(cohort, settings=SETTINGS, perturbations=["noises"])
    with pytest.raises(SettingError, match="nothing to compare"):
        measure_stability(cohort, settings=SETTINGS, perturbations=[])
    with pytest.raises(ManifestError, match="no second mask of any of 5 patients"):
        second_masks(tmp_path, cohort.case_ids)
    with pytest.raises(ManifestError, match="no such manifest or folder"):
        second_masks(tmp_path / "none", cohort.case_ids)


def test_the_command_writes_a_filter_that_a_study_reads(cohort, tmp_path):
    from gliofuse.cli import main
    from gliofuse.signature.icc import read_icc_table

    manifest, out = tmp_path / "cohort.csv", tmp_path / "out"
    write_manifest(cohort, manifest)
    words = ["stability", str(manifest), "-o", str(out), "--preset", "original"]
    with pytest.raises(SystemExit) as stop:
        main([*words, "--perturb", "erosion,noise", "--patients", "4"])
    assert stop.value.code == 0
    names = {path.name for path in out.iterdir()}
    assert {"icc.csv", "by_variant.csv", "stable_features.csv", "stability.svg"} <= names
    stable = read_icc_table(out / "stable_features.csv")
    assert len(stable) > 20
    assert (stable >= 0.75).all()
    assert read_icc_table(out / "icc.csv").size == 107
    assert "<svg" in (out / "stability.svg").read_text()
    with pytest.raises(SystemExit) as stop:
        main([*words, "--threshold", "2"])
    assert stop.value.code == 2


def test_second_masks_in_a_column_of_the_manifest(cohort, tmp_path):
    from gliofuse.cli import main

    manifest, out = tmp_path / "cohort.csv", tmp_path / "out"
    lines = ["case_id,t1ce,mask,reader2,grade"]
    lines += [
        f"p{n},p{n}/t1ce.nii.gz,p{n}/mask.nii.gz,second_p{n}.nii.gz,{n % 2}" for n in range(5)
    ]
    manifest.write_text("\n".join(lines) + "\n")
    words = ["stability", str(manifest), "-o", str(out), "--preset", "shape", "--mask2"]
    with pytest.raises(SystemExit) as stop:
        main([*words, "reader2"])
    assert stop.value.code == 0
    assert set(pd.read_csv(out / "by_variant.csv")["variant"]) == {"mask2"}
    with pytest.raises(ManifestError, match="did you mean 'reader2'"):
        main(["--debug", *words, "reader"])
