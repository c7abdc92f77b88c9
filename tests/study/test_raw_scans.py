"""A study on raw scans: they are preprocessed first, and the report says what was done."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gliofuse.cli import main
from gliofuse.cohort import Case, Cohort, write_manifest
from gliofuse.imaging import Volume, read_mask
from gliofuse.phantom.acquisition import Acquisition, acquire
from gliofuse.phantom.tumour import plan_tumour
from gliofuse.phantom.whole_head import head_grid, make_whole_head

#: The mean of T1ce in the tumour less that in the brain, so that the predictions need the images.
DESIGN = """
import pandas as pd
from gliofuse.designs import Design, FittedDesign, Model
from gliofuse.inputs import RadiomicFeatures
from gliofuse.radiomics import RadiomicsSettings


class Mean(Design):
    name = "mean"
    title = "Mean of the tumour"
    models = (Model("mean", "Mean", "radiomic", "all", "final"),)
    left_out = ()

    @property
    def inputs(self):
        bank = RadiomicsSettings(
            imageType={"Original": {}},
            featureClass={"firstorder": ["Mean"], "shape": ["VoxelVolume"]},
        )
        return (RadiomicFeatures(bank, ("whole",), ("t1ce",)),)

    def fit(self, training, validation, context):
        return Fitted(self)


class Fitted(FittedDesign):
    def predict(self, data):
        table = data.table(self.design.inputs[0])
        return pd.DataFrame({"mean": table["t1ce.whole.original_shape_VoxelVolume"] / 1e6})
"""

pytestmark = pytest.mark.slow(minutes=0.5)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Return a folder: four patients as they left the scanner, one CT, the design, the study."""
    folder = tmp_path_factory.mktemp("raw")
    cases = []
    for number in range(4):
        rng = np.random.default_rng(20 + number)
        head = make_whole_head(rng, head_grid(3.0), plan_tumour(rng, 0.6))
        scan = Acquisition((64, 80, 76), (3.0, 3.0, 3.0), np.diag([-1.0, -1.0, 1.0]), bias=0.2)
        seen = acquire(rng, head, "t1ce", scan)
        paths = {name: folder / f"{number}_{name}.nii.gz" for name in ("t1ce", "mask", "brain")}
        seen.volume.write(paths["t1ce"])
        seen.volume.with_array(seen.tumour).write(paths["mask"])
        seen.volume.with_array(seen.brain.astype(np.uint8)).write(paths["brain"])
        case = Case(
            str(number), {"t1ce": paths["t1ce"]}, paths["mask"], clinical={"grade": 2 + number % 2}
        )
        cases.append(case)
    hounsfield = np.where(seen.volume.array > 60, seen.volume.array, -1000).astype(np.int16)
    seen.volume.with_array(hounsfield).write(folder / "ct.nii.gz")
    seen.volume.with_array(seen.brain.astype(np.uint8)).write(folder / "ct_brain.nii.gz")
    cases.append(replace(cases[0], case_id="ct", images={"t1ce": folder / "ct.nii.gz"}))
    write_manifest(Cohort(tuple(cases)), folder / "cohort.csv")
    (folder / "mean.py").write_text(DESIGN)
    (folder / "study.yaml").write_text(
        """
cohort: cohort.csv
design: DESIGN
endpoint: {column: grade, positive: ">= 3"}
split: {kind: kfold, folds: 2}
preprocess: {steps: [brain, resample], spacing_mm: 3.0, brain_mask: "{case_id}_brain.nii.gz"}
evaluation: {bootstrap: 100}
compute: {workers: 1}
""".replace("DESIGN", str(folder / "mean.py"))
    )
    return folder


def test_a_run_starts_from_raw_scans_and_its_report_says_so(raw, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the study's paths are beside the study, not here
    with pytest.raises(SystemExit) as stopped:
        main(["run", str(raw / "study.yaml"), "-o", "run"])
    assert stopped.value.code == 1  # a patient was refused
    run = tmp_path / "run"
    found = pd.read_parquet(run / "predictions.parquet")
    tested = found[found["cohort"] == "test"].set_index("case_id")["probability"] * 1e6
    assert sorted(tested.index) == ["0", "1", "2", "3"]
    for case_id, volume in tested.items():
        mask = read_mask(raw / f"{case_id}_mask.nii.gz")
        drawn = (mask.array > 0).sum() * mask.voxel_volume_mm3
        assert volume == pytest.approx(drawn, rel=0.1)  # carried to other voxels
    failed = pd.read_csv(run / "failed_cases.csv", dtype=str).set_index("case_id")
    assert "this is a CT" in failed.loc["ct", "error"]
    said = json.loads((run / "run.json").read_text(encoding="utf-8"))["preprocessing"]
    assert said.startswith("4 of 5 patients' raw scans were preprocessed (brain, resample; ")
    report = next(run.glob("*.html")).read_text(encoding="utf-8")
    assert "4 of 5 patients&#39; raw scans were preprocessed" in report
    assert "this is a CT" in report
    pages = list(run.parent.rglob("preprocessed/index.html"))
    assert len(pages) == 1
    images = [Volume.read(path) for path in pages[0].parent.glob("*/t1ce.nii.gz")]
    assert len(images) == 4
    for image in images:
        assert image.spacing_mm == (3.0, 3.0, 3.0)
        assert 0.2 < np.mean(image.array == 0) < 0.9  # nothing but the brain is left
