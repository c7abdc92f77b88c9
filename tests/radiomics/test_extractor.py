"""Parameter files, the drop-in extractor, patients and cohorts, and the command."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gliofuse.cli import main
from gliofuse.cohort import Case, Cohort
from gliofuse.errors import (
    GeometryError,
    ImageError,
    ManifestError,
    RegionError,
    SettingError,
)
from gliofuse.files import read_parquet, read_parquet_metadata
from gliofuse.imaging import Volume
from gliofuse.radiomics import (
    RadiomicsExtractor,
    RadiomicsSettings,
    RadiomicsWarning,
    extract_case,
    extract_cohort,
    featureextractor,
)
from gliofuse.radiomics import groups as groups_module

SPACING = (3.0, 0.9, 1.1)
OBLIQUE = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
SMALL = {
    "setting": {"binCount": 16},
    "imageType": {"Original": {}, "Square": {}, "Wavelet": {}},
    "featureClass": {"shape": [], "firstorder": [], "glcm": ["Contrast", "MCC"], "gldm": []},
}


def _labels(shape=(12, 20, 22)):
    z, y, x = np.indices(shape)
    distance = ((z - 6) / 4) ** 2 + ((y - 10) / 6) ** 2 + ((x - 11) / 7) ** 2
    labels = np.zeros(shape, np.uint8)
    labels[distance < 1] = 2
    labels[distance < 0.5] = 4
    labels[distance < 0.15] = 1
    return labels


def _volume(array, **changes):
    place = {"spacing_mm": SPACING, "origin_mm": (-40.0, 12.0, 5.0), "direction": OBLIQUE}
    return Volume(array, **{**place, **changes})


def _image(seed=0, dtype=np.int16):
    rng = np.random.default_rng(seed)
    return _volume((rng.normal(400, 80, (12, 20, 22)) + 100 * _labels()).astype(dtype))


@pytest.fixture
def cohort(tmp_path):
    """Three patients of two sequences; the last one's mask is empty."""
    cases = []
    for index in range(3):
        folder = tmp_path / f"p{index}"
        folder.mkdir()
        images = {}
        for sequence in ("t1ce", "flair"):
            images[sequence] = folder / f"{sequence}.nii.gz"
            _image(10 * index + len(images)).write(images[sequence])
        mask = folder / "mask.nii.gz"
        _volume(_labels() if index < 2 else np.zeros_like(_labels())).write(mask)
        cases.append(Case(f"p{index}", images, mask))
    return Cohort(tuple(cases))


def _manifest(cohort, path):
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["case_id", "t1ce", "flair", "mask"])
        for case in cohort:
            rows.writerow([case.case_id, case.images["t1ce"], case.images["flair"], case.mask])
    return path


# --- settings ---------------------------------------------------------------------------------


def test_presets_have_their_numbers_of_features():
    for name, count in {"shape": 14, "original": 107}.items():
        names = RadiomicsSettings.preset(name).feature_names()
        assert len(names) == len(set(names)) == count
    with pytest.raises(SettingError, match="preset 'shapes' is unknown: did you mean 'shape'"):
        RadiomicsSettings.preset("shapes")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"setting": {"binwidth": 10}}, "did you mean 'binWidth'"),
        ({"setings": {}}, "did you mean 'setting'"),
        ({"imageType": {"Log": {}}}, "did you mean 'LoG'"),
        ({"imageType": {"LoG": {"sigmas": [1]}}}, "did you mean 'sigma'"),
        ({"featureClass": {"glcmm": []}}, "did you mean 'glcm'"),
        ({"featureClass": {"glcm": ["Contrst"]}}, "did you mean 'Contrast'"),
        ({"featureClass": {"glcm": ["Homogeneity1"]}}, "it equals Id"),
        ({"featureClass": {"shape2D": []}}, "shape2D is not offered"),
        ({"setting": {"binWidth": 0}}, "binWidth got 0: Input should be greater than 0"),
        ({"setting": {"weightingNorm": "euclid"}}, "weightingNorm got 'euclid'"),
        ({"setting": [1]}, "must be made of 'key: value' lines"),
        ({"imageType": {"LoG": {"sigma": "two"}}}, "sigma got 'two'"),
    ],
)
def test_a_wrong_parameter_names_the_right_one(params, message):
    with pytest.raises(SettingError, match=message):
        RadiomicsSettings.from_params(params)


