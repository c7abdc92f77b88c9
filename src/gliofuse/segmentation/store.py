"""Training patients on a stage's grid: kept on disk once, memory-mapped, cut into patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import numpy as np
import torch
from torch.utils.data import Dataset

from gliofuse.cohort import Case
from gliofuse.errors import InputError
from gliofuse.files import atomic_path, file_state, settings_hash
from gliofuse.segmentation.grids import resample
from gliofuse.segmentation.heads import read_images
from gliofuse.segmentation.plan import SegmentationPlan, StagePlan
from gliofuse.segmentation.sliding import with_neighbours

__all__ = ["Patches", "StageCase", "store_case"]

_FORMAT = 1  # raise it when the meaning of the kept files changes
_MOST_PLACES = 20_000
_NEAR_MM = 30.0


@dataclass(frozen=True, eq=False)
class StageCase:
    """A patient on a stage's grid.

    Parameters
    ----------
    case_id : str
    folder : Path
        Holds ``image.npy`` (float16, sequences, z, y, x) and ``target.npy`` (uint8, 0 to 255 for
        shares of 0 to 1, outputs, z, y, x).
    present : tuple of bool
        Which of the sequences the patient has.
    spacing_mm : tuple of three floats
        (z, y, x) on the grid.
    tumour : int
        First channel of the target that is tumour.
    """

    case_id: str
    folder: Path
    present: tuple[bool, ...]
    spacing_mm: tuple[float, float, float]
    tumour: int

    @cached_property
    def image(self) -> np.ndarray:
        """The images, memory-mapped."""
        return np.load(self.folder / "image.npy", mmap_mode="r")

    @cached_property
    def target(self) -> np.ndarray:
        """The target, memory-mapped."""
        return np.load(self.folder / "target.npy", mmap_mode="r")

    @cached_property
    def places(self) -> list[np.ndarray]:
        """Voxels (n, 3) of each part of the tumour that the patient has."""
        rng = np.random.default_rng(0)
        found = []
        for part in self.target[self.tumour :]:
            voxels = np.argwhere(part > 127)
            if len(voxels) > _MOST_PLACES:
                voxels = voxels[rng.choice(len(voxels), _MOST_PLACES, replace=False)]
            if len(voxels):
                found.append(voxels.astype(np.int32))
        return found

    def __getstate__(self) -> dict[str, object]:
        kept = ("case_id", "folder", "present", "spacing_mm", "tumour")
        return {name: self.__dict__[name] for name in kept}


def store_case(case: Case, plan: SegmentationPlan, stage: StagePlan, folder: Path) -> StageCase:
    """Bring a training patient onto a stage's grid, or find it there.

    Raises
    ------
    InputError
        If a file cannot be used, or the mask is empty or of another label convention.
    """
    files = {name: case.images[name] for name in plan.sequences if name in case.images}
    if case.mask is None:
        raise InputError(f"patient {case.case_id}: no mask to learn from; add one or leave out")
    key = settings_hash(
        {
            "format": _FORMAT,
            "files": {name: file_state(path) for name, path in files.items()},
            "mask": file_state(case.mask),
            "sequences": plan.sequences,
            "outputs": plan.outputs.as_dict(),
            "grid": stage.spacing_mm,
            "stripped": plan.stripped,
        }
    )
    place = folder / f"{quote(case.case_id, safe='')}-{stage.name}-{key}"
    present = tuple(name in files for name in plan.sequences)
    tumour = 1 if plan.outputs.kind == "labels" else 0
    done = place / "spacing.npy"
    if not done.exists():
        _write(case, plan, stage, place)
    z, y, x = (float(step) for step in np.load(done))
    return StageCase(case.case_id, place, present, (z, y, x), tumour)


def _write(case: Case, plan: SegmentationPlan, stage: StagePlan, place: Path) -> None:
    head = read_images(case, plan.sequences, mask=True, stripped=plan.stripped)
    assert head.labels is not None
    known = {0, *plan.outputs.convention.labels.values()}
    strange = sorted(set(np.unique(head.labels).tolist()) - known)
    if strange:
        raise InputError(
            f"{case.mask}: label {strange[0]} is not one of the convention "
            f"{plan.outputs.convention.name!r} ({', '.join(map(str, sorted(known)))})"
        )
    grid = stage.grid(head.shape, head.spacing_mm)
    target = torch.from_numpy(plan.outputs.encode(head.labels).astype(np.float32))
    if not head.labels.any():
        raise InputError(f"patient {case.case_id}: the mask is empty, nothing to learn from")
    image = resample(torch.from_numpy(head.channels(plan.sequences)), grid)
    target = (resample(target, grid).clamp(0, 1) * 255).round()
    place.mkdir(parents=True, exist_ok=True)
    steps = np.multiply(head.spacing_mm, np.divide(head.shape, grid))
    for name, array in (
        ("image", image.numpy().astype(np.float16)),
        ("target", target.numpy().astype(np.uint8)),
        ("spacing", steps),
    ):
        with atomic_path(place / f"{name}.npy") as temporary:
            np.save(temporary, array)


class Patches(Dataset[dict[str, torch.Tensor]]):
    """Patches of the training patients, drawn anew in every epoch.

    Item ``i`` of an epoch depends on the seed, the epoch and ``i`` alone, so that a training goes
    on after a stop as if there had been none.

    Parameters
    ----------
    cases : sequence of StageCase
    stage : StagePlan
    size : int
        Patches of an epoch.
    foreground : float
        Share of patches centred on tumour.
    seed : int
    """

    def __init__(
        self,
        cases: Sequence[StageCase],
        stage: StagePlan,
        *,
        size: int,
        foreground: float,
        seed: int,
    ) -> None:
        self.cases = list(cases)
        self.stage = stage
        self.size = size
        self.foreground = foreground
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        """Return ``image`` (channels, ...), ``target`` (outputs, ...), ``present`` (sequences)."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        rng = np.random.default_rng([self.seed, self.epoch, index])
        case = self.cases[int(rng.integers(len(self.cases)))]
        centre = self._centre(case, rng)
        image, target = (
            self._plane(case, centre) if self.stage.dimensions == 2 else self._block(case, centre)
        )
        return {
            "image": image.float(),
            "target": target.float() / 255,
            "present": torch.tensor(case.present),
        }

    def describe(self) -> dict[str, object]:
        """Return what the patches depend on, but for the epoch."""
        return {
            "cases": [case.folder.name for case in self.cases],
            "stage": asdict(self.stage),
            "foreground": self.foreground,
            "seed": self.seed,
        }

    def _centre(self, case: StageCase, rng: np.random.Generator) -> np.ndarray:
        shape = np.array(case.image.shape[1:])
        draw = rng.random()
        if not case.places or (draw >= self.foreground and self.stage.name == "coarse"):
            return rng.integers(shape)
        part = case.places[int(rng.integers(len(case.places)))]
        voxel = part[int(rng.integers(len(part)))]
        if draw < self.foreground:
            # not dead in the middle: what is to be found may lie anywhere in the patch
            half = np.array([0, *self.stage.patch][-3:]) // 4
            return np.clip(voxel + rng.integers(-half, half + 1), 0, shape - 1)
        if rng.random() < 0.5:
            return rng.integers(shape)
        reach = np.maximum(1, np.round(_NEAR_MM / np.array(case.spacing_mm))).astype(int)
        return np.clip(voxel + rng.integers(-reach, reach + 1), 0, shape - 1)

    def _plane(self, case: StageCase, centre: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        plane, reach = int(centre[0]), self.stage.neighbours
        first, last = max(0, plane - reach), min(case.image.shape[1], plane + reach + 1)
        around = torch.from_numpy(np.array(case.image[:, first:last]))
        image = with_neighbours(around, plane - first, reach)
        target = torch.from_numpy(np.array(case.target[:, plane]))
        return (
            _cut(image, centre[1:], self.stage.patch),
            _cut(target, centre[1:], self.stage.patch),
        )

    def _block(self, case: StageCase, centre: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        image = _cut_map(case.image, centre, self.stage.patch)
        return image, _cut_map(case.target, centre, self.stage.patch)


def _window(centre: int, length: int, size: int) -> slice:
    """Return the part of an axis that a patch takes: all of a short one, as prediction does."""
    if size <= length:
        return slice(0, size)
    start = min(max(centre - length // 2, 0), size - length)
    return slice(start, start + length)


def _cut(array: torch.Tensor, centre: np.ndarray, patch: Sequence[int]) -> torch.Tensor:
    result = torch.zeros(array.shape[0], *patch, dtype=array.dtype)
    taken = array[:, *(_window(int(c), p, s) for c, p, s in zip(centre, patch, array.shape[1:]))]
    result[:, *(slice(0, size) for size in taken.shape[1:])] = taken
    return result


def _cut_map(array: np.ndarray, centre: np.ndarray, patch: Sequence[int]) -> torch.Tensor:
    window = (_window(int(c), p, s) for c, p, s in zip(centre, patch, array.shape[1:]))
    part = np.array(array[:, *window])
    return _cut(torch.from_numpy(part), np.zeros(len(patch), int), patch)
