"""Arrays cut from the patients' images, kept on disk: what slices and patches share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from gliofuse.files import settings_hash
from gliofuse.inputs.base import CohortInput, Computed, Source

if TYPE_CHECKING:
    from gliofuse.cohort import Case
    from gliofuse.deep.data.store import ArrayStore, StorePlan

__all__ = ["ArrayInput", "Arrays"]


class Arrays(Computed):
    """A store of arrays; see :class:`gliofuse.deep.data.store.ArrayStore`."""

    def __init__(self, value: ArrayStore) -> None:
        self.value = value

    @property
    def notes(self) -> pd.DataFrame:
        """What was noted while cutting, such as a tumour that is larger than the patch."""
        return self.value.notes

    def fingerprint(self, case_ids: Iterable[str]) -> str:
        """Return a hash of these patients' arrays."""
        return settings_hash([self.value.content(case_id) for case_id in case_ids])


@dataclass(frozen=True, eq=False)
class ArrayInput(CohortInput):
    """Arrays cut from the patients' images."""

    @abstractmethod
    def plan(self, source: Source) -> StorePlan[Any]:
        """Return how the arrays are cut, and where they are kept."""

    def check(self, source: Source) -> None:
        """Make the folder and describe in it what its arrays are."""
        self.plan(source).describe()

    def compute_case(self, case: Case, source: Source) -> dict[str, Any]:
        """Cut the patient's arrays, or find them on disk; returns their description."""
        return self.plan(source).arrays_of(case)

    def gather(self, cases: Mapping[str, Any], source: Source) -> Computed:
        """Return the store of all patients."""
        none = pd.DataFrame(columns=["case_id", "stage", "error"])
        return Arrays(self.plan(source).store(cases, cases, none))
