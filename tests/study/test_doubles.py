"""Patients who stand in the cohort twice, and people of several rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import read_manifest
from gliofuse.errors import InputError
from gliofuse.evaluation import auc_delong
from gliofuse.records import SIMILAR, RunFolder
from gliofuse.report import summarise
from gliofuse.study import Progress
from gliofuse.study.doubles import check_images, check_table
from gliofuse.study.runner import run_study

pytestmark = pytest.mark.slow(minutes=0.1)


def noise(rows=60, features=60, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        rng.lognormal(size=(rows, features)), index=[f"p{i:02}" for i in range(rows)]
    ).rename(columns=lambda i: f"t1ce.whole.original_glcm_F{i}")


def test_identical_rows_are_refused_by_name():
    table = noise()
    table.loc["p40"] = table.loc["p03"]
    with pytest.raises(InputError, match=r"identical feature rows .*: p03 and p40; .*--group"):
        check_table(table, None, "feature rows")
    people = pd.Series(table.index, index=table.index)
    people["p40"] = "p03"
    assert check_table(table, people, "feature rows").empty  # one person, and the split knows it
    doubled = pd.concat([table.drop("p40"), table.rename(index="again-{}".format)])
    with pytest.raises(InputError, match="and 57 more pairs;"):
        check_table(doubled, None, "feature rows")


def test_rows_of_few_values_are_equal_by_chance():
    rng = np.random.default_rng(1)
    coarse = pd.DataFrame(rng.integers(0, 3, (80, 4)), index=[f"p{i}" for i in range(80)])
    assert check_table(coarse, None, "feature rows").empty


def test_nearly_identical_rows_are_named_and_others_are_not():
    table = noise()
    rng = np.random.default_rng(2)
    table.loc["p50"] = table.loc["p07"] * (1 + 1e-3 * rng.normal(size=60))
    found = check_table(table, None, "feature rows")
    assert found[["case_a", "case_b"]].to_numpy().tolist() == [["p07", "p50"]]
    assert "over 60 features" in found["how"].iloc[0]
    assert check_table(noise(seed=5), None, "feature rows").empty
    constant = noise().assign(**{"t1ce.whole.original_glcm_C": 1.0})
    assert check_table(constant, None, "feature rows").empty


def test_real_patients_are_not_taken_for_doubles(shared_data):
    path = shared_data("ucsf_pdgm") / "radiomics_t1gd.csv"
    table = pd.read_csv(path).select_dtypes("number")
    table.index = table.index.astype(str)
    assert check_table(table, None, "feature rows").empty


def test_images_of_one_patient_under_two_ids(tmp_path):
    import SimpleITK as sitk

    rng = np.random.default_rng(0)
    rows = []
    voxels = {}
    for name in ("a", "b", "c", "d"):
        array = voxels.get("a") if name in ("c", "d") else rng.normal(size=(5, 6, 7))
        voxels[name] = array
        for kind in ("t1", "mask"):
            image = sitk.GetImageFromArray(array if kind == "t1" else np.ones((5, 6, 7), "uint8"))
            image.SetSpacing((1, 1, 5 if name == "d" else 1))
            sitk.WriteImage(image, str(tmp_path / f"{name}_{kind}.nii.gz"))
        rows.append({"case_id": name, "t1": f"{name}_t1.nii.gz", "mask": f"{name}_mask.nii.gz"})
    pd.DataFrame(rows).to_csv(tmp_path / "cohort.csv", index=False)
    cohort = read_manifest(tmp_path / "cohort.csv")
    with pytest.raises(InputError, match="identical t1 images: a and c; a patient under two ids"):
        check_images(cohort, "t1", None)
    other_header = check_images(cohort.subset(["a", "b", "d"]), "t1", None)
    assert other_header[["case_a", "case_b"]].to_numpy().tolist() == [["a", "d"]]
    assert "another header" in other_header["how"].iloc[0]


class Heard(Progress):
    """Keeps what is said."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def write(folder, features, clinical):
    features.rename_axis("id").to_csv(folder / "features.csv")
    clinical.rename_axis("id").to_csv(folder / "clinical.csv")


