"""The bias field against a known one, and grey values on one scale."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.errors import ImageError, InputError
from gliofuse.imaging import Volume
from gliofuse.preprocessing import (
    HistogramStandardiser,
    bias_field,
    correct_bias,
    normalise_brain,
    white_stripe,
)


def spread(values: np.ndarray) -> float:
    """Coefficient of variation."""
    return float(values.std() / values.mean())


@pytest.mark.slow(minutes=0.2)
@pytest.mark.parametrize("sequence", ["t1", "flair"])
def test_the_field_in_white_matter_is_reduced_threefold(scan, sequence):
    found = scan(sequence, bias=0.35)
    brain = found.volume.with_array(found.brain.astype(np.uint8))
    shading = bias_field(found.volume, brain)
    white = found.white > 0.95
    before, after = spread(found.bias[white]), spread((found.bias / shading.array)[white])
    assert after < before / 3
    corrected = correct_bias(found.volume, shading)
    assert spread(corrected.array[white]) < spread(found.volume.array[white].astype(float))
    np.testing.assert_allclose(np.log(shading.array[found.brain]).mean(), 0, atol=0.05)


def test_normalising_in_the_brain_leaves_the_outside_at_zero(scan):
    found = scan("t1")
    for method in ("zscore", "minmax", "white-stripe"):
        scaled = normalise_brain(found.volume.array, found.brain, method, "t1")
        assert not scaled[~found.brain].any()
        assert spread(np.abs(scaled[found.brain])) > 0
    z = normalise_brain(found.volume.array, found.brain, "zscore", "t1")[found.brain]
    assert (z.mean(), z.std()) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))


@pytest.mark.parametrize("sequence", ["t1", "t2", "flair"])
def test_white_stripe_sets_white_matter_to_zero_whatever_the_gain(scan, sequence):
    found = scan(sequence, bias=0.0)
    white = (found.white > 0.95) & (found.tumour == 0)
    once = white_stripe(found.volume.array, found.brain, sequence)
    again = white_stripe(3.0 * found.volume.array + 7, found.brain, sequence)
    np.testing.assert_allclose(once, again, atol=1e-6)
    everywhere = once[found.brain].std()
    assert abs(np.median(once[white])) < 0.25 * everywhere


def test_histograms_are_learned_on_training_patients_only():
    rng = np.random.default_rng(0)
    brains = [rng.gamma(3 + place, size=4000) * 10 ** (place % 3) for place in range(6)]
    standard = HistogramStandardiser().fit(brains[:4])
    landmarks = standard.landmarks_.copy()
    mapped = [standard.transform(brain) for brain in brains]
    np.testing.assert_array_equal(standard.landmarks_, landmarks)
    medians = [np.median(values) for values in mapped]
    assert np.ptp(medians) < 1e-6 * 100 + 0.05 * np.ptp(mapped[0])
    for brain, values in zip(brains, mapped, strict=True):
        assert (np.diff(values[np.argsort(brain)]) >= -1e-9).all()  # the order is kept
    with pytest.raises(InputError, match="fit on training"):
        HistogramStandardiser().transform(brains[0])
    with pytest.raises(InputError, match="at least one training patient"):
        HistogramStandardiser().fit([])
    with pytest.raises(ImageError, match="grey values that differ"):
        standard.transform(np.ones(10))


def test_an_empty_mask_is_named():
    volume = Volume(np.ones((20, 20, 20)), (5.0, 5.0, 5.0))
    with pytest.raises(InputError, match="no tissue to estimate"):
        bias_field(volume, volume.with_array(np.zeros((20, 20, 20), dtype=np.uint8)))
