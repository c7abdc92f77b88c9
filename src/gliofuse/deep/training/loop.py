"""Training a network from its data sets to a :class:`TrainedNetwork`."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gliofuse.deep.data.dataset import CaseDataset
from gliofuse.deep.training.hyperparameters import TrainingSettings
from gliofuse.deep.training.order import class_weights
from gliofuse.deep.training.predict import (
    Loss,
    ShapeScale,
    chosen_device,
    chosen_precision,
    logits_of,
)
from gliofuse.deep.training.state import (
    CHECKPOINT_FILE,
    TrainingProgress,
    TrainingState,
    read_checkpoint,
    remove_checkpoint,
)
from gliofuse.deep.training.trained import TrainedNetwork, load_trained, name_of
from gliofuse.deep.training.trainer import out_of_memory, plain_trainer, quiet_lightning
from gliofuse.errors import InputError, RunError
from gliofuse.files import file_hash, settings_hash
from gliofuse.optional import require

__all__ = ["train_network"]


def train_network(
    network: str | nn.Module,
    training: CaseDataset,
    validation: CaseDataset | None = None,
    *,
    settings: TrainingSettings | None = None,
    directory: str | Path | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    weights: str | Path | None = None,
    loss: Loss | None = None,
    progress: Callable[[TrainingProgress], None] | None = None,
) -> TrainedNetwork:
    """Train a network, keep its best epoch, and return it ready to predict.

    Parameters
    ----------
    network : str or torch.nn.Module
        Name in :data:`gliofuse.deep.networks.NETWORKS`, whose weights are then drawn under
        ``seed``; or one's own module, which is trained in place.
    training : CaseDataset
        Labelled patients; its augmentation acts.
    validation : CaseDataset, optional
        Labelled patients that choose the epoch and are never learned from. Without them the last
        epoch is kept.
    settings : TrainingSettings, optional
        ``None`` takes the network's preset ``quick``, for one's own module the defaults.
    directory : path, optional
        Folder for the checkpoint of each epoch and, at the end, for the trained network. The same
        call after a kill goes on from the last checkpoint, with the result that an unbroken run
        has (on a CPU, bit for bit with the same number of threads); after a finished training it
        only reads the result. A checkpoint of other data or settings is not used but replaced.
    seed : int
        Of initial weights, order, and dropout. (Augmentation has the data set's.)
    options : mapping, optional
        Options for building a network by name.
    weights : path or "imagenet", optional
        Pretrained weights to start from.
    loss : callable, optional
        ``loss(output, batch)`` to a scalar. ``None`` takes cross entropy, with class weights where
        the settings say so; for a network with a survival head
        :class:`gliofuse.deep.losses.DualTaskLoss` of the training patients.
    progress : callable, optional
        Called with a :class:`TrainingProgress` after each batch and epoch (one device only).

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    InputError
        If patients are in both data sets, the sequences differ, a class is absent, or shape
        features or survival that the network needs are not given.
    RunError
        If the loss becomes NaN or infinite (names the patients of the batch), or the memory does
        not suffice (the last checkpoint stays).
    """
    require("lightning", extra="deep")
    name = network if isinstance(network, str) else name_of(network)
    if settings is None:
        settings = TrainingSettings()
    _check(name, training, validation, settings, directory)
    folder = None if directory is None else Path(directory)
    identity = _identity(name, training, validation, settings, seed, options, weights, loss)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        finished = _finished(folder, identity, network)
        if finished is not None:
            return finished

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = _build(network, training, options, weights)
        return _train(
            module, name, training, validation, settings, folder, seed, identity, loss, progress
        )


def _train(
    module: nn.Module,
    name: str,
    training: CaseDataset,
    validation: CaseDataset | None,
    settings: TrainingSettings,
    folder: Path | None,
    seed: int,
    identity: str,
    loss: Loss | None,
    progress: Callable[[TrainingProgress], None] | None,
) -> TrainedNetwork:
    from gliofuse.deep.training.module import TrainingModule

    device = chosen_device(settings.device)
    precision = chosen_precision(settings.precision, device)
    scale = None if training.shape is None else ShapeScale.from_patients(training.shape)
    chosen_loss = loss if loss is not None else _default_loss(name, training, settings)
    resumed = None if folder is None else read_checkpoint(folder, identity)
    state, content = (TrainingState(), None) if resumed is None else resumed
    if content is not None:
        module.load_state_dict(content["network"])
    if not state.finished(settings):
        task = TrainingModule(
            module,
            chosen_loss,
            training,
            validation,
            settings=settings,
            scale=scale,
            state=state,
            optimiser_state=None if content is None else content["optimiser"],
            folder=folder,
            identity=identity,
            seed=seed,
            precision=precision,
            progress=progress if settings.devices == 1 else None,
        )
        _fit(task, settings, device, precision, folder)
        del task
        gc.collect()  # Lightning's parts hold each other, the optimiser and its memory among them
        if settings.devices > 1:  # the processes that trained have left their state on disk
            assert folder is not None
            reread = read_checkpoint(folder, identity)
            assert reread is not None
            state = reread[0]
    module.cpu()
    assert state.best_weights is not None
    module.load_state_dict(state.best_weights)
    module.zero_grad(set_to_none=True)
    module.eval()
    trained = TrainedNetwork(
        network=module,
        name=name,
        sequences=training.sequences,
        options=dict(getattr(module, "options", {}) or {}),
        settings=settings,
        seed=seed,
        curves=state.curves,
        best_epoch=state.best_epoch,
        selection=state.selection(settings),
        shape_scale=scale,
        risk_sign=-1.0 if getattr(chosen_loss, "kind", "") == "regression" else 1.0,
        identity={
            "hash": identity,
            "training": list(training.case_ids),
            "validation": [] if validation is None else list(validation.case_ids),
        },
    )
    if folder is not None:
        trained.save(folder)
        remove_checkpoint(folder)
    return trained


def _fit(
    task: Any, settings: TrainingSettings, device: torch.device, precision: str, folder: Path | None
) -> None:
    with quiet_lightning():
        trainer = plain_trainer(
            device,
            devices=settings.devices,
            precision=precision,
            epochs=settings.epochs - task.state.next_epoch,
            folder=folder,
            clip_norm=settings.clip_norm,
        )
        try:
            trainer.fit(task)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            if device.type == "cuda":
                torch.cuda.empty_cache()
            size = "x".join(map(str, task.training_data.size))
            kept = (
                "no checkpoint was kept, as no directory was given"
                if folder is None or not (folder / CHECKPOINT_FILE).exists()
                else f"the checkpoint after epoch {task.state.next_epoch} stays in {folder}"
            )
            raise RunError(
                f"out of memory on {device.type} in epoch {task.state.next_epoch + 1} with "
                f"batch_size={settings.batch_size} and images of {size}: use a smaller batch_size "
                f"or smaller slices or patches; {kept}"
            ) from error


def _build(
    network: str | nn.Module,
    training: CaseDataset,
    options: Mapping[str, Any] | None,
    weights: str | Path | None,
) -> nn.Module:
    if isinstance(network, str):
        from gliofuse.deep.networks import build_network

        module: nn.Module = build_network(network, training.sequences, **dict(options or {}))
    else:
        if options:
            raise InputError("options: are for a network given by name; build the module with them")
        module = network
    if weights is not None:
        from gliofuse.deep.weights import load_pretrained

        load_pretrained(module, weights)  # type: ignore[arg-type]
    if not any(weight.requires_grad for weight in module.parameters()):
        raise InputError(f"network {name_of(module)!r}: every weight is frozen, nothing can learn")
    return module


def _default_loss(name: str, training: CaseDataset, settings: TrainingSettings) -> Loss:
    weights = class_weights(training, settings)
    if _needs(name, "needs_survival"):
        from gliofuse.deep.losses import DualTaskLoss

        assert training.survival is not None
        return DualTaskLoss.from_training(
            training.survival["time"].to_numpy(dtype=float),
            training.survival["event"].to_numpy(dtype=float) == 1,
            class_weights=None if weights is None else weights.numpy(),
        )
    return _CrossEntropy(weights)


class _CrossEntropy:
    """Cross entropy of the logits; a label of -1 is unknown and ignored."""

    def __init__(self, weights: torch.Tensor | None) -> None:
        self.weights = weights

    def __call__(self, output: Any, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        logits = logits_of(output)
        weights = None if self.weights is None else self.weights.to(logits)
        return nn.functional.cross_entropy(logits, batch["label"], weights, ignore_index=-1)


def _check(
    name: str,
    training: CaseDataset,
    validation: CaseDataset | None,
    settings: TrainingSettings,
    directory: str | Path | None,
) -> None:
    """Refuse data that cannot be trained on, before anything is built."""
    classes = set(training.item_label.tolist()) - {-1}
    # a network that learns survival can do without classes: its grade head then learns nothing
    if classes != {0, 1} and (classes or not _needs(name, "needs_survival")):
        raise InputError(
            f"training of {name!r}: needs patients of both classes, got only class "
            f"{', '.join(map(str, sorted(classes)))} among {len(training.case_ids)} patients"
        )
    for need, table in (("needs_shape", "shape"), ("needs_survival", "survival")):
        if _needs(name, need) and getattr(training, table) is None:
            raise InputError(f"network {name!r} needs {table}: store.dataset(..., {table}=table)")
    if settings.devices > 1 and directory is None:
        raise InputError("training on several devices needs a directory for its checkpoints")
    if settings.batch_size == 1:
        raise InputError(
            "batch_size: must be 2 or more, since batch normalisation needs two; got 1"
        )
    if validation is None:
        return
    shared = sorted(set(training.case_ids) & set(validation.case_ids))
    if shared:
        raise InputError(
            f"patient {shared[0]!r} is in training and validation ({len(shared)} such patients)"
        )
    if validation.sequences != training.sequences:
        raise InputError(
            f"training has the sequences {', '.join(training.sequences)} and validation "
            f"{', '.join(validation.sequences)}: give both the same, in one order"
        )
    if validation.labels is None:
        raise InputError("the validation patients have no labels: they cannot choose an epoch")
    if (training.shape is None) != (validation.shape is None):
        raise InputError("shape features: give them to training and validation, or to neither")


def _needs(name: str, what: str) -> bool:
    from gliofuse.deep.networks import NETWORKS

    return name in NETWORKS and bool(getattr(NETWORKS[name], what))


def _identity(
    name: str,
    training: CaseDataset,
    validation: CaseDataset | None,
    settings: TrainingSettings,
    seed: int,
    options: Mapping[str, Any] | None,
    weights: str | Path | None,
    loss: Loss | None,
) -> str:
    """Return a hash of all that decides the result, as far as it can be named."""
    # how it is computed does not belong to what is computed
    decisive = settings.model_dump(mode="json", exclude={"loader_workers", "checkpoint_every"})
    return settings_hash(
        {
            "network": name,
            "options": dict(options or {}),
            "weights": _weights_identity(weights),
            "loss": "default" if loss is None else type(loss).__qualname__,
            "settings": decisive,
            "seed": seed,
            "training": training.describe(),
            "validation": None if validation is None else validation.describe(),
        }
    )


def _weights_identity(weights: str | Path | None) -> str:
    """Return the content of a file of weights, or the name of the weights."""
    path = None if weights is None else Path(weights)
    return file_hash(path) if path is not None and path.is_file() else str(weights)


def _finished(folder: Path, identity: str, network: str | nn.Module) -> TrainedNetwork | None:
    """Return the result of the same training, if the folder already holds it."""
    try:
        trained = load_trained(folder, network=network)
    except InputError:
        return None
    return trained if trained.identity.get("hash") == identity else None
