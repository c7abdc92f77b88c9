"""Features on a grey scale that is learned in the fold, from its training patients alone."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import read_manifest
from gliofuse.errors import InputError
from gliofuse.imaging import Volume
from gliofuse.inputs import (
    CaseData,
    RadiomicFeatures,
    Source,
    StandardisedRadiomicFeatures,
    compute_fold_inputs,
    compute_inputs,
    radiomic_features,
)
from gliofuse.radiomics import RadiomicsSettings
from gliofuse.study import check_study
from gliofuse.study.runner import run_study

BANK = RadiomicsSettings(
    setting={"binWidth": 5.0},
    imageType={"Original": {}},
    featureClass={"firstorder": ["Mean", "Median", "90Percentile"], "shape": ["VoxelVolume"]},
)
WANTED = StandardisedRadiomicFeatures(BANK, ("whole",), ("t1", "flair"))


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    from gliofuse.phantom import make_phantom

    folder = tmp_path_factory.mktemp("phantom")
    make_phantom(folder, cases=12, seed=2, shape=(24, 28, 24), workers=1)
    return folder


def learned(folder, training=4):
    """Return each patient's features where the first ones are the fold's training patients."""
    cohort = read_manifest(folder / "cohort.csv").subset(
        [case.case_id for case in read_manifest(folder / "cohort.csv")][:6]
    )
    ids = tuple(case.case_id for case in cohort)
    computed = compute_inputs([WANTED], Source(cohort=cohort, convention="brats"))
    assert computed.failures.empty
    data = CaseData(ids, computed.values, pd.DataFrame(index=ids))
    return compute_fold_inputs(data, [WANTED], ids[:training]).table(WANTED)


def changed(phantom, folder, patient, how):
    """Copy the patients and change the grey values of one of them."""
    shutil.copytree(phantom, folder)
    case = list(read_manifest(folder / "cohort.csv"))[patient]
    for name in ("t1", "flair"):
        volume = Volume.read(case.images[name])
        array = volume.array.astype(float)
        volume.with_array(np.where(array != 0, how(array), 0)).write(case.images[name])
    return folder


def test_test_patients_change_nothing_and_training_patients_everything(phantom, tmp_path):
    before = learned(phantom)

    def bent(array):
        return array**2 / array.max()

    of_test = learned(changed(phantom, tmp_path / "test", 5, bent))
    others = before.index[:5]
    pd.testing.assert_frame_equal(of_test.loc[others], before.loc[others], check_exact=True)
    of_training = learned(changed(phantom, tmp_path / "training", 1, bent))
    untouched = before.index[[0, 2, 3, 4, 5]]
    grey = [name for name in before.columns if "firstorder" in name]
    assert (of_training.loc[untouched, grey] != before.loc[untouched, grey]).all(axis=None)
    shape = [name for name in before.columns if "shape" in name]
    pd.testing.assert_frame_equal(of_training[shape], before[shape])


def test_the_scanners_gain_goes_away(phantom, tmp_path):
    before = learned(phantom)
    again = learned(changed(phantom, tmp_path / "gain", 5, lambda array: 3.0 * array + 40.0))
    np.testing.assert_allclose(again, before, rtol=1e-4)
    plain = RadiomicFeatures(BANK, ("whole",), ("t1", "flair"))
    cohort = read_manifest(tmp_path / "gain" / "cohort.csv")
    raw = [plain.compute_case(case, Source(convention="brats"))["whole"] for case in list(cohort)]
    means = pd.DataFrame(raw)["flair.whole.original_firstorder_Mean"]
    assert means.iloc[5] > 2 * means.drop(5).max()


def test_a_table_without_images_is_refused_and_other_scales_stay_out_of_the_fold():
    with pytest.raises(InputError, match="no images to take histograms from"):
        compute_inputs([WANTED], Source(features=pd.DataFrame()))
    asked = radiomic_features(
        settings=BANK, regions=("whole",), sequences=("t1",), normalisation="zscore"
    )
    assert asked.scope == "cohort"


@pytest.mark.slow(minutes=0.3)
def test_a_study_can_ask_for_it(phantom, tmp_path):
    bank = "imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean, Median], shape: []}\n"
    (tmp_path / "bank.yaml").write_text(bank)
    study = check_study(
        {
            "design": "imaging-clinical",
            "cohort": "cohort.csv",
            "endpoint": {"column": "grade", "positive": ">= 3"},
            "settings": {
                "normalisation": "histogram", "radiomics": str(tmp_path / "bank.yaml"),
                "folds": 2, "selection_folds": 2, "alpha": 0.9,
            },
            "split": {"kind": "holdout", "test_fraction": 0.25},
            "evaluation": {"bootstrap": 100},
            "compute": {"workers": 1},
        },
        base=phantom,
    )  # fmt: skip
    run_study(study, tmp_path / "run")
    found = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert found["probability"].notna().all()
    assert set(found["cohort"]) == {"training", "test"}