def test_parameter_files_are_read_as_they_are(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        "imageType:\n  Original: {}\n  LoG:\n    sigma: [2, 3.5]\n  Wavelet:\n    binWidth: 10\n"
        "featureClass:\n  shape:\n  firstorder: []\n  glcm:\n    - 'JointAverage'\n"
        "setting:\n  binWidth: 5\n  label: 2\n  interpolator: 'sitkBSpline'\n  weightingNorm:\n"
        "voxelSetting:\n  kernelRadius: 2\n"
    )
    settings = RadiomicsSettings.from_params(path)
    assert settings.setting.label == 2
    assert settings.image_settings("Wavelet").binWidth == 10
    assert settings.image_settings("LoG").binWidth == 5
    assert settings.image_names("LoG") == ("log-sigma-2-mm-3D", "log-sigma-3-5-mm-3D")
    assert settings.wanted("glcm") == ("JointAverage",)
    assert RadiomicsSettings.model_validate_json(settings.model_dump_json()) == settings


def test_a_missing_or_broken_file_is_one_line(tmp_path):
    with pytest.raises(SettingError, match="no such parameter file"):
        RadiomicsSettings.from_params(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("setting: {binWidth: [")
    with pytest.raises(SettingError, match="not a YAML file"):
        RadiomicsSettings.from_params(broken)


# --- one image --------------------------------------------------------------------------------


def test_path_volume_and_sitk_image_agree(tmp_path):
    image, mask = _image(), _volume(_labels())
    image.write(tmp_path / "image.nii.gz")
    mask.write(tmp_path / "mask.nii.gz")
    extractor = RadiomicsExtractor(SMALL)
    first = extractor.execute(image, mask, label=2)
    second = extractor.execute(image.to_sitk(), mask.to_sitk(), label=2)
    third = extractor.execute(tmp_path / "image.nii.gz", str(tmp_path / "mask.nii.gz"), label=2)
    values = [
        {k: v for k, v in found.items() if not k.startswith("diagnostics")}
        for found in (first, second, third)
    ]
    assert values[0] == values[1]
    assert values[2] == pytest.approx(values[0], rel=1e-6)  # NIfTI keeps spacing as float32
    assert list(values[0]) == list(RadiomicsSettings.from_params(SMALL).feature_names())


def test_conveniences_of_pyradiomics():
    extractor = featureextractor.RadiomicsFeatureExtractor(binWidth=50)
    extractor.addProvenance(False)
    extractor.settings["binWidth"] = 40
    assert extractor.settings["binWidth"] == 40
    with pytest.raises(SettingError, match="did you mean 'binWidth'"):
        extractor.settings["binwidth"] = 5
    extractor.disableAllFeatures()
    extractor.enableFeatureClassByName("shape")
    extractor.enableFeaturesByName(firstorder=["Mean", "StandardDeviation"])
    extractor.enableImageTypeByName("LoG", customArgs={"sigma": [2.0]})
    found = extractor.execute(_image(), _volume(_labels()), label=4)
    assert len(found) == 14 + 2 * 2
    assert found["original_firstorder_StandardDeviation"] > 0
    extractor.enableAllFeatures()
    extractor.disableAllImageTypes()
    extractor.enableImageTypes(Square={})
    assert len(extractor.params.feature_names()) == 107
    with pytest.raises(SettingError, match="did you mean 'Wavelet'"):
        extractor.enableImageTypeByName("Wavlet")


@pytest.mark.parametrize("force2d", [False, True])
def test_names_are_those_that_come_out(force2d):
    settings = RadiomicsSettings.from_params(
        {
            "setting": {"binCount": 8, "force2D": force2d, "additionalInfo": False},
            "imageType": {
                name: {}
                for name in ("Original", "SquareRoot", "Logarithm", "Exponential", "Gradient")
            }
            | {"LoG": {"sigma": [1, 2.5]}, "Wavelet": {"level": 2}, "LBP3D": {}, "LBP2D": {}},
            "featureClass": {"firstorder": ["Mean"]},
        }
    )
    found = RadiomicsExtractor(settings).execute(_image(), _volume(_labels()), label=2)
    assert list(found) == list(settings.feature_names())


def test_a_type_may_have_its_own_bins():
    params = {
        "setting": {"binCount": 8, "additionalInfo": False},
        "imageType": {"Original": {}, "Square": {"binCount": 64}},
        "featureClass": {"firstorder": ["Entropy"]},
    }
    found = RadiomicsExtractor(params).execute(_image(), _volume(_labels()), label=2)
    assert found["square_firstorder_Entropy"] > 3 > found["original_firstorder_Entropy"] > 0


def test_bad_input_is_named(tmp_path):
    image, labels = _image(), _labels()
    extractor = RadiomicsExtractor(SMALL)
    with pytest.raises(RegionError, match=r"label 3 .*\[1, 2, 4\]"):
        extractor.execute(image, _volume(labels), label=3)
    with pytest.raises(RegionError, match="nothing is segmented"):
        extractor.execute(image, _volume(np.zeros_like(labels)))
    with pytest.raises(GeometryError, match="spacing"):
        extractor.execute(image, _volume(labels, spacing_mm=(3.0, 1.0, 1.0)), label=2)
    array = image.array.astype(np.float32)
    array[0, 0, 0] = np.nan
    with pytest.raises(ImageError, match="finite, got 1 "):
        extractor.execute(_volume(array), _volume(labels), label=2)
    with pytest.raises(ImageError, match="must be a path, a Volume or a SimpleITK image"):
        extractor.execute(image.array, _volume(labels))
    with pytest.raises(ImageError, match="no such file"):
        extractor.execute(tmp_path / "none.nii.gz", _volume(labels))
    one = np.zeros_like(labels)
    one[3, 4, 5] = 1
    with pytest.raises(RegionError, match="single voxel"):
        extractor.execute(image, _volume(one))
    one[3, 4, 5:9] = 1
    with pytest.raises(RegionError, match="minimumROIDimensions"):
        extractor.execute(image, _volume(one))


def test_one_grey_level_is_loud():
    image = _volume(np.random.default_rng(0).random((12, 20, 22)))
    with pytest.warns(RadiomicsWarning, match="into one grey level"):
        RadiomicsExtractor().execute(image, _volume(_labels()), label=2)


# --- patients ---------------------------------------------------------------------------------


def test_several_regions_equal_one_at_a_time(cohort):
    settings = RadiomicsSettings.from_params(SMALL)
    regions = ("whole", "core", "ring(whole, 3)")
    found = extract_case(
        cohort["p0"], settings=settings, regions=regions, sequences=("t1ce", "flair")
    )
    assert len(found) == 2 * 3 * len(settings.feature_names())
    mask = np.isin(_labels(), (1, 4)).astype(np.uint8)
    alone = RadiomicsExtractor(settings).execute(
        Volume.read(cohort["p0"].images["flair"]),
        Volume.read(cohort["p0"].mask).with_array(mask),
    )
    for name in settings.feature_names():
        assert found[f"flair.core.{name}"] == pytest.approx(alone[name], rel=1e-9), name
    assert "t1ce.ring(whole,3).original_shape_MeshVolume" in found
    assert (
        found["t1ce.core.original_shape_MeshVolume"]
        == found["flair.core.original_shape_MeshVolume"]
    )


def test_a_bad_patient_does_not_end_the_cohort(cohort):
    steps = []
    table, failures = extract_cohort(
        cohort,
        settings=RadiomicsSettings.preset("original"),
        sequences=("t1ce",),
        progress=steps.append,
    )
    assert table.index.tolist() == ["p0", "p1"]
    assert table.shape == (2, 107)
    assert failures["case_id"].tolist() == ["p2"]
    assert "has no voxel" in failures["error"][0]
    assert steps[-1] == 3


def test_workers_do_not_change_the_table(cohort):
    options = {"settings": RadiomicsSettings.preset("original"), "sequences": ("flair",)}
    one, _ = extract_cohort(cohort.subset(["p0", "p1"]), **options)
    two, _ = extract_cohort(cohort.subset(["p0", "p1"]), **options, workers=2)
    pd.testing.assert_frame_equal(one, two)


def test_a_wrong_region_or_sequence_is_one_error(cohort):
    settings = RadiomicsSettings.preset("shape")
    with pytest.raises(RegionError, match="did you mean 'whole'"):
        extract_cohort(cohort, settings=settings, regions=["whol"])
    with pytest.raises(ManifestError, match="t1cee"):
        extract_cohort(cohort, settings=settings, sequences=["t1cee"])
    _, failures = extract_cohort(cohort, settings=settings, sequences=["t2"])
    assert failures["error"].str.contains("no t2").all()


def test_only_what_changed_is_computed_again(cohort, tmp_path, monkeypatch):
    computed = []
    original = groups_module.image_values

    def spy(image, region, setting, families):
        computed.append(tuple(families))
        return original(image, region, setting, families)

    monkeypatch.setattr(groups_module, "image_values", spy)

    def run(**changes):
        computed.clear()
        params = {**SMALL, "setting": {**SMALL["setting"], **changes}}
        return extract_case(
            cohort["p0"],
            settings=RadiomicsSettings.from_params(params),
            sequences=("t1ce",),
            cache=tmp_path / "cache",
        )

    first = run()
    assert len(computed) == 10
    assert run() == first
    assert computed == []
    run(gldm_a=1)
    assert computed == [("gldm",)] * 10
    run(wavelet="haar")
    assert len(computed) == 8  # the bands, not the original or the square
    run(binCount=20)
    assert len(computed) == 10
    assert run() == first
    assert computed == []
    path = cohort["p0"].images["t1ce"]
    os.utime(path, ns=(1, 1))
    assert run() == first
    assert len(computed) == 10


def test_a_damaged_cache_is_computed_again(cohort, tmp_path):
    options = {"settings": RadiomicsSettings.preset("shape"), "sequences": ("t1ce",)}
    first = extract_case(cohort["p0"], **options, cache=tmp_path)
    (stored,) = tmp_path.glob("*.json")
    stored.write_text(stored.read_text()[:100])
    assert extract_case(cohort["p0"], **options, cache=tmp_path) == first


def test_one_grey_level_is_refused_in_a_cohort(cohort):
    settings = RadiomicsSettings.from_params({"featureClass": {"firstorder": []}})
    with pytest.raises(SettingError, match=r"t1ce.* into one grey level"):
        extract_case(cohort["p0"], settings=settings, sequences=("t1ce",), normalisation="minmax")


# --- command ----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".json"])
def test_command_writes_a_cohort(cohort, tmp_path, suffix):
    manifest = _manifest(cohort, tmp_path / "cohort.csv")
    out = tmp_path / f"features{suffix}"
    with pytest.raises(SystemExit) as stop:
        main(
            ["extract", str(manifest), "-o", str(out), "--preset", "original", "--regions", "core"]
        )
    assert stop.value.code == 1  # one patient failed
    assert pd.read_csv(tmp_path / "features.failed.csv")["case_id"].tolist() == ["p2"]
    if suffix == ".parquet":
        table = read_parquet(out)
        assert read_parquet_metadata(out)["labels"] == "brats"
    elif suffix == ".csv":
        table = pd.read_csv(out, index_col="case_id")
    else:
        table = pd.DataFrame(json.loads(out.read_text())["features"]).T
    assert table.shape == (2, 214)
    assert table.loc["p0", "t1ce.core.original_firstorder_Mean"] > 400


def test_command_on_one_image(cohort, tmp_path, capsys):
    case = cohort["p0"]
    common = ["extract", "--image", str(case.images["t1ce"]), "--mask", str(case.mask)]
    with pytest.raises(SystemExit) as stop:
        main(
            [*common, "--region", "whole,core", "--preset", "shape", "-o", str(tmp_path / "a.csv")]
        )
    assert stop.value.code == 0
    rows = pd.read_csv(tmp_path / "a.csv", index_col="region")
    assert rows.index.tolist() == ["whole", "core"]
    with pytest.raises(SystemExit):
        main([*common, "--label", "4", "--preset", "shape"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["4"]["diagnostics_Mask-original_VoxelNum"] == int((_labels() == 4).sum())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["extract"], "give a manifest, or --image and --mask"),
        (["extract", "c.csv"], "a cohort needs -o"),
        (["extract", "c.csv", "-o", "x.xlsx"], "must end in .csv, .parquet, .json"),
        (["extract", "--image", "a.nii"], "--image needs --mask"),
        (["extract", "c.csv", "-o", "x.csv", "--preset", "rdll"], "did you mean 'rdl'"),
    ],
)
def test_command_says_what_is_wrong(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_read_only_installation_still_works(tmp_path):
    """Neither beside the source nor in the home may be written: a private folder serves."""
    code = (
        "import numba.core.caching as c\n"
        "def no(*a, **k): raise OSError('read-only')\n"
        "c.InTreeCacheLocator.ensure_cache_path = no\n"
        "c.UserWideCacheLocator.ensure_cache_path = no\n"
        "import numpy as np\n"
        "from gliofuse.radiomics.discretise import discretise\n"
        "print(discretise(np.arange(9.0), bin_width=3).level.tolist())\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[1, 1, 1, 2, 2, 2, 3, 3, 3]"
    assert any(Path(tmp_path).glob("gliofuse-kernels-*/**/*.nbi"))
