"""From a cohort to a segmenter."""

from __future__ import annotations

import gc
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch

from gliofuse.cohort import SEQUENCES, STRUCTURAL, Case, Cohort
from gliofuse.cohort.sequences import check_sequences
from gliofuse.compute import Outcome, parallel_map
from gliofuse.deep.training.predict import chosen_device, chosen_precision, has_matrix_units
from gliofuse.deep.training.trainer import out_of_memory, plain_trainer, quiet_lightning
from gliofuse.errors import InputError, ManifestError, RunError
from gliofuse.files import file_state, settings_hash
from gliofuse.imaging import cohort_convention
from gliofuse.optional import require
from gliofuse.segmentation.heads import read_images
from gliofuse.segmentation.outputs import Outputs
from gliofuse.segmentation.plan import HeadShape, SegmentationPlan, StagePlan, plan_segmentation
from gliofuse.segmentation.segmenter import Segmenter
from gliofuse.segmentation.settings import SegmentationSettings, segmentation_settings
from gliofuse.segmentation.store import Patches, StageCase, store_case
from gliofuse.segmentation.training.state import StageProgress, StageState
from gliofuse.version import __version__

if TYPE_CHECKING:
    from torch import nn

__all__ = ["TrainedOn", "train_segmenter"]

FEWEST_PATIENTS = 2


@dataclass(frozen=True)
class TrainedOn:
    """What a segmenter was trained on, for its folder.

    Parameters
    ----------
    training, validation : tuple of str
        Patients.
    failures : DataFrame
        ``case_id, stage, error``: patients that could not be used.
    seed : int
    settings : SegmentationSettings
    selection : dict of str to str
        How each stage's epoch was chosen.
    curves : dict of str to DataFrame
    """

    training: tuple[str, ...]
    validation: tuple[str, ...]
    failures: pd.DataFrame
    seed: int
    settings: SegmentationSettings
    selection: dict[str, str] = field(default_factory=dict)
    curves: dict[str, pd.DataFrame] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "training": list(self.training),
            "validation": list(self.validation),
            "failures": self.failures.to_dict(orient="records"),
            "seed": self.seed,
            "settings": self.settings.model_dump(mode="json"),
            "selection": self.selection,
            "gliofuse": __version__,
            "torch": str(torch.__version__),
            "platform": f"{platform.system()} {platform.machine()}",
        }


def train_segmenter(
    cohort: Cohort,
    directory: str | Path,
    *,
    settings: SegmentationSettings | None = None,
    sequences: Sequence[str] | None = None,
    convention: str = "auto",
    seed: int = 0,
    workers: int | None = 1,
    cache: str | Path | None = None,
    progress: Callable[[StageProgress], None] | None = None,
    say: Callable[[str], None] | None = None,
) -> Segmenter:
    """Plan and train a segmenter on the patients of a cohort who have a mask.

    Parameters
    ----------
    cohort : Cohort
        Patients with at least one of the sequences and a mask that is not empty; others are
        listed as failures.
    directory : path
        Folder of the segmenter. The same call after a stop goes on from the last epoch, and after
        a finished training reads the result.
    settings : SegmentationSettings, optional
        By default the preset ``quick``.
    sequences : sequence of str, optional
        The channels; by default the structural ones that any patient has.
    convention : str
        Label convention of the masks; ``auto`` takes the one that fits.
    seed : int
        Of the division into training and validation, weights, patches and augmentation.
    workers : int or None
        Processes that prepare images.
    cache : path, optional
        Folder of the prepared images; by default in ``directory``.
    progress, say : callable, optional
        Called with how it stands after each batch; with remarks, a line each.

    Returns
    -------
    Segmenter

    Raises
    ------
    InputError
        If fewer than two patients can be learned from, or the plan cannot be made.
    RunError
        If the loss is not finite, or the memory does not suffice.
    """
    require("lightning", extra="deep")
    settings = settings or segmentation_settings("quick")
    say = say or (lambda text: None)
    folder = Path(directory)
    chosen = _sequences(cohort, sequences)
    named = cohort_convention((case.mask for case in cohort), named=convention, workers=workers)
    heads, failures = _heads(cohort, chosen, workers)
    if len(heads) < FEWEST_PATIENTS:
        first = f"; the first: {failures['error'].iloc[0]}" if len(failures) else ""
        raise InputError(
            f"a segmenter needs at least {FEWEST_PATIENTS} patients with images and a mask, got "
            f"{len(heads)} of {len(cohort)}{first}"
        )
    for row in failures.itertuples():
        say(f"{row.case_id} left out: {row.error}")
    outputs = Outputs.choose(named, settings.outputs)
    plan = plan_segmentation(list(heads.values()), chosen, outputs, settings)
    training, validation = _divide(tuple(heads), settings.validation_fraction, seed)
    made = TrainedOn(training, validation, failures, seed, settings)
    identity = settings_hash(
        [plan.as_dict(), _decisive(settings), seed, training, validation, _files(cohort, chosen)]
    )
    folder.mkdir(parents=True, exist_ok=True)
    finished = _finished(folder, identity)
    if finished is not None:
        return finished
    arrays = Path(cache) if cache is not None else folder / "arrays"
    networks: dict[str, nn.Module] = {}
    before: nn.Module | None = None
    for stage in plan.stages:
        say(_describe(stage, len(training), len(validation)))
        stored = _store(cohort, (*training, *validation), plan, stage, arrays, workers)
        networks[stage.name], state = _train_stage(
            plan,
            stage,
            [stored[name] for name in training],
            [stored[name] for name in validation],
            settings=settings,
            folder=folder,
            seed=seed,
            before=before,
            progress=progress,
        )
        before = networks[stage.name]
        made.selection[stage.name] = state.selection()
        made.curves[stage.name] = pd.DataFrame(state.rows).drop(columns="watched_loss")
    segmenter = Segmenter(plan, networks, {**made.as_dict(), "identity": identity})
    segmenter.save(folder, made.curves)
    for stage in plan.stages:
        _checkpoint(folder, stage).unlink(missing_ok=True)
    return segmenter


