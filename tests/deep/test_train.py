"""One network through the study: the command, its folder, a kill, cross-validation, mistakes."""

from __future__ import annotations

from contextlib import suppress
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console

from gliofuse.cli import main
from gliofuse.cli.progress import TerminalProgress
from gliofuse.cohort import Cohort, parse_endpoint, write_manifest
from gliofuse.deep.networks import build_network
from gliofuse.deep.training import TrainingProgress, load_trained
from gliofuse.designs import Available
from gliofuse.designs.single_network import SingleNetwork, SingleNetworkSettings
from gliofuse.inputs import Source, TumourSlices
from gliofuse.records import CURVES, HEAT_SHARES, METRICS, NETWORK_PATIENTS, NOTES, RunFolder
from gliofuse.report import summarise, write_report
from gliofuse.study import Progress, check_study
from gliofuse.study.prepare import compute_plans, plan_study
from gliofuse.study.runner import run_study

pytestmark = pytest.mark.slow(minutes=0.4)

SHORT = {"epochs": 1, "items_per_patient": 1, "batch_size": 4, "device": "cpu"}
CPU = {"workers": 1, "device": "cpu"}


@pytest.fixture(scope="module")
def cohort(tiny_cohort, case_writer, tmp_path_factory):
    """Return eight patients and a ninth who lacks a sequence, with their manifest."""
    folder = tmp_path_factory.mktemp("cohort")
    rng = np.random.default_rng(0)
    lacking = case_writer(folder, "lacking", 1, rng=rng, sequences=("t1",))
    patients = Cohort((*tiny_cohort, lacking))
    write_manifest(patients, folder / "cohort.csv")
    return patients, folder / "cohort.csv"


def words(manifest, out, *more, **settings):
    """Return a command line of ``gliofuse train``."""
    start = ["train", "--cohort", str(manifest), "-o", str(out), "--endpoint", "grade >= 4"]
    changes = [part for item in settings.items() for part in ("--set", "{}={}".format(*item))]
    return [*start, *more, *changes]


def ends(arguments, capsys):
    """Run a command and return its exit code and what it said, in one line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    said = capsys.readouterr()
    return ended.value.code, " ".join((said.out + said.err).split())


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    """Return the folder of one finished command, and the command."""
    out = tmp_path_factory.mktemp("train") / "dual"
    options = ["--network", "dual-resnet18", "--survival", "os_days, died", "--explain", "2"]
    command = words(cohort[1], out, *options, **SHORT)
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 0
    return RunFolder(out), command


def network_folder(run, fold="all"):
    (folder,) = run.fold(fold).networks.iterdir()
    return folder


def test_nobody_is_held_out_and_validation_is_called_optimistic(trained, cohort, capsys):
    run, command = trained
    table = run.predictions()
    sides = table.groupby("cohort")["case_id"].apply(set)
    assert set(sides.index) == {"training", "validation"}
    assert not sides["validation"] & sides["training"]
    assert set(table["case_id"]) == set(cohort[0].case_ids) - {"lacking"}
    validation = table[table["cohort"] == "validation"]
    assert (len(validation), validation["y_true"].nunique()) == (2, 2)
    excluded = pd.read_csv(run.path / "excluded.csv")
    assert excluded["case_id"].tolist() == ["lacking"]
    code, said = ends(command, capsys)
    assert code == 0
    for text in (
        "validation: 2 patients, 1 positive, chose the epoch: optimistic",
        "networks/dual-resnet18: kept epoch 1 of 1",
        "Grad-CAM of 2 patients, ",
        "1 patient left out:",
    ):
        assert text in said
    assert "No patient was held out." in run.report.read_text(encoding="utf-8")


def test_the_report_tells_how_steady_the_network_is_within_a_patient(trained):
    run, _ = trained
    found = summarise(run.path)
    table = run.need(NETWORK_PATIENTS)
    validation = run.predictions().query("cohort == 'validation'")["case_id"]
    own = table[table["case_id"].isin(validation)].sort_values("spread", ascending=False)
    rows = found["network_patients"]["rows"]
    assert [row["case_id"] for row in rows] == own["case_id"].tolist()
    assert [row["probability"] for row in rows] == pytest.approx(own["probability"].tolist())
    assert {(row["label"], row["side"]) for row in rows} == {
        ("Dual-task ResNet18", "Validation patients")
    }
    (network,) = found["network_patients"]["networks"]
    assert network["spread"]["median"] == pytest.approx(own["spread"].median())
    assert found["network_patients"]["has_risk"]
    assert found["overview"]["headline"]["label"] == "Dual-task ResNet18"
    text = run.report.read_text(encoding="utf-8")
    assert "How steady the networks are within a patient</h3>" in text
    assert "best validation AUC" in text
    assert "A line a fold" not in text, "there is one training"
    assert "A dot a validation patient" in text
    assert "Quick settings" not in text, "there is no publication that is shorter here"


def test_the_network_on_disk_is_the_one_that_predicted(trained, cohort, tmp_path):
    run, _ = trained
    again = load_trained(network_folder(run), network="dual-resnet18", sequences=("t1", "flair"))
    settings = again_settings(run)
    wanted = TumourSlices(settings, "whole", ("t1", "flair"))
    source = Source(cohort[0], convention="brats", cache=tmp_path)
    wanted.check(source)
    patients = cohort[0].subset(run.predictions()["case_id"])
    store = wanted.gather({c.case_id: wanted.compute_case(c, source) for c in patients}, source)
    found = again.predict(store.value.dataset(patients.case_ids))
    expected = run.predictions().set_index("case_id")["probability"]
    np.testing.assert_allclose(found["probability"], expected[found.index], atol=1e-6)
    table = run.need(NETWORK_PATIENTS).set_index("case_id").loc[found.index]
    for name in ("probability", "slices", "spread", "risk"):
        np.testing.assert_allclose(table[name], found[name], atol=1e-6)
    assert (table["slices"] == 3).all()
    assert np.isfinite(table["risk"]).all()
    assert (network_folder(run) / "curves.svg").exists()
    assert len(run.need(CURVES)) == 1


def again_settings(run):
    """Return how the run's slices were cut, from the design that its study file names."""
    from gliofuse.designs import find_design, parse_settings

    design = find_design("single-network")
    return parse_settings(design, run.study()["settings"]).cut


