"""A segmenter: its plan, its networks, and a patient's mask."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gliofuse.cohort import Case
from gliofuse.deep.training.predict import chosen_device, has_matrix_units
from gliofuse.errors import ImageError, InputError
from gliofuse.files import atomic_path, file_hash, write_csv, write_json
from gliofuse.imaging import Box, Volume, bounding_box, pad_box
from gliofuse.segmentation.cleaning import CleanUp, clean
from gliofuse.segmentation.gathering import Gathered, gather
from gliofuse.segmentation.grids import native_planes, resample
from gliofuse.segmentation.heads import HeadImages, read_images, take_head
from gliofuse.segmentation.plan import SegmentationPlan, StagePlan
from gliofuse.segmentation.sliding import predict_planes

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

__all__ = ["PLAN_FILE", "PredictedMask", "PredictionSettings", "Segmenter"]

PLAN_FILE = "segmenter.json"
_FORMAT = 1
_AXES = {"x": -1, "y": -2, "z": -3}


@dataclass(frozen=True)
class PredictionSettings:
    """How masks are predicted.

    Parameters
    ----------
    flips : bool
        Also look at the mirrored image and take the mean; twice the time for each mirror axis.
    overlap : float
        Of neighbouring tiles, in 0..1.
    cleaning : CleanUp
    probabilities, uncertainty : bool
        Keep the probability of each output, and the entropy, as volumes.
    check_skull : bool
        Refuse images that look stripped where the segmenter was trained on heads, or the other way
        round; turn it off for a patient who was misjudged.
    device : {"auto", "cpu", "gpu"}
    """

    flips: bool = False
    overlap: float = 0.5
    cleaning: CleanUp = field(default_factory=CleanUp)
    probabilities: bool = False
    uncertainty: bool = False
    check_skull: bool = True
    device: str = "auto"


@dataclass(frozen=True, eq=False)
class PredictedMask:
    """What was predicted for a patient.

    Attributes
    ----------
    mask : Volume
        uint8 labels of the segmenter's convention, in the geometry of the images.
    quality : float
        Dice that the probabilities themselves let expect, 0 to 1: of a well calibrated segmenter
        it is the mean of the true one. 0 where no tumour was found.
    entropy : float
        Mean uncertainty inside the mask, bits; NaN where no tumour was found.
    volume_mm3 : float
        Of all labels together.
    missing : tuple of str
        Sequences of the segmenter that the patient lacks.
    probabilities : dict of str to Volume
        float16, if asked for.
    uncertainty : Volume or None
        Entropy of tumour or not, bits, float16, if asked for.
    seconds : dict of str to float
        By step.
    """

    mask: Volume
    quality: float
    entropy: float
    volume_mm3: float
    missing: tuple[str, ...]
    probabilities: dict[str, Volume] = field(default_factory=dict)
    uncertainty: Volume | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether no tumour was found."""
        return not self.mask.array.any()


