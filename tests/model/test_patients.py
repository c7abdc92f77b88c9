"""New patients: from Python and the command line, and those that a model cannot be asked about."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import gliofuse
from gliofuse.cli import main
from gliofuse.cohort import read_manifest
from gliofuse.errors import GeometryError, InputError
from gliofuse.imaging import Volume

pytestmark = [
    pytest.mark.slow(minutes=0.3),
    pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning"),
]


FLAG = "unlike the training patients"  # has tests of its own


@pytest.fixture(scope="module")
def model(image_model):
    return gliofuse.load_model(image_model)


@pytest.fixture(scope="module")
def patient(phantom):
    """A patient's images, mask and clinical values."""
    case = read_manifest(phantom / "cohort.csv").cases[0]
    values = {"age_years": case.clinical["age_years"], "sex": case.clinical["sex"]}
    return dict(case.images), case.mask, values


def rewritten(path, folder, change):
    """Write a changed copy of an image."""
    volume = Volume.read(path)
    place = folder / f"changed-{path.name}"
    volume.with_array(change(volume.array.copy())).write(place)
    return place


def elsewhere(path, folder):
    """Write a copy of an image with its last slice cut off."""
    volume = Volume.read(path)
    place = folder / f"changed-{path.name}"
    replace(volume, array=volume.array[:-1].copy()).write(place)
    return place


def test_command_says_what_python_says(model, image_model, patient, tmp_path, capsys):
    images, mask, values = patient
    found = model.predict(images, mask, values)
    words = [word for name, path in images.items() for word in (f"--{name}", str(path))]
    more = ["--age", str(values["age_years"]), "--sex", values["sex"], "-o", str(tmp_path)]
    main_ok(["predict", str(image_model), *words, "--mask", str(mask), *more])
    written = json.loads((tmp_path / "prediction.json").read_text())
    by_name = {one["name"]: one for one in written["models"]}
    for one in found.models:
        assert by_name[one.name]["probability"] == one.probability
    assert 0 <= found.probability <= 1
    assert found.final.called in found.classes
    assert not [text for text in found.warnings if not text.startswith(FLAG)]
    printed = capsys.readouterr().out
    assert f"probability {found.probability:.3f}" in printed


def test_contributions_sum_to_the_log_odds(model, patient):
    final = model.predict(*patient).final
    total = sum(one.contribution for one in final.contributions)
    assert total == pytest.approx(np.log(final.probability / (1 - final.probability)), rel=1e-9)
    assert len(final.contributions) == 1 + len(model.sequences)


def test_without_a_sequence_the_models_that_need_none_of_it_predict(model, patient):
    images, mask, values = patient
    fewer = {name: path for name, path in images.items() if name != "t1ce"}
    whole, found = model.predict(images, mask, values), model.predict(fewer, mask, values)
    said = {one.name: one.probability for one in whole.models}
    assert {one.name: one.probability for one in found.models} == {
        name: said[name] for name in ("radiomics_t1", "radiomics_t2", "radiomics_flair")
    }
    known = model.description.held_out
    best = max(found.models, key=lambda one: known[one.name].estimate)
    assert found.final_model == best.name
    assert f"no t1ce: predicted by {best.label} alone" in found.warnings[0]
    assert f"{known[best.name].estimate:.2f}" in found.warnings[0]
    assert "prediction_set" not in found.checks
    assert "familiarity" not in found.checks


def test_a_design_whose_models_need_every_sequence_says_what_is_missing(
    model, patient, monkeypatch
):
    images, mask, values = patient
    fewer = {name: path for name, path in images.items() if name != "t1ce"}
    monkeypatch.setattr(type(model.fitted.design), "without", lambda *_: None)
    with pytest.raises(InputError, match="no t1ce, which the model reads beside t1, t2, flair"):
        model.predict(fewer, mask, values)


def test_images_of_no_one_patient_are_refused(model, patient, tmp_path):
    images, mask, values = patient
    moved = rewritten(images["t2"], tmp_path, lambda array: np.roll(array, 14, axis=2))
    with pytest.raises(InputError, match=r"show different heads .their outlines overlap by 0"):
        model.predict({**images, "t2": moved}, mask, values)
    smaller = elsewhere(images["t2"], tmp_path)
    with pytest.raises(GeometryError, match="changed-"):
        model.predict({**images, "t2": smaller}, mask, values)
    with pytest.raises(InputError, match="no such file"):
        model.predict({**images, "t2": tmp_path / "nowhere.nii.gz"}, mask, values)


