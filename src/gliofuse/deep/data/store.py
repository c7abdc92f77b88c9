"""Arrays cut once per patient: one ``.npy`` and one ``.json`` each, checked and memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import quote

import numpy as np
import pandas as pd

from gliofuse.compute import parallel_map
from gliofuse.deep.data.geometry import ItemGeometry
from gliofuse.errors import ImageError, InputError, did_you_mean
from gliofuse.files import atomic_path, settings_hash, write_json

if TYPE_CHECKING:
    from pydantic import BaseModel

    from gliofuse.cohort import Case, Cohort
    from gliofuse.deep.data.augmentation import Augmentation
    from gliofuse.deep.data.dataset import CaseDataset

__all__ = ["ArrayStore", "CaseArrays", "build_store", "load_region"]

_FORMAT = 1  # raise it when the meaning of the cached files changes


@dataclass(frozen=True)
class CaseArrays:
    """What is cut out of one patient.

    Parameters
    ----------
    images : numpy.ndarray of shape (items, channels, *size)
    geometry : list of ItemGeometry
        One an item.
    areas : list of int
        Voxels of the region in each item.
    note : str
        What a person should know of this patient; empty if nothing.
    """

    images: np.ndarray
    geometry: list[ItemGeometry]
    areas: list[int]
    note: str = ""


class ArrayStore:
    """Cached arrays of a cohort; made by ``build_slices`` or ``build_patches``.

    Attributes
    ----------
    sequences : tuple of str
        Order of the channels.
    case_ids : tuple of str
        Patients with arrays, in the order of the cohort.
    failures : pandas.DataFrame
        Columns ``case_id, stage, error``: patients without arrays.
    notes : pandas.DataFrame
        Columns ``case_id, note``: patients for whom a stated rule was applied.
    folder : pathlib.Path
    """

    kind: ClassVar[str] = "items"

    def __init__(
        self,
        folder: Path,
        sequences: Sequence[str],
        cases: Mapping[str, dict[str, Any]],
        failures: pd.DataFrame,
    ) -> None:
        self.folder = folder
        self.sequences = tuple(sequences)
        self._cases = dict(cases)
        self.failures = failures
        self._open: dict[str, np.ndarray] = {}

    @property
    def case_ids(self) -> tuple[str, ...]:
        """Patients with arrays."""
        return tuple(self._cases)

    @property
    def key(self) -> str:
        """Name of the store by its settings, sequences and region."""
        return self.folder.name

    @property
    def notes(self) -> pd.DataFrame:
        """Patients for whom a stated rule was applied, with the rule."""
        rows = [(case_id, meta["note"]) for case_id, meta in self._cases.items() if meta["note"]]
        return pd.DataFrame(rows, columns=["case_id", "note"])

    def __len__(self) -> int:
        return len(self._cases)

    def __contains__(self, case_id: object) -> bool:
        return case_id in self._cases

    def __repr__(self) -> str:
        items = sum(len(meta["areas"]) for meta in self._cases.values())
        return (
            f"{type(self).__name__}({len(self)} patients, {items} {self.kind}, "
            f"sequences={self.sequences}, failures={len(self.failures)})"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_open": {}}  # maps are opened anew in another process

    def identity(self, case_id: str) -> str:
        """Return a hash of the files that the patient's arrays were cut from."""
        return str(self._cases[case_id]["identity"])

    def array(self, case_id: str) -> np.ndarray:
        """Return the memory-mapped array ``(items, channels, *size)`` of a patient."""
        if case_id not in self._open:
            self._open[case_id] = np.load(_paths(self.folder, case_id)[0], mmap_mode="r")
        return self._open[case_id]

    def areas(self, case_id: str) -> np.ndarray:
        """Return the number of the region's voxels in each of the patient's items."""
        return np.asarray(self._cases[case_id]["areas"], dtype=np.int64)

    def geometry(self, case_id: str) -> list[ItemGeometry]:
        """Return where each of the patient's items lies in the volume."""
        meta = self._cases[case_id]
        return [
            ItemGeometry(
                case_id,
                tuple(item["start_zyx"]),
                tuple(item["stop_zyx"]),
                tuple(item["size"]),
                tuple(meta["volume_shape"]),
                tuple(meta["spacing_mm"]),
            )
            for item in meta["items"]
        ]

    def check(self, case_ids: Iterable[str]) -> None:
        """Refuse patients without arrays.

        Raises
        ------
        InputError
            Naming the first such patient and why it has none.
        """
        for case_id in case_ids:
            if case_id in self._cases:
                continue
            known = self.failures[self.failures["case_id"] == case_id]
            if len(known):
                raise InputError(
                    f"patient {case_id!r} has no {self.kind}: {known['error'].iloc[0]}; leave the "
                    f"patient out (store.failures lists them, store.case_ids those that remain)"
                )
            raise InputError(
                f"patient {case_id!r} is not in this store of {len(self)} patients; "
                f"{did_you_mean(case_id, self._cases)}"
            )

    def dataset(
        self,
        case_ids: Iterable[str],
        labels: pd.Series | None = None,
        *,
        sequences: Sequence[str] | None = None,
        augmentation: Augmentation | None = None,
        center_crop: int | Sequence[int] | None = None,
        shape: pd.DataFrame | None = None,
        survival: pd.DataFrame | None = None,
        seed: int = 0,
    ) -> CaseDataset:
        """Return the items of some patients as a torch data set; see :class:`CaseDataset`."""
        from gliofuse.deep.data.dataset import CaseDataset

        return CaseDataset(
            self,
            case_ids,
            labels,
            sequences=sequences,
            augmentation=augmentation,
            center_crop=center_crop,
            shape=shape,
            survival=survival,
            seed=seed,
        )


