"""A replaced image makes the folds that saw it be done again, and no others stay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.imaging import Volume
from gliofuse.study import check_study
from gliofuse.study.runner import run_study

pytestmark = pytest.mark.slow(minutes=0.1)

#: The mean of each patient's slices as the probability: it has images and no training.
DESIGN = """
import pandas as pd
from gliofuse.deep.data.slices import SliceSettings
from gliofuse.designs import Design, FittedDesign, Model
from gliofuse.inputs import TumourSlices


class Brightness(Design):
    name = "brightness"
    title = "Mean of the tumour's slices"
    models = (Model("brightness", "Brightness", "deep", "all", "final"),)
    left_out = ()
    needs_validation = True

    @property
    def inputs(self):
        settings = SliceSettings(size=16, which="largest")
        return (TumourSlices(settings, "whole", self.available.sequences),)

    def fit(self, training, validation, context):
        return Fitted(self)


class Fitted(FittedDesign):
    def predict(self, data):
        store = data.store(self.design.inputs[0])
        means = [float(store.array(case).astype(float).mean()) for case in data.case_ids]
        return pd.DataFrame({"brightness": means}, index=list(data.case_ids)).clip(0, 1)
"""


def test_a_replaced_image_is_seen_by_a_design_that_reads_arrays(tmp_path):
    from gliofuse.phantom import make_phantom

    make_phantom(tmp_path / "data", cases=16, seed=3, shape=(24, 28, 24), workers=1)
    (tmp_path / "brightness.py").write_text(DESIGN)
    study = check_study(
        {
            "design": str(tmp_path / "brightness.py"),
            "cohort": "data/cohort.csv",
            "endpoint": {"column": "grade", "positive": ">= 3"},
            "sequences": ["flair"],
            "split": {"kind": "kfold", "folds": 2},
            "evaluation": {"bootstrap": 100},
            "compute": {"workers": 1},
        },
        base=tmp_path,
    )
    run_study(study, tmp_path / "run")
    before = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    changed = before["case_id"].iloc[0]
    image = tmp_path / "data" / changed / "flair.nii.gz"
    volume = Volume.read(image)
    array = np.where(volume.array > 0, volume.array.max() - volume.array, 0)
    volume.with_array(array.astype(volume.array.dtype)).write(image)
    run_study(study, tmp_path / "run")
    after = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    same = (before["probability"] == after["probability"]) | (before["case_id"] == changed)
    assert same.all()
    own = before["case_id"] == changed
    assert (before.loc[own, "probability"] != after.loc[own, "probability"]).all()


def test_study_file_of_a_run_gives_the_run_again(tmp_path):
    """The validation part that a network's design adds stands in the study file too."""
    from gliofuse.phantom import make_phantom
    from gliofuse.study import read_study

    make_phantom(tmp_path / "data", cases=16, seed=3, shape=(24, 28, 24), workers=1)
    (tmp_path / "brightness.py").write_text(DESIGN)
    study = check_study(
        {
            "design": str(tmp_path / "brightness.py"),
            "cohort": "data/cohort.csv",
            "endpoint": {"column": "grade", "positive": ">= 3"},
            "sequences": ["flair"],
            "split": {"kind": "holdout"},
            "evaluation": {"bootstrap": 100},
            "compute": {"workers": 1},
        },
        base=tmp_path,
    )
    run_study(study, tmp_path / "run")
    run_study(read_study(tmp_path / "run" / "study.yaml"), tmp_path / "again")
    first, again = (pd.read_csv(tmp_path / name / "folds.csv") for name in ("run", "again"))
    assert "validation" in set(first["cohort"])
    pd.testing.assert_frame_equal(first, again)
