"""A sequence that is measured in a unit keeps it on its way into a network."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.cohort import Case
from gliofuse.deep.data.store import load_region
from gliofuse.errors import ImageError
from gliofuse.imaging import Volume

SPACING = (4.0, 1.5, 0.8)


def patient(folder, unit: float = 1.0) -> Case:
    """Return a patient with t1 and ADC, in 1e-6 mm2/s times ``unit``."""
    rng = np.random.default_rng(0)
    shape = (8, 16, 16)
    head = np.zeros(shape)
    head[1:7, 2:14, 2:14] = 1
    mask = np.zeros(shape, np.uint8)
    mask[2:6, 4:10, 5:11] = 1
    images = {
        "t1": head * rng.normal(100, 20, shape).clip(1),
        "adc": unit * (head * rng.normal(800, 120, shape).clip(50) + 400.0 * mask),
    }
    for name, array in images.items():
        Volume(array.astype(np.float32), SPACING).write(folder / f"{name}.nii.gz")
    Volume(mask, SPACING).write(folder / "mask.nii.gz")
    return Case("p", {name: folder / f"{name}.nii.gz" for name in images}, folder / "mask.nii.gz")


@pytest.mark.parametrize("normalisation", ["minmax", "zscore", "percentile"])
def test_a_map_has_one_scale_whatever_the_others_have(tmp_path, normalisation):
    case = patient(tmp_path)
    images, _, _ = load_region(case, ("t1", "adc"), "whole", "binary", normalisation)
    raw = Volume.read(case.images["adc"]).array
    np.testing.assert_allclose(images[1], raw / 3000, rtol=1e-6)
    if normalisation == "zscore":
        brain = images[0][Volume.read(case.images["t1"]).array != 0]
        assert brain.mean() == pytest.approx(0, abs=1e-5)
        assert brain.std() == pytest.approx(1, abs=1e-5)


def test_a_map_in_another_unit_is_named_by_its_file(tmp_path):
    case = patient(tmp_path, unit=1e-6)
    with pytest.raises(ImageError, match=r"adc\.nii\.gz: ADC must be in 1e-6 mm2/s"):
        load_region(case, ("t1", "adc"), "whole", "binary", "zscore")
