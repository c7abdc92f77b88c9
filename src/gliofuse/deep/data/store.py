"""Arrays cut once per patient: one ``.npy`` and one ``.json`` each, checked and memory-mapped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from urllib.parse import quote

import numpy as np
import pandas as pd

from gliofuse.compute import parallel_map
from gliofuse.deep.data.geometry import ItemGeometry
from gliofuse.errors import ImageError, InputError, did_you_mean
from gliofuse.files import atomic_path, file_state, settings_hash, write_json

if TYPE_CHECKING:
    from pydantic import BaseModel

    from gliofuse.cohort import Case, Cohort
    from gliofuse.deep.data.augmentation import Augmentation
    from gliofuse.deep.data.dataset import CaseDataset

__all__ = ["ArrayStore", "CaseArrays", "StorePlan", "build_store", "load_region"]

_FORMAT = 2  # raise it when the meaning of the cached files changes


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

    def content(self, case_id: str) -> str:
        """Return a hash of the patient's arrays, of the settings and of the order of channels."""
        return f"{self.folder.name}-{self._cases[case_id]['content']}"

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


@dataclass(frozen=True)
class StorePlan(Generic[Store]):
    """Everything that a store's arrays depend on beside the patients' files.

    Parameters
    ----------
    kind : type of ArrayStore
    cut : callable
        Takes a case and, by keyword, the sequences, region, convention and settings; returns the
        case's arrays; picklable.
    sequences : tuple of str
        Order of the channels.
    region : str
    convention : str or LabelConvention
    settings : pydantic.BaseModel
    cache_dir : pathlib.Path
        Folder of caches; the plan's own is named by its hash.
    """

    kind: type[Store]
    cut: Callable[..., CaseArrays]
    sequences: tuple[str, ...]
    region: str
    convention: Any
    settings: BaseModel
    cache_dir: Path

    @property
    def folder(self) -> Path:
        """Folder of the arrays."""
        return self.cache_dir / f"{self.kind.kind}-{settings_hash(self._definition())}"

    def _definition(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "kind": self.kind.kind,
            "sequences": list(self.sequences),
            "settings": self.settings.model_dump(mode="json"),
            "region": self.region,
            "convention": str(self.convention),
        }

    def describe(self) -> None:
        """Make the folder and write into it what its arrays are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / "settings.json", self._definition())

    def arrays_of(self, case: Case) -> dict[str, Any]:
        """Cut one patient, unless it was cut from the same files before; return its description.

        Raises
        ------
        ImageError, InputError
            If a file is missing or cannot be used, or the region holds no voxel.
        """
        state = _state(case, self.sequences)
        known = _described(self.folder, case.case_id)
        if known is not None and known.get("files") == state:
            return known
        arrays = self.cut(
            case,
            sequences=self.sequences,
            region=self.region,
            convention=self.convention,
            settings=self.settings,
        )
        return _write(arrays, case.case_id, self.sequences, state, self.folder)

    def store(
        self, case_ids: Iterable[str], found: Mapping[str, dict[str, Any]], failures: pd.DataFrame
    ) -> Store:
        """Return the store of the patients that were cut, in the given order."""
        kept = {case_id: found[case_id] for case_id in case_ids if case_id in found}
        return self.kind(self.folder, self.sequences, kept, failures)


def build_store(
    plan: StorePlan[Store],
    cohort: Cohort,
    *,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> Store:
    """Cut every patient that is not cached yet, and return the store.

    Parameters
    ----------
    plan : StorePlan
    cohort : Cohort
    workers : int or None
    progress : callable, optional
        Called with the number of patients done so far.
    """
    plan.describe()
    found, failed = {}, []
    outcomes = parallel_map(plan.arrays_of, list(cohort), workers=workers)
    for done, outcome in enumerate(outcomes, 1):
        case_id = outcome.item.case_id
        if outcome.result is None:
            failed.append((case_id, plan.kind.kind, outcome.error or "unknown error"))
        else:
            found[case_id] = outcome.result
        if progress is not None:
            progress(done)
    failures = pd.DataFrame(failed, columns=["case_id", "stage", "error"])
    return plan.store(cohort.case_ids, found, failures)


def load_region(
    case: Case, sequences: Sequence[str], region: str, convention: Any, normalisation: str
) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Read a patient's normalised sequences and the region's mask on their one geometry.

    Normalised as :func:`gliofuse.imaging.normalise_volume` says.

    Returns
    -------
    images : numpy.ndarray of float32, shape (sequences, z, y, x)
    mask : numpy.ndarray of bool, shape (z, y, x)
    spacing_mm : tuple of float, (z, y, x)

    Raises
    ------
    ImageError
        If the region holds no voxel, or an image cannot be normalised.
    """
    from gliofuse.imaging import load_case, normalise_volume, region_mask

    loaded = load_case(case, sequences)
    mask = np.asarray(region_mask(loaded.mask, region, convention), dtype=bool)
    if not mask.any():
        raise ImageError(
            f"patient {case.case_id!r}: the region {region!r} holds no voxel in the mask "
            f"{case.mask}; correct the mask or leave the patient out"
        )
    images = np.empty((len(sequences), *mask.shape), dtype=np.float32)
    for channel, name in enumerate(sequences):
        try:
            images[channel] = normalise_volume(loaded.volumes[name], normalisation, name).array
        except ImageError as error:
            raise ImageError(f"{case.images[name]}: {error}") from error
    return images, mask, loaded.mask.spacing_mm


def _described(folder: Path, case_id: str) -> dict[str, Any] | None:
    """Return the description of a patient's array, or ``None`` where there is none or no array."""
    array, description = _paths(folder, case_id)
    try:
        found: dict[str, Any] = json.loads(description.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found if array.exists() else None


def _paths(folder: Path, case_id: str) -> tuple[Path, Path]:
    name = quote(case_id, safe="")
    return folder / f"{name}.npy", folder / f"{name}.json"


def _state(case: Case, sequences: Sequence[str]) -> list[list[int]]:
    """Return what the patient's files are known by, refusing missing ones."""
    lacking = [name for name in sequences if case.images.get(name) is None]
    if lacking:
        raise ImageError(
            f"patient {case.case_id!r} lacks {', '.join(lacking)}: the channels are "
            f"{', '.join(sequences)}; leave the patient or the sequence out"
        )
    if case.mask is None:
        raise ImageError(f"patient {case.case_id!r} has no mask: the tumour cannot be cut out")
    return [file_state(path) for path in [*(case.images[name] for name in sequences), case.mask]]


def _write(
    arrays: CaseArrays,
    case_id: str,
    sequences: tuple[str, ...],
    state: list[list[int]],
    folder: Path,
) -> dict[str, Any]:
    first = arrays.geometry[0]
    images: np.ndarray = np.ascontiguousarray(arrays.images.astype(_dtype(arrays.images)))
    meta = {
        "case_id": case_id,
        "files": state,
        "content": hashlib.sha256(images.tobytes()).hexdigest()[:24],
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
    array, description = _paths(folder, case_id)
    description.unlink(missing_ok=True)  # first: an old one must not speak for the new array
    with atomic_path(array) as temporary:
        np.save(temporary, images)
    write_json(description, meta)  # last: its presence says that the array is whole
    return dict(json.loads(json.dumps(meta)))


def _dtype(images: np.ndarray) -> type:
    """Half precision where it keeps three digits; images that were not normalised need more."""
    return np.float16 if float(np.abs(images).max()) < _HALF_LIMIT else np.float32


_HALF_LIMIT = 1000.0
_ITEM_KEYS = ("start_zyx", "stop_zyx", "size")
