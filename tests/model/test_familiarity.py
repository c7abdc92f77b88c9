"""Flags are raised for what is not like the training patients, and seldom for what is."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from gliofuse.cohort import read_manifest
from gliofuse.errors import InputError, SettingError
from gliofuse.imaging import Volume, load_case
from gliofuse.model import judged
from gliofuse.model.familiarity import Familiarity
from gliofuse.model.image_measures import measure_images
from gliofuse.phantom import make_phantom

SEQUENCES = ("t1", "t1ce", "t2", "flair")
TRAINED = 30


@pytest.fixture(scope="module")
def patients(tmp_path_factory):
    made = make_phantom(tmp_path_factory.mktemp("phantom"), cases=42, seed=3, shape=(40, 48, 40))
    return [load_case(case, SEQUENCES) for case in read_manifest(made.manifest)]


@pytest.fixture(scope="module")
def trained(patients):
    rows = [measure_images(one.volumes, one.mask) for one in patients[:TRAINED]]
    return Familiarity.fit(pd.DataFrame(rows))


def raised(trained, images, mask):
    return {one.name for one in trained.judge(measure_images(images, mask)) if one.raised}


def swapped(images, a, b):
    return {**images, a: images[b], b: images[a]}


def noisy(images):
    generator = np.random.default_rng(0)
    return {
        name: one.with_array(
            np.where(one.array != 0, one.array + generator.normal(0, 150, one.shape), 0)
        )
        for name, one in images.items()
    }


def moved(images):
    """Ghosts along y: the picture of a head that was elsewhere for a third of the echoes."""
    found = {}
    for name, one in images.items():
        shifted = np.fft.fft(one.array.astype(float), axis=1)
        lines = np.arange(one.shape[1])
        phase = np.exp(-2j * np.pi * 5 * np.fft.fftfreq(one.shape[1]))
        shifted[:, lines % 3 == 0] *= phase[lines % 3 == 0][None, :, None]
        ghost = np.abs(np.fft.ifft(shifted, axis=1))
        found[name] = one.with_array(np.where(one.array != 0, np.maximum(ghost, 1), 0))
    return found


def another_organ(images):
    """A ball of one soft tissue with vessels."""
    generator = np.random.default_rng(1)
    found = {}
    for name, one in images.items():
        axes = np.indices(one.shape) - (np.array(one.shape)[:, None, None, None] - 1) / 2
        ball = np.sqrt((axes**2).sum(axis=0)) < min(one.shape) * 0.33
        texture = ndimage.gaussian_filter(generator.normal(size=one.shape), 1.5) * 400
        found[name] = one.with_array(np.where(ball, 600 + texture, 0))
    return found


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda images: swapped(images, "t1", "t1ce"), {"enhancement"}),
        (lambda images: {**images, "flair": images["t2"]}, {"contrast"}),
        (noisy, {"noise"}),
        (moved, {"motion", "noise"}),
        (another_organ, {"brain", "contrast", "intensity"}),
    ],
    ids=["t1-and-t1ce-swapped", "t2-as-flair", "noise", "motion", "another-organ"],
)
def test_what_is_wrong_is_flagged_for_its_own_reason(patients, trained, damage, expected):
    hits = [
        bool(raised(trained, damage(one.volumes), one.mask) & expected)
        for one in patients[TRAINED:]
    ]
    assert np.mean(hits) >= 0.75, hits


def test_held_out_patients_raise_few_flags_and_the_rate_is_stated(patients, trained):
    judged = [trained.judge(measure_images(one.volumes, one.mask)) for one in patients[TRAINED:]]
    rate = np.mean([[bool(flag.raised) for flag in flags] for flags in judged])
    assert rate <= 0.1
    for flag in judged[0]:
        assert flag.patients == TRAINED
        assert flag.false_alarm_low <= flag.false_alarms / TRAINED <= flag.false_alarm_high


def test_another_voxel_size_is_flagged(patients, trained):
    one = patients[-1]
    wider = {
        name: Volume(volume.array, tuple(1.6 * step for step in volume.spacing_mm))
        for name, volume in one.volumes.items()
    }
    mask = Volume(one.mask.array, next(iter(wider.values())).spacing_mm)
    assert {"grid", "brain"} <= raised(trained, wider, mask)


def test_gain_does_not_matter(patients, trained):
    one = patients[-1]
    brighter = {name: volume.with_array(volume.array * 7.0) for name, volume in one.volumes.items()}
    before, after = measure_images(one.volumes, one.mask), measure_images(brighter, one.mask)
    assert after == pytest.approx(before, rel=1e-3, abs=1e-3)


def test_a_missing_sequence_or_mask_leaves_a_flag_unjudged(patients, trained):
    one = patients[-1]
    flags = {
        flag.name: flag.raised for flag in trained.judge(measure_images({"t2": one.volumes["t2"]}))
    }
    assert flags["enhancement"] is None
    assert flags["tumour"] is None
    assert flags["grid"] is False


def test_the_stated_rate_is_that_of_new_patients():
    generator = np.random.default_rng(5)
    alarms = []
    for _ in range(20):
        table = pd.DataFrame(generator.normal(size=(100, 3)), columns=["a.x", "a.y", "a.z"])
        fitted = Familiarity.fit(table, false_alarm_rate=0.1)
        new = generator.normal(size=(50, 3))
        flags = [fitted.judge(dict(zip(table.columns, row, strict=True)))[0] for row in new]
        alarms.append(np.mean([flag.score > flag.threshold for flag in flags]))
    assert np.mean(alarms) < 0.13


def test_what_is_stored_as_json_judges_the_same(patients, trained):
    again = Familiarity.from_dict(json.loads(json.dumps(trained.to_dict())))
    measures = measure_images(patients[0].volumes, patients[0].mask)
    assert again.judge(measures) == trained.judge(measures)


def test_too_few_patients_and_a_wrong_rate_are_refused():
    with pytest.raises(InputError, match="at least 10 training patients, got 3"):
        Familiarity.fit(pd.DataFrame({"a.x": [1.0, 2.0, 3.0]}))
    with pytest.raises(SettingError, match="false_alarm_rate must be"):
        Familiarity.fit(pd.DataFrame({"a.x": np.arange(20.0)}), false_alarm_rate=0.7)


def test_new_patients_features_raise_the_flag_as_seldom_as_it_says():
    """The middle of few patients lies nearer to them than to others, if features are many."""
    raised = []
    for seed in range(10):
        table = pd.DataFrame(np.random.default_rng(seed).normal(size=(80, 1000))).rename(index=str)
        training, new = table.iloc[:40], table.iloc[40:]
        flags = Familiarity.fit(pd.DataFrame(judged._distances_from_others(training)).T)
        middle = judged._centre_and_spread(training)
        for _, features in new.iterrows():
            (flag,) = (
                one
                for one in flags.judge(judged._distance(features, *middle))
                if one.measure.startswith("features.")
            )
            raised.append(flag.raised)
    assert np.mean(raised) < 0.04  # 0.26 where a patient is measured by a middle of its own
