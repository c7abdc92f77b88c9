"""The torch data set of a group of patients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from gliofuse.deep.data.augmentation import Augmentation
from gliofuse.deep.data.geometry import ItemGeometry, middle
from gliofuse.deep.data.store import ArrayStore
from gliofuse.errors import InputError, did_you_mean

__all__ = ["CaseDataset"]


class CaseDataset(Dataset[dict[str, torch.Tensor]]):
    """Every slice (or the patch) of the given patients.

    Indexing gives an item as it is; :meth:`draw` gives it augmented, which only training asks
    for, so that predictions on training patients are made on untouched images.

    Parameters
    ----------
    store : ArrayStore
    case_ids : iterable of str
        The patients; none twice.
    labels : pandas.Series, optional
        0 / 1 by case id; ``None`` for patients who are only predicted (their label is -1).
    sequences : sequence of str, optional
        Channels to keep, in this order; ``None`` keeps the store's.
    augmentation : Augmentation, optional
    center_crop : int or sequence of int, optional
        Side(s) in pixels of the middle part that is kept; an augmentation that crops by itself
        takes its place in :meth:`draw`.
    shape : pandas.DataFrame, optional
        Shape features by case id, unscaled; they are standardised by the training.
    survival : pandas.DataFrame, optional
        Columns ``time, event`` by case id; NaN where they are unknown.
    seed : int
        Of the augmentation.

    Notes
    -----
    An item is a dict: ``image`` float32 (C, H, W) or (C, D, H, W); ``label``, ``case`` (position in
    ``case_ids``) and ``item`` int64; where given ``shape`` (features,), ``time`` and ``event``
    float32.

    Raises
    ------
    InputError
        For a patient without images, label, shape or survival, a patient given twice, or an
        unknown sequence.
    """

    def __init__(
        self,
        store: ArrayStore,
        case_ids: Iterable[str],
        labels: pd.Series | None = None,
        *,
        sequences: Sequence[str] | None = None,
        augmentation: Augmentation | None = None,
        center_crop: int | Sequence[int] | None = None,
        shape: pd.DataFrame | None = None,
        survival: pd.DataFrame | None = None,
        seed: int = 0,
    ) -> None:
        self.store = store
        self.case_ids = tuple(case_ids)
        if not self.case_ids:
            raise InputError("a data set needs at least one patient; got none")
        if len(set(self.case_ids)) < len(self.case_ids):
            twice = next(c for c in self.case_ids if self.case_ids.count(c) > 1)
            raise InputError(f"patient {twice!r} is given twice to one data set")
        store.check(self.case_ids)
        self.sequences = store.sequences if sequences is None else tuple(sequences)
        for name in self.sequences:
            if name not in store.sequences:
                raise InputError(f"sequence {name!r}: {did_you_mean(name, store.sequences)}")
        self._channels = [store.sequences.index(name) for name in self.sequences]
        self.labels = _rows(labels, self.case_ids, "labels")
        if self.labels is not None:
            self.labels = self.labels.astype(int)
        self.shape = _rows(shape, self.case_ids, "shape")
        self.survival = _rows(survival, self.case_ids, "survival", missing="kept")
        self.augmentation = augmentation
        self.seed = seed
        counts = [len(store.areas(case_id)) for case_id in self.case_ids]
        self.item_case = np.repeat(np.arange(len(counts)), counts)
        self._within = np.concatenate([np.arange(count) for count in counts])
        self._stored_size = tuple(store.array(self.case_ids[0]).shape[2:])
        self._crop = _sides(center_crop, self._stored_size)

    def __len__(self) -> int:
        return len(self.item_case)

    def __repr__(self) -> str:
        return (
            f"CaseDataset({len(self.case_ids)} patients, {len(self)} items of "
            f"{'x'.join(map(str, self.size))}, sequences={self.sequences})"
        )

    @property
    def size(self) -> tuple[int, ...]:
        """Pixels of an image: (height, width) or (depth, height, width)."""
        return self._stored_size if self._crop is None else self._crop

    def batches(self, size: int) -> list[list[int]]:
        """Return the items in batches of at most ``size``, none of which spans two patients.

        What a network computes of an item differs in the last digits with the batch that it is in;
        so that a patient's prediction is the same alone and in a cohort.
        """
        ends = np.flatnonzero(np.diff(self.item_case)) + 1
        parts = np.split(np.arange(len(self)), ends)
        return [part[at : at + size].tolist() for part in parts for at in range(0, len(part), size)]

    def describe(self) -> dict[str, Any]:
        """Return, as plain data, everything that decides what the items are and how they vary."""
        labels = None if self.labels is None else self.labels.tolist()
        return {
            "store": self.store.folder.name,
            "cases": [[case_id, self.store.content(case_id)] for case_id in self.case_ids],
            "labels": labels,
            "sequences": list(self.sequences),
            "size": list(self.size),
            "augmentation": None if self.augmentation is None else self.augmentation.as_dict(),
            "shape": None if self.shape is None else self.shape.to_numpy(dtype=float).tolist(),
            "survival": None
            if self.survival is None
            else self.survival.astype(str).to_dict("list"),
            "seed": self.seed,
        }

    @property
    def item_label(self) -> np.ndarray:
        """Label of each item; its patient's."""
        if self.labels is None:
            raise InputError("this data set has no labels: it can be predicted, not trained on")
        return self.labels.to_numpy()[self.item_case]

    def items_of(self, case_id: str) -> np.ndarray:
        """Return the indices of a patient's items, in anatomical order."""
        return np.flatnonzero(self.item_case == self.case_ids.index(case_id))

    def areas(self, case_id: str) -> np.ndarray:
        """Return the number of the region's voxels in each of the patient's items."""
        return self.store.areas(case_id)

    def geometry(self, index: int) -> ItemGeometry:
        """Return where an item's image lies in the patient's volume."""
        case_id = self.case_ids[self.item_case[index]]
        found = self.store.geometry(case_id)[self._within[index]]
        return found if self._crop is None else found.central(self._crop)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self._item(index, self._central(self._image(index)))

    def draw(self, index: int, *, epoch: int = 0, repeat: int = 0) -> dict[str, torch.Tensor]:
        """Return an item augmented.

        What happens to it depends on the seed, ``epoch``, its patient, its place among the
        patient's items and ``repeat`` (its number when an item comes several times in an epoch),
        never on the process or the order in which items are asked for.
        """
        if self.augmentation is None:
            return self[index]
        case_id = self.case_ids[self.item_case[index]]
        within = int(self._within[index])
        key = [self.seed, epoch, crc32(case_id.encode()), within, repeat]
        label = -1 if self.labels is None else int(self.labels.iloc[self.item_case[index]])
        image = self._image(index)
        if not self.augmentation.crops:
            image = self._central(image)
        result = self.augmentation(image, rng=np.random.default_rng(key), label=label)
        return self._item(index, result)

    def _image(self, index: int) -> np.ndarray:
        array = self.store.array(self.case_ids[self.item_case[index]])[self._within[index]]
        return np.asarray(array[self._channels], dtype=np.float32)

    def _central(self, image: np.ndarray) -> np.ndarray:
        if self._crop is None:
            return image
        return middle(image, self._crop, fill=float(image.min()))

    def _item(self, index: int, image: np.ndarray) -> dict[str, torch.Tensor]:
        case = int(self.item_case[index])
        item: dict[str, Any] = {
            "image": torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)),
            "label": torch.tensor(-1 if self.labels is None else int(self.labels.iloc[case])),
            "case": torch.tensor(case),
            "item": torch.tensor(int(index)),
        }
        if self.shape is not None:
            values = self.shape.iloc[case].to_numpy(dtype=np.float32)
            item["shape"] = torch.from_numpy(values.copy())
        if self.survival is not None:
            row = self.survival.iloc[case]
            item["time"] = torch.tensor(float(row["time"]), dtype=torch.float32)
            item["event"] = torch.tensor(float(row["event"]), dtype=torch.float32)
        return item


def _rows(table: Any, case_ids: tuple[str, ...], name: str, *, missing: str = "refused") -> Any:
    """Return the patients' rows of a table in their order, refusing absent or missing values."""
    if table is None:
        return None
    absent = [case_id for case_id in case_ids if case_id not in table.index]
    if absent:
        raise InputError(f"{name}: no row for patient {absent[0]!r} ({len(absent)} such patients)")
    rows = table.loc[list(case_ids)]
    if missing == "kept":
        return rows
    bad = rows.isna() if isinstance(rows, pd.Series) else rows.isna().any(axis=1)
    if bad.any():
        raise InputError(
            f"{name}: a value is missing for patient {bad.index[bad][0]!r} "
            f"({int(bad.sum())} such patients); leave them out"
        )
    return rows


def _sides(value: int | Sequence[int] | None, size: tuple[int, ...]) -> tuple[int, ...] | None:
    if value is None:
        return None
    sides = (value,) * len(size) if isinstance(value, int) else tuple(value)
    if len(sides) != len(size):
        raise InputError(f"center_crop: images have {len(size)} axes; got {value!r}")
    return sides