def test_one_of_each_class_is_drawn_and_another_number_draws_again(trained, capsys):
    run, command = trained
    labels = run.predictions().set_index("case_id")["y_true"]
    shown = run.need(HEAT_SHARES, model="dual-resnet18")["case_id"]
    assert [labels[case_id] for case_id in shown] == [1, 0]
    assert {heat.case_id for heat in run.heat_maps()} == set(shown)
    weights = network_folder(run) / "network.safetensors"
    before, predictions = weights.stat().st_mtime_ns, run.predictions()
    assert ends([*command, "--explain", "1"], capsys)[0] == 0
    assert [heat.case_id for heat in run.heat_maps()] == [shown[0]]
    assert weights.stat().st_mtime_ns == before  # it was not trained again
    pd.testing.assert_frame_equal(run.predictions(), predictions)


class Killed(BaseException):
    pass


class Watched(Progress):
    """Notes every finished epoch, and is killed in one."""

    def __init__(self, kill_at=None):
        self.seen, self.kill_at, self.said = [], kill_at, []

    def training(self, name, state):
        super().training(name, state)
        if state.epoch_done:
            self.seen.append((name, state.epoch))
            if len(self.seen) == self.kill_at:
                raise Killed

    def say(self, text):
        super().say(text)
        self.said.append(text)


def test_a_killed_cross_validation_goes_on_to_the_unbroken_result(cohort, tmp_path):
    def run(name, **watch):
        progress = Watched(**watch)
        study = {
            "design": "single-network",
            "cohort": str(cohort[1]),
            "endpoint": {"column": "grade", "positive": ">= 4"},
            "settings": {
                "network": "densenet121",
                "training": {**SHORT, "epochs": 2},
                "images": {"size": 32},
            },
            "sequences": ["flair"],
            "split": {"kind": "kfold", "folds": 2, "validation_fraction": 0.25},
            "evaluation": {"bootstrap": 100},
            "explain": 0,
            "compute": {**CPU, "cache": str(tmp_path / "cache")},
        }
        with suppress(Killed):
            run_study(check_study(study), tmp_path / name, progress=progress)
        return RunFolder(tmp_path / name), progress

    whole, unbroken = run("whole")
    assert unbroken.seen == [("densenet121", epoch) for epoch in (1, 2)] * 2
    _, killed = run("broken", kill_at=3)
    assert len(killed.seen) == 3
    resumed, rest = run("broken")
    assert "1 of 2 folds were finished before" in rest.said
    assert rest.seen == [("densenet121", 2)]  # of the second fold
    pd.testing.assert_frame_equal(resumed.predictions(), whole.predictions())
    assert set(whole.predictions()["cohort"]) == {"training", "validation", "test"}
    metrics = whole.need(METRICS)
    assert metrics.loc[metrics["cohort"] == "test", "n"].eq(8).all()
    assert not whole.heat_maps()
    assert "epoch 2/2, loss" in (whole.path / "run.log").read_text(encoding="utf-8")


def test_patients_whose_tumour_exceeds_the_patch_are_noted(cohort, tmp_path):
    study = check_study(
        {
            "design": "single-network",
            "cohort": str(cohort[1]),
            "endpoint": {"column": "grade", "positive": ">= 4"},
            "settings": {"network": "resnet18-3d", "images": {"size_zyx": [4, 8, 8]}},
            "split": {"folds": 2},
            "compute": CPU,
        }
    )
    plan = plan_study(study, tmp_path / "run")
    progress = Watched()
    compute_plans({"one": plan}, progress)
    notes = plan.run.need(NOTES)
    assert notes["note"].str.contains("larger than the patch|does not fit").all()
    assert notes["case_id"].tolist() == [f"p{i}" for i in range(8)]
    assert "patients with a remark: 8, see notes.csv" in progress.said


