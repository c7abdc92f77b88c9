"""From a cohort to a trained network: the split, the files, the command, and no leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from gliofuse.cli import main
from gliofuse.cohort import (
    BinaryEndpoint,
    Cohort,
    SplitSettings,
    SurvivalEndpoint,
    make_folds,
    write_manifest,
)
from gliofuse.deep.data import SliceSettings, build_slices
from gliofuse.deep.training import TrainingSettings, load_trained, train_network
from gliofuse.deep.training.cohort import explain_patients, train_on_cohort
from gliofuse.errors import InputError, SettingError
from gliofuse.evaluation import auc_delong

GRADE = BinaryEndpoint("grade", ">= 4")
SHORT = {"epochs": 1, "items_per_patient": 1, "batch_size": 4, "device": "cpu"}


class Small(nn.Module):
    """A network that learns within a second."""

    spatial_dims = 2

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3)
        )
        self.head = nn.Linear(8, 2)

    def features(self, image, shape=None):
        return torch.relu(self.body(image)).amax(dim=(2, 3))

    def forward(self, image, shape=None):
        return self.head(self.features(image))


@pytest.fixture(scope="module")
def many(case_writer, tmp_path_factory):
    """Return the slices of 30 patients and their true classes."""
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(5)
    cases = [case_writer(folder, f"q{i:02}", i % 2, rng=rng, shape=(6, 32, 32)) for i in range(30)]
    store = build_slices(
        Cohort(tuple(cases)),
        ("t1", "flair"),
        settings=SliceSettings(size=16, which="k-largest", k=2),
        cache_dir=folder / "cache",
    )
    return store, pd.Series({case.case_id: i % 2 for i, case in enumerate(cases)})


def cross_validated(store, labels):
    settings = TrainingSettings(epochs=8, batch_size=16, learning_rate=1e-2, device="cpu")
    held_out = []
    split = SplitSettings(kind="kfold", folds=3, validation_fraction=0.2)
    for fold in make_folds(split, labels, pd.DataFrame()):
        torch.manual_seed(0)  # the same start in every fold
        sides = (store.dataset(ids, labels) for ids in (fold.training, fold.validation))
        trained = train_network(Small(), *sides, settings=settings)
        held_out.append(trained.predict(store.dataset(fold.test))["probability"])
    return auc_delong(labels, pd.concat(held_out).loc[labels.index])


def test_shuffled_labels_cannot_be_predicted_and_true_ones_can(many):
    store, labels = many
    found = cross_validated(store, labels)
    assert found.ci_low > 0.8
    order = np.random.default_rng(1).permutation(len(labels))
    shuffled = pd.Series(labels.to_numpy()[order], index=labels.index)
    leak = cross_validated(store, shuffled)
    assert leak.ci_low < 0.5 < leak.ci_high


def test_a_cohort_is_split_by_patient_trained_and_written(
    tiny_cohort, case_writer, tmp_path, monkeypatch
):
    lacking = case_writer(tmp_path, "lacking", 1, rng=np.random.default_rng(0), sequences=("t1",))
    cohort = Cohort((*tiny_cohort, lacking))
    out = tmp_path / "out"
    result = train_on_cohort(
        cohort, GRADE, network="csg-densenet121", changes=SHORT, directory=out, seed=1
    )
    assert result.trained.sequences == ("t1", "flair")
    assert result.excluded["case_id"].tolist() == ["lacking"]
    table = pd.read_csv(out / "predictions.csv")
    sides = table.groupby("cohort")["case_id"].apply(set)
    assert set(sides.index) == {"validation", "training (apparent)"}
    assert not sides["validation"] & sides["training (apparent)"]
    assert set(table["case_id"]) == set(tiny_cohort.case_ids)
    assert table.loc[table["cohort"] == "validation", "y_true"].nunique() == 2
    assert (out / "curves.svg").exists()
    again = load_trained(out, network="csg-densenet121", sequences=("t1", "flair"))
    assert result.validation is not None
    expected = table[table["cohort"] == "validation"].set_index("case_id")["probability"]
    found = again.predict(result.validation)["probability"]
    np.testing.assert_allclose(found, expected[found.index], atol=1e-6)

    shares = explain_patients(result, out / "gradcam", patients=2)
    assert len(shares) == 2
    for case_id in shares["case_id"]:
        assert (out / "gradcam" / f"{case_id}.svg").exists()
        assert (out / "gradcam" / f"{case_id}.nii.gz").exists()


def test_shape_features_are_measured_for_the_network_that_needs_them(tiny_cohort, tmp_path):
    result = train_on_cohort(
        tiny_cohort,
        GRADE,
        network="shape-resnet50",
        changes=SHORT,
        directory=tmp_path,
        validation_fraction=0,
    )
    assert result.validation is None
    assert result.training.shape is not None
    assert next(iter(result.training.shape.columns)) == "Elongation"
    assert (result.training.shape["MeshVolume"] > 0).all()
    assert "no validation patients" in result.trained.selection


def test_grade_and_survival_are_learned_together(tiny_cohort, tmp_path):
    result = train_on_cohort(
        tiny_cohort,
        GRADE,
        network="dual-resnet18",
        sequences=["flair"],
        changes=SHORT,
        survival=SurvivalEndpoint("os_days", "died"),
        directory=tmp_path,
    )
    assert np.isfinite(result.predictions["risk"]).all()
    assert result.predictions["probability"].between(0, 1).all()


def test_patches_are_cut_for_a_network_of_volumes(tiny_cohort, tmp_path):
    result = train_on_cohort(
        tiny_cohort, GRADE, network="resnet18-3d", changes=SHORT, directory=tmp_path
    )
    assert result.training.size == (32, 48, 48)
    assert (result.predictions["slices"] == 1).all()
    assert (result.predictions["spread"] == 0).all()


def test_wrong_names_are_refused_with_the_right_ones(tiny_cohort, tmp_path):
    with pytest.raises(SettingError, match="did you mean 'csg-densenet121'"):
        train_on_cohort(tiny_cohort, GRADE, network="csg-densenet", directory=tmp_path)
    with pytest.raises(InputError, match="did you mean 't1'"):
        train_on_cohort(
            tiny_cohort, GRADE, network="densenet121", sequences=["t1c"], directory=tmp_path
        )
    with pytest.raises(InputError, match="needs the survival"):
        train_on_cohort(tiny_cohort, GRADE, network="dual-resnet18", directory=tmp_path)


def test_the_command(tiny_cohort, tmp_path, capsys):
    manifest = tmp_path / "cohort.csv"
    write_manifest(tiny_cohort, manifest)
    out = tmp_path / "net"
    words = ["train", "--network", "resnet50", "--cohort", str(manifest), "-o", str(out)]
    words += ["--endpoint", "grade >= 4", "--sequences", "flair", "--explain", "1"]
    for name, value in SHORT.items():
        words += ["--set", f"{name}={value}"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    told = capsys.readouterr().err
    assert "kept epoch 1 of 1" in told
    assert "which chose the epoch" in told
    assert "Grad-CAM of 1 patients" in told
    assert len(list((out / "gradcam").glob("*.svg"))) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--endpoint", "os_days, died"], "needs two classes"),
        (["--endpoint", "grade >= 4", "--set", "epochs"], "write KEY=VALUE"),
        (["--endpoint", "grade >= 4", "--set", "epoch=3"], "did you mean 'epochs'"),
        (["--endpoint", "grade >= 4", "--survival", "grade >= 3"], "needs time and event"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(tiny_cohort, tmp_path, capsys, words, message):
    manifest = tmp_path / "cohort.csv"
    write_manifest(tiny_cohort, manifest)
    start = ["train", "--network", "densenet121", "--cohort", str(manifest), "-o", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        main(start + words)
    assert ended.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())
