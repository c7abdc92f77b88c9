"""Time to an event, possibly censored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from gliofuse.cohort.case import as_words, is_missing
from gliofuse.cohort.endpoints.base import (
    Endpoint,
    clinical_column,
    equals,
    excluded_table,
    listed,
)
from gliofuse.cohort.tables import parse_number
from gliofuse.errors import EndpointError, did_you_mean

__all__ = ["TIME_UNITS", "SurvivalEndpoint"]

_EVENTS = {
    "1": 1, "0": 0, "true": 1, "false": 0, "yes": 1, "no": 0, "dead": 1, "alive": 0,
    "deceased": 1, "living": 0,
}  # fmt: skip
_UNKNOWN = {"unknown", "na", "n/a", "nan", "?", "missing", "not available"}

#: Units of time, with how many make a year.
TIME_UNITS: dict[str, float] = {"days": 365.25, "weeks": 52.1775, "months": 12.0, "years": 1.0}
#: 1, 3 and 5 years, as whole numbers of each unit.
_USUAL_HORIZONS: dict[str, tuple[float, ...]] = {
    "days": (365.0, 1095.0, 1825.0),
    "weeks": (52.0, 156.0, 260.0),
    "months": (12.0, 36.0, 60.0),
    "years": (1.0, 3.0, 5.0),
}
_LONGEST_LIFE = 100.0  # years; what goes beyond is in another unit
_FEW_CENSORED = 10  # patients; fewer can't be spread over folds, and need not be
_SHORTEST_STUDY = 0.5  # years; a cohort whose longest time is less is probably in another unit


@dataclass(frozen=True)
class SurvivalEndpoint(Endpoint):
    """Time to an event, possibly censored.

    Parameters
    ----------
    time : str
        Column of times; numbers from 0 up, in one unit.
    event : str
        Column that says whether the event was seen (1, true, yes, dead) or the patient was
        censored (0, false, no, alive), unless ``seen`` says how it is coded.
    unit : {"days", "weeks", "months", "years"}
        Of the times.
    horizons : tuple of float, optional
        Times at which survival is predicted and judged, in the unit; by default 1, 3 and 5 years.
    until : float, optional
        Administrative censoring: what came later counts as not seen.
    seen : str, optional
        The value of the event column that is the event; all others are censored.
    competing : str, optional
        The value of the event column that is another cause, after which the event can't come.
        Models are of the cause-specific hazard: such a patient counts as censored.

    Raises
    ------
    EndpointError
        If the unit is unknown, or a horizon or ``until`` is no number over 0.

    Examples
    --------
    >>> endpoint = SurvivalEndpoint("os_months", "died", unit="months")
    >>> endpoint.horizon_times, endpoint.horizon_label(12.0), endpoint.horizon_label(18.0)
    ((12.0, 36.0, 60.0), '1 year', '18 months')
    """

    kind: ClassVar[str] = "survival"
    fields: ClassVar[tuple[str, ...]] = ("time", "event")
    optional_fields: ClassVar[tuple[str, ...]] = (
        *("unit", "horizons", "until", "seen", "competing"),
    )
    example: ClassVar[str] = '"os_days, died" (survival)'

    time: str
    event: str
    unit: str = "days"
    horizons: tuple[float, ...] | None = None
    until: float | None = None
    seen: str | None = None
    competing: str | None = None

    def __post_init__(self) -> None:
        if self.unit not in TIME_UNITS:
            raise EndpointError(
                f"endpoint on {self.time!r}: unit of time {self.unit!r} is unknown: "
                f"{did_you_mean(self.unit, TIME_UNITS)}"
            )
        if self.horizons is not None:
            times = sorted({self._positive("horizon", one) for one in self.horizons})
            object.__setattr__(self, "horizons", tuple(times) or None)
        if self.until is not None:
            object.__setattr__(self, "until", self._positive("until", self.until))
        if self.until is not None and self.horizons and self.horizons[-1] > self.until:
            raise EndpointError(
                f"endpoint on {self.time!r}: horizon {self.horizons[-1]:g} lies past {self.until:g}"
                f" {self.unit}, at which every patient is censored; choose an earlier one"
            )
        if self.competing is not None and self.seen is None:
            object.__setattr__(self, "seen", "1")

    def _positive(self, what: str, value: Any) -> float:
        number = parse_number(value)
        if number is None or not number > 0:
            raise EndpointError(
                f"endpoint on {self.time!r}: {what} must be a number of {self.unit} over 0, got "
                f"{value!r}"
            )
        return number

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the time and of the event."""
        return (self.time, self.event)

    @property
    def horizon_times(self) -> tuple[float, ...]:
        """When survival is predicted, in the unit: those chosen, or 1, 3 and 5 years."""
        if self.horizons is not None:
            return self.horizons
        usual = _USUAL_HORIZONS[self.unit]
        return tuple(one for one in usual if self.until is None or one <= self.until)

    def horizon_label(self, time: float) -> str:
        """Return a time as a reader would say it: whole years where it is so many."""
        usual = dict(zip(_USUAL_HORIZONS[self.unit], (1, 3, 5), strict=True))
        year = TIME_UNITS[self.unit]
        years = usual.get(time, round(time / year) if abs(time / year % 1) < 1e-9 else None)
        number, unit = (time, self.unit) if not years else (float(years), "years")
        return f"{number:g} {unit.removesuffix('s') if number == 1 else unit}"

    @property
    def outcome_columns(self) -> tuple[str, ...]:
        """Time and event, and where other causes compete whether one of them came first."""
        return ("time", "event") if self.competing is None else ("time", "event", "competing")

    @property
    def prediction_columns(self) -> tuple[str, ...]:
        """The risk (the higher, the earlier the event is expected), and survival at horizons."""
        return ("risk", *(f"survival_{time:g}" for time in self.horizon_times))

    def outcome(self, clinical: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return times and events, and the patients who lack either.

        Parameters
        ----------
        clinical : DataFrame
            Index ``case_id``.

        Returns
        -------
        DataFrame
            ``time`` (float), ``event`` and, where causes compete, ``competing`` (0 or 1); index
            ``case_id``.
        DataFrame
            Columns ``case_id`` and ``reason``.

        Raises
        ------
        EndpointError
            If a column is unknown or a value of the event column is not understood, or if no
            event was seen, or none before a horizon that was asked for.
        """
        times, events = clinical_column(clinical, self.time), clinical_column(clinical, self.event)
        self._check_coding(events)
        rows: dict[str, tuple[float, int, int]] = {}
        excluded = []
        for case_id, time, event in zip(times.index, times, events):
            number = parse_number(time)
            if is_missing(time) or _unknown(event):
                lacking = self.time if is_missing(time) else self.event
                excluded.append((case_id, f"{lacking} is missing"))
            elif number is None or number < 0:
                excluded.append((case_id, f"{self.time} is {time!r}, which is no time"))
            else:
                rows[str(case_id)] = (number, self._seen(event) or 0, self._competes(event))
        columns = ["time", "event", "competing"]
        table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        table = table.rename_axis("case_id").astype({"time": float, "event": int, "competing": int})
        if self.until is not None:
            table.loc[table["time"] > self.until, columns] = (self.until, 0, 0)
        if table.empty and excluded:
            first, reason = excluded[0]
            raise EndpointError(
                f"endpoint {self.describe()!r}: no patient has a time and an event; {reason} for "
                f"{first}"
            )
        self._check_events(table)
        return table[list(self.outcome_columns)], excluded_table(excluded)

    def _check_coding(self, events: pd.Series) -> None:
        known = [value for value in events if not _unknown(value)]
        if self.seen is not None:
            for wanted in (self.seen, self.competing):
                if wanted is not None and not any(equals(value, wanted) for value in known):
                    values = listed(sorted({as_words(value) for value in known}))
                    raise EndpointError(
                        f"endpoint {self.describe()!r}: no patient has {self.event} {wanted!r}; "
                        f"it holds {values}"
                    )
            return
        strange = Counter(as_words(value) for value in known if _event(value) is None)
        if strange:
            counted = [
                f"{name!r} ({_counted(number, 'patient')})"
                for name, number in strange.most_common()
            ]
            raise EndpointError(
                f"endpoint {self.describe()!r}: {self.event} holds {listed(counted)}, neither 0/1, "
                f"true/false, yes/no nor dead/alive; say which value is the event, for example "
                f'"{self.time}, {self.event} == {strange.most_common(1)[0][0]}"'
            )

    def _check_events(self, table: pd.DataFrame) -> None:
        seen = table[table["event"] == 1]
        if seen.empty:
            raise EndpointError(
                f"endpoint {self.describe()!r} needs at least one event, got none in "
                f"{len(table)} patients with both values; is {self.event} the right column, and "
                "does 1 mean that the event was seen?"
            )
        last = seen["time"].max()
        if self.horizons is not None and self.horizons[-1] > table["time"].max():
            raise EndpointError(
                f"endpoint {self.describe()!r}: horizon {self.horizons[-1]:g} lies past the last "
                f"patient's time, {table['time'].max():g} {self.unit} (last event {last:g}); "
                "nothing is known of it, choose an earlier one"
            )

    def _seen(self, event: Any) -> int | None:
        return _event(event) if self.seen is None else int(equals(event, self.seen))

    def _competes(self, event: Any) -> int:
        return int(self.competing is not None and equals(event, self.competing))

    def strata(self, outcome: pd.DataFrame) -> pd.Series:
        """Return whether the event was seen; where (nearly) everybody had it, whether early."""
        seen = int(outcome["event"].sum())
        if len(outcome) - seen >= min(_FEW_CENSORED, seen):
            return outcome["event"].map({0: "censored", 1: "event"})
        early = outcome["time"] <= outcome["time"].median()
        return early.map({True: "early", False: "late"})

    def check_learnable(self, outcome: pd.DataFrame) -> None:
        """Refuse patients of whom fewer than two had the event, or all had it at one time.

        Raises
        ------
        EndpointError
            If no order of risks could be learned.
        """
        seen = outcome[outcome["event"] == 1]
        if len(seen) < 2 or outcome["time"].nunique() < 2:
            raise EndpointError(
                f"endpoint {self.describe()!r}: {_counted(len(outcome), 'patient')} with "
                f"{_counted(len(seen), 'event')} are left, and nothing can be learned from them; "
                "look at excluded.csv and failed_cases.csv in the run folder"
            )

    def remarks(
        self, outcome: pd.DataFrame, clinical: pd.DataFrame | None = None
    ) -> tuple[str, ...]:
        """Say what of the times looks odd or was changed."""
        times, year = outcome["time"], TIME_UNITS[self.unit]
        found = []
        if zero := int((times == 0).sum()):
            found.append(f"time 0: {_counted(zero, 'patient')}, kept, in no pair before it")
        if self.until is not None and (late := int((times == self.until).sum())):
            end = f"{self.until:g} {self.unit}"
            found.append(f"follow-up ends at {end}: reached by {_counted(late, 'patient')}")
        if times.max() > _LONGEST_LIFE * year or times.max() < _SHORTEST_STUDY * year:
            found.append(
                f"the longest time is {times.max():g} {self.unit}: is that the unit? "
                "(--time-unit days, weeks, months or years)"
            )
        if outcome["event"].all():
            found.append(f"no patient is censored: does {self.event} hold what it should?")
        past = [self.horizon_label(one) for one in self.horizon_times if one > times.max()]
        if past:
            found.append(f"no patient was watched for {' or '.join(past)}: nothing is said of it")
        return tuple(found)

    def describe(self) -> str:
        """Return the endpoint as one would write it on the command line."""
        return f"{self.time}, {self.event}" + (f" == {self.seen}" if self.seen else "")

    def as_dict(self) -> dict[str, Any]:
        """Return the mapping that a study file holds."""
        given = {name: getattr(self, name) for name in self.optional_fields}
        given["unit"] = None if self.unit == "days" else self.unit
        given["horizons"] = None if self.horizons is None else list(self.horizons)
        own = {"kind": self.kind, "time": self.time, "event": self.event}
        return own | {name: value for name, value in given.items() if value is not None}

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> SurvivalEndpoint:
        """Return the endpoint of two columns; the event's may be a mapping of how it is coded."""
        given = dict(fields)
        event = given.pop("event")
        if isinstance(event, Mapping):
            if "column" not in event or not set(event) <= {"column", "seen", "competing"}:
                raise EndpointError(
                    f"event: got {dict(event)!r}; write for example "
                    "{column: status, seen: 2, competing: 3}"
                )
            given |= {name: event[name] for name in ("seen", "competing") if name in event}
            event = event["column"]
        for name in ("seen", "competing"):
            if given.get(name) is not None:
                given[name] = as_words(given[name])
        horizons = given.pop("horizons", None)
        if horizons is not None:
            several = isinstance(horizons, (list, tuple))
            given["horizons"] = tuple(horizons) if several else (horizons,)
        return cls(str(given.pop("time")), str(event), **given)

    @classmethod
    def parse(cls, text: str) -> SurvivalEndpoint | None:
        """Return the endpoint of ``"time column, event column"``, or ``"… event == value"``."""
        parts = [part.strip() for part in text.split(",")]
        if len(parts) != 2 or not all(parts) or ":" in text or "{" in text:
            return None
        event, equal, seen = (part.strip() for part in parts[1].partition("=="))
        if any(sign in event + seen for sign in "<>!="):
            return None
        return cls(parts[0], event, seen=seen if equal else None)


def _unknown(event: Any) -> bool:
    return is_missing(event) or str(event).strip().lower() in _UNKNOWN


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _event(value: Any) -> int | None:
    number = parse_number(value)
    text = str(int(number)) if number in (0, 1) else str(value).strip().lower()
    return _EVENTS.get(text)
