"""A patient whose mask lacks a region stays, with missing features and a remark."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import parse_endpoint, read_manifest
from gliofuse.deep.data.slices import SliceSettings
from gliofuse.designs import Available, FitContext, find_design, parse_settings
from gliofuse.designs.framework.absent import with_absent
from gliofuse.imaging import Volume
from gliofuse.inputs import (
    CaseData,
    FeatureTable,
    PretrainedFeatures,
    RadiomicFeatures,
    Source,
    compute_inputs,
)
from gliofuse.radiomics import RadiomicsSettings
from gliofuse.signature import MedianImputer

pytestmark = pytest.mark.slow(minutes=0.1)

REGIONS = ("edema", "enhancing")
BANK = RadiomicsSettings.preset("original")


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    """Inputs of four patients, of whom the second has no enhancing tumour and the third no mask."""
    from gliofuse.phantom import make_phantom

    folder = tmp_path_factory.mktemp("absent")
    make_phantom(folder, cases=4, seed=2, shape=(24, 28, 24), workers=1)
    cohort = read_manifest(folder / "cohort.csv", check_files=False)
    for place, kept in ((1, lambda a: np.where(a == 4, 1, a)), (2, np.zeros_like)):
        mask = cohort.cases[place].mask
        labels = Volume.read(mask)
        labels.with_array(kept(labels.array).astype(np.uint8)).write(mask)
    radiomics = RadiomicFeatures(BANK, REGIONS, ("t1", "t1ce"), "minmax")
    deep = PretrainedFeatures(
        "resnet34", SliceSettings(size=32, which="largest"), REGIONS, ("t1ce",), allow_random=True
    )
    source = Source(cohort=cohort, convention="brats", cache=folder / "cache")
    return (
        [case.case_id for case in cohort],
        (radiomics, deep),
        compute_inputs([radiomics, deep], source),
    )


@pytest.mark.parametrize("place", [0, 1], ids=["radiomic", "deep"])
def test_the_region_alone_is_missing_and_it_is_said(computed, place):
    case_ids, inputs, found = computed
    table = found.values[inputs[place].key].value
    lacking, empty = case_ids[1], case_ids[2]
    assert list(table.index) == [case_ids[0], lacking, case_ids[3]]
    assert set(found.failures["case_id"]) == {empty}
    missing = table.loc[lacking].isna()
    assert missing.equals(pd.Series(table.columns.str.contains(".enhancing."), table.columns))
    assert table.drop(lacking).notna().all(axis=None)
    notes = found.values[inputs[place].key].notes
    assert notes["case_id"].tolist() == [lacking]
    assert "the mask has no enhancing" in notes["note"].item()


def test_the_indicator_is_of_regions_and_of_the_patient():
    names = [f"{s}.{r}.original_glcm_Idm" for s in ("t1", "t2") for r in ("whole", "core")]
    table = pd.DataFrame([[1.0] * 4, [1.0, np.nan, 2.0, np.nan]], index=["a", "b"], columns=names)
    found = with_absent(table)
    assert list(found.columns) == [*names, "t1.core.original_region_Absent"]
    assert found.iloc[:, -1].tolist() == [0.0, 1.0]


def test_medians_are_of_training_patients():
    training = pd.DataFrame({"a": [1.0, 3.0, np.nan, 8.0], "b": [np.nan] * 4, "c": 1.0})
    new = pd.DataFrame({"a": [np.nan, 100.0], "b": [5.0, np.nan], "c": [np.nan, 2.0]})
    oracle = training["a"].median()
    found = MedianImputer().fit(training).transform(new)
    np.testing.assert_array_equal(found, [[oracle, 5.0, 1.0], [100.0, 0.0, 2.0]])


@pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning")
def test_absence_can_tell_the_grade_and_a_held_out_patient_moves_nothing():
    rng = np.random.default_rng(0)
    ids = pd.Index([f"p{n:02d}" for n in range(60)], name="case_id")
    y = np.tile([0, 1], 30)
    columns = [f"t1ce.{r}.original_glcm_F{n}" for r in REGIONS for n in range(12)]
    table = pd.DataFrame(rng.normal(size=(60, 24)), index=ids, columns=columns)
    lacks = (y == 0) & (rng.random(60) < 0.8)  # mostly low grade
    table.loc[lacks, [c for c in columns if ".enhancing." in c]] = np.nan
    kind = find_design("imaging-clinical")
    design = kind(
        parse_settings(kind, {"folds": 3, "selection_folds": 3}),
        Available(parse_endpoint("grade >= 3"), ("t1ce",), ("whole", *REGIONS)),
    )

    def fit(values):
        data = CaseData(
            tuple(ids),
            {design.radiomics.key: FeatureTable(values)},
            pd.DataFrame(index=ids),
            pd.DataFrame({"y_true": y}, index=ids),
        )
        fitted = design.fit(data.subset(ids[:40]), None, FitContext())
        return fitted, fitted.predict(data.without_outcome())

    fitted, scores = fit(table)
    assert scores.notna().all(axis=None)
    assert "t1ce.enhancing.original_region_Absent" in fitted.selected_features(
        CaseData(tuple(ids), {design.radiomics.key: FeatureTable(table)}, pd.DataFrame(index=ids))
    )
    held_out = pd.Series(y, ids).loc[ids[40:]].groupby(lacks[40:])
    assert scores.loc[ids[40:], "tumor_radiomics"].groupby(lacks[40:]).mean().diff().iloc[1] < -0.2
    assert held_out.mean().iloc[1] == 0
    changed = table.copy()
    changed.loc[ids[40:]] = changed.loc[ids[40:]] * 50
    _, others = fit(changed)
    pd.testing.assert_frame_equal(scores.loc[ids[:40]], others.loc[ids[:40]])
