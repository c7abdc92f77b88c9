"""Which items an epoch shows: balance, limits, repeats, and nothing but seed and epoch deciding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.deep.training import TrainingSettings
from gliofuse.deep.training.order import EpochItems, class_weights, epoch_order

IDS = ["p0", "p1", "p2", "p4", "p6"]  # one positive, four negative


@pytest.fixture
def dataset(tiny_slices, tiny_labels):
    return tiny_slices.dataset(IDS, tiny_labels)


def order(dataset, epoch=0, seed=0, **changes):
    return epoch_order(dataset, TrainingSettings(batch_size=4, **changes), seed=seed, epoch=epoch)


def test_without_balance_every_item_comes_once(dataset):
    found = order(dataset)
    kept = len(dataset) - (len(dataset) % 4 == 1)
    assert len(found) == kept
    assert len(set(found[:, 0])) == kept
    assert (found[:, 1] == 0).all()


def test_epochs_and_seeds_differ_and_repeat_exactly(dataset):
    assert np.array_equal(order(dataset, epoch=3), order(dataset, epoch=3))
    assert not np.array_equal(order(dataset, epoch=3), order(dataset, epoch=4))
    assert not np.array_equal(order(dataset, seed=1), order(dataset, seed=2))


@pytest.mark.parametrize("balance", ["sampling", "duplicate"])
def test_balanced_epochs_show_both_classes_equally_often(dataset, balance):
    found = order(dataset, balance=balance)
    labels = dataset.item_label[found[:, 0]]
    assert abs(int((labels == 1).sum()) - int((labels == 0).sum())) <= 1
    for item in np.unique(found[:, 0]):
        repeats = found[found[:, 0] == item, 1]
        assert repeats.tolist() == list(range(len(repeats)))
    if balance == "duplicate":
        missing = set(range(len(dataset))) - set(found[:, 0])
        assert len(missing) <= 1  # a lone last item is taken off


def test_at_most_so_many_items_of_a_patient(dataset):
    found = order(dataset, items_per_patient=2)
    assert set(np.bincount(dataset.item_case[found[:, 0]])) <= {1, 2}
    first = {tuple(sorted(order(dataset, epoch=e, items_per_patient=2)[:, 0])) for e in range(8)}
    assert len(first) > 1


def test_a_lone_last_item_is_left_out(dataset):
    for size in range(2, 9):
        settings = TrainingSettings(batch_size=size)
        assert len(epoch_order(dataset, settings, seed=0, epoch=0)) % size != 1


def test_class_weights_are_inverse_to_the_items(dataset, tiny_slices):
    weights = class_weights(dataset, TrainingSettings(balance="weights")).numpy()
    counts = np.bincount(dataset.item_label)
    assert weights[0] * counts[0] == pytest.approx(weights[1] * counts[1])
    assert (weights * counts).sum() == pytest.approx(counts.sum())
    assert class_weights(dataset, TrainingSettings()) is None
    limited = class_weights(dataset, TrainingSettings(balance="weights", items_per_patient=1))
    assert limited.tolist() == [5 / 8, 5 / 2]


def test_an_epoch_is_its_order(dataset):
    found = order(dataset, epoch=2)
    items = EpochItems(dataset, found, 2)
    assert len(items) == len(found)
    assert [int(items[i]["item"]) for i in range(4)] == found[:4, 0].tolist()


def test_patient_auc_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    from gliofuse.deep.training.predict import patient_auc

    rng = np.random.default_rng(0)
    for _ in range(20):
        y = rng.integers(0, 2, 30)
        p = np.round(rng.random(30), 1)
        assert patient_auc(pd.Series(y), pd.Series(p)) == pytest.approx(roc_auc_score(y, p))
    assert np.isnan(patient_auc(pd.Series([1, 1]), pd.Series([0.1, 0.2])))
