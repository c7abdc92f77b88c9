"""What was done to one patient: the file ``case.json`` in the patient's folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gliofuse.errors import InputError
from gliofuse.files import write_json
from gliofuse.imaging import Volume
from gliofuse.preprocessing.transforms import Affine

__all__ = ["CASE_FILE", "CaseRecord", "Geometry"]

CASE_FILE = "case.json"


@dataclass(frozen=True)
class Geometry:
    """The grid of a file, so that results can be brought back to it."""

    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    origin_mm: tuple[float, ...]
    direction: tuple[float, ...]

    @classmethod
    def of(cls, volume: Volume) -> Geometry:
        """Return a volume's geometry."""
        direction = tuple(float(value) for value in volume.direction.ravel())
        return cls(volume.shape, volume.spacing_mm, volume.origin_mm, direction)

    def empty(self) -> Volume:
        """Return a volume of zeros there."""
        z, y, x = self.spacing_mm
        a, b, c = self.origin_mm
        return Volume(
            np.zeros(self.shape, dtype=np.uint8), (z, y, x), (a, b, c), np.array(self.direction)
        )


@dataclass
class CaseRecord:
    """What became of one patient.

    Attributes
    ----------
    case_id, fingerprint : str
        The latter of files, settings and version.
    reference, space : str
    files : dict of str to str
        Sequence, ``mask`` or ``brain`` to its file in the patient's folder.
    sources : dict of str to Geometry
        Grid of each scan as it came.
    transforms : dict of str to list
        4 x 4 matrix by sequence: from points of the written images to points of the scan.
    numbers : dict of str to dict of str to float
        By sequence (``brain`` for the whole patient): the figures of the checks.
    notes : list of str
    seconds : dict of str to float
        By step.
    stage, error : str
        Where it failed and why; empty if it did not.
    """

    case_id: str
    fingerprint: str = ""
    reference: str = ""
    space: str = "native"
    files: dict[str, str] = field(default_factory=dict)
    sources: dict[str, Geometry] = field(default_factory=dict)
    transforms: dict[str, list[list[float]]] = field(default_factory=dict)
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    stage: str = ""
    error: str = ""

    @property
    def failed(self) -> bool:
        """Whether the patient was refused."""
        return bool(self.error)

    def transform(self, sequence: str) -> Affine:
        """Return the map from the written images to a sequence's scan.

        Raises
        ------
        InputError
            If the patient has no such sequence.
        """
        if sequence not in self.transforms:
            raise InputError(
                f"patient {self.case_id}: no sequence {sequence!r} was preprocessed; there are "
                f"{', '.join(self.transforms)}"
            )
        return Affine(np.array(self.transforms[sequence]))

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Write ``case.json`` into the patient's folder."""
        write_json(Path(folder) / CASE_FILE, asdict(self))

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> CaseRecord:
        """Read a patient's ``case.json``.

        Raises
        ------
        InputError
            If there is none, or it is damaged.
        """
        path = Path(folder) / CASE_FILE
        if not path.exists():
            raise InputError(f"{path}: no such file; give the folder of a preprocessed patient")
        try:
            stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            sources = {
                name: Geometry(**{key: tuple(value) for key, value in one.items()})
                for name, one in stored.pop("sources").items()
            }
            return cls(**stored, sources=sources)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{path}: not a record of preprocessing ({error}); preprocess the patient again"
            ) from error
