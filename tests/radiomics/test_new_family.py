"""A feature family is an object and a line in the registry; all else follows from the two."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import Case
from gliofuse.errors import SettingError
from gliofuse.imaging import Volume
from gliofuse.radiomics import RadiomicsExtractor, RadiomicsSettings, extract_case
from gliofuse.radiomics.families import FAMILIES, Family, Feature
from gliofuse.radiomics.reference_page import features_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "radiomics-own-family.md"

TOY = Family(
    "toy",
    (
        Feature("Levels", r"N_g", "How many grey levels there are."),
        Feature("Shifted", r"\max x + c", "The maximum, shifted."),
    ),
    "Toy: two features of a test.",
    from_image=lambda inside, setting: {
        "Levels": float(len(inside.levels.gray)),
        "Shifted": float(inside.ordered[-1]) + setting.voxelArrayShift,
        "Median": float(np.median(inside.ordered)),
    },
    settings=("binWidth", "binCount", "voxelArrayShift"),
    on_request=("Median",),
    equals={"Ranks": "Levels"},
)
COUNTED = Family(
    "counted",
    (Feature("Voxels", r"N", "How many voxels there are."),),
    "Counted: one feature that no image enters.",
    from_region=lambda region: {"Voxels": float(region.size)},
)


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(FAMILIES, "toy", TOY)
    monkeypatch.setitem(FAMILIES, "counted", COUNTED)


@pytest.fixture
def volumes():
    image = Volume(np.arange(120.0).reshape(4, 5, 6))
    return image, Volume((image.array > 30).astype(np.uint8))


@pytest.mark.usefixtures("registered")
def test_its_features_have_names_and_values(volumes):
    extractor = RadiomicsExtractor(
        {"featureClass": {"toy": [], "counted": []}, "imageType": {"Original": {}, "Square": {}}},
        additionalInfo=False,
    )
    found = extractor.execute(*volumes)
    assert list(found) == list(extractor.params.feature_names())
    assert found["original_counted_Voxels"] == 89.0
    assert found["original_toy_Levels"] == 4.0  # of width 25, from 31 to 119
    assert found["original_toy_Shifted"] == 119.0
    assert found["square_toy_Shifted"] == pytest.approx(119.0)
    assert len(found) == 5


@pytest.mark.usefixtures("registered")
def test_its_features_are_asked_for_and_refused_by_name(volumes):
    asked = RadiomicsExtractor({"featureClass": {"toy": ["Median"]}}, additionalInfo=False)
    assert asked.execute(*volumes) == {"original_toy_Median": 75.0}
    with pytest.raises(SettingError, match="toy has no 'Level'; did you mean 'Levels'"):
        RadiomicsSettings.from_params({"featureClass": {"toy": ["Level"]}})
    with pytest.raises(SettingError, match=r"toy Ranks is deprecated .* equals Levels"):
        RadiomicsSettings.from_params({"featureClass": {"toy": ["Ranks"]}})


@pytest.mark.usefixtures("registered")
def test_the_default_is_every_family_and_a_published_bank_stays():
    assert len(RadiomicsSettings().feature_names()) == 107 + 3
    assert len(RadiomicsSettings.preset("original").feature_names()) == 107


@pytest.mark.usefixtures("registered")
def test_the_cache_knows_which_settings_it_depends_on(volumes, tmp_path):
    paths = [tmp_path / "image.nii.gz", tmp_path / "mask.nii.gz"]
    for volume, path in zip(volumes, paths, strict=True):
        volume.write(path)
    case = Case("p0", {"t1": paths[0]}, paths[1], None, {})

    def run(**setting):
        params = {"featureClass": {"toy": []}, "setting": setting}
        return extract_case(
            case,
            settings=RadiomicsSettings.from_params(params),
            sequences=("t1",),
            convention="binary",
            cache=tmp_path / "cache",
        )["t1.whole.original_toy_Shifted"]

    assert run() == 119.0
    assert run(voxelArrayShift=5) == 124.0
    assert run() == 119.0


@pytest.mark.usefixtures("registered")
def test_it_stands_on_the_reference_page():
    page = features_page()
    assert "## toy\n\nToy: two features of a test." in page
    assert "`<image>_toy_Levels` · not defined by IBSI" in page
    assert "`original_counted_Voxels`" in page
    assert "| [`toy`](#toy) | 2 |" in page
    assert "- `toy`: Median" in page
    assert "- `toy`: Ranks (equals Levels)" in page


@pytest.mark.usefixtures("registered")
def test_it_is_drawn_among_the_others():
    from gliofuse.cli._stability_figure import draw_stability

    names = ["t1.whole.original_toy_Levels", "t1.whole.original_glcm_Contrast"]
    icc = pd.DataFrame({"feature": names, "icc": [0.9, 0.5]})
    figure = draw_stability(icc, icc.assign(variant="moved"), threshold=0.8)
    drawn = {text.get_text() for axes in figure.axes for text in axes.get_xticklabels()} | {
        text.get_text() for axes in figure.axes for text in axes.get_yticklabels()
    }
    assert any("toy" in text for text in drawn)


def test_the_example_of_the_docs_runs(monkeypatch, volumes):
    code = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    namespace: dict = {"__name__": "extremes"}
    exec(code, namespace)
    monkeypatch.setitem(FAMILIES, "extremes", namespace["FAMILY"])
    extractor = RadiomicsExtractor({"featureClass": {"extremes": []}}, additionalInfo=False)
    found = extractor.execute(*volumes)
    # levels 25-50, ..., 100-125 of 31 to 119
    assert found == {
        "original_extremes_Bottom": pytest.approx(19 / 89),
        "original_extremes_Top": pytest.approx(20 / 89),
    }
    assert "Extremes: two features" in features_page()


def test_a_family_computes_from_an_image_or_from_a_region():
    with pytest.raises(TypeError, match="family none: give either from_image or from_region"):
        Family("none", ())


def test_names_and_definitions_load_no_compiler():
    code = (
        "import sys; from gliofuse.radiomics.families import FAMILIES; "
        "from gliofuse.radiomics import RadiomicsSettings; RadiomicsSettings.preset('original'); "
        "print(len(FAMILIES), 'numba' in sys.modules, 'SimpleITK' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["7", "False", "False"]
