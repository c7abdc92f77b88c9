"""Which items an epoch shows, in which order: a function of the seed and the epoch alone."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from gliofuse.deep.data.dataset import CaseDataset
from gliofuse.deep.training.hyperparameters import TrainingSettings

__all__ = ["EpochItems", "class_weights", "epoch_order"]


def epoch_order(
    dataset: CaseDataset, settings: TrainingSettings, *, seed: int, epoch: int
) -> np.ndarray:
    """Return the items of an epoch.

    Returns
    -------
    numpy.ndarray of int64, shape (steps of the epoch in items, 2)
        Item and its repeat: 0 when it comes for the first time in the epoch. A single item that
        would be left for a last batch is taken off, since batch normalisation needs two.
    """
    rng = np.random.default_rng([seed, epoch])
    items = _of_each_patient(dataset.item_case, settings.items_per_patient, rng)
    labels = dataset.item_label[items]
    if settings.balance == "sampling":
        drawn = _equally_often(items, labels, rng)
    elif settings.balance == "duplicate":
        drawn = _duplicated(items, labels, rng)
    else:
        drawn = items
    drawn = rng.permutation(drawn)
    if len(drawn) > 1 and len(drawn) % settings.batch_size == 1:
        drawn = drawn[:-1]
    return np.stack([drawn, _repeats(drawn)], axis=1)


def class_weights(dataset: CaseDataset, settings: TrainingSettings) -> torch.Tensor | None:
    """Return the loss's class weights, inverse to the classes' items in an epoch, mean 1."""
    if settings.balance != "weights":
        return None
    counts = np.bincount(dataset.item_case)
    if settings.items_per_patient is not None:
        counts = np.minimum(counts, settings.items_per_patient)
    assert dataset.labels is not None
    labels = dataset.labels.to_numpy()
    of_class = np.array([counts[labels == label].sum() for label in (0, 1)], dtype=float)
    weights = of_class.sum() / (2 * np.maximum(of_class, 1))
    return torch.tensor(weights, dtype=torch.float32)


class EpochItems(Dataset[dict[str, torch.Tensor]]):
    """The augmented items of one epoch, in its order."""

    def __init__(self, dataset: CaseDataset, order: np.ndarray, epoch: int) -> None:
        self.dataset = dataset
        self.order = order
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        item, repeat = self.order[index]
        return self.dataset.draw(int(item), epoch=self.epoch, repeat=int(repeat))


def _of_each_patient(
    item_case: np.ndarray, most: int | None, rng: np.random.Generator
) -> np.ndarray:
    if most is None:
        return np.arange(len(item_case))
    chosen = []
    for case in range(int(item_case.max()) + 1):
        items = np.flatnonzero(item_case == case)
        chosen.append(rng.permutation(items)[:most])
    return np.sort(np.concatenate(chosen))


def _equally_often(items: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    classes = np.unique(labels)
    share = -(-len(items) // len(classes))
    return np.concatenate([rng.choice(items[labels == label], share) for label in classes])


def _duplicated(items: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    groups = [items[labels == label] for label in np.unique(labels)]
    most = max(len(group) for group in groups)
    filled = []
    for group in groups:
        whole, rest = divmod(most, len(group))
        filled.append(np.concatenate([np.tile(group, whole), rng.permutation(group)[:rest]]))
    return np.concatenate(filled)


def _repeats(items: np.ndarray) -> np.ndarray:
    """Return how often each entry has come before in the list."""
    by_item = np.argsort(items, kind="stable")
    ordered = items[by_item]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    within = np.arange(len(items)) - np.repeat(starts, np.diff(np.r_[starts, len(items)]))
    result = np.empty(len(items), dtype=np.int64)
    result[by_item] = within
    return result