def _decisive(settings: SegmentationSettings) -> dict[str, Any]:
    """Return the settings that a result depends on."""
    return settings.model_dump(mode="json", exclude={"loader_workers"})


def _files(cohort: Cohort, sequences: tuple[str, ...]) -> dict[str, Any]:
    return {
        case.case_id: [
            file_state(path)
            for path in (*(case.images.get(name) for name in sequences), case.mask)
            if path is not None and path.exists()
        ]
        for case in cohort
    }


def _finished(folder: Path, identity: str) -> Segmenter | None:
    """Return the result of the same training, if the folder holds it."""
    try:
        found = Segmenter.load(folder)
    except InputError:
        return None
    return found if found.trained.get("identity") == identity else None


def _sequences(cohort: Cohort, sequences: Sequence[str] | None) -> tuple[str, ...]:
    if sequences is None:
        found = tuple(name for name in cohort.sequences if name in STRUCTURAL)
        if not found:
            raise ManifestError(
                "segmenter: no patient has a structural sequence; name others with sequences"
            )
        return found
    check_sequences(sequences)
    absent = [name for name in sequences if name not in cohort.sequences]
    if absent:
        raise ManifestError(
            f"segmenter: no patient has {absent[0]!r}; there are {', '.join(cohort.sequences)}"
        )
    return tuple(name for name in SEQUENCES if name in sequences)


def _head(case: Case, sequences: tuple[str, ...]) -> HeadShape:
    head = read_images(case, sequences, mask=True)
    assert head.labels is not None
    if not head.labels.any():
        raise InputError(f"patient {case.case_id}: the mask is empty, nothing to learn from")
    return head.head


def _heads(
    cohort: Cohort, sequences: tuple[str, ...], workers: int | None
) -> tuple[dict[str, HeadShape], pd.DataFrame]:
    heads, failed = {}, []
    outcomes: Any = parallel_map(partial(_head, sequences=sequences), cohort, workers=workers)
    for outcome in outcomes:
        if outcome.result is None:
            failed.append((outcome.item.case_id, "segmentation", outcome.error))
        else:
            heads[outcome.item.case_id] = outcome.result
    return heads, pd.DataFrame(failed, columns=["case_id", "stage", "error"])


