"""Held-out patients are told apart where their classes can be seen, and only there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from gliofuse.cohort import Cohort, SplitSettings, make_folds
from gliofuse.deep.data import SliceSettings, build_slices
from gliofuse.deep.training import TrainingSettings, train_network
from gliofuse.evaluation import auc_delong

pytestmark = pytest.mark.slow(minutes=0.1)


class Small(nn.Module):
    """A network that learns within a second."""

    spatial_dims = 2

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3)
        )
        self.head = nn.Linear(8, 2)

    def features(self, image, shape=None):
        return torch.relu(self.body(image)).amax(dim=(2, 3))

    def forward(self, image, shape=None):
        return self.head(self.features(image))


@pytest.fixture(scope="module")
def many(case_writer, tmp_path_factory):
    """Return the slices of 30 patients and their true classes."""
    folder = tmp_path_factory.mktemp("many")
    rng = np.random.default_rng(5)
    cases = [case_writer(folder, f"q{i:02}", i % 2, rng=rng, shape=(6, 32, 32)) for i in range(30)]
    store = build_slices(
        Cohort(tuple(cases)),
        ("t1", "flair"),
        settings=SliceSettings(size=16, which="k-largest", k=2),
        cache_dir=folder / "cache",
    )
    return store, pd.Series({case.case_id: i % 2 for i, case in enumerate(cases)})


def cross_validated(store, labels):
    settings = TrainingSettings(epochs=8, batch_size=16, learning_rate=1e-2, device="cpu")
    held_out = []
    split = SplitSettings(kind="kfold", folds=3, validation_fraction=0.2)
    for fold in make_folds(split, labels, pd.DataFrame()):
        torch.manual_seed(0)  # the same start in every fold
        sides = (store.dataset(ids, labels) for ids in (fold.training, fold.validation))
        trained = train_network(Small(), *sides, settings=settings)
        held_out.append(trained.predict(store.dataset(fold.test))["probability"])
    return auc_delong(labels, pd.concat(held_out).loc[labels.index])


def test_shuffled_labels_cannot_be_predicted_and_true_ones_can(many):
    store, labels = many
    found = cross_validated(store, labels)
    assert found.ci_low > 0.8
    order = np.random.default_rng(1).permutation(len(labels))
    shuffled = pd.Series(labels.to_numpy()[order], index=labels.index)
    leak = cross_validated(store, shuffled)
    assert leak.ci_low < 0.5 < leak.ci_high
