"""What every input is: a definition, a computation for the cohort or in a fold, and a value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel

from gliofuse.errors import InputError
from gliofuse.files import settings_hash

if TYPE_CHECKING:
    from gliofuse.cohort import Case, Cohort
    from gliofuse.inputs.case_data import CaseData

__all__ = ["CohortInput", "Computed", "FeatureTable", "FoldInput", "Input", "Source"]


@dataclass(frozen=True)
class Source:
    """Where the patients' data come from.

    Parameters
    ----------
    cohort : Cohort, optional
        The patients' images; ``None`` for a study that starts from a feature table.
    features : pandas.DataFrame, optional
        The feature table of such a study, indexed by ``case_id``.
    convention : str
        Label convention of the masks.
    cache : pathlib.Path, optional
        Folder where what was computed for a patient is kept.
    seed : int
        Of whatever is drawn, such as the weights of a network that has none.
    threads : int
        That one patient's computation may use.
    """

    cohort: Cohort | None = field(default=None, repr=False)
    features: pd.DataFrame | None = field(default=None, repr=False)
    convention: str = "binary"
    cache: Path | None = None
    seed: int = 0
    threads: int = 1

    def folder(self, name: str) -> Path:
        """Return a folder of the cache.

        Raises
        ------
        InputError
            If the source has none.
        """
        if self.cache is None:
            raise InputError("arrays of patients are kept on disk: give the source a cache folder")
        return self.cache / name


class Computed(ABC):
    """An input's value for a group of patients."""

    value: Any

    @property
    def notes(self) -> pd.DataFrame:
        """Patients for whom a stated rule was applied, with the rule: ``case_id, note``."""
        return pd.DataFrame(columns=["case_id", "note"])

    @abstractmethod
    def fingerprint(self, case_ids: Iterable[str]) -> str:
        """Return a hash of what these patients' values are.

        It covers the content of the files and settings behind them: a changed image changes it,
        a touched or moved one does not.
        """


class FeatureTable(Computed):
    """Features of patients.

    Parameters
    ----------
    value : pandas.DataFrame
        One row a patient, indexed by ``case_id``.
    kind : {"radiomic", "deep"}
    remarks : pandas.DataFrame, optional
        The notes: ``case_id, note``.
    """

    def __init__(
        self,
        value: pd.DataFrame,
        kind: Literal["radiomic", "deep"] = "radiomic",
        remarks: pd.DataFrame | None = None,
    ) -> None:
        self.value = value
        self.kind = kind
        self.remarks = remarks

    @property
    def notes(self) -> pd.DataFrame:
        """Patients who lack a region."""
        return super().notes if self.remarks is None else self.remarks

    def fingerprint(self, case_ids: Iterable[str]) -> str:
        """Return a hash of the columns' names and these patients' values."""
        rows = self.value.loc[list(case_ids)]
        hashes = pd.util.hash_pandas_object(rows).astype(str)
        return settings_hash([[str(column) for column in rows.columns], hashes.tolist()])


@dataclass(frozen=True, eq=False)
class Input(ABC):
    """Something that a design asks for, named by everything that defines it.

    Attributes
    ----------
    what : str
        In a word or two, for the progress bar, the table of times and the list of failures.
    scope : str
        ``cohort``: see :class:`CohortInput`. ``fold``: see :class:`FoldInput`.
    """

    what: ClassVar[str]
    scope: ClassVar[Literal["cohort", "fold"]]

    def definition(self) -> dict[str, Any]:
        """Return everything that defines the input, as plain data."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @property
    def key(self) -> str:
        """A short hash that is equal for equal inputs, also between designs."""
        return settings_hash({"kind": type(self).__name__, **self.definition()})

    @property
    @abstractmethod
    def parts(self) -> tuple[CohortInput, ...]:
        """The inputs of scope ``cohort`` that must be computed for it."""


@dataclass(frozen=True, eq=False)
class CohortInput(Input):
    """An input that learns nothing: computed once, patient by patient, for all folds."""

    scope: ClassVar[Literal["cohort", "fold"]] = "cohort"

    @property
    def parts(self) -> tuple[CohortInput, ...]:
        """Itself."""
        return (self,)

    def check(self, source: Source) -> None:
        """Refuse what would fail for every patient, before any is computed.

        Raises
        ------
        InputError
        """

    @abstractmethod
    def compute_case(self, case: Case, source: Source) -> Any:
        """Compute one patient; what it returns can be sent between processes.

        Raises
        ------
        InputError
            If the patient's files cannot be used.
        """

    @abstractmethod
    def gather(self, cases: Mapping[str, Any], source: Source) -> Computed:
        """Put the patients' results together, in the given order."""

    def from_table(self, features: pd.DataFrame) -> Computed:
        """Take the input from the feature table that a study starts from.

        Raises
        ------
        InputError
            If it needs images.
        """
        raise InputError(f"a study on a feature table has no images to take {self.what} from")


@dataclass(frozen=True, eq=False)
class FoldInput(Input):
    """An input that learns: computed in each fold, from that fold's training patients.

    Its fingerprint needs no values: it is that of what it rests on, for all patients of the fold,
    with its definition.
    """

    scope: ClassVar[Literal["cohort", "fold"]] = "fold"

    @abstractmethod
    def learn(self, data: CaseData, training: tuple[str, ...]) -> Computed:
        """Learn from the training patients alone and return the value for all of ``data``.

        Parameters
        ----------
        data : CaseData
            All patients of the fold; the outcomes of those not in ``training`` are withheld.
        training : tuple of str
        """


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Input):
        return value.key
    return list(value) if isinstance(value, tuple) else value
