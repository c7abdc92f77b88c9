"""Inputs: computed in one pass, one file read once, and known by their content."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import read_manifest
from gliofuse.deep.data.slices import SliceSettings
from gliofuse.errors import InputError, RegionError
from gliofuse.imaging import Volume
from gliofuse.inputs import (
    CaseData,
    FeatureTable,
    FoldInput,
    RadiomicFeatures,
    Source,
    TumourSlices,
    compute_fold_inputs,
    compute_inputs,
)
from gliofuse.radiomics import RadiomicsSettings, extract_cohort

SEQUENCES = ("t1", "t1ce")


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """Four small patients, to be copied by tests that change them."""
    from gliofuse.phantom import make_phantom

    folder = tmp_path_factory.mktemp("phantom")
    make_phantom(folder, cases=4, seed=2, shape=(24, 28, 24), workers=1)
    return folder


@pytest.fixture
def patients(phantom, tmp_path):
    """A copy of the patients that a test may change."""
    shutil.copytree(phantom, tmp_path / "phantom")
    return tmp_path / "phantom"


def source_of(folder, cache):
    cohort = read_manifest(folder / "cohort.csv", check_files=False)
    return Source(cohort=cohort, convention="brats", cache=cache)


def shape_and_intensity():
    bank = RadiomicsSettings.preset("original")
    return RadiomicFeatures(bank, ("whole",), SEQUENCES, "minmax")


def slices():
    return TumourSlices(SliceSettings(size=16, which="largest"), "whole", SEQUENCES)


def test_table_equals_the_radiomics_packages_own(phantom, tmp_path):
    wanted = shape_and_intensity()
    source = source_of(phantom, tmp_path)
    computed = compute_inputs([wanted], source)
    alone, _ = extract_cohort(
        source.cohort,
        settings=wanted.settings,
        regions=wanted.regions,
        sequences=wanted.sequences,
        convention="brats",
        normalisation="minmax",
    )
    pd.testing.assert_frame_equal(computed.values[wanted.key].value, alone, check_exact=True)
    assert computed.failures.empty
    assert computed.seconds[wanted.key] > 0


def test_each_file_is_read_once_for_all_inputs(phantom, tmp_path, monkeypatch):
    from gliofuse.imaging import _reading

    read, real = [], _reading.read_volume
    monkeypatch.setattr(
        _reading, "read_volume", lambda path: (read.append(str(path)), real(path))[1]
    )
    equal = [slices(), slices()]
    compute_inputs([shape_and_intensity(), *equal], source_of(phantom, tmp_path))
    assert len(read) == len(set(read)) == 4 * 3, "two sequences and the mask of four patients"


def test_workers_do_not_change_what_is_computed(phantom, tmp_path):
    wanted = [shape_and_intensity(), slices()]
    one = compute_inputs(wanted, source_of(phantom, tmp_path / "a"))
    two = compute_inputs(wanted, source_of(phantom, tmp_path / "b"), workers=2)
    ids = read_manifest(phantom / "cohort.csv").case_ids
    for key, value in one.values.items():
        assert value.fingerprint(ids) == two.values[key].fingerprint(ids)


@pytest.mark.parametrize("wanted", [shape_and_intensity(), slices()], ids=["table", "arrays"])
def test_fingerprint_is_of_the_content_of_these_patients(wanted, patients, tmp_path):
    """A replaced image changes its own patient's fingerprint; a touched or moved one none."""
    ids = read_manifest(patients / "cohort.csv").case_ids

    def fingerprints(folder, cache):
        value = compute_inputs([wanted], source_of(folder, cache)).values[wanted.key]
        return [value.fingerprint([case_id]) for case_id in ids] + [value.fingerprint(ids)]

    before = fingerprints(patients, tmp_path / "cache")
    image = patients / ids[1] / "t1ce.nii.gz"
    os.utime(image, ns=(1, 1))
    assert fingerprints(patients, tmp_path / "cache") == before
    moved = tmp_path / "moved"
    shutil.move(patients, moved)
    assert fingerprints(moved, tmp_path / "another cache") == before

    image = moved / ids[1] / "t1ce.nii.gz"
    volume = Volume.read(image)
    noise = np.random.default_rng(0).normal(scale=20, size=volume.shape)
    volume.with_array(volume.array + noise.astype(volume.array.dtype)).write(image)
    after = fingerprints(moved, tmp_path / "cache")
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, True, True, False]


def test_a_bad_patient_is_listed_for_the_input_that_fails(patients, tmp_path):
    ids = read_manifest(patients / "cohort.csv").case_ids
    (patients / ids[0] / "t1.nii.gz").unlink()
    only_t1ce = TumourSlices(SliceSettings(size=16), "whole", ("t1ce",))
    computed = compute_inputs([slices(), only_t1ce], source_of(patients, tmp_path / "cache"))
    row = computed.failures.iloc[0]
    assert len(computed.failures) == 1
    assert (row["case_id"], row["key"], row["stage"]) == (ids[0], slices().key, "slices")
    assert "no such file" in row["error"]
    assert computed.values[only_t1ce.key].value.case_ids == ids


def test_what_is_wrong_for_everybody_is_one_error(phantom, tmp_path):
    wrong = RadiomicFeatures(RadiomicsSettings.preset("shape"), ("hole",), SEQUENCES)
    with pytest.raises(RegionError, match="hole"):
        compute_inputs([wrong], source_of(phantom, tmp_path))
    with pytest.raises(InputError, match="no images to take slices from"):
        compute_inputs([slices()], Source(features=pd.DataFrame()))


class CentredFeatures(FoldInput):
    """Features less their mean over the training patients of the fold."""

    what = "centred features"

    @property
    def parts(self):
        return (shape_and_intensity(),)

    def learn(self, data, training):
        assert list(data.outcome.index) == list(training), "outcomes of the others are withheld"
        table = data.table(self.parts[0])
        return FeatureTable(table - table.loc[list(training)].mean())


def test_an_input_of_scope_fold_has_no_computation_of_its_own_to_refuse():
    wanted = CentredFeatures()
    assert [wanted.scope, *(part.scope for part in wanted.parts)] == ["fold", "cohort"]
    for name in ("compute_case", "gather", "from_table", "check"):
        assert not hasattr(wanted, name), name


def test_an_input_of_scope_fold_learns_from_training_patients_alone():
    rng = np.random.default_rng(0)
    ids = [f"p{number}" for number in range(6)]
    table = pd.DataFrame(rng.normal(size=(6, 3)), index=ids)
    wanted = CentredFeatures()
    computed = compute_inputs([wanted], Source(features=table)).values
    assert list(computed) == [shape_and_intensity().key]
    outcome = pd.DataFrame({"y_true": [0, 1] * 3}, index=ids)
    data = CaseData(tuple(ids), computed, pd.DataFrame(index=ids), outcome)
    learned = compute_fold_inputs(data, [wanted], ("p0", "p1", "p2"))
    np.testing.assert_allclose(learned.table(wanted).iloc[:3].mean(), 0, atol=1e-12)
    changed = table.copy()
    changed.iloc[4] += 100
    other = CaseData(
        tuple(ids), {shape_and_intensity().key: FeatureTable(changed)}, data.clinical, outcome
    )
    again = compute_fold_inputs(other, [wanted], ("p0", "p1", "p2")).table(wanted)
    unchanged = [case for case in ids if case != "p4"]
    pd.testing.assert_frame_equal(
        again.loc[unchanged], learned.table(wanted).loc[unchanged], check_exact=True
    )
