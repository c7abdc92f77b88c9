"""The inputs of a group of patients, with their outcomes where these are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from gliofuse.errors import InputError
from gliofuse.inputs.base import Computed, Input

__all__ = ["CaseData"]


@dataclass(frozen=True)
class CaseData:
    """The inputs of a group of patients.

    Parameters
    ----------
    case_ids : tuple of str
        The patients, in a fixed order; every table comes in this order.
    inputs : mapping of str to Computed
        An input's key to its value for the whole cohort.
    clinical : pandas.DataFrame
        Clinical table of the whole cohort, indexed by ``case_id``.
    outcome : pandas.DataFrame, optional
        The endpoint's outcome columns by ``case_id``; ``None`` for new patients.
    """

    case_ids: tuple[str, ...]
    inputs: Mapping[str, Computed] = field(repr=False)
    clinical: pd.DataFrame = field(repr=False)
    outcome: pd.DataFrame | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.case_ids)

    def subset(self, case_ids: Iterable[str]) -> CaseData:
        """Return the same inputs for some of the patients."""
        return replace(self, case_ids=tuple(case_ids))

    def without_outcome(self) -> CaseData:
        """Return the same patients as if they were new ones."""
        return replace(self, outcome=None)

    def with_inputs(self, inputs: Mapping[str, Computed]) -> CaseData:
        """Return the same patients with further inputs."""
        return replace(self, inputs={**self.inputs, **inputs})

    @property
    def y(self) -> pd.Series:
        """Classes of these patients (``y_true``), in the order of ``case_ids``.

        Raises
        ------
        InputError
            If the outcomes are not known, or are no classes.
        """
        if self.outcome is None:
            raise InputError("these patients have no labels: they can be predicted, not fitted on")
        if "y_true" not in self.outcome.columns:
            raise InputError(
                f"these patients' outcomes are no classes but {', '.join(self.outcome.columns)}"
            )
        return self.outcome["y_true"].loc[list(self.case_ids)]

    @property
    def survival(self) -> pd.DataFrame:
        """Times and events of these patients (``time, event``), in the order of ``case_ids``.

        Raises
        ------
        InputError
            If the outcomes are not known, or are no times.
        """
        if self.outcome is None:
            raise InputError("these patients have no times: they can be predicted, not fitted on")
        if "time" not in self.outcome.columns:
            raise InputError(
                f"these patients' outcomes are no times but {', '.join(self.outcome.columns)}"
            )
        return self.outcome.loc[list(self.case_ids), ["time", "event"]]

    def table(self, wanted: Input) -> pd.DataFrame:
        """Return the feature table of an input, one row a patient of this group."""
        table: pd.DataFrame = self.inputs[wanted.key].value
        return table.loc[list(self.case_ids)]

    def store(self, wanted: Input) -> Any:
        """Return the store of arrays of an input (of the whole cohort; ask it by case ids)."""
        return self.inputs[wanted.key].value

    def clinical_table(self, columns: Iterable[str]) -> pd.DataFrame:
        """Return clinical columns, one row a patient of this group."""
        return self.clinical.loc[list(self.case_ids), list(columns)]