class Segmenter:
    """A trained segmenter.

    Parameters
    ----------
    plan : SegmentationPlan
    networks : mapping of str to torch.nn.Module
        By stage.
    trained : mapping
        What it was trained on: ``training`` and ``validation`` patients, settings, seed.
    """

    def __init__(
        self,
        plan: SegmentationPlan,
        networks: Mapping[str, nn.Module],
        trained: Mapping[str, Any] | None = None,
    ) -> None:
        self.plan = plan
        self.networks = dict(networks)
        self.trained = dict(trained or {})

    def __repr__(self) -> str:
        stages = ", ".join(stage.name for stage in self.plan.stages)
        return f"Segmenter({', '.join(self.plan.sequences)}; {self.plan.network}: {stages})"

    @property
    def learned_from(self) -> frozenset[str]:
        """Patients that training or the choice of an epoch has seen."""
        return frozenset((*self.trained.get("training", ()), *self.trained.get("validation", ())))

    # ------------------------------------------------------------ the folder
    def save(self, directory: str | Path, curves: Mapping[str, pd.DataFrame] | None = None) -> Path:
        """Write the plan (JSON), each stage's weights (safetensors) and curves (CSV)."""
        from safetensors.torch import save_file

        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        hashes = {}
        for name, network in self.networks.items():
            state = {key: value.detach().cpu() for key, value in network.state_dict().items()}
            with atomic_path(folder / _weights(name)) as temporary:
                save_file({key: value.contiguous() for key, value in state.items()}, temporary)
            hashes[name] = file_hash(folder / _weights(name))
        for name, table in (curves or {}).items():
            write_csv(folder / f"{name}_curves.csv", table)
        content = {
            "format": _FORMAT,
            "plan": self.plan.as_dict(),
            "trained": self.trained,
            "weights": hashes,
        }
        write_json(folder / PLAN_FILE, content)
        return folder

    @classmethod
    def load(cls, directory: str | Path) -> Segmenter:
        """Read a segmenter's folder; no code in its files is run.

        Raises
        ------
        InputError
            If the folder holds none, a file is missing or damaged, or the weights are not those of
            the plan.
        """
        from safetensors.torch import load_file

        from gliofuse.segmentation.networks import build_stage

        folder = Path(directory)
        if not (folder / PLAN_FILE).is_file():
            raise InputError(
                f"{folder}: holds no segmenter (no {PLAN_FILE}); make one with  gliofuse segment "
                "train"
            )
        try:
            content = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
            plan = SegmentationPlan.from_dict(content["plan"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder / PLAN_FILE}: not a segmenter's plan ({error})") from error
        networks = {}
        for stage in plan.stages:
            path = folder / _weights(stage.name)
            if not path.is_file():
                raise InputError(f"{path}: no such file; the segmenter lacks a stage's weights")
            network = build_stage(plan, stage)
            try:
                network.load_state_dict(load_file(path))
            except Exception as error:  # safetensors and torch each have their own
                raise InputError(
                    f"{path}: damaged, or not the weights of the plan beside it "
                    f"({str(error).splitlines()[-1].strip()})"
                ) from error
            networks[stage.name] = network.eval()
        return cls(plan, networks, content.get("trained", {}))

    # ------------------------------------------------------------ prediction
    def predict_case(self, case: Case, settings: PredictionSettings | None = None) -> PredictedMask:
        """Predict a patient's mask from the files of a manifest.

        The order of the sequences does not matter, and those that the patient lacks are blank, as
        some were in training.

        Raises
        ------
        ManifestError
            If the patient has none of the segmenter's sequences.
        ImageError, GeometryError
            If a file cannot be used, images differ in geometry, or they show a head where the
            segmenter was trained on stripped ones (or the other way round).
        """
        settings = settings or PredictionSettings()
        clock = time.perf_counter()
        head = read_images(case, self.plan.sequences, stripped=self._known(settings))
        spent = time.perf_counter() - clock
        return self._predict(head, settings, case.case_id, spent)

    def predict(
        self, volumes: Mapping[str, Volume], settings: PredictionSettings | None = None
    ) -> PredictedMask:
        """Predict the mask of images that were read: sequence name to volume, one geometry."""
        chosen = {name: volumes[name] for name in self.plan.sequences if name in volumes}
        if not chosen:
            raise InputError(
                f"the segmenter needs one of {', '.join(self.plan.sequences)}, got "
                f"{', '.join(volumes) or 'none'}"
            )
        settings = settings or PredictionSettings()
        clock = time.perf_counter()
        head = take_head(chosen, stripped=self._known(settings))
        spent = time.perf_counter() - clock
        return self._predict(head, settings, "", spent)

    def _known(self, settings: PredictionSettings) -> bool | None:
        return None if settings.check_skull else self.plan.stripped

    def _predict(
        self, head: HeadImages, settings: PredictionSettings, who: str, reading: float
    ) -> PredictedMask:
        plan = self.plan
        if head.stripped != plan.stripped:
            wants, has = ("without", "with") if plan.stripped else ("with", "without")
            raise ImageError(
                f"{f'patient {who}: ' if who else ''}the images are {has} skull, but the segmenter "
                f"was trained on images {wants} it; bring them to that form, or turn "
                "check_skull off"
            )
        seconds = {"reading": reading}
        clock = time.perf_counter()
        coarse, box = None, _whole(head)
        if plan.stages[0].name == "coarse" and len(plan.stages) > 1:
            planes = list(self._planes(head, box, plan.stages[0], settings))
            coarse = torch.stack(planes, dim=1)  # on the coarse grid: small
            found = self._region(head, coarse)
            seconds["coarse"] = time.perf_counter() - clock
            clock = time.perf_counter()
            if found is None:
                empty = Gathered.nothing(head.shape, plan, settings.probabilities)
                return self._finished(head, empty, settings, seconds)
            box = found
        last = plan.stages[-1]
        size = tuple(part.stop - part.start for part in box)
        count = last.grid(size, head.spacing_mm)[0]
        stream = native_planes(self._planes(head, box, last, settings), count, size)
        gathered = gather(
            stream,
            box,
            head.shape,
            plan,
            coarse=coarse,
            probabilities=settings.probabilities,
            uncertainty=settings.uncertainty,
        )
        seconds[last.name] = time.perf_counter() - clock
        return self._finished(head, gathered, settings, seconds)

    def _planes(
        self, head: HeadImages, box: Box, stage: StagePlan, settings: PredictionSettings
    ) -> Iterator[torch.Tensor]:
        device = chosen_device(settings.device)
        network = self.networks[stage.name].to(device).eval()
        outputs = self.plan.outputs
        part = torch.from_numpy(np.ascontiguousarray(head.channels(self.plan.sequences)[:, *box]))
        image = resample(part, stage.grid(part.shape[1:], head.spacing_mm))
        mixed = device.type == "cuda" or has_matrix_units()

        def predict(batch: torch.Tensor) -> torch.Tensor:
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, mixed):
                logits = network(batch.to(device))
            return outputs.probabilities(logits)

        return predict_planes(
            predict,
            image,
            patch=stage.patch,
            channels=outputs.channels,
            neighbours=stage.neighbours,
            overlap=settings.overlap,
            flips=_flips(self.plan.mirror, stage.dimensions) if settings.flips else ((),),
        )

    def _region(self, head: HeadImages, coarse: torch.Tensor) -> Box | None:
        """Return the box, on the head's grid, around what the first stage has found.

        It is at least as large as the second stage's patch, where the head is: a network that
        learned from whole patches misjudges one that is half empty.
        """
        found = (self.plan.outputs.tumour(coarse) > 0.5).numpy()
        if not found.any():
            return None
        small = bounding_box(found)
        ratio = [size / count for size, count in zip(head.shape, found.shape)]
        z, y, x = (
            slice(int(part.start * step), min(size, int(np.ceil(part.stop * step))))
            for part, step, size in zip(small, ratio, head.shape)
        )
        pad = [int(np.ceil(self.plan.margin_mm / step)) for step in head.spacing_mm]
        last = self.plan.stages[-1]
        patch = (1, *last.patch) if last.dimensions == 2 else last.patch
        least = [
            int(np.ceil(length * target / step)) if target else length
            for length, target, step in zip(patch, last.spacing_mm, head.spacing_mm, strict=True)
        ]
        return _at_least(pad_box((z, y, x), head.shape, pad), least, head.shape)

    def _finished(
        self,
        head: HeadImages,
        gathered: Gathered,
        settings: PredictionSettings,
        seconds: dict[str, float],
    ) -> PredictedMask:
        clock = time.perf_counter()
        labels = clean(gathered.labels, head.spacing_mm, settings.cleaning)
        mask = head.to_source(labels)
        probabilities = {
            name: head.to_source(array) for name, array in gathered.probabilities.items()
        }
        uncertainty = None
        if settings.uncertainty:
            assert gathered.entropy is not None
            uncertainty = head.to_source(gathered.entropy)
        seconds["writing into the image's geometry"] = time.perf_counter() - clock
        return PredictedMask(
            mask=mask,
            quality=gathered.expected_dice if labels.any() else 0.0,
            entropy=gathered.mean_entropy if labels.any() else float("nan"),
            volume_mm3=float(np.count_nonzero(labels) * np.prod(head.spacing_mm)),
            missing=tuple(name for name in self.plan.sequences if name not in head.images),
            probabilities=probabilities,
            uncertainty=uncertainty,
            seconds=seconds,
        )


def _whole(head: HeadImages) -> Box:
    z, y, x = (slice(0, size) for size in head.shape)
    return z, y, x


def _at_least(box: Box, least: Sequence[int], shape: Sequence[int]) -> Box:
    """Return the box grown about its middle to a size, held inside ``shape``."""
    parts = []
    for part, length, size in zip(box, least, shape, strict=True):
        wanted = min(size, max(length, part.stop - part.start))
        start = min(max(0, (part.start + part.stop - wanted) // 2), size - wanted)
        parts.append(slice(start, start + wanted))
    return parts[0], parts[1], parts[2]


def _flips(mirror: tuple[str, ...], dimensions: int) -> tuple[tuple[int, ...], ...]:
    """Return every combination of the mirrored axes that the network has."""
    axes = [_AXES[name] for name in mirror if -_AXES[name] <= dimensions]
    return tuple(chosen for count in range(len(axes) + 1) for chosen in combinations(axes, count))


def _weights(stage: str) -> str:
    return f"{stage}.safetensors"
