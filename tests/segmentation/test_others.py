"""Other segmenters: found or named with what to install, run, and their masks checked."""

import json
import stat
import sys

import numpy as np
import pytest

from gliofuse.errors import GeometryError, InputError, ManifestError, RunError, SettingError
from gliofuse.imaging import Volume, read_mask
from gliofuse.segmentation import segment_with
from gliofuse.segmentation.cohorts import segment_cohort

# Stands for nnU-Net: labels what is bright in the second channel.
_PROGRAM = """#!{python}
import sys, pathlib
sys.path[:0] = {path!r}
import SimpleITK as sitk
words = dict(zip(sys.argv[1::2], sys.argv[2::2]))
image = sitk.ReadImage(words["-i"] + "/case_0001.nii.gz")
assert (pathlib.Path(words["-i"]) / "case_0000.nii.gz").exists()
pathlib.Path(words["-o"]).mkdir()
if {broken}:
    sys.exit("no GPU here")
sitk.WriteImage(sitk.Cast(image > 150, sitk.sitkUInt8), words["-o"] + "/case.nii.gz")
"""


@pytest.fixture
def nnunet(tmp_path):
    """Return a function that makes a stand-in and its trained folder."""

    def make(broken=False, channels=("T1", "FLAIR")):
        program = tmp_path / "nnUNetv2_predict_from_modelfolder"
        program.write_text(_PROGRAM.format(python=sys.executable, path=sys.path, broken=broken))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        model = tmp_path / "model"
        model.mkdir(exist_ok=True)
        named = {str(number): name for number, name in enumerate(channels)}
        (model / "dataset.json").write_text(json.dumps({"channel_names": named}))
        return {"model": model, "command": str(program)}

    return make


def test_nnunet_is_run_with_the_sequences_in_its_own_order(heads, nnunet, tmp_path):
    one = segment_with("nnunet", **nnunet())
    assert one.channels() == ["t1", "flair"]
    case = heads.cases[0]
    found = read_mask(one.segment(case, tmp_path / "out" / "mask.nii.gz"))
    expected = Volume.read(case.images["flair"])
    assert np.array_equal(found.array, expected.array > 150)
    assert found.same_geometry(expected)


def test_a_program_that_fails_is_the_patient_s_failure(heads, nnunet, tmp_path):
    one = segment_with("nnunet", **nnunet(broken=True))
    with pytest.raises(RunError, match="nnunet ended with code 1 on p0: no GPU here"):
        one.segment(heads.cases[0], tmp_path / "mask.nii.gz")
    with pytest.raises(ManifestError, match="could be segmented; the first: nnunet ended"):
        segment_cohort(one, heads.subset(["p0"]), tmp_path / "out")


def test_sequences_that_are_missing_or_unknown_are_named(heads, nnunet, tmp_path):
    needs = segment_with("nnunet", **nnunet(channels=("T1", "T2")))
    with pytest.raises(ManifestError, match="nnunet needs t1, t2, no t2 in the manifest"):
        needs.segment(heads.cases[0], tmp_path / "mask.nii.gz")
    with pytest.raises(InputError, match="calls a channel 'PET'"):
        segment_with("nnunet", **nnunet(channels=("T1", "PET"))).channels()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("nnunet", {"model": "x", "command": "no-such-program"}, "pip install nnunetv2"),
        ("gliomoda", {}, "has no gliomoda; .*pip install gliomoda"),
        ("brats", {}, "has no brats; .*Docker or Apptainer"),
        ("brats", {"python": "/no/such/python"}, "no interpreter '/no/such/python'"),
    ],
)
def test_what_is_not_installed_is_named_with_what_to_install(name, options, message):
    with pytest.raises(InputError, match=message):
        segment_with(name, **options)


def test_an_existing_mask_is_one_of_them(heads, tmp_path):
    found = segment_cohort(segment_with("mask"), heads, tmp_path)
    assert found.table["quality"].tolist() == [""] * len(heads)
    for case in heads:
        copied = read_mask(found.cohort[case.case_id].mask)
        assert np.array_equal(copied.array, read_mask(case.mask).array)


def test_unknown_segmenters_and_options(heads, tmp_path):
    with pytest.raises(SettingError, match="did you mean 'nnunet'"):
        segment_with("nnunet2")
    with pytest.raises(SettingError, match="segmenter 'mask'"):
        segment_with("mask", model="x")


def test_a_mask_off_the_images_grid_is_refused(heads, tmp_path):
    from dataclasses import replace

    case = heads.cases[0]
    path = tmp_path / "off.nii.gz"
    Volume(read_mask(case.mask).array).write(path)
    with pytest.raises(GeometryError, match="must share one geometry"):
        segment_with("mask").segment(replace(case, mask=path), tmp_path / "mask.nii.gz")
