"""Training: resumed as unbroken, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from gliofuse.cohort import Case, Cohort
from gliofuse.errors import InputError, ManifestError
from gliofuse.segmentation import Segmenter, train_segmenter
from gliofuse.segmentation.training import train as training
from gliofuse.segmentation.training.state import StageState, learning_rate


@pytest.fixture(scope="module")
def short(tiny_settings):
    return tiny_settings.model_copy(
        update={"epochs": 3, "steps": 3, "stages": "coarse", "batch_size": 4}
    )


def weights(segmenter):
    return {
        name: value.numpy()
        for network in segmenter.networks.values()
        for name, value in network.state_dict().items()
    }


class _Stopped(Exception):
    """What stands for a kill."""


def test_a_stopped_training_goes_on_as_an_unbroken_one(heads, short, tmp_path):
    cohort = heads.subset(heads.case_ids[:4])
    unbroken = train_segmenter(cohort, tmp_path / "whole", settings=short)

    def stop(state):
        if (state.epoch, state.batch) == (2, 3) or state.epoch > 2:
            raise _Stopped

    with pytest.raises(_Stopped):
        train_segmenter(cohort, tmp_path / "broken", settings=short, progress=stop)
    assert (tmp_path / "broken" / "last-coarse.pt").exists()
    seen = []
    resumed = train_segmenter(
        cohort, tmp_path / "broken", settings=short, progress=lambda s: seen.append(s.epoch)
    )
    assert min(seen) > 1
    expected = weights(unbroken)
    for name, value in weights(resumed).items():
        assert np.array_equal(value, expected[name]), name
    assert not (tmp_path / "broken" / "last-coarse.pt").exists()
    again = []
    train_segmenter(cohort, tmp_path / "broken", settings=short, progress=again.append)
    assert again == []  # it was read, not trained


def test_validation_chooses_the_epoch_and_is_named(heads, short, tmp_path):
    settings = short.model_copy(update={"validation_fraction": 0.25})
    made = train_segmenter(heads.subset(heads.case_ids[:4]), tmp_path, settings=settings)
    assert len(made.trained["validation"]) == 1
    assert not set(made.trained["validation"]) & set(made.trained["training"])
    assert "highest validation Dice" in made.trained["selection"]["coarse"]
    assert made.learned_from == set(heads.case_ids[:4])


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "recombination", "dimensions": "3", "stages": "fine", "width": 4},
        {"dimensions": "3", "outputs": "labels", "patch_voxels": 4096},
    ],
)
def test_other_networks_and_outputs_train_and_predict(heads, short, tmp_path, changes):
    settings = short.model_copy(update={"epochs": 1, "steps": 2, "stages": "two", **changes})
    made = train_segmenter(heads.subset(heads.case_ids[:2]), tmp_path, settings=settings)
    again = Segmenter.load(tmp_path)
    one, other = (s.predict_case(heads.cases[3]) for s in (made, again))
    assert np.mean(one.mask.array == other.mask.array) > 0.99
    assert set(np.unique(one.mask.array)) <= {0, 1, 2, 4}


def test_patients_that_cannot_be_learned_from_are_named(heads, short, tmp_path):
    bad = replace(heads.cases[2], mask=heads.cases[2].images["t1"].with_name("gone.nii.gz"))
    cohort = Cohort((*heads.cases[:2], bad, Case("bare", dict(heads.cases[3].images))))
    said = []
    made = train_segmenter(cohort, tmp_path, settings=short, convention="brats", say=said.append)
    assert [row["case_id"] for row in made.trained["failures"]] == [bad.case_id, "bare"]
    assert any("no mask to learn from" in line for line in said)
    with pytest.raises(InputError, match="at least 2 patients with images and a mask, got 1 of 1"):
        train_segmenter(Cohort(heads.cases[:1]), tmp_path / "one", settings=short)
    with pytest.raises(ManifestError, match="no patient has 't2'"):
        train_segmenter(heads, tmp_path / "none", settings=short, sequences=["t2"])


def test_the_division_depends_on_patients_and_seed_alone():
    names = tuple("abcdefghij")
    one = training._divide(names, 0.3, 5)
    other = training._divide(names[::-1], 0.3, 5)
    assert set(one[1]) == set(other[1])
    assert len(one[1]) == 3
    assert training._divide(names, 0.0, 5)[1] == ()
    assert set(training._divide(names, 0.3, 6)[1]) != set(one[1])


def test_time_ends_a_training_and_its_learning_rate(short):
    settings = short.model_copy(update={"minutes": 1.0})
    state = StageState(rows=[{"watched_loss": 1.0}], seconds=30.0)
    assert state.share(settings) == pytest.approx(0.5)
    assert learning_rate(state, settings) == pytest.approx(settings.learning_rate * 0.5**0.9)
    state.seconds = 61.0
    assert state.finished(settings)
    assert not state.finished(short)
