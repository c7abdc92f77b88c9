"""Time to an event, possibly censored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from gliofuse.cohort._tables import parse_number
from gliofuse.cohort.case import is_missing
from gliofuse.cohort.endpoints.base import Endpoint, clinical_column, excluded_table
from gliofuse.errors import EndpointError

__all__ = ["SurvivalEndpoint"]

_EVENTS = {
    "1": 1, "0": 0, "true": 1, "false": 0, "yes": 1, "no": 0, "dead": 1, "alive": 0,
    "deceased": 1, "living": 0,
}  # fmt: skip


@dataclass(frozen=True)
class SurvivalEndpoint(Endpoint):
    """Time to an event, possibly censored.

    Parameters
    ----------
    time : str
        Column of times; numbers from 0 up, in one unit.
    event : str
        Column that says whether the event was seen (1, true, yes, dead) or the patient was
        censored (0, false, no, alive).
    """

    kind: ClassVar[str] = "survival"
    fields: ClassVar[tuple[str, ...]] = ("time", "event")
    example: ClassVar[str] = '"os_days, died" (survival)'
    outcome_columns: ClassVar[tuple[str, ...]] = ("time", "event")

    time: str
    event: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the time and of the event."""
        return (self.time, self.event)

    @property
    def prediction_columns(self) -> tuple[str, ...]:
        """The risk: the higher, the earlier the event is expected."""
        return ("risk",)

    def outcome(self, clinical: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return times and events, and the patients who lack either.

        Parameters
        ----------
        clinical : DataFrame
            Index ``case_id``.

        Returns
        -------
        DataFrame
            Columns ``time`` (float) and ``event`` (0 or 1); index ``case_id``.
        DataFrame
            Columns ``case_id`` and ``reason``.

        Raises
        ------
        EndpointError
            If a column is unknown, or no event was seen in any patient.
        """
        times, events = clinical_column(clinical, self.time), clinical_column(clinical, self.event)
        rows: dict[str, tuple[float, int]] = {}
        excluded = []
        for case_id, time, event in zip(times.index, times, events):
            number, seen = parse_number(time), _event(event)
            if is_missing(time) or is_missing(event):
                lacking = self.time if is_missing(time) else self.event
                excluded.append((case_id, f"{lacking} is missing"))
            elif number is None or number < 0:
                excluded.append((case_id, f"{self.time} is {time!r}, which is no time"))
            elif seen is None:
                excluded.append((case_id, f"{self.event} is {event!r}, neither 0 nor 1"))
            else:
                rows[str(case_id)] = (number, seen)
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["time", "event"])
        table.index.name = "case_id"
        if not len(table) or not table["event"].any():
            raise EndpointError(
                f"endpoint {self.describe()!r} needs at least one event, got none in {len(table)} "
                f"patients with both values"
            )
        return table.astype({"time": float, "event": int}), excluded_table(excluded)

    def strata(self, outcome: pd.DataFrame) -> pd.Series:
        """Return whether the event was seen."""
        return outcome["event"]

    def describe(self) -> str:
        """Return the endpoint as one would write it on the command line."""
        return f"{self.time}, {self.event}"

    def as_dict(self) -> dict[str, str]:
        """Return the mapping that a study file holds."""
        return {"kind": "survival", "time": self.time, "event": self.event}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> SurvivalEndpoint:
        """Return the endpoint of two columns."""
        return cls(str(fields["time"]), str(fields["event"]))

    @classmethod
    def parse(cls, text: str) -> SurvivalEndpoint | None:
        """Return the endpoint of ``"time column, event column"``."""
        parts = [part.strip() for part in text.split(",")]
        return cls(*parts) if len(parts) == 2 and all(parts) and ":" not in text else None


def _event(value: Any) -> int | None:
    number = parse_number(value)
    text = str(int(number)) if number in (0, 1) else str(value).strip().lower()
    return _EVENTS.get(text)
