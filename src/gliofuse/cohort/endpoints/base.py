"""What every kind of endpoint answers, and how clinical values are read and compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Self

import pandas as pd

from gliofuse.cohort.tables import parse_number
from gliofuse.errors import EndpointError, did_you_mean

__all__ = ["Endpoint", "TwoClassEndpoint"]


class Endpoint(ABC):
    """What is to be predicted.

    Attributes
    ----------
    kind : str
        Its name in a study file, and the name of the modules that evaluate and report it.
    fields, optional_fields : tuple of str
        The keys that a study file gives, beside ``kind``, and those that it may give.
    example : str
        One as a person writes it, for messages.
    """

    kind: ClassVar[str]
    fields: ClassVar[tuple[str, ...]]
    optional_fields: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str]

    @property
    @abstractmethod
    def outcome_columns(self) -> tuple[str, ...]:
        """Columns of :meth:`outcome`, which stand in the prediction table too."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The clinical columns that it is read from."""

    @property
    @abstractmethod
    def prediction_columns(self) -> tuple[str, ...]:
        """The columns that a model's prediction of a patient has."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in order, none where there are no classes."""
        return ()

    @property
    def class_labels(self) -> tuple[str, ...]:
        """The classes as a reader would write them."""
        return self.classes

    @abstractmethod
    def outcome(self, clinical: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return each patient's outcome, and the patients who have none.

        Parameters
        ----------
        clinical : DataFrame
            Index ``case_id``.

        Returns
        -------
        DataFrame
            The :attr:`outcome_columns`, index ``case_id``.
        DataFrame
            Columns ``case_id`` and ``reason``.

        Raises
        ------
        EndpointError
            If the clinical table does not allow the endpoint.
        """

    @abstractmethod
    def strata(self, outcome: pd.DataFrame) -> pd.Series:
        """Return what splits are stratified by, index ``case_id``."""

    def remarks(
        self, outcome: pd.DataFrame, clinical: pd.DataFrame | None = None
    ) -> tuple[str, ...]:
        """Say what of the outcome, and of the columns behind it, a reader should know."""
        return ()

    @abstractmethod
    def describe(self) -> str:
        """Return the endpoint as one would write it on the command line."""

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """Return the mapping that a study file holds."""

    @classmethod
    @abstractmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Return the endpoint of a study file's keys, all of which are there."""

    @classmethod
    @abstractmethod
    def parse(cls, text: str) -> Self | None:
        """Return the endpoint that a line of text means, ``None`` if it is of another kind."""

    def check_learnable(self, outcome: pd.DataFrame) -> None:
        """Refuse patients that nothing can be learned from.

        Raises
        ------
        EndpointError
            If they are of fewer than two strata.
        """
        counts = self.strata(outcome).value_counts()
        if len(counts) < 2:
            raise EndpointError(
                f"endpoint {self.describe()!r}: {len(outcome)} patients are left and they are not "
                f"of two classes; look at excluded.csv and failed_cases.csv in the run folder"
            )


class TwoClassEndpoint(Endpoint):
    """One of two classes: 0 or 1, and a probability of 1."""

    outcome_columns = ("y_true",)

    @property
    def prediction_columns(self) -> tuple[str, ...]:
        """The probability of the class 1."""
        return ("probability",)

    def strata(self, outcome: pd.DataFrame) -> pd.Series:
        """Return the classes."""
        return outcome["y_true"]


def clinical_column(clinical: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, or say which one was probably meant."""
    if name not in clinical.columns:
        raise EndpointError(
            f"the clinical table has no column {name!r}: {did_you_mean(name, clinical.columns)}"
        )
    return clinical[name]


_UNKNOWN = frozenset({
    "", "?", "equivocal", "inconclusive", "indeterminate", "missing", "n.d.", "n/a", "na", "nan",
    "nd", "no data", "not assessed", "not available", "not determined", "not done", "not known",
    "not reported", "not tested", "null", "pending", "unavailable", "unclear", "undetermined",
    "unknown",
})  # fmt: skip


def equals(value: Any, wanted: str) -> bool:
    """Whether a clinical value is the wanted one: as numbers if both are, else as text."""
    number, limit = parse_number(value), parse_number(wanted)
    if number is not None and limit is not None:
        return number == limit
    if isinstance(value, bool):
        return str(value).lower() == wanted.lower()
    return str(value).strip() == wanted


def reads_as_unknown(value: Any) -> bool:
    """Whether a clinical value says that nobody knows: such a patient has no outcome.

    Examples
    --------
    >>> reads_as_unknown("Indeterminate"), reads_as_unknown("n/a"), reads_as_unknown("negative")
    (True, True, False)
    """
    return isinstance(value, str) and value.strip().strip("()?").lower() in _UNKNOWN


def nearest_value(wanted: str, names: list[str]) -> str:
    """Return a question that names the value that was probably meant, or nothing."""
    near = get_close_matches(wanted.lower(), [name.lower() for name in names], n=1, cutoff=0.5)
    same = [name for name in names if near and name.lower() == near[0]]
    return f"did you mean {same[0]!r}? " if same else ""


def excluded_table(rows: list[tuple[Any, str]]) -> pd.DataFrame:
    """Return the table of patients without outcome: ``case_id, reason``."""
    return pd.DataFrame(rows, columns=["case_id", "reason"]).astype({"case_id": str})


def listed(values: list[str]) -> str:
    """Return the first ten values for a message, and how many more there are."""
    shown = ", ".join(values[:10]) or "nothing"
    return shown + (f" and {len(values) - 10} more values" if len(values) > 10 else "")
