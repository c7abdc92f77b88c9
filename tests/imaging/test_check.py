"""One broken thing a patient, and the finding that must name it."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.cohort import Case, Cohort
from gliofuse.errors import RegionError
from gliofuse.imaging import Volume
from gliofuse.imaging.check import FINDING_COLUMNS, check_cohort

SPACING, ORIGIN = (4.0, 1.5, 0.8), (10.0, -20.0, 30.0)


class Maker:
    """Writes patients with random images and a small tumour; parts can be replaced."""

    def __init__(self, folder):
        self.folder = folder
        self.generator = np.random.default_rng(0)
        self.cases = []

    def patient(self, name: str, clinical=None, **changes) -> None:
        parts = {sequence: self.image() for sequence in ("t1", "flair")}
        parts["mask"] = self.mask()
        parts.update(changes)
        files = {}
        for role, content in parts.items():
            if content is None:
                continue
            files[role] = self.folder / name / f"{role}.nii.gz"
            if isinstance(content, bytes):
                files[role].parent.mkdir(exist_ok=True)
                files[role].write_bytes(content)
            elif isinstance(content, Volume):
                content.write(files[role])
        mask = files.pop("mask", None)
        self.cases.append(Case(name, files, mask, None, clinical or {}))

    def image(self, spacing=SPACING, change=None) -> Volume:
        array = self.generator.normal(100, 20, (6, 8, 10)).astype(np.float32)
        if change is not None:
            change(array)
        return Volume(array, spacing, ORIGIN)

    def mask(self, labels=(1, 2, 4)) -> Volume:
        array = np.zeros((6, 8, 10), np.uint8)
        for label in labels:
            z, y, x = self.generator.integers(0, (5, 7, 8))
            array[z : z + 2, y : y + 2, x : x + 3] = label
        if labels:  # whatever was painted over, every label is there
            array[0, 0, : len(labels)] = labels
        return Volume(array, SPACING, ORIGIN)

    def check(self, **options):
        findings = check_cohort(Cohort(tuple(self.cases)), **options)
        assert tuple(findings) == FINDING_COLUMNS
        return findings


@pytest.fixture
def maker(tmp_path):
    made = Maker(tmp_path)
    made.patient("good")
    made.patient("well")
    return made


def set_nan(array):
    array[0, 0, :3] = np.nan


def set_constant(array):
    array[:] = 7


def only(findings):
    assert len(findings) == 1
    return findings.iloc[0]


def test_nothing_wrong(maker):
    assert maker.check().empty
    counted = []
    maker.check(progress=counted.append)
    assert counted[-1] == 2


def test_geometry_with_both_files_and_values(maker):
    maker.patient("bad", flair=maker.image(spacing=(4.0, 1.5, 0.9)))
    finding = only(maker.check())
    assert finding[["severity", "case_id", "rule"]].tolist() == ["error", "bad", "geometry"]
    assert finding["file"].endswith("flair.nii.gz")
    assert finding["found"] == "spacing (z, y, x) in mm (4.0, 1.5, 0.9)"
    assert finding["expected"] == "(4.0, 1.5, 0.8) as mask.nii.gz"


@pytest.mark.parametrize(
    ("part", "make", "rule", "found"),
    [
        ("mask", lambda m: m.mask(()), "empty mask", "0 labelled voxels"),
        ("t1", lambda m: m.image(change=set_nan), "not finite", "3 of 480 voxels"),
        ("t1", lambda m: m.image(change=set_constant), "constant image", "every voxel is 7"),
        ("flair", lambda m: b"nonsense", "unreadable", "not a readable image"),
        ("flair", lambda m: b"", "unreadable", "empty"),
        ("flair", lambda m: "missing", "unreadable", "no such file"),
        ("mask", lambda m: m.image(), "unreadable", "whole numbers"),
    ],
)
def test_files(maker, part, make, rule, found):
    maker.patient("bad", **{part: make(maker)})
    finding = only(maker.check())
    assert finding["rule"] == rule
    assert finding["case_id"] == "bad"
    assert found in finding["found"]
    assert finding["file"].endswith(f"{part}.nii.gz")
    assert finding["severity"] == "error"


def stripped(generator, background=0.0, left=4, change=None) -> Volume:
    """A brain on the left half alone, on nothing."""
    array = np.full((6, 8, 20), background, np.float32)
    array[1:5, 1:7, left : left + 7] = generator.normal(5, 1, (4, 6, 7))
    if change is not None:
        array = change(array)
    return Volume(array, SPACING, ORIGIN)


def drawn(start=6, stop=9, label=1) -> Volume:
    array = np.zeros((6, 8, 20), np.uint8)
    array[2:4, 3:5, start:stop] = label
    return Volume(array, SPACING, ORIGIN)


@pytest.mark.parametrize(
    ("make", "rule", "found"),
    [
        (lambda g: {"mask": drawn(12, 15)}, "left and right", "100% of the mask on background"),
        (lambda g: {"mask": drawn(0, 3)}, "mask on background", "100% of the mask on background"),
        (
            lambda g: {"t1": Volume(drawn().array * 3.0, SPACING, ORIGIN)},
            "image is the mask",
            "values where the mask has labels alone",
        ),
        (
            lambda g: {"t1": stripped(g, change=lambda a: np.where(drawn().array, 5.5, a))},
            "flat in the mask",
            "every voxel is 5.5",
        ),
        (lambda g: {"t1": stripped(g, change=lambda a: a * 1e30)}, "values", "e+30"),
        (
            lambda g: {"mask": Volume(1 - drawn().array, SPACING, ORIGIN)},
            "large mask",
            "99% of the image",
        ),
    ],
)
@pytest.mark.parametrize("background", [0.0, -2.5], ids=["zero", "z-scored"])
def test_what_mask_and_image_say_of_each_other(maker, make, rule, found, background):
    generator = np.random.default_rng(3)
    parts = {"t1": stripped(generator, background), "flair": None, "mask": drawn()}
    maker.patient("fine", **{**parts, "mask": drawn(7, 10)})
    maker.patient("bad", **{**parts, "t1": stripped(generator, background), **make(generator)})
    findings = maker.check()
    own = findings[(findings["rule"] != "missing")]
    assert list(own["case_id"]) == ["bad"]
    assert list(own["rule"]) == [rule]
    assert found in own["found"].iloc[0]


def test_voxels_of_another_unit_are_named(maker):
    far = (4.0, 1.5, 900.0)
    image = Volume(maker.image().array, far, ORIGIN)
    mask = Volume(maker.mask().array, far, ORIGIN)
    maker.patient("bad", t1=image, flair=None, mask=mask)
    findings = maker.check()
    assert "4 x 1.5 x 900 mm" in list(findings["found"])


def test_labels_outside_the_convention(maker):
    maker.patient("bad", mask=maker.mask((1, 9)))
    findings = maker.check().set_index("rule")
    assert findings.loc["label convention", "case_id"] == ""
    assert findings.loc["labels", "case_id"] == "bad"
    assert findings.loc["labels", "found"] == "1, 9"
    assert findings.loc["labels", "expected"] == "1, 2, 4 (brats)"


def test_two_conventions_in_one_cohort(maker):
    maker.patient("other", mask=maker.mask((1, 2, 3)))
    findings = maker.check().set_index("rule")
    assert "both labels 3 and 4" in findings.loc["label convention", "found"]
    assert findings.loc["labels", "case_id"] == "other"


def test_a_named_convention(maker):
    findings = maker.check(convention="brats2023")
    assert findings["rule"].tolist() == ["labels", "labels"]
    with pytest.raises(RegionError, match="unknown"):
        maker.check(convention="brats23x")


def test_duplicates_between_and_within_patients(maker):
    copied = Volume.read(maker.cases[0].images["t1"])
    maker.patient("copy", t1=copied.with_array(copied.array.astype(np.float64)))
    same = maker.image()
    maker.patient("twice", t1=same, flair=same)
    findings = maker.check().set_index("case_id")
    assert findings.loc["copy", "rule"] == "duplicate"
    assert findings.loc["copy", "found"] == "the same voxels as good t1.nii.gz"
    assert findings.loc["twice", "rule"] == "duplicate sequence"


def test_a_small_mask_is_a_warning(maker):
    array = np.zeros((6, 8, 10), np.uint8)
    array[2, 2:6, 2:6] = 1
    maker.patient("flat", mask=Volume(array, SPACING, ORIGIN))
    finding = only(maker.check())
    assert finding["severity"] == "warning"
    assert finding["found"] == "16 voxels on 1 slice"


def test_missing_parts_are_warnings(maker):
    maker.patient("few", flair=None, mask=None)
    findings = maker.check()
    assert findings["severity"].tolist() == ["warning", "warning"]
    assert findings["found"].tolist() == ["no flair", "no mask"]


def test_clinical_values_that_do_not_parse(maker):
    maker.patient("a", clinical={"age": "50", "sex": "M"})
    maker.patient("b", clinical={"age": "61", "sex": "F"})
    maker.patient("c", clinical={"age": "5O", "sex": None})
    finding = only(maker.check())
    assert finding.tolist() == ["warning", "c", "age", "clinical value", "'5O'", "a number"]


def test_in_parallel_it_is_the_same(maker):
    maker.patient("bad", mask=maker.mask(()))
    assert maker.check(workers=2).equals(maker.check())
