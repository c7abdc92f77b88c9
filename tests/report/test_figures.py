"""Figures for a journal: their width, their text, and that nothing of anybody is lost."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from gliofuse.cli import main
from gliofuse.errors import InputError, SettingError
from gliofuse.report import drawings
from gliofuse.report.figures import _fitted, export_figures
from gliofuse.report.style import (
    _texts,
    fit_width,
    is_legible,
    new_figure,
    page_width,
    styled,
)

pytestmark = pytest.mark.slow(minutes=0.2)

MM = 25.4


def test_every_figure_is_drawn_at_the_columns_width(clinical_run, tmp_path):
    formats = ("png", "pdf", "tiff", "svg")
    done, problems = export_figures(
        clinical_run, tmp_path, formats=formats, dpi=200, only=["roc_test", "decision_curve"]
    )
    assert problems == []
    assert [one.name for one in done] == ["roc_test", "decision_curve"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "captions.md",
        *(f"{one.name}.{kind}" for one in done for kind in formats),
    }
    for one in done:
        assert one.width_mm == 85
        for kind in ("png", "tiff"):
            with Image.open(tmp_path / f"{one.name}.{kind}") as image:
                assert image.width == pytest.approx(85 / MM * 200, abs=1)
                assert image.info["dpi"][0] == pytest.approx(200, abs=0.1)
        svg = (tmp_path / f"{one.name}.svg").read_text(encoding="utf-8")
        assert float(re.search(r'<svg [^>]*width="([\d.]+)pt"', svg)[1]) == pytest.approx(
            85 / MM * 72, abs=0.1
        )
        assert "<text" in svg, "text is text"
        assert "<image" not in svg, "drawn anew, not a scaled picture"
        box = re.search(
            rb"/MediaBox\s*\[\s*0 0 ([\d.]+)", (tmp_path / f"{one.name}.pdf").read_bytes()
        )
        assert float(box[1]) == pytest.approx(85 / MM * 72, abs=0.1)
    captions = (tmp_path / "captions.md").read_text(encoding="utf-8")
    assert all(one.caption in captions for one in done)


def test_text_of_every_figure_can_be_read(clinical_run):
    for drawing in drawings(clinical_run):
        found = _fitted(drawing, 85)
        if found is None:
            continue
        figure, drawn = found
        assert min(text.get_fontsize() for text in _texts(figure)) > 5.99, drawing.name
        assert 85 <= drawn <= 180
        assert figure.get_size_inches()[0] * MM == pytest.approx(drawn)
        assert is_legible(figure) or drawn > 85, drawing.name


def test_a_narrow_column_stacks_panels_and_text_that_collides_is_seen():
    def draw(labels):
        figure, panels = new_figure(1, 3, width=3.0, height=2.0)
        for panel in panels:
            panel.set_xticks(range(len(labels)), labels)
        return figure

    with page_width(85):
        stacked = styled(draw, ["a", "b", "c"])
        crowded = styled(draw, ["a very long label"] * 8)
    assert len({panel.get_subplotspec().colspan.start for panel in stacked.axes}) == 1
    for figure, legible in ((stacked, True), (crowded, False)):
        fit_width(figure, 85)
        assert is_legible(figure) is legible


def test_only_ones_own_files_are_replaced(clinical_run, tmp_path):
    once = {"formats": ["svg"], "only": ["roc_test"]}
    foreign = tmp_path / "roc_test.svg"
    foreign.write_text("mine")
    with pytest.raises(InputError, match=r"roc_test\.svg exists"):
        export_figures(clinical_run, tmp_path, **once)
    assert foreign.read_text() == "mine"
    export_figures(clinical_run, tmp_path, **once, overwrite=True)
    assert foreign.read_text() != "mine"
    export_figures(clinical_run, tmp_path, **once)  # one's own
    other = tmp_path / "decision_curve.svg"
    other.write_text("mine")
    with pytest.raises(InputError, match=r"decision_curve\.svg exists"):
        export_figures(clinical_run, tmp_path, formats=["svg"], only=["roc_test", "decision_curve"])


def test_the_reports_own_figures_are_never_replaced(clinical_run, copied):
    folder = copied(clinical_run)
    with pytest.raises(InputError, match="exists"):
        export_figures(folder, folder / "figures", formats=["svg"], only=["roc_test"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formats": ["jpg"]}, "no format 'jpg'"),
        ({"formats": []}, "name at least one of png"),
        ({"width_mm": 3}, "must be 40 to 400, got 3"),
        ({"dpi": 5}, "must be 50 to 2400, got 5"),
        ({"only": ["rock_test"]}, "no figure 'rock_test'.*roc_test"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(
    clinical_run, tmp_path, options, message
):
    with pytest.raises(SettingError, match=message):
        export_figures(clinical_run, tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_the_command_says_what_it_wrote(clinical_run, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["figures", str(clinical_run), "--format", "png", "--dpi", "72", "--only",
              "roc_test, nomogram_fusion", "-o", str(tmp_path)])  # fmt: skip
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert "roc_test: roc_test.png\n" in said
    assert re.search(r"nomogram_fusion: nomogram_fusion\.png", said)