Store = TypeVar("Store", bound=ArrayStore)


def build_store(
    kind: type[Store],
    cut: Callable[..., CaseArrays],
    cohort: Cohort,
    sequences: Sequence[str],
    region: str,
    convention: Any,
    settings: BaseModel,
    *,
    cache_dir: str | Path,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> Store:
    """Cut every patient that is not cached yet, and return the store.

    Parameters
    ----------
    kind : type of ArrayStore
    cut : callable
        Takes a case and, by keyword, what follows; returns its arrays; picklable.
    cohort : Cohort
    sequences : sequence of str
    region : str
    convention : str or LabelConvention
    settings : pydantic.BaseModel
        With the sequences, region and convention all that the arrays depend on; their hash names
        the folder.
    cache_dir : path
    workers : int or None
    progress : callable, optional
        Called with the number of patients done so far.
    """
    full = {
        "format": _FORMAT,
        "kind": kind.kind,
        "sequences": list(sequences),
        "settings": settings.model_dump(mode="json"),
        "region": region,
        "convention": str(convention),
    }
    folder = Path(cache_dir) / f"{kind.kind}-{settings_hash(full)}"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "settings.json", full)

    found: dict[str, dict[str, Any]] = {}
    missing, errors, done = [], {}, 0
    for case in cohort:
        try:
            meta = _read(folder, case, sequences)
        except (ImageError, OSError) as error:
            errors[case.case_id] = str(error)
            done += 1
            continue
        if meta is None:
            missing.append(case)
        else:
            found[case.case_id] = meta
            done += 1
    if progress is not None:
        progress(done)
    order = tuple(sequences)
    function = partial(
        cut, sequences=order, region=region, convention=convention, settings=settings
    )
    task = partial(_cut_and_write, function=function, folder=folder, sequences=order)
    for outcome in parallel_map(task, missing, workers=workers):
        if outcome.result is None:
            errors[outcome.item.case_id] = outcome.error or "unknown error"
        else:
            found[outcome.item.case_id] = outcome.result
        done += 1
        if progress is not None:
            progress(done)
    names = [case.case_id for case in cohort]
    failures = pd.DataFrame(
        [(case_id, kind.kind, errors[case_id]) for case_id in names if case_id in errors],
        columns=["case_id", "stage", "error"],
    )
    cases = {case_id: found[case_id] for case_id in names if case_id in found}
    return kind(folder, sequences, cases, failures)


