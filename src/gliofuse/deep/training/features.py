"""A network's learned features as a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader

from gliofuse.deep.data.dataset import CaseDataset
from gliofuse.deep.training.predict import chosen_device, to_device
from gliofuse.deep.training.trained import TrainedNetwork, name_of

__all__ = ["extract_features"]


def extract_features(
    network: TrainedNetwork | nn.Module,
    dataset: CaseDataset,
    *,
    prefix: str = "",
    batch_size: int = 16,
    device: str = "auto",
) -> pd.DataFrame:
    """Put patients through a network and return what it computes before its classifier.

    Parameters
    ----------
    network : TrainedNetwork or torch.nn.Module
        A module needs the method ``features(image, shape=None)``.
    dataset : CaseDataset
    prefix : str
        Put before each name: ``"t1ce.whole."``.
    batch_size : int
    device : {"auto", "cpu", "gpu"}

    Returns
    -------
    pandas.DataFrame of float64
        Index ``case_id``; columns ``<prefix><network>_<number>``, the mean over the patient's
        items.

    Raises
    ------
    InputError
        If the data set's sequences or shape features are not those of the training.
    """
    if isinstance(network, TrainedNetwork):
        network.check(dataset)
        module, scale, name = network.network, network.shape_scale, network.name
    else:
        module, scale, name = network, None, name_of(network)
    target = chosen_device(device)
    was_training = module.training
    module.to(target).eval()
    sums: Any = None
    counts = np.zeros(len(dataset.case_ids))
    try:
        with torch.inference_mode():
            for batch in DataLoader(
                dataset, batch_sampler=dataset.batches(batch_size), num_workers=0
            ):
                moved = to_device(batch, target)
                shape = None if scale is None else scale(moved["shape"])
                found = module.features(moved["image"], shape=shape)  # type: ignore[operator]
                values = found.float().cpu().numpy().astype(np.float64)
                if sums is None:
                    sums = np.zeros((len(counts), values.shape[1]))
                np.add.at(sums, batch["case"].numpy(), values)
                np.add.at(counts, batch["case"].numpy(), 1)
    finally:
        module.to("cpu").train(was_training)
    width = len(str(sums.shape[1] - 1))
    columns = [f"{prefix}{name}_{number:0{width}d}" for number in range(sums.shape[1])]
    index = pd.Index(dataset.case_ids, name="case_id")
    return pd.DataFrame(sums / counts[:, None], index=index, columns=columns)
