"""A study on predicted masks needs no drawn one, and no fold learns from its test patients."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import Cohort, read_manifest
from gliofuse.errors import SettingError
from gliofuse.imaging import read_mask
from gliofuse.study import check_study
from gliofuse.study.runner import run_study

pytestmark = pytest.mark.slow(minutes=0.5)

#: The tumour's volume as the probability, so that the predictions tell which mask was read.
DESIGN = """
import pandas as pd
from gliofuse.designs import Design, FittedDesign, Model
from gliofuse.inputs import RadiomicFeatures
from gliofuse.radiomics import RadiomicsSettings


class Volume(Design):
    name = "volume"
    title = "Volume of the tumour"
    models = (Model("volume", "Volume", "radiomic", "all", "final"),)
    left_out = ()

    @property
    def inputs(self):
        bank = RadiomicsSettings(
            imageType={"Original": {}}, featureClass={"shape": ["VoxelVolume"]}
        )
        return (RadiomicFeatures(bank, ("whole",), ("flair",)),)

    def fit(self, training, validation, context):
        return Fitted(self)


class Fitted(FittedDesign):
    def predict(self, data):
        table = data.table(self.design.inputs[0])
        return pd.DataFrame({"volume": table.iloc[:, 0] / 1e6})
"""

TINY = {
    "width": 8, "widest": 16, "epochs": 2, "steps": 25, "batch_size": 6, "learning_rate": 0.01,
    "averaging": 0.9, "stages": "coarse", "coarse_mm": 6.0, "minutes": None, "precision": "32",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Return a folder with 12 patients, a manifest without masks, and the design."""
    from gliofuse.phantom import make_phantom

    folder = tmp_path_factory.mktemp("study")
    make_phantom(folder / "data", cases=12, seed=3, shape=(24, 28, 24))
    make_phantom(folder / "others", cases=6, seed=9, shape=(24, 28, 24))
    table = pd.read_csv(folder / "data" / "cohort.csv")
    table.drop(columns="mask").to_csv(folder / "data" / "bare.csv", index=False)
    (folder / "volume.py").write_text(DESIGN)
    return folder


@pytest.fixture(scope="module")
def segmenter(data):
    """Return the folder of a segmenter of other patients."""
    from gliofuse.segmentation import segmentation_settings, train_segmenter

    found = read_manifest(data / "others" / "cohort.csv")
    others = Cohort(tuple(replace(case, case_id=f"other-{case.case_id}") for case in found))
    settings = segmentation_settings("quick", TINY)
    train_segmenter(others, data / "segmenter", settings=settings, sequences=["flair", "t1ce"])
    return data / "segmenter"


def study(data, segmentation, manifest="cohort.csv"):
    return check_study(
        {
            "design": str(data / "volume.py"),
            "cohort": f"data/{manifest}",
            "endpoint": {"column": "grade", "positive": ">= 3"},
            "sequences": ["flair"],
            "split": {"kind": "kfold", "folds": 2},
            "segmentation": segmentation,
            "evaluation": {"bootstrap": 100},
            "compute": {"workers": 1},
        },
        base=data,
    )


def volumes(run):
    table = pd.read_parquet(run / "predictions.parquet")
    return table[table["cohort"] == "test"].set_index("case_id")["probability"] * 1e6


def drawn(data):
    cohort = read_manifest(data / "data" / "cohort.csv")
    masks = {case.case_id: read_mask(case.mask) for case in cohort}
    return pd.Series({n: (m.array > 0).sum() * m.voxel_volume_mm3 for n, m in masks.items()})


def test_an_external_segmenter_replaces_drawn_masks(data, segmenter, tmp_path):
    run_study(study(data, {"model": "segmenter"}, "bare.csv"), tmp_path / "run")
    masks = {case.case_id: case.mask for case in read_manifest(tmp_path / "run" / "cohort.csv")}
    assert masks
    for case_id, volume in volumes(tmp_path / "run").items():
        mask = read_mask(masks[case_id])
        assert volume == pytest.approx((mask.array > 0).sum() * mask.voxel_volume_mm3, rel=1e-6)
    own = drawn(data).loc[list(masks)]
    assert not np.allclose(volumes(tmp_path / "run").loc[own.index], own)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert any("masks: predicted by" in note for note in record["left_out"])


def test_each_fold_trains_its_own_on_its_training_patients(data, tmp_path):
    chosen = {"train": "quick", "settings": TINY}
    run_study(study(data, chosen), tmp_path / "run")
    folds = pd.read_csv(tmp_path / "run" / "folds.csv", dtype=str)
    seen = []
    for name, rows in folds.groupby("fold"):
        stored = tmp_path / "run" / "folds" / name / "segmenter" / "segmenter.json"
        trained = json.loads(stored.read_text())["trained"]
        learned = {*trained["training"], *trained["validation"]}
        assert learned == set(rows.loc[rows["cohort"] == "training", "case_id"])
        assert not learned & set(rows.loc[rows["cohort"] == "test", "case_id"])
        seen.append(stored.stat().st_mtime_ns)
    found = volumes(tmp_path / "run")
    assert not np.allclose(found, drawn(data).loc[found.index])
    run_study(study(data, chosen), tmp_path / "run")  # everything is finished
    again = (tmp_path / "run" / "folds").glob("*/segmenter/segmenter.json")
    assert sorted(path.stat().st_mtime_ns for path in again) == sorted(seen)


def test_a_segmenter_that_knows_the_judged_patients_is_refused(data, segmenter, tmp_path):
    import shutil

    known = shutil.copytree(segmenter, data / "known", dirs_exist_ok=True)
    content = json.loads((known / "segmenter.json").read_text())
    content["trained"]["training"] += ["phantom-0007", "phantom-0003"]
    (known / "segmenter.json").write_text(json.dumps(content))
    with pytest.raises(SettingError, match=r"trained on 2 .* \(for example phantom-0003\)"):
        run_study(study(data, {"model": "known"}), tmp_path / "run")


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ({}, "give either model .* or train"),
        ({"model": "a", "settings": {"width": 4}}, "settings are for train"),
        ({"modle": "a"}, "unknown key 'segmentation.modle'; did you mean 'model'"),
        ({"train": "quik"}, "preset 'quik' is unknown"),
    ],
)
def test_mistakes_in_the_study_file(data, tmp_path, segmentation, message):
    with pytest.raises(Exception, match=message):
        run_study(study(data, segmentation), tmp_path / "run")
