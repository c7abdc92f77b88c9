"""The report: whole and minimal run folders, hostile text, no network, the same files twice."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gliofuse.errors import InputError
from gliofuse.report import summarise, write_comparison_report, write_report
from gliofuse.report.drawing import Drawing, draw_all

_SPEC = importlib.util.spec_from_file_location(
    "gliofuse_tests_run_folder", Path(__file__).with_name("run_folder.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
_folders = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_folders)
make_run_folder = _folders.make_run_folder

HOSTILE = '<script>alert("x")</script>&"\'$x$'
VOID = {"meta", "img", "input", "br", "link", "hr"}


class _Page(HTMLParser):
    """Collects what a test asks for, and checks that every element is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.scripts = 0
        self.headings: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif tag != "a":
            self.loads += [values[key] for key in ("src", "href", "xlink:href") if values.get(key)]
        self.scripts += tag == "script"

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def _parsed(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    folder = make_run_folder(tmp_path_factory.mktemp("runs") / "full")
    write_report(folder)
    return folder


def test_every_section_is_there(full):
    text = (full / "report.html").read_text(encoding="utf-8")
    for heading in (
        "What was done", "Patients", "Results", "What these figures cannot tell", "Calibration",
        "Decision curve", "Clinical impact", "Nomogram and calculator", "Survival",
        "Contributions in the fusion", "Selected features", "Correlation",
        "Training of the networks", "Where the networks look", "Failed cases",
        "Settings and versions", "TRIPOD+AI checklist", "CLEAR checklist",
    ):  # fmt: skip
        assert heading in text
    assert "<b>Not drawn</b>" not in text
    assert "not a medical device" in text


def test_page_is_well_formed_and_needs_nothing_else(full):
    page = _parsed(full / "report.html")
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if not link.startswith("#")} == set()
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert all(load.startswith(("#", "data:")) for load in page.loads)
    text = (full / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://", text)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "Content-Security-Policy" in text


def test_figures_are_saved_whole_and_alike_each_time(full, tmp_path):
    before = {path.name: path.read_bytes() for path in (full / "figures").iterdir()}
    assert {"roc_test.svg", "forest.svg", "confusion_test.svg", "nomogram.svg"} <= set(before)
    assert not any(name.startswith(".") for name in before)
    page = (full / "report.html").read_bytes()
    again = tmp_path / "full"
    shutil.copytree(full, again)
    shutil.rmtree(again / "figures")
    write_report(again)
    assert {path.name: path.read_bytes() for path in (again / "figures").iterdir()} == before
    assert (again / "report.html").read_bytes() == page


def test_minimal_folder_leaves_sections_out(tmp_path):
    folder = make_run_folder(tmp_path / "run", full=False)
    path = write_report(folder)
    assert path == folder / "report.html"
    text = path.read_text(encoding="utf-8")
    _parsed(path)
    assert "Main result" in text
    for heading in ("Calibration curves", "Nomogram", "Survival", "Failed cases", "Not drawn"):
        assert f"{heading}</h" not in text
        assert f"<b>{heading}</b>" not in text


@pytest.mark.parametrize(
    "missing",
    sorted(
        path.as_posix()
        for path in (
            Path("excluded.csv"),
            Path("folds.csv"),
            Path("roc.csv"),
            Path("confusion.csv"),
            Path("delong.csv"),
            Path("cohort.csv"),
            Path("study.yaml"),
            Path("predictions.parquet"),
            Path("metrics.csv"),
            Path("tables"),
        )
    ),
)
def test_a_missing_table_is_no_error(full, tmp_path, missing, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(full, folder)
    target = folder / missing
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    # The figures of the whole folder are drawn elsewhere; here it is the page that must stand.
    monkeypatch.setattr("gliofuse.report.html.draw_all", lambda drawings, folder: ({}, []))
    _parsed(write_report(folder))


def test_hostile_text_is_shown_not_run(tmp_path):
    folder = make_run_folder(
        tmp_path / "run", patients=24, models=["radiomics_t1", "rdl"], hostile=HOSTILE
    )
    harmless = make_run_folder(tmp_path / "other", patients=24, models=["radiomics_t1", "rdl"])
    text = write_report(folder).read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert _parsed(folder / "report.html").scripts == _parsed(write_report(harmless)).scripts
    assert "<b>Not drawn</b>" not in text


def test_summary_is_plain_data_without_training_performance(full):
    summary = summarise(full)
    json.dumps(summary)
    assert [cohort["cohort"] for cohort in summary["cohorts"]] == ["test"]
    assert summary["headline"]["model"] == "rdl"
    assert summary["patients"]["manifest"] == 104
    assert summary["patients"]["analysed"] == 96
    assert summary["patients"]["n_excluded"] == 7
    assert summary["patients"]["n_failed"] == 1


def test_models_stand_in_the_papers_order_and_the_final_is_not_tested_against_itself(full):
    (cohort,) = summarise(full)["cohorts"]
    assert [row["model"] for row in cohort["rows"]] == _folders.MODELS
    assert cohort["metrics"] == ["auc", "accuracy", "sensitivity", "specificity"]
    assert [row["p"] is None for row in cohort["rows"]] == [False] * 10 + [True]
    assert cohort["rows"][-1]["cells"]["auc"]["paper"] == pytest.approx(0.9)


def test_selection_counts_folds(full):
    import pandas as pd

    table = pd.read_csv(full / "tables" / "selected_features.csv", dtype={"fold": str})
    found = summarise(full)["selected_features"]
    model = next(entry for entry in found["models"] if entry["model"] == "radiomics_t2")
    own = table[table["model"] == "radiomics_t2"]
    assert found["folds"] == 5
    for entry in model["features"]:
        assert entry["folds"] == own.loc[own["feature"] == entry["feature"], "fold"].nunique()
    assert model["n_features"] == own["feature"].nunique()


def test_limitations_speak_from_the_data(full):
    titles = [entry["title"] for entry in summarise(full)["limitations"]]
    assert "Few patients" in titles
    assert "Cross-validation, not one model" in titles
    assert "No external validation" in titles
    assert "Probabilities are not calibrated" in titles
    assert "Quick settings" in titles
    assert titles[-1] == "Research use only"


def test_an_auc_below_chance_is_explained(full, tmp_path):
    import shutil

    import pandas as pd

    full = shutil.copytree(full, tmp_path / "run")
    titles = [entry["title"] for entry in summarise(full)["limitations"]]
    assert "Below chance is no finding" not in titles
    metrics = pd.read_csv(full / "metrics.csv")
    rows = (metrics["metric"] == "auc") & (metrics["model"] == "radiomics_t1")
    metrics.loc[rows, ["estimate", "ci_low", "ci_high"]] = [0.3, 0.15, 0.45]
    metrics.to_csv(full / "metrics.csv", index=False)
    texts = {entry["title"]: entry["text"] for entry in summarise(full)["limitations"]}
    assert "Radiomics T1 lies below 0.5" in texts["Below chance is no finding"]


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_a_folder_without_a_run_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"existing folder|run\.json is missing"):
        write_report(tmp_path / name)


def test_a_broken_table_leaves_its_section_out(full, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(full, folder)
    (folder / "calibration.csv").write_bytes(b"\x00\xff not a table")
    (folder / "decision_curve.csv").write_text("cohort,model\n")
    (folder / "tables" / "nomogram.json").write_text("{broken")
    monkeypatch.setattr("gliofuse.report.html.draw_all", lambda drawings, folder: ({}, []))
    text = write_report(folder).read_text(encoding="utf-8")
    assert "Nomogram and calculator" not in text
    assert "Decision curve</h3>" not in text


def test_what_is_no_number_is_left_out_of_its_curve(full, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(full, folder)
    table = (folder / "decision_curve.csv").read_text()
    (folder / "decision_curve.csv").write_text(table.replace("rdl,0.01,", "rdl,nonsense,"))
    curves = {
        curve["model"]: curve["threshold"]
        for curve in summarise(folder)["decision_curve"][0]["curves"]
    }
    assert len(curves["rdl"]) == len(curves["dl_fusion"]) - 1 == 98


def test_a_figure_that_cannot_be_drawn_costs_no_more_than_itself(tmp_path):
    def fails(_):
        raise ZeroDivisionError("no spread")

    def draws(_):
        from gliofuse.report.figures.style import new_figure

        return new_figure()[0]

    figures, problems = draw_all(
        [
            Drawing("bad", "Bad figure", fails, ([1],), {}),
            Drawing("empty", "Nothing to draw", lambda _: None, ([1],), {}),
            Drawing("good", "Good figure", draws, ([1],), {}),
        ],
        tmp_path,
    )
    assert list(figures) == ["good"]
    assert problems == ["Bad figure could not be drawn: ZeroDivisionError: no spread"]
    assert [path.name for path in tmp_path.iterdir()] == ["good.svg"]


def test_comparison_report(tmp_path):
    folder = _folders.make_comparison_folder(tmp_path / "compare", hostile=HOSTILE)
    path = write_comparison_report(folder)
    page = _parsed(path)
    text = path.read_text(encoding="utf-8")
    assert len(page.ids) == len(set(page.ids))
    assert all(load.startswith(("#", "data:")) for load in page.loads)
    assert "<script>alert" not in text
    for heading in ("What was compared", "Patients whom all designs misjudge", "Time and memory"):
        assert heading in text
    assert "Imaging-clinical" in text
    assert (folder / "figures" / "roc_test.svg").exists()


def test_comparison_without_its_record_is_refused(tmp_path):
    with pytest.raises(InputError, match="gliofuse compare"):
        write_comparison_report(tmp_path)


def test_command_draws_again(full, tmp_path, capsys):
    from gliofuse.cli import main

    folder = make_run_folder(tmp_path / "run", full=False)
    with pytest.raises(SystemExit) as stop:
        main(["report", str(folder)])
    assert stop.value.code == 0
    assert str(folder / "report.html") in capsys.readouterr().out.replace("\n", "")
    with pytest.raises(SystemExit) as stop:
        main(["report", str(tmp_path / "nothing")])
    assert stop.value.code == 2


def test_models_of_two_kinds_stand_in_a_grid(tmp_path):
    names = ["2d_t1", "2d_all", "3d_t1", "3d_all", "2d_shape_t1", "2d_shape_all"]
    folder = make_run_folder(tmp_path / "run", models=names, full=False, design="shape-resnet")
    (cohort,) = summarise(folder)["cohorts"]
    assert cohort["metrics"] == ["auc", "accuracy", "apca", "sensitivity", "specificity"]
    assert cohort["grid"]["kinds"] == ["2D", "3D", "2D shape"]
    assert cohort["grid"]["groups"] == ["T1", "All"]
    assert cohort["grid"]["cells"][1][2]["final"]
    single = make_run_folder(tmp_path / "other", models=["a_x", "a_y", "b_z", "c"], full=False)
    assert summarise(single)["cohorts"][0]["grid"] is None


def test_roc_table_of_sensitivity_and_specificity(full, tmp_path):
    import pandas as pd

    folder = tmp_path / "run"
    shutil.copytree(full, folder)
    table = pd.read_csv(folder / "roc.csv")
    other = table[["cohort", "model", "threshold"]].assign(
        sensitivity=table["true_positive_rate"],
        specificity=1 - table["false_positive_rate"],
        sensitivity_low=table["true_positive_rate"] / 2,
        sensitivity_high=(1 + table["true_positive_rate"]) / 2,
    )
    other.to_csv(folder / "roc.csv", index=False)
    before, after = (summarise(path)["cohorts"][0]["curves"][-1] for path in (full, folder))
    assert after["true_positive_rate"] == before["true_positive_rate"]
    assert after["false_positive_rate"] == pytest.approx(before["false_positive_rate"])
    assert "low" not in before
    assert after["low"][-1] == 0.5


def test_nomogram_scale_gives_the_models_probability():
    """Points added up and read off the scale equal the logistic formula."""
    from gliofuse.report.figures.nomogram import points_scale

    terms = [
        {"coefficient": 1.3, "min": -3.0, "max": 4.0, "levels": []},
        {"coefficient": -0.3, "levels": [{"label": "f", "value": 0}, {"label": "m", "value": 1}]},
    ]
    scale, origins = points_scale(terms)
    values = (1.7, 1.0)
    points = sum(t["coefficient"] * (v - o) * scale for t, v, o in zip(terms, values, origins))
    lowest = sum(t["coefficient"] * o for t, o in zip(terms, origins))
    assert points / scale + lowest == pytest.approx(1.3 * 1.7 - 0.3)
    assert origins == [-3.0, 1.0]
    assert (4.0 + 3.0) * 1.3 * scale == pytest.approx(100)


def test_the_papers_nearest_cohort_stands_beside_held_out_patients(tmp_path):
    folder = make_run_folder(
        tmp_path / "run", patients=24, models=["clinical", "fusion"], full=False
    )
    for cohort in ("training", "validation", "external"):
        (folder / "paper_results.csv").write_text(
            f"cohort,model,metric,value\n{cohort},fusion,auc,0.949\n"
        )
        head = summarise(folder)["headline"]
        assert head["paper"] == (None if cohort == "training" else 0.949)
        assert head["paper_cohort"] == (None if cohort == "training" else cohort)


def test_heat_maps_of_the_last_network_come_first(full, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(full, folder)
    for name in ("dl_t1", "dl_fusion"):
        (folder / "gradcam" / name).mkdir()
        (folder / "gradcam" / name / "A&1.svg").write_text("<svg/>")
    (folder / "tables" / "heat_shares_dl_t1.csv").write_text(
        "case_id,model,heat_inside,heat_edge,heat_outside,area_inside\nA,dl_t1,0.5,0.3,0.2,0.4\n"
    )
    found = summarise(folder)["gradcam"]
    assert [entry["caption"] for entry in found["images"]] == [
        "DL fusion · A&1", "DL T1 · A&1", "TCGA-0001"
    ]  # fmt: skip
    assert found["shares"][0]["cells"][0] == {"heat": 0.5, "area": 0.4}
    assert found["shares"][0]["cells"][1]["area"] is None