def _divide(
    case_ids: tuple[str, ...], fraction: float, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return training and validation patients; the order of the manifest does not matter."""
    count = min(round(fraction * len(case_ids)), len(case_ids) - 1)
    if fraction > 0 and len(case_ids) > FEWEST_PATIENTS:
        count = max(1, count)
    order = np.random.default_rng([seed, 1]).permutation(sorted(case_ids)).tolist()
    chosen = set(order[:count])
    return (
        tuple(name for name in case_ids if name not in chosen),
        tuple(name for name in case_ids if name in chosen),
    )


def _store(
    cohort: Cohort,
    case_ids: Sequence[str],
    plan: SegmentationPlan,
    stage: StagePlan,
    folder: Path,
    workers: int | None,
) -> dict[str, StageCase]:
    prepare = partial(store_case, plan=plan, stage=stage, folder=folder)
    outcomes: list[Outcome[Case, StageCase]] = list(
        parallel_map(prepare, cohort.subset(case_ids), workers=workers)
    )
    for outcome in outcomes:
        if outcome.error is not None:
            raise InputError(outcome.error)
    return {
        outcome.item.case_id: outcome.result for outcome in outcomes if outcome.result is not None
    }


def _train_stage(
    plan: SegmentationPlan,
    stage: StagePlan,
    training: list[StageCase],
    validation: list[StageCase],
    *,
    settings: SegmentationSettings,
    folder: Path,
    seed: int,
    before: nn.Module | None,
    progress: Callable[[StageProgress], None] | None,
) -> tuple[nn.Module, StageState]:
    """Train a stage; it starts from those weights of the stage ``before`` that fit.

    What a tumour looks like at one size helps at another: a second stage that starts at random
    needs several times as long.
    """
    from gliofuse.segmentation.networks import build_stage
    from gliofuse.segmentation.training.module import StageModule

    device = chosen_device(settings.device)
    precision = _precision(settings, device)
    network = build_stage(plan, stage, seed=seed)
    if before is not None:
        network.load_state_dict(_fitting(network, before), strict=False)
    described = Patches(
        training, stage, size=1, foreground=settings.foreground, seed=seed
    ).describe()
    identity = settings_hash(
        {
            "plan": plan.as_dict(),
            "patches": described,
            "validation": [case.folder.name for case in validation],
            "settings": _decisive(settings),
        }
    )
    checkpoint = _checkpoint(folder, stage)
    state = StageState.read(checkpoint, identity)
    if not state.finished(settings):
        module = StageModule(
            network,
            plan,
            stage,
            training,
            validation,
            settings=settings,
            state=state,
            checkpoint=checkpoint,
            identity=identity,
            seed=seed,
            progress=progress if settings.devices == 1 else None,
        )
        _fit(module, settings, device, precision, folder)
        del module
        gc.collect()  # Lightning's parts hold each other, and the optimiser's memory
        if settings.devices > 1:  # the processes that trained left their state on disk
            state = StageState.read(checkpoint, identity)
    assert state.best is not None
    network.cpu()
    network.load_state_dict(state.best)
    network.zero_grad(set_to_none=True)
    return network.eval(), state


def _fitting(network: nn.Module, before: nn.Module) -> dict[str, torch.Tensor]:
    """Return those weights of another stage that the network has too, by name and shape."""
    own = network.state_dict()
    return {
        name: value
        for name, value in before.state_dict().items()
        if name in own and own[name].shape == value.shape
    }


def _fit(
    module: Any,
    settings: SegmentationSettings,
    device: torch.device,
    precision: str,
    folder: Path,
) -> None:
    with quiet_lightning(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(module.seed)
        trainer = plain_trainer(
            device,
            devices=settings.devices,
            precision=precision,
            epochs=max(1, settings.epochs - len(module.state.rows)),
            folder=folder,
        )
        try:
            trainer.fit(module)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            raise RunError(
                f"out of memory on {device.type} in stage {module.stage.name} with batch_size="
                f"{settings.batch_size} and patches of {module.stage.patch}: lower patch_voxels, "
                "batch_size or width; the last epoch's checkpoint stays"
            ) from error


def _precision(settings: SegmentationSettings, device: torch.device) -> str:
    """Return Lightning's name; a CPU with matrix units trains twice as fast in bfloat16."""
    if settings.precision == "auto" and device.type == "cpu" and has_matrix_units():
        return "bf16-mixed"
    return chosen_precision(settings.precision, device)


def _checkpoint(folder: Path, stage: StagePlan) -> Path:
    return folder / f"last-{stage.name}.pt"


def _describe(stage: StagePlan, training: int, validation: int) -> str:
    where = "slices" if stage.dimensions == 2 else "patches"
    step = stage.spacing_mm[1:] if stage.dimensions == 2 else stage.spacing_mm
    return (
        f"{stage.name}: {where} of {' x '.join(map(str, stage.patch))} at "
        f"{' x '.join(f'{size:.3g}' for size in step)} mm, {len(stage.widths)} levels of "
        f"{stage.widths[0]} to {max(stage.widths)} channels; {training} patients to learn from, "
        f"{validation} to choose the epoch"
    )
