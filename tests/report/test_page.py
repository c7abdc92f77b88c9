"""The page: whole, well-formed, safe, without network, the same each time."""

from __future__ import annotations

import re
import shutil

import pytest

from gliofuse.errors import InputError
from gliofuse.report import write_report
from gliofuse.report.drawing import Drawing, draw_all
from gliofuse.study.runner import run_study

from .conftest import table_study, write_tables

pytestmark = pytest.mark.slow(minutes=0.1)

HOSTILE = '<script>alert("x")</script>&"\'$x$'


def test_every_section_of_a_binary_run_is_there(comparison, image_run, page_of):
    text = "".join(page_of(folder)[0] for folder in (comparison / "imaging-clinical", image_run))
    for heading in (
        "What was done", "Patients", "Results", "Patient by patient",
        "What these figures cannot tell", "Calibration", "Decision curve", "Clinical impact",
        "Nomogram and calculator", "Survival", "Contributions in the fusion",
        "Choice of the model among its rivals", "Selected features", "Failed cases",
        "The design", "Settings and versions", "TRIPOD+AI checklist", "CLEAR checklist",
    ):  # fmt: skip
        assert f"{heading}</h" in text
    assert "<b>Not drawn</b>" not in text
    assert "not a medical device" in text


@pytest.mark.parametrize("name", ["rdl", "imaging-clinical", ""])
def test_page_is_well_formed_and_needs_nothing_else(comparison, page_of, name):
    text, page = page_of(comparison / name)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    outside = {link for link in page.links if not link.startswith("#")}
    assert outside == (set() if name else {"rdl/report.html", "imaging-clinical/report.html"})
    assert all(load.startswith(("#", "data:")) for load in page.loads)
    assert not re.search(r"https?://", text)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "Content-Security-Policy" in text


def test_figures_are_saved_whole_and_alike_each_time(clinical_run, copied):
    before = {path.name: path.read_bytes() for path in (clinical_run / "figures").iterdir()}
    assert {"roc_test.svg", "forest.svg", "confusion_test.svg", "nomogram_fusion.svg"} <= set(
        before
    )
    assert {"kaplan_meier_class.svg", "calibration.svg", "decision_curve.svg"} <= set(before)
    assert not any(name.startswith(".") for name in before)
    again = copied(clinical_run)
    shutil.rmtree(again / "figures")
    write_report(again)
    assert {path.name: path.read_bytes() for path in (again / "figures").iterdir()} == before
    assert (again / "report.html").read_bytes() == (clinical_run / "report.html").read_bytes()


def test_hostile_text_is_shown_not_run(tmp_path, clinical_run, page_of):
    """A study whose patients, columns and name hold markup."""
    column = f"age{HOSTILE}"
    write_tables(tmp_path, first_id=f"p00{HOSTILE}", column=column, center=f"A{HOSTILE}")
    study = table_study(
        tmp_path, "imaging-clinical", name=f"grade{HOSTILE}", covariates=[column, "sex"]
    )
    run_study(study, tmp_path / "run", command=f"gliofuse run{HOSTILE}")
    write_report(tmp_path / "run")
    text, page = page_of(tmp_path / "run")
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") > 10
    assert page.scripts == page_of(clinical_run)[1].scripts
    assert "<b>Not drawn</b>" not in text


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_a_folder_without_a_run_is_refused(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"existing folder|run\.json is missing"):
        write_report(tmp_path / name)


def test_a_run_of_an_older_version_is_refused_in_one_line(rdl_run, copied):
    folder = copied(rdl_run)
    (folder / "run.json").write_text('{"models": ["rdl"], "final_model": "rdl"}')
    with pytest.raises(InputError, match="written by another version of gliofuse") as error:
        write_report(folder)
    assert "\n" not in str(error.value)


def test_command_draws_again(rdl_run, copied, tmp_path, capsys, undrawn):
    from gliofuse.cli import main

    folder = copied(rdl_run)
    (folder / "report.html").unlink()
    with pytest.raises(SystemExit) as stop:
        main(["report", str(folder)])
    assert stop.value.code == 0
    assert (folder / "report.html").is_file()
    assert str(folder / "report.html") in capsys.readouterr().out.replace("\n", "")
    with pytest.raises(SystemExit) as stop:
        main(["report", str(tmp_path / "nothing")])
    assert stop.value.code == 2


def test_a_figure_that_cannot_be_drawn_costs_no_more_than_itself(tmp_path):
    def fails():
        raise ZeroDivisionError("no spread")

    def draws():
        from gliofuse.report.style import new_figure

        return new_figure()[0]

    figures, problems = draw_all(
        [
            Drawing("bad", "Bad figure", fails),
            Drawing("empty", "Nothing to draw", lambda: None),
            Drawing("good", "Good figure", draws),
        ],
        tmp_path,
    )
    assert list(figures) == ["good"]
    assert problems == ["Bad figure could not be drawn: ZeroDivisionError: no spread"]
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["good.svg"]


def test_a_figure_can_be_had_alone(clinical_run):
    from gliofuse.report import drawings

    found = {drawing.name: drawing for drawing in drawings(clinical_run)}
    figure = found["roc_test"].figure()
    assert [line.get_label().split(":")[0] for line in figure.axes[0].get_lines()][1:] == [
        "Overall radiomics", "Imaging score", "Clinical", "Fusion",
    ]  # fmt: skip
