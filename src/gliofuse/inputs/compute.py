"""Computing inputs: patient by patient for the cohort, or from a fold's training patients."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from gliofuse.compute import error_line, parallel_map, resolve_workers
from gliofuse.inputs.base import CohortInput, Computed, FoldInput, Input, Source
from gliofuse.inputs.case_data import CaseData

if TYPE_CHECKING:
    from gliofuse.cohort import Case

__all__ = ["ComputedInputs", "compute_fold_inputs", "compute_inputs"]


@dataclass(frozen=True)
class ComputedInputs:
    """The inputs of a cohort.

    Parameters
    ----------
    values : dict of str to Computed
        By key; a patient for whom one of them failed may be missing in it.
    failures : pandas.DataFrame
        Columns ``case_id, key, stage, error``.
    seconds : dict of str to float
        Time by key, so shared out that the sum is what the whole took.
    """

    values: dict[str, Computed]
    failures: pd.DataFrame
    seconds: dict[str, float]


def compute_inputs(
    inputs: Iterable[Input],
    source: Source,
    *,
    workers: int | None = 1,
    scheduler: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ComputedInputs:
    """Compute inputs for every patient; equal ones once, and each file of a patient read once.

    A patient for whom an input fails is listed, and the others go on.

    Parameters
    ----------
    inputs : iterable of Input
        Of those of scope ``fold``, the parts are computed.
    source : Source
    workers : int or None
        Processes; ``None`` or -1 takes every core.
    scheduler : str, optional
        Address of a Dask scheduler.
    progress : callable, optional
        Called with the number of patients done so far.

    Raises
    ------
    InputError
        If an input is wrong for every patient.
    """
    wanted = _different(inputs)
    started = time.monotonic()
    if source.cohort is None:
        assert source.features is not None
        values = {key: one.from_table(source.features) for key, one in wanted.items()}
        return ComputedInputs(values, _failures([]), dict.fromkeys(wanted, 0.0))
    for one in wanted.values():
        one.check(source)
    # cores that no patient's process takes
    spare = 1 if scheduler else max(1, resolve_workers(None) // resolve_workers(workers))
    alone = replace(source, cohort=None, features=None, threads=spare)
    task = partial(_compute_case, inputs=wanted, source=alone)
    found: dict[str, dict[str, Any]] = {key: {} for key in wanted}
    spent = dict.fromkeys(wanted, 0.0)
    failed = []
    outcomes = parallel_map(task, list(source.cohort), workers=workers, scheduler=scheduler)
    for done, outcome in enumerate(outcomes, 1):
        case_id = outcome.item.case_id
        for key, one in wanted.items():
            result = (outcome.result or {}).get(key) or _Result(error=outcome.error)
            spent[key] += result.seconds
            if result.error is None:
                found[key][case_id] = result.value
            else:
                failed.append((case_id, key, one.what, result.error))
        if progress is not None:
            progress(done)
    cut = time.monotonic() - started
    share = cut / sum(spent.values()) if sum(spent.values()) else 0.0
    values, seconds = {}, {}
    for key, one in wanted.items():
        clock = time.monotonic()
        values[key] = one.gather(found[key], source)
        seconds[key] = share * spent[key] + time.monotonic() - clock
    return ComputedInputs(values, _failures(failed), seconds)


def compute_fold_inputs(
    data: CaseData, inputs: Iterable[Input], training: tuple[str, ...]
) -> CaseData:
    """Return the patients of a fold with the inputs that are learned from its training patients.

    Parameters
    ----------
    data : CaseData
        All patients of the fold, with every input of scope ``cohort``.
    inputs : iterable of Input
        Those of scope ``fold`` are computed.
    training : tuple of str
    """
    known = data
    if data.outcome is not None:
        known = replace(data, outcome=data.outcome.loc[list(training)])
    learned = {one.key: one.learn(known, training) for one in inputs if isinstance(one, FoldInput)}
    return data.with_inputs(learned)


def _different(inputs: Iterable[Input]) -> dict[str, CohortInput]:
    wanted: dict[str, CohortInput] = {}
    for one in inputs:
        wanted.update({part.key: part for part in one.parts if part.key not in wanted})
    return wanted


@dataclass(frozen=True)
class _Result:
    value: Any = None
    error: str | None = None
    seconds: float = 0.0


def _compute_case(
    case: Case, *, inputs: Mapping[str, CohortInput], source: Source
) -> dict[str, _Result]:
    from gliofuse.imaging import read_once

    results = {}
    with read_once():
        for key, one in inputs.items():
            clock = time.monotonic()
            try:
                value, error = one.compute_case(case, source), None
            except Exception as caught:  # the patient's other inputs, and the others, go on
                value, error = None, error_line(caught)
            results[key] = _Result(value, error, time.monotonic() - clock)
    return results


def _failures(rows: list[tuple[str, str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["case_id", "key", "stage", "error"])
