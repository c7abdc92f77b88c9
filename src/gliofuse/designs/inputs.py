"""What a design asks for and what it is given: requests, and the data of a group of patients.

Everything here is free of labels until :class:`CaseData` carries them: requests are computed once
for the whole cohort and shared between folds and designs, since nothing in them is learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
from pydantic import BaseModel

from gliofuse.errors import InputError
from gliofuse.files import settings_hash

if TYPE_CHECKING:
    from gliofuse.deep.data.patches import PatchSettings
    from gliofuse.deep.data.slices import SliceSettings
    from gliofuse.radiomics import RadiomicsSettings

__all__ = [
    "Available",
    "CaseData",
    "DeepFeatureRequest",
    "FitContext",
    "PatchRequest",
    "RadiomicsRequest",
    "Request",
    "SliceRequest",
]


@dataclass(frozen=True)
class Available:
    """What a cohort has to offer a design.

    Parameters
    ----------
    sequences : tuple of str
        MRI sequences that every analysed patient has, in the cohort's order.
    regions : tuple of str
        Named regions of the masks' label convention.
    images : bool
        Whether there are images; ``False`` when the study starts from a feature table.
    clinical : tuple of str
        Columns of the clinical table that may enter a model.
    deep : bool
        Whether the networks' libraries are installed.
    survival : bool
        Whether the clinical table holds a survival time and an event.
    """

    sequences: tuple[str, ...]
    regions: tuple[str, ...] = ("whole",)
    images: bool = True
    clinical: tuple[str, ...] = ()
    deep: bool = True
    survival: bool = False


@dataclass(frozen=True)
class Request:
    """One label-free input, named by the hash of everything that defines it.

    ``what`` says in a word or two what is computed, for the progress bar and the table of times.
    """

    what: ClassVar[str]

    def definition(self) -> dict[str, Any]:
        """Return everything that defines the request, as plain data."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @property
    def key(self) -> str:
        """A short hash that is equal for equal requests, also between designs."""
        return settings_hash({"kind": type(self).__name__, **self.definition()})


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, eq=False)
class RadiomicsRequest(Request):
    """A table of radiomic features: sequences x regions x the settings' feature bank."""

    what = "radiomic features"

    settings: RadiomicsSettings
    regions: tuple[str, ...]
    sequences: tuple[str, ...]
    normalisation: str = "none"


@dataclass(frozen=True, eq=False)
class SliceRequest(Request):
    """Axial slices of the tumour, cached as arrays."""

    what = "slices"

    settings: SliceSettings
    region: str
    sequences: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PatchRequest(Request):
    """Three-dimensional patches around the tumour, cached as arrays."""

    what = "patches"

    settings: PatchSettings
    region: str
    sequences: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class DeepFeatureRequest(Request):
    """Features of a frozen, pretrained network on each region's largest slice."""

    what = "deep features"

    network: str
    slices: SliceSettings
    regions: tuple[str, ...]
    sequences: tuple[str, ...]
    weights: str | None = None
    allow_random: bool = False


@dataclass(frozen=True)
class CaseData:
    """The inputs of a group of patients, with their labels where these are known.

    Parameters
    ----------
    case_ids : tuple of str
        The patients, in a fixed order; every table comes in this order.
    inputs : mapping of str to object
        Request key to its value for the whole cohort: a feature table or a store of arrays.
    clinical : pandas.DataFrame
        Clinical table of the whole cohort, indexed by ``case_id``.
    labels : pandas.Series, optional
        0 / 1 by ``case_id``; ``None`` for new patients.
    """

    case_ids: tuple[str, ...]
    inputs: Mapping[str, Any] = field(repr=False)
    clinical: pd.DataFrame = field(repr=False)
    labels: pd.Series | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.case_ids)

    def subset(self, case_ids: Iterable[str]) -> CaseData:
        """Return the same inputs for some of the patients."""
        return replace(self, case_ids=tuple(case_ids))

    def without_labels(self) -> CaseData:
        """Return the same patients as if they were new ones."""
        return replace(self, labels=None)

    @property
    def y(self) -> pd.Series:
        """Labels of these patients (0 / 1), in the order of ``case_ids``.

        Raises
        ------
        InputError
            If the labels are not known.
        """
        if self.labels is None:
            raise InputError("these patients have no labels: they can be predicted, not fitted on")
        return self.labels.loc[list(self.case_ids)].astype(int)

    def table(self, request: Request) -> pd.DataFrame:
        """Return the feature table of ``request``, one row a patient of this group."""
        return self.inputs[request.key].loc[list(self.case_ids)]

    def store(self, request: Request) -> Any:
        """Return the store of arrays of ``request`` (of the whole cohort; ask it by case ids)."""
        return self.inputs[request.key]

    def clinical_table(self, columns: Iterable[str]) -> pd.DataFrame:
        """Return clinical columns, one row a patient of this group."""
        return self.clinical.loc[list(self.case_ids), list(columns)]


@dataclass(frozen=True)
class FitContext:
    """How a fit is carried out; nothing in it changes what is fitted, except the seed.

    Parameters
    ----------
    seed : int
    workers : int
        Processes that the fit may use.
    scratch : pathlib.Path, optional
        Folder for checkpoints, so that a killed training resumes; ``None`` keeps none.
    device : str
        ``auto``, ``cpu`` or ``gpu``.
    """

    seed: int = 0
    workers: int = 1
    scratch: Path | None = None
    device: str = "auto"

    def folder(self, name: str) -> Path | None:
        """Return the scratch folder of one step, or ``None``."""
        return None if self.scratch is None else self.scratch / name
