"""A trained network: predictions, and the folder that keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from gliofuse.deep.data.dataset import CaseDataset
from gliofuse.deep.training.curves import write_curves
from gliofuse.deep.training.hyperparameters import TrainingSettings
from gliofuse.deep.training.predict import (
    ShapeScale,
    by_patient,
    chosen_device,
    predict_items,
)
from gliofuse.errors import InputError
from gliofuse.files import atomic_path, write_json

__all__ = ["WEIGHTS_FILE", "TrainedNetwork", "described_network", "load_trained"]

WEIGHTS_FILE = "network.safetensors"
_DESCRIPTION_FILE = "network.json"
_FORMAT = 1


@dataclass
class TrainedNetwork:
    """A network with everything that predictions need.

    Attributes
    ----------
    network : torch.nn.Module
        In evaluation mode, on the CPU.
    name : str
        Name in :data:`gliofuse.deep.networks.NETWORKS`, or the class of one's own module.
    sequences : tuple of str
        Order of the image's channels.
    options : dict
        Options that the network was built with.
    settings : TrainingSettings
    seed : int
    curves : pandas.DataFrame
        One row an epoch: ``epoch`` (from 1), ``learning_rate``, ``training_loss``,
        ``training_auc`` (of patients, on augmented items while learning), ``validation_loss``,
        ``validation_auc`` (of patients), ``seconds``, ``seconds_data`` (waiting for data),
        ``seconds_step``, ``seconds_validation``, ``memory_mb`` (peak of the
        GPU, or of the process on a CPU).
    best_epoch : int
        The epoch whose weights these are, from 1.
    selection : str
        How it was chosen, a sentence.
    shape_scale : ShapeScale or None
        What shape features are standardised with.
    risk_sign : float
        Factor that makes a higher ``risk`` the worse one.
    identity : dict
        Hash of the training's inputs; patients it was trained and validated on.
    """

    network: nn.Module
    name: str
    sequences: tuple[str, ...]
    options: dict[str, Any]
    settings: TrainingSettings
    seed: int
    curves: pd.DataFrame = field(repr=False)
    best_epoch: int
    selection: str
    shape_scale: ShapeScale | None = None
    risk_sign: float = 1.0
    identity: dict[str, Any] = field(default_factory=dict, repr=False)

    def inputs(self, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return ``(image, shape)`` as the network takes them, from an item or a batch of items."""
        image = torch.as_tensor(batch["image"])
        single = image.ndim == (3 if self._is_2d() else 4)
        shape = None
        if self.shape_scale is not None and "shape" in batch:
            shape = self.shape_scale(torch.as_tensor(batch["shape"]))
            shape = shape[None] if shape.ndim == 1 else shape
        return (image[None] if single else image), shape

    def predict_items(self, dataset: CaseDataset, *, device: str = "auto") -> pd.DataFrame:
        """Return one row an item (slice or patch): ``case_id, item, probability`` (and ``risk``).

        Raises
        ------
        InputError
            If the data set's sequences or shape features are not those of the training.
        """
        self.check(dataset)
        target = chosen_device(device)
        self.network.to(target)
        try:
            table, _ = predict_items(
                self.network,
                dataset,
                scale=self.shape_scale,
                batch_size=max(32, self.settings.batch_size) if self._is_2d() else 4,
                device=target,
                risk_sign=self.risk_sign,
            )
        finally:
            self.network.to("cpu")
        return table

    def predict(self, dataset: CaseDataset, *, device: str = "auto") -> pd.DataFrame:
        """Return one row a patient.

        Returns
        -------
        pandas.DataFrame
            Index ``case_id``; ``probability`` of the positive class (mean over the patient's
            items), ``slices`` (their number), ``spread`` (their standard deviation), and ``risk``
            from a network with a survival head.
        """
        return by_patient(self.predict_items(dataset, device=device), dataset.case_ids)

    def check(self, dataset: CaseDataset) -> None:
        """Refuse a data set whose channels or shape features are not those of the training."""
        _check_sequences(self.sequences, dataset.sequences, f"network {self.name!r}")
        if self.shape_scale is None:
            return
        if dataset.shape is None:
            raise InputError(
                f"network {self.name!r} was trained with shape features: give the data set "
                f"shape=..., with the columns {', '.join(self.shape_scale.columns)}"
            )
        columns = tuple(map(str, dataset.shape.columns))
        if columns != self.shape_scale.columns:
            raise InputError(
                f"network {self.name!r} was trained with the shape features "
                f"{', '.join(self.shape_scale.columns)}, in this order; got {', '.join(columns)}"
            )

    def save(self, directory: str | Path) -> Path:
        """Write weights (safetensors), description (JSON) and curves (CSV, SVG) into a folder."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        self.save_weights(folder / WEIGHTS_FILE)
        write_curves(folder, self.curves, self.best_epoch)
        more = {"identity": self.identity, "versions": _versions()}
        write_json(folder / _DESCRIPTION_FILE, {**self.describe(), **more})
        return folder

    def save_weights(self, path: str | Path) -> None:
        """Write the weights alone (safetensors)."""
        from safetensors.torch import save_file

        state = {name: t.detach().cpu().contiguous() for name, t in _state(self.network).items()}
        with atomic_path(path) as temporary:
            save_file(state, temporary)

    def describe(self) -> dict[str, Any]:
        """Return what beside the weights predictions need, as JSON can hold it."""
        scale = self.shape_scale
        return {
            "format": _FORMAT,
            "network": self.name,
            "sequences": list(self.sequences),
            "options": self.options,
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.seed,
            "best_epoch": self.best_epoch,
            "selection": self.selection,
            "shape": None
            if scale is None
            else {"columns": list(scale.columns), "mean": list(scale.mean), "sd": list(scale.sd)},
            "risk_sign": self.risk_sign,
        }

    def _is_2d(self) -> bool:
        dimensions = getattr(self.network, "spatial_dims", None)
        if dimensions is None:
            dimensions = 3 if any(isinstance(m, nn.Conv3d) for m in self.network.modules()) else 2
        return bool(dimensions == 2)


def load_trained(
    directory: str | Path,
    *,
    network: str | nn.Module | None = None,
    sequences: Sequence[str] | None = None,
) -> TrainedNetwork:
    """Read what :meth:`TrainedNetwork.save` wrote; no code in the files is run.

    Parameters
    ----------
    directory : path
    network : str or torch.nn.Module, optional
        The network that is expected; a module takes the weights (needed for one's own class).
    sequences : sequence of str, optional
        The channel order that is expected.

    Raises
    ------
    InputError
        If the folder holds no network, another one, or one with another order of sequences.
    """
    folder = Path(directory)
    description = folder / _DESCRIPTION_FILE
    if not description.exists() or not (folder / WEIGHTS_FILE).exists():
        raise InputError(
            f"{folder}: holds no trained network; needs {WEIGHTS_FILE} and {_DESCRIPTION_FILE}"
        )
    found = json.loads(description.read_text(encoding="utf-8"))
    name, order = str(found["network"]), tuple(found["sequences"])
    wanted = network if isinstance(network, str) or network is None else name_of(network)
    if wanted is not None and wanted != name:
        raise InputError(
            f"{folder}: holds the network {name!r}, but {wanted!r} was asked for; give the folder "
            f"of a {wanted!r} or ask for {name!r}"
        )
    if sequences is not None:
        _check_sequences(order, tuple(sequences), str(folder))
    module = network if isinstance(network, nn.Module) else None
    trained = described_network(found, folder / WEIGHTS_FILE, module=module)
    curves = folder / "curves.csv"
    if curves.exists():
        trained.curves = pd.read_csv(curves)
    trained.identity = dict(found["identity"])
    return trained


def described_network(
    description: Mapping[str, Any], weights: Path, *, module: nn.Module | None = None
) -> TrainedNetwork:
    """Return the network that :meth:`TrainedNetwork.describe` tells of, with its weights.

    Parameters
    ----------
    description : mapping
    weights : pathlib.Path
        Safetensors.
    module : torch.nn.Module, optional
        Takes the weights; needed for one's own class.

    Raises
    ------
    InputError
        If there is no such network, or the weights are not its own.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    name, order = str(description["network"]), tuple(description["sequences"])
    if module is None:
        from gliofuse.deep.networks import NETWORKS, build_network

        if name not in NETWORKS:
            raise InputError(
                f"{weights}: {name!r} is not one of the package's networks; "
                "pass a module of that class as network="
            )
        with torch.random.fork_rng(devices=[]):
            module = build_network(name, order, **description["options"])
    try:
        module.load_state_dict(load_file(weights))
    except (RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{weights}: the weights do not fit {name!r}: {str(error).splitlines()[-1].strip()}"
        ) from error
    module.eval()
    shape = description["shape"]
    return TrainedNetwork(
        network=module,
        name=name,
        sequences=order,
        options=dict(description["options"]),
        settings=TrainingSettings(**description["settings"]),
        seed=int(description["seed"]),
        curves=pd.DataFrame(),
        best_epoch=int(description["best_epoch"]),
        selection=str(description["selection"]),
        shape_scale=None
        if shape is None
        else ShapeScale(tuple(shape["columns"]), tuple(shape["mean"]), tuple(shape["sd"])),
        risk_sign=float(description["risk_sign"]),
    )


def name_of(network: nn.Module) -> str:
    """Return the registry name of a network, or the class of one's own module."""
    return str(getattr(network, "network_name", "") or type(network).__name__)


def _check_sequences(trained: tuple[str, ...], given: Sequence[str], what: str) -> None:
    if tuple(given) != tuple(trained):
        raise InputError(
            f"{what}: was trained on the sequences {', '.join(trained)}, in this order; "
            f"got {', '.join(given)}: give the data set sequences={list(trained)}"
        )


def _state(network: nn.Module) -> dict[str, torch.Tensor]:
    return dict(network.state_dict())


def _versions() -> dict[str, str]:
    result = {}
    for package in ("gliofuse", "torch", "monai", "lightning", "numpy"):
        try:
            result[package] = version(package)
        except PackageNotFoundError:
            continue
    return result