DESIGN = {
    "design": "imaging-clinical",
    "covariates": ["age"],
    "settings": {"folds": 3, "selection_folds": 3},
}


def test_every_row_twice_is_no_finding(tmp_path, study_of):
    rng = np.random.default_rng(3)
    once = noise(rows=40, features=12, seed=3)
    clinical = pd.DataFrame(
        {"grade": np.tile([2, 3], 20), "age": rng.integers(20, 80, 40), "who": once.index},
        index=once.index,
    )
    copies = once * (1 + 1e-5 * rng.normal(size=once.shape))  # scanned again, as good as equal
    features = pd.concat([once, copies.rename(index="again-{}".format)])
    people = pd.concat([clinical, clinical.rename(index="again-{}".format)])
    write(tmp_path, features, people)
    heard = Heard()
    run_study(study_of(tmp_path, **DESIGN), tmp_path / "apart", progress=heard)
    assert any("nearly identical" in line and "and 39 more pairs" in line for line in heard.lines)
    assert len(RunFolder(tmp_path / "apart").read(SIMILAR)) == 40
    limits = {
        entry["title"]: entry["text"] for entry in summarise(tmp_path / "apart")["limitations"]
    }
    assert "p00 and again-p00" in limits["Patients who are nearly identical"]
    split = {"kind": "kfold", "folds": 3, "group": "who"}
    run_study(study_of(tmp_path, split=split, **DESIGN), tmp_path / "together")
    predictions = pd.read_parquet(tmp_path / "together" / "predictions.parquet")
    sides = predictions.drop_duplicates(["case_id", "fold"]).assign(
        who=lambda t: t["case_id"].str.removeprefix("again-")
    )
    assert (sides.groupby(["fold", "who"])["cohort"].nunique() == 1).all()
    assert RunFolder(tmp_path / "together").read(SIMILAR) is None
    own = predictions[(predictions["cohort"] == "test") & (predictions["model"] == "fusion")]
    assert auc_delong(own["y_true"], own["probability"]).estimate < 0.7
    page = summarise(tmp_path / "together")
    assert "by person (who)" in page["patients"]["split"]["short"]
    titles = [entry["title"] for entry in page["limitations"]]
    assert "Several rows of one person" in titles
    write(tmp_path, pd.concat([once, once.rename(index="again-{}".format)]), people)
    with pytest.raises(InputError, match="identical feature rows"):
        run_study(study_of(tmp_path, **DESIGN), tmp_path / "refused")


def test_rows_of_a_person_stay_together_in_inner_folds():
    from gliofuse.cohort import parse_endpoint
    from gliofuse.designs.framework.classes import out_of_fold

    class Remembers:
        """A classifier that knows whether it has met the person."""

        def get_params(self, deep=True):
            return {}

        def set_params(self, **params):
            return self

        def fit(self, X, y):
            self.known_, self.classes_ = set(X["person"]), np.unique(y)
            return self

        def predict_proba(self, X):
            met = X["person"].isin(self.known_).to_numpy(dtype=float)
            return np.column_stack([1 - met, met])

    people = np.repeat(np.arange(20), 2)
    index = pd.Index([f"r{i}" for i in range(40)])
    table = pd.DataFrame({"person": people}, index=index)
    for rule, classes in (("grade >= 3", [0, 1]), ("grade: 2, 3, 4", ["2", "3", "4"])):
        endpoint = parse_endpoint(rule)
        y = pd.Series([classes[who % len(classes)] for who in people], index=index)
        if len(classes) == 2:
            groups = pd.Series(people, index=index)
            met = out_of_fold(Remembers(), table, y, endpoint, folds=4, seed=0, groups=groups)
            assert (met.to_numpy() == 0).all()
            met = out_of_fold(Remembers(), table, y, endpoint, folds=4, seed=0)
            assert (met.to_numpy() == 1).any()
