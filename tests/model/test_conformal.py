"""Conformal sets hold the true class as often as promised, class by class."""

import json

import numpy as np
import pytest
from scipy.stats import betabinom

from gliofuse.errors import InputError, SettingError
from gliofuse.model.conformal import ConformalSets, held_out_coverage

CLASSES = ["a", "b", "c"]


def patients(generator, count, shares=(0.7, 0.2, 0.1), strength=1.0):
    """Probabilities of a model that is overconfident, and the true classes."""
    truth = generator.choice(3, count, p=shares)
    logits = generator.normal(size=(count, 3))
    logits[np.arange(count), truth] += strength
    grown = np.exp(2.5 * logits)
    return grown / grown.sum(axis=1, keepdims=True), np.array(CLASSES)[truth]


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_each_class_is_covered_at_the_level(level):
    generator = np.random.default_rng(4)
    held = {name: [] for name in CLASSES}
    for _ in range(150):
        given, truth = patients(generator, 200)
        sets = ConformalSets.fit(given, truth, CLASSES, level=level)
        new, own = patients(generator, 60)
        for name, found in zip(own, sets.predict(new), strict=True):
            held[name].append(name in found)
    for name in CLASSES:
        share, error = np.mean(held[name]), 3 / np.sqrt(len(held[name]))
        assert level - error < share < level + 0.05 + error, name


def test_a_class_with_too_few_patients_is_in_every_set():
    given, truth = patients(np.random.default_rng(0), 60, shares=(0.6, 0.35, 0.05))
    sets = ConformalSets.fit(given, truth, CLASSES, level=0.9)
    assert sets.patients_needed == 9
    assert sets.too_few == ("c",)
    assert all("c" in found for found in sets.predict([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))


def test_the_needed_number_is_where_a_class_can_first_be_left_out():
    for count, always in ((8, True), (9, False)):
        given = np.column_stack([np.linspace(0.5, 0.9, count), np.linspace(0.5, 0.1, count)])
        sets = ConformalSets.fit(given, ["a"] * count, ["a", "b"], level=0.9)
        assert ("a" in sets.predict([[0.1, 0.9]])[0]) is always


def test_the_held_out_coverage_lies_in_its_band_and_leaves_it_where_patients_differ():
    generator = np.random.default_rng(8)
    given, truth = patients(generator, 600)
    fold = np.arange(600) % 5
    table = held_out_coverage(given, truth, fold, CLASSES, level=0.9).set_index("class")
    assert (table["coverage"].between(table["band_low"], table["band_high"])).all()
    worse, own = patients(generator, 300, strength=-2.0)
    given, truth = np.vstack([given, worse]), np.concatenate([truth, own])
    fold = np.repeat([0, 1], [600, 300])
    table = held_out_coverage(given, truth, fold, CLASSES, level=0.9).set_index("class")
    assert table.loc["a", "coverage"] < table.loc["a", "band_low"]


def test_the_band_is_the_distribution_of_a_simulated_coverage():
    generator = np.random.default_rng(1)
    found = []
    for _ in range(800):
        own = generator.random(39)
        new = generator.random(25)
        given = np.column_stack([own, 1 - own])
        sets = ConformalSets.fit(given, ["a"] * 39, ["a", "b"], level=0.9)
        found.append(sum("a" in one for one in sets.predict(np.column_stack([new, 1 - new]))))
    for count in (20, 23, 25):
        assert np.mean(np.array(found) <= count) == pytest.approx(
            betabinom(25, 36, 4).cdf(count), abs=0.05
        )


def test_what_is_stored_as_json_gives_the_same_sets():
    given, truth = patients(np.random.default_rng(2), 80)
    sets = ConformalSets.fit(given, truth, CLASSES)
    again = ConformalSets.from_dict(json.loads(json.dumps(sets.to_dict())))
    assert again == sets
    assert again.predict(given) == sets.predict(given)


def test_wrong_input_is_refused():
    with pytest.raises(SettingError, match="level must be above 0 and below 1"):
        ConformalSets.fit([[0.5, 0.5]], ["a"], ["a", "b"], level=1.0)
    with pytest.raises(InputError, match="'z' is none of the classes"):
        ConformalSets.fit([[0.5, 0.5]], ["z"], ["a", "b"])
    with pytest.raises(InputError, match="must have 2 columns"):
        ConformalSets.fit([[0.5]], ["a"], ["a", "b"])
    with pytest.raises(InputError, match="between 0 and 1"):
        ConformalSets.fit([[1.5, 0.1]], ["a"], ["a", "b"])