def test_only_the_clinical_columns_that_a_network_learns_from_are_its_own():
    grade, survival = parse_endpoint("grade >= 4"), parse_endpoint("os_days, died")
    available = Available(grade, ("t1",), clinical=("age",), survival=survival)
    for network, columns in (("dual-resnet18", ("os_days", "died")), ("densenet121", ())):
        design = SingleNetwork(SingleNetworkSettings(network=network), available)
        assert design.clinical_columns == columns


def test_shape_features_are_measured_and_all_patients_learned_from(cohort, tmp_path):
    study = {
        "design": "single-network",
        "cohort": str(cohort[1]),
        "endpoint": {"column": "grade", "positive": ">= 4"},
        "settings": {
            "network": "shape-resnet50",
            "training": SHORT,
            "images": {"size": 32, "which": "largest"},
        },
        "split": {"kind": "none", "validation_fraction": 0},
        "explain": 1,
        "compute": CPU,
    }
    result = run_study(check_study(study), tmp_path / "run")
    run = RunFolder(result.folder)
    assert set(run.predictions()["cohort"]) == {"training"}
    assert result.metrics.empty
    trained = load_trained(network_folder(run))
    assert "no validation patients" in trained.selection
    assert trained.shape_scale.columns[0] == "Elongation"
    volume = trained.shape_scale.columns.index("MeshVolume")
    assert trained.shape_scale.mean[volume] > 0
    assert len(run.heat_maps()) == 1
    page = write_report(run.path).read_text(encoding="utf-8")
    assert "No patient was held out." in page


def test_other_pretrained_weights_of_the_same_name_are_noticed(cohort, tmp_path):
    """Neither the finished fold nor the finished network may stand for them."""

    def predictions(seed):
        torch.manual_seed(seed)
        trunk = build_network("dual-resnet18", ("flair",)).trunk
        torch.save(trunk.state_dict(), tmp_path / "start.pth")
        study = {
            "design": "single-network",
            "cohort": str(cohort[1]),
            "endpoint": {"column": "grade", "positive": ">= 4"},
            "settings": {
                "network": "dual-resnet18",
                "weights": str(tmp_path / "start.pth"),
                "training": SHORT,
                "images": {"size": 32, "k": 1},
            },
            "sequences": ["flair"],
            "survival": {"time": "os_days", "event": "died"},
            "split": {"kind": "none", "validation_fraction": 0},
            "explain": 0,
            "compute": CPU,
        }
        run_study(check_study(study), tmp_path / "run")
        return RunFolder(tmp_path / "run").predictions()["probability"].tolist()

    first, same, other = predictions(1), predictions(1), predictions(2)
    assert first == same
    assert first != other


def test_a_training_is_drawn_below_its_stage(monkeypatch):
    terminal = Console(file=StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr("gliofuse.cli.progress.console", terminal)
    progress = TerminalProgress()
    state = TrainingProgress(2, 3, 4, 8, 0.5, validation_auc=0.75)
    progress.training("net", state)  # outside of a stage it is not drawn
    with progress.stage("fitting", 1, "folds") as count:
        progress.training("net", state)
        count(1)
    shown = terminal.file.getvalue()
    assert "fitting" in shown
    assert "net: epoch 2/3, loss 0.500, validation AUC 0.750" in shown
    assert "12/24" in shown


def test_designs_are_not_compared_where_nobody_is_held_out(cohort, tmp_path, capsys):
    words = ["compare", "--designs", "single-network,rdl", "--split", "none"]
    words += ["--cohort", str(cohort[1]), "--endpoint", "grade >= 4", "-o", str(tmp_path / "out")]
    code, said = ends(words, capsys)
    assert code == 2
    assert "holds no patient out to judge the designs on" in said


@pytest.mark.parametrize(
    ("more", "settings", "message"),
    [
        (["--network", "csg-densenet"], {}, "network: got 'csg-densenet'; did you mean"),
        (["--network", "densenet121"], {"epoch": 3}, "'epoch': did you mean 'epochs'"),
        (["--network", "densenet121"], {"epochs": 0}, "'epochs': Input should be greater than 0"),
        (["--network", "densenet121", "--set", "epochs"], {}, "write KEY=VALUE"),
        (["--network", "densenet121", "--sequences", "t1c"], {}, "did you mean 't1'"),
        (["--network", "densenet121", "--preset", "papers"], {}, "'paper' or 'quick'"),
        (
            ["--network", "densenet121", "--endpoint", "os_days, died"],
            {},
            "learns classes, not survival",
        ),
        (["--network", "densenet121", "--survival", "os_days"], {}, "write TIME,EVENT"),
        (["--network", "dual-resnet18"], {}, "give its columns, for example --survival"),
        (["--network", "dual-resnet18", "--survival", "os_day,died"], {}, "mean 'os_days'"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(
    cohort, tmp_path, capsys, more, settings, message
):
    code, said = ends(words(cohort[1], tmp_path / "out", *more, **settings), capsys)
    assert code == 2
    assert message in said
    assert said.startswith("error: ")
    assert not (tmp_path / "out" / "folds").exists()