def load_region(
    case: Case, sequences: Sequence[str], region: str, convention: Any, normalisation: str
) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Read a patient's normalised sequences and the region's mask on their one geometry.

    Z-scores and percentiles are taken over the brain, minimum and maximum over all voxels.

    Returns
    -------
    images : numpy.ndarray of float32, shape (sequences, z, y, x)
    mask : numpy.ndarray of bool, shape (z, y, x)
    spacing_mm : tuple of float, (z, y, x)

    Raises
    ------
    ImageError
        If the region holds no voxel.
    """
    from gliofuse.imaging import brain_mask, load_case, normalise, region_mask

    loaded = load_case(case, sequences)
    mask = np.asarray(region_mask(loaded.mask, region, convention), dtype=bool)
    if not mask.any():
        raise ImageError(
            f"patient {case.case_id!r}: the region {region!r} holds no voxel in the mask "
            f"{case.mask}; correct the mask or leave the patient out"
        )
    images = np.empty((len(sequences), *mask.shape), dtype=np.float32)
    for channel, name in enumerate(sequences):
        array = loaded.volumes[name].array
        # how much air is in the picture must not move the scale; min-max has no such question
        over = brain_mask(array) if normalisation in ("zscore", "percentile") else None
        images[channel] = normalise(array, normalisation, over)
    return images, mask, loaded.mask.spacing_mm


def _paths(folder: Path, case_id: str) -> tuple[Path, Path]:
    name = quote(case_id, safe="")
    return folder / f"{name}.npy", folder / f"{name}.json"


def _identity(case: Case, sequences: Sequence[str]) -> str:
    """Return a hash of the names, sizes and times of the patient's files, refusing missing ones."""
    lacking = [name for name in sequences if case.images.get(name) is None]
    if lacking:
        raise ImageError(
            f"patient {case.case_id!r} lacks {', '.join(lacking)}: the channels are "
            f"{', '.join(sequences)}; leave the patient or the sequence out"
        )
    if case.mask is None:
        raise ImageError(f"patient {case.case_id!r} has no mask: the tumour cannot be cut out")
    parts = []
    for path in [*(case.images[name] for name in sequences), case.mask]:
        try:
            status = Path(path).stat()
        except FileNotFoundError:
            raise ImageError(f"patient {case.case_id!r}: the file {path} does not exist") from None
        parts.append([Path(path).name, status.st_size, status.st_mtime_ns])
    return settings_hash(parts)


def _read(folder: Path, case: Case, sequences: Sequence[str]) -> dict[str, Any] | None:
    """Return the cached description of a patient, or ``None`` if it must be cut (again)."""
    identity = _identity(case, sequences)
    array, description = _paths(folder, case.case_id)
    if not (array.exists() and description.exists()):
        return None
    meta: dict[str, Any] = json.loads(description.read_text(encoding="utf-8"))
    return meta if meta.get("identity") == identity else None


def _cut_and_write(
    case: Case,
    *,
    function: Callable[[Case], CaseArrays],
    folder: Path,
    sequences: tuple[str, ...],
) -> dict[str, Any]:
    arrays = function(case)
    first = arrays.geometry[0]
    meta = {
        "case_id": case.case_id,
        "identity": _identity(case, sequences),
        "sequences": list(sequences),
        "volume_shape": list(first.volume_shape),
        "spacing_mm": list(first.spacing_mm),
        "areas": [int(area) for area in arrays.areas],
        "items": [
            {key: value for key, value in asdict(item).items() if key in _ITEM_KEYS}
            for item in arrays.geometry
        ],
        "note": arrays.note,
    }
    array, description = _paths(folder, case.case_id)
    with atomic_path(array) as temporary:
        np.save(temporary, arrays.images.astype(_dtype(arrays.images)))
    write_json(description, meta)  # last: its presence says that the array is whole
    return json.loads(json.dumps(meta))


def _dtype(images: np.ndarray) -> type:
    """Half precision where it keeps three digits; images that were not normalised need more."""
    return np.float16 if float(np.abs(images).max()) < _HALF_LIMIT else np.float32


_HALF_LIMIT = 1000.0
_ITEM_KEYS = ("start_zyx", "stop_zyx", "size")
