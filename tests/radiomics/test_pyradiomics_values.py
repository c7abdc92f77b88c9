"""Every family against stored values of PyRadiomics 3.0.1 on made-up images.

``make_pyradiomics_values.py`` made the values and says with which versions.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from gliofuse.radiomics import RadiomicsExtractor, RadiomicsSettings, RadiomicsWarning
from gliofuse.radiomics.discretise import bin_edges

from .made_cases import RANGES, Made, cases

STORED = json.loads((Path(__file__).parent / "data" / "pyradiomics_values.json").read_text())
CASES = dict(cases())


def extracted(made: Made) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RadiomicsWarning)  # one grey level, on purpose
        return RadiomicsExtractor(made.params, additionalInfo=False).execute(*made.as_sitk())


def test_every_case_is_stored():
    assert list(STORED["values"]) == list(CASES)


@pytest.mark.parametrize(("case", "expected"), list(zip(RANGES, STORED["edges"], strict=True)))
def test_the_edges_of_bins_are_those_of_numpy_1(case, expected):
    dtype, low, high, setting = case
    lowest, highest = np.array([low, high], dtype=dtype).astype(float).tolist()
    options = {"bin_width": setting.get("binWidth", 25), "bin_count": setting.get("binCount")}
    assert bin_edges(lowest, highest, dtype=dtype, **options).tolist() == expected


# Rounding around 0: the length of an axis along which the region has no extent, where both have
# the root of an eigenvalue's last bit.
ROUNDING = {"Elongation": 1e-6, "Flatness": 1e-6, "MinorAxisLength": 1e-6, "LeastAxisLength": 1e-6}


@pytest.mark.parametrize("name", list(CASES))
def test_equals_pyradiomics(name):
    made = CASES[name]
    found = extracted(made)
    settings = RadiomicsSettings.from_params(made.params)
    expected = {
        f"{group}_{feature}": value
        for group, values in STORED["values"][name].items()
        for feature, value in zip(settings.wanted(group.split("_")[1]), values, strict=True)
    }
    assert set(found) == set(expected)
    wrong = {
        key: (found[key], value)
        for key, value in expected.items()
        if found[key]
        != pytest.approx(value, rel=1e-8, abs=ROUNDING.get(key.split("_")[-1], 1e-10), nan_ok=True)
    }
    assert not wrong
