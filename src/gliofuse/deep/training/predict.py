"""Putting patients through a network: one row an item, one row a patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader

from gliofuse.deep.data.dataset import CaseDataset

__all__ = [
    "Loss",
    "ShapeScale",
    "autocast",
    "by_patient",
    "chosen_device",
    "chosen_precision",
    "has_matrix_units",
    "logits_of",
    "patient_auc",
    "predict_items",
    "run_network",
    "to_device",
]

Loss = Callable[[Any, Mapping[str, torch.Tensor]], torch.Tensor]


@dataclass(frozen=True)
class ShapeScale:
    """Mean and standard deviation of the shape features over the training patients."""

    columns: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]

    @classmethod
    def from_patients(cls, shape: pd.DataFrame) -> ShapeScale:
        """Return the scale of these patients; a feature that never varies gets a deviation of 1."""
        values = shape.to_numpy(dtype=float)
        sd = values.std(axis=0)
        sd[~(sd > 1e-12)] = 1.0
        return cls(
            tuple(map(str, shape.columns)),
            tuple(values.mean(axis=0).tolist()),
            tuple(sd.tolist()),
        )

    def __call__(self, shape: torch.Tensor) -> torch.Tensor:
        """Return standardised features."""
        mean = torch.tensor(self.mean, dtype=torch.float64, device="cpu").to(shape)
        sd = torch.tensor(self.sd, dtype=torch.float64, device="cpu").to(shape)
        return (shape - mean) / sd


def chosen_device(device: str) -> torch.device:
    """Return the device for ``auto``, ``cpu`` or ``gpu``."""
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    return torch.device("cuda")


def chosen_precision(precision: str, device: torch.device) -> str:
    """Return Lightning's name of the precision."""
    if precision == "32" or (precision == "auto" and device.type == "cpu"):
        return "32-true"
    if precision == "auto":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return precision


def has_matrix_units() -> bool:
    """Whether this CPU multiplies bfloat16 matrices in hardware: it trains twice as fast then."""
    asked = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return bool(asked is not None and asked())


def to_device(batch: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    """Move a batch."""
    return {name: value.to(device, non_blocking=True) for name, value in batch.items()}


def run_network(
    network: nn.Module, batch: Mapping[str, torch.Tensor], scale: ShapeScale | None
) -> Any:
    """Return the network's output for a batch, giving it the standardised shape if it has one."""
    if "shape" not in batch or scale is None:
        return network(batch["image"])
    return network(batch["image"], shape=scale(batch["shape"]))


def logits_of(output: Any) -> torch.Tensor:
    """Return the class logits (N, classes) of a network's output."""
    logits: torch.Tensor = output["logits"] if isinstance(output, Mapping) else output
    return logits


def predict_items(
    network: nn.Module,
    dataset: CaseDataset,
    *,
    scale: ShapeScale | None = None,
    loss: Loss | None = None,
    batch_size: int = 32,
    device: torch.device | None = None,
    precision: str = "32-true",
    risk_sign: float = 1.0,
) -> tuple[pd.DataFrame, float]:
    """Put every item through the network, unaugmented.

    Returns
    -------
    items : pandas.DataFrame
        Columns ``case_id, item, probability`` and, from a multi-task network, ``risk``.
    loss : float
        Mean loss over the items; NaN without ``loss`` or labels.
    """
    target = torch.device("cpu") if device is None else device
    loader = DataLoader(dataset, batch_sampler=dataset.batches(batch_size), num_workers=0)
    rows: dict[str, list[np.ndarray]] = {}
    total, count = 0.0, 0
    with _evaluating(network), torch.inference_mode(), autocast(target, precision):
        for batch in loader:
            moved = to_device(batch, target)
            output = run_network(network, moved, scale)
            logits = logits_of(output).float()
            _add(rows, "case", batch["case"])
            _add(rows, "item", batch["item"])
            _add(rows, "probability", torch.softmax(logits, dim=1)[:, 1])
            if isinstance(output, Mapping) and "risk" in output:
                _add(rows, "risk", _one_risk(output["risk"].float()) * risk_sign)
            if loss is not None and dataset.labels is not None:
                total += float(loss(output, moved)) * len(logits)
                count += len(logits)
    values = {name: np.concatenate(parts) for name, parts in rows.items()}
    table = pd.DataFrame({"case_id": np.array(dataset.case_ids, dtype=object)[values.pop("case")]})
    for name, column in values.items():
        table[name] = column.astype(np.int64 if name == "item" else np.float64)
    return table, total / count if count else float("nan")


def by_patient(items: pd.DataFrame, case_ids: tuple[str, ...]) -> pd.DataFrame:
    """Return one row a patient: mean probability, number of items, their standard deviation.

    Returns
    -------
    pandas.DataFrame
        Index ``case_id`` in the order given; ``probability``, ``slices`` and ``spread`` (over the
        patient's items, 0 for a single one), and ``risk`` where items have it.
    """
    groups = items.groupby("case_id", sort=False)
    table = pd.DataFrame(
        {
            "probability": groups["probability"].mean(),
            "slices": groups["probability"].size(),
            "spread": groups["probability"].std(ddof=0),
        }
    )
    if "risk" in items:
        table["risk"] = groups["risk"].mean()
    table = table.loc[list(case_ids)]
    table.index.name = "case_id"
    return table


def patient_auc(labels: pd.Series, probability: pd.Series) -> float:
    """Return the AUC of patients' probabilities; NaN if a class is absent.

    Examples
    --------
    >>> patient_auc(pd.Series([0, 1, 1]), pd.Series([0.2, 0.2, 0.9]))
    0.75
    """
    from scipy.stats import rankdata

    known = labels.to_numpy() >= 0
    positive = labels.to_numpy()[known] == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    ranks = rankdata(probability.to_numpy()[known])
    above = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))


def _add(rows: dict[str, list[np.ndarray]], name: str, values: torch.Tensor) -> None:
    rows.setdefault(name, []).append(values.detach().cpu().numpy())


def _one_risk(risk: torch.Tensor) -> torch.Tensor:
    """Return one number a patient from (N, 1) or discrete-time logits (N, intervals)."""
    if risk.ndim == 1 or risk.shape[1] == 1:
        return risk.reshape(-1)
    from gliofuse.deep.losses import discrete_risk

    return discrete_risk(risk)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    was = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was)


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context in which the network runs at this precision."""
    if precision == "32-true":
        return nullcontext()
    kind = torch.bfloat16 if precision.startswith("bf16") else torch.float16
    return torch.autocast(device.type, dtype=kind)
