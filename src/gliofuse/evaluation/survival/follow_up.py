"""How long patients were watched, and what that leaves untold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.evaluation.survival.curves import median_survival
from gliofuse.evaluation.survival.predictions import Held

__all__ = ["follow_up_table"]

_FEW = 10  # patients beyond a horizon, or events by it


def follow_up_table(helds: Sequence[Held], label: Callable[[float], str]) -> pd.DataFrame:
    """Return each cohort's patients, events, median follow-up and what could not be told.

    Parameters
    ----------
    helds : sequence of Held
    label : callable
        Puts a horizon in words.

    Returns
    -------
    DataFrame
        cohort, n, events, competing (where causes compete), median, median_low, median_high (of
        follow-up, by the reverse Kaplan-Meier curve), longest, training_longest, tau, note (models
        in quotes).
    """
    rows = []
    for cohort in dict.fromkeys(held.cohort for held in helds):
        own = [held for held in helds if held.cohort == cohort]
        patients = own[0].patients
        time, event = patients["time"], patients["event"]
        ended = event + patients["competing"] if "competing" in patients else event
        row: dict[str, Any] = {"cohort": cohort, "n": len(patients), "events": int(event.sum())}
        if "competing" in patients:
            row["competing"] = int(patients["competing"].sum())
        middle = median_survival(time, 1 - ended, ["all"] * len(patients)).iloc[0]
        limits = middle[["median", "ci_low", "ci_high"]].to_numpy(dtype=float)
        limits = np.where(np.isfinite(limits), limits, np.nan)
        row |= dict(zip(("median", "median_low", "median_high"), limits))
        training = own[0].training
        longest = training.groupby("fold", observed=True)["time"].max()
        row |= {
            "longest": float(time.max()),
            "training_longest": float(longest.min()) if len(longest) else np.nan,
            "tau": own[0].tau,
            "note": "; ".join(_notes(own, patients, label)),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _notes(
    helds: Sequence[Held], patients: pd.DataFrame, label: Callable[[float], str]
) -> list[str]:
    first, notes = helds[0], []
    if not patients["event"].any():
        return ["no patient had the event: nothing can be told of the models"]
    longest = first.training.groupby("fold", observed=True)["time"].max()
    if len(longest) and longest.min() < patients["time"].max():
        late = int((patients["time"] > longest.min()).sum())
        notes.append(
            f"{_counted(late, 'patient')} followed for longer than the training patients "
            f"({longest.min():g}): figures over time end there"
        )
    for horizon in first.horizons:
        beyond = int((patients["time"] > horizon).sum())
        early = int(((patients["time"] <= horizon) & (patients["event"] == 1)).sum())
        if not first.evaluable(horizon):
            reason = "no patient was followed for longer" if not beyond else "no event came by then"
            notes.append(f"nothing is told of {label(horizon)}: {reason}")
            continue
        if min(beyond, early) < _FEW:
            notes.append(
                f"{label(horizon)} rests on {_counted(early, 'event')} by then and "
                f"{_counted(beyond, 'patient')} followed for longer"
            )
        silent = [held.model for held in helds if not held.known(horizon)]
        silent = [name for name in silent if name not in _without(helds)]
        if silent:
            notes.append(
                f"no probability for {label(horizon)} from {_quoted(silent)}: a fold's training "
                "patients were not followed for so long"
            )
    if _without(helds):
        notes.append(f"no probabilities from {_quoted(_without(helds))}: only ranks are judged")
    return notes


def _without(helds: Sequence[Held]) -> list[str]:
    return [held.model for held in helds if not held.has_probabilities]


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