def test_mask_of_another_patient_is_refused(model, patient, tmp_path):
    images, mask, values = patient

    def outside(array):
        array[:] = 0
        array[:, :3, :3] = 1
        return array

    with pytest.raises(InputError, match="100% of the mask lies outside the head"):
        model.predict(images, rewritten(mask, tmp_path, outside), values)
    with pytest.raises(InputError, match="the mask is empty"):
        model.predict(images, rewritten(mask, tmp_path, lambda array: array * 0), values)
    strange = rewritten(mask, tmp_path, lambda array: np.where(array > 0, 7, 0).astype("u1"))
    with pytest.raises(InputError, match=r"has the label 7, and the model's masks are"):
        model.predict(images, strange, values)
    cut = elsewhere(mask, tmp_path)
    with pytest.raises(GeometryError, match="changed-"):
        model.predict(images, cut, values)
    with pytest.raises(InputError, match="no tumour mask; give --mask"):
        model.predict(images, None, values)


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"age_years": None}, "age_years is not known: .* stands in"),
        ({"age_years": 101}, "age_years 101 lies outside the training patients'"),
        ({"sex": ""}, "sex is not known"),
    ],
)
def test_doubtful_clinical_values_are_said(model, patient, changes, warning):
    images, mask, values = patient
    found = model.predict(images, mask, {**values, **changes})
    (said,) = [text for text in found.warnings if not text.startswith(FLAG)]
    assert pd.Series([said]).str.contains(warning).all()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"age_years": "old"}, "age_years must be a number, got 'old'"),
        ({"age_years": 5400}, "age_years 5400 cannot be: .*in another unit"),
        ({"age_years": -3}, "age_years -3 cannot be"),
        ({"sex": "X"}, "sex 'X' is no level that the model knows"),
        ({"agee": 4}, "the model reads no 'agee'; did you mean 'age_years'"),
    ],
)
def test_impossible_clinical_values_are_refused(model, patient, changes, error):
    images, mask, values = patient
    with pytest.raises(InputError, match=error):
        model.predict(images, mask, {**values, **changes})


def test_cohort_goes_on_and_is_resumed(model, image_model, phantom, tmp_path, monkeypatch):
    table = pd.read_csv(phantom / "cohort.csv").head(3)
    for name in table.columns:
        if name in ("mask", "t1", "t1ce", "t2", "flair"):
            table[name] = [str(phantom / path) for path in table[name]]
    table.loc[1, "t1ce"] = str(tmp_path / "nowhere.nii.gz")
    table.to_csv(tmp_path / "cohort.csv", index=False)
    words = ["predict", str(image_model), "--cohort", str(tmp_path / "cohort.csv")]
    with pytest.raises(SystemExit) as stopped:
        main([*words, "-o", str(tmp_path / "out")])
    assert stopped.value.code == 1
    failed = pd.read_csv(tmp_path / "out" / "failed_cases.csv")
    assert failed["case_id"].tolist() == [table["case_id"][1]]
    assert "nowhere.nii.gz" in failed["error"][0]
    found = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert set(found["case_id"]) == set(table["case_id"][[0, 2]])
    stored = pd.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert found["probability"].tolist() == pytest.approx(stored["probability"].tolist())

    from gliofuse.model.cohorts import predict_into

    def never(*_, **__):
        raise AssertionError("a finished patient was predicted again")

    monkeypatch.setattr(type(model), "predict_case", never)
    again = predict_into(model, read_manifest(tmp_path / "cohort.csv", check_files=False),
                         tmp_path / "out")  # fmt: skip
    assert set(again.predictions) == set(table["case_id"][[0, 2]])


def test_table_model_from_the_command_line(table_model, tables, tmp_path):
    words = ["predict", str(table_model), "--features", str(tables / "features.csv")]
    main_ok([*words, "--clinical", str(tables / "clinical.csv"), "-o", str(tmp_path)])
    found = pd.read_csv(tmp_path / "predictions.csv")
    assert found["case_id"].nunique() == 48
    doubted = found[found["warnings"].fillna("").str.contains("age is not known")]
    assert set(doubted["case_id"]) == {"case-003"}
    model = gliofuse.load_model(table_model)
    with pytest.raises(InputError, match="this model reads a feature table"):
        model.predict({}, None)
    features = pd.read_csv(tables / "features.csv", index_col="case_id")
    with pytest.raises(InputError, match=r"lacks .t1ce.whole.original_glcm_F0. .one of 1 of"):
        model.predict_table(features.drop(columns="t1ce.whole.original_glcm_F0"))


def test_card_says_what_the_model_is(table_model, table_run):
    card = json.loads((table_model / "card.json").read_text())
    auc = pd.read_csv(table_run / "metrics.csv").query("metric == 'auc' and cohort == 'test'")
    expected = auc.set_index("model").loc["radiomics_fusion"]
    (shown,) = [
        one
        for one in card["quantitative_analysis"]["performance_metrics"]
        if one["type"] == "auc" and one["slice"] == "test"
    ]
    assert shown["value"] == pytest.approx(expected["estimate"])
    assert shown["confidence_interval"]["lower_bound"] == pytest.approx(expected["ci_low"])
    text = (table_model / "card.md").read_text()
    assert "no medical device" in text
    assert "training patients of holdout" in text


def main_ok(words):
    """Run a command that ends well."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code in (0, None)
