"""Whether an event came within a time, where some patients were not watched for so long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from gliofuse.cohort.endpoints.base import TwoClassEndpoint, excluded_table
from gliofuse.cohort.endpoints.survival import SurvivalEndpoint
from gliofuse.cohort.tables import parse_number
from gliofuse.errors import EndpointError

__all__ = ["HorizonEndpoint"]

_TEXT = re.compile(
    r"^\s*(?P<event>.+?)\s+within\s+(?P<horizon>\S+)\s+of\s+(?P<time>.+?)\s*$", re.DOTALL
)


@dataclass(frozen=True)
class HorizonEndpoint(TwoClassEndpoint):
    """Positive where the event was seen within a time.

    Patients who were censored before that time have no outcome: nobody knows whether the event came
    within it. (A cut of the time alone, without the event, would count them as positive.)

    Parameters
    ----------
    event : str
        Column that says whether the event was seen (1, true, yes, dead) or the patient was
        censored (0, false, no, alive).
    horizon : float
        The time up to which the event counts, in the unit of the column of times; over 0.
    time : str
        Column of times.

    Raises
    ------
    EndpointError
        If the horizon is no number over 0.

    Examples
    --------
    >>> endpoint = HorizonEndpoint("died", 365, "os_days")
    >>> clinical = pd.DataFrame({"os_days": [90, 90, 700], "died": [1, 0, 1]}, index=list("abc"))
    >>> outcome, excluded = endpoint.outcome(clinical)
    >>> outcome["y_true"].to_dict(), excluded["reason"].tolist()
    ({'a': 1, 'c': 0}, ['censored at os_days 90, before 365'])
    """

    kind: ClassVar[str] = "horizon"
    fields: ClassVar[tuple[str, ...]] = ("event", "horizon", "time")
    example: ClassVar[str] = '"died within 730 of os_days" (an event by a time)'

    event: str
    horizon: float
    time: str

    def __post_init__(self) -> None:
        number = parse_number(self.horizon)
        if number is None or not number > 0:
            raise EndpointError(
                f"endpoint on {self.event!r}: the time within which it counts must be a number "
                f"over 0, got {self.horizon!r}; write for example {self.example}"
            )
        object.__setattr__(self, "horizon", number)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the event and of the time."""
        return (self.event, self.time)

    @property
    def classes(self) -> tuple[str, ...]:
        """Without (0) and with (1) the event by then."""
        return ("no event", "event")

    def outcome(self, clinical: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return whether the event came within the time, and the patients of whom nobody knows.

        Parameters
        ----------
        clinical : DataFrame
            Index ``case_id``.

        Returns
        -------
        DataFrame
            ``y_true``: 1 the event was seen by then, 0 it was not; index ``case_id``.
        DataFrame
            Columns ``case_id`` and ``reason``.

        Raises
        ------
        EndpointError
            If a column is unknown, or only one class occurs.
        """
        seen, excluded = SurvivalEndpoint(self.time, self.event).outcome(clinical)
        early = (seen["event"] == 0) & (seen["time"] < self.horizon)
        unknown = [
            (case_id, f"censored at {self.time} {time:g}, before {self.horizon:g}")
            for case_id, time in seen.loc[early, "time"].items()
        ]
        known = seen[~early]
        labels = ((known["event"] == 1) & (known["time"] <= self.horizon)).astype(int)
        if labels.nunique() < 2:
            raise EndpointError(
                f"endpoint {self.describe()!r} needs patients with and without the event by then, "
                f"got {int(labels.sum())} with and {int((labels == 0).sum())} without, and "
                f"{len(unknown)} censored before; choose another time"
            )
        excluded = pd.concat([excluded, excluded_table(unknown)], ignore_index=True)
        return labels.to_frame("y_true"), excluded

    def describe(self) -> str:
        """Return the endpoint as one would write it on the command line."""
        return f"{self.event} within {self.horizon:g} of {self.time}"

    def as_dict(self) -> dict[str, Any]:
        """Return the mapping that a study file holds."""
        return {
            "kind": self.kind,
            "event": self.event,
            "horizon": self.horizon,
            "time": self.time,
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> HorizonEndpoint:
        """Return the endpoint of two columns and a time."""
        return cls(str(fields["event"]), fields["horizon"], str(fields["time"]))

    @classmethod
    def parse(cls, text: str) -> HorizonEndpoint | None:
        """Return the endpoint of ``"event column within TIME of time column"``."""
        match = _TEXT.match(text)
        return None if match is None else cls(match["event"], match["horizon"], match["time"])  # type: ignore[arg-type]
