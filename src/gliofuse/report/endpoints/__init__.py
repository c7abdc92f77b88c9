"""What the report of a kind of endpoint holds: one file a kind, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pandas as pd

from gliofuse.cohort import Endpoint
from gliofuse.errors import RunError, did_you_mean
from gliofuse.records import DELONG, TableFile

__all__ = ["Chapter", "EndpointReport", "endpoint_report"]


@dataclass(frozen=True)
class Chapter:
    """A heading of the page with the sections beneath it.

    Parameters
    ----------
    name : str
        Its anchor in the page.
    title : str
    sections : tuple of str
        Modules of :mod:`gliofuse.report.sections`, in order; those that have nothing to show are
        left out, and so is a chapter without any.
    """

    name: str
    title: str
    sections: tuple[str, ...]


@dataclass(frozen=True)
class EndpointReport:
    """What the reports of one kind of endpoint hold.

    Parameters
    ----------
    chapters, comparison_chapters : tuple of Chapter
        Of a run's page and of a comparison's.
    notes : dict of str
        What a figure of merit is, by its name, where a reader may not know.
    output : str
        What a model says of a patient, in words.
    values : callable
        How the tables name the endpoint's classes, in their order.
    labels : callable
        How a reader would write them.
    outcome : callable or None
        Each row's class as a value, from a table of predictions; None where ``y_true`` holds it.
    words : callable
        The endpoint in a sentence.
    alike : str
        What stratified splits keep alike.
    tests : TableFile
        Paired tests of the main figure of merit.
    """

    chapters: tuple[Chapter, ...]
    comparison_chapters: tuple[Chapter, ...]
    notes: dict[str, str]
    output: str
    values: Callable[[Endpoint], tuple[str, ...]]
    labels: Callable[[Endpoint], tuple[str, ...]] = lambda endpoint: endpoint.class_labels
    outcome: Callable[[pd.DataFrame], pd.Series] | None = None
    words: Callable[[Endpoint], str] = lambda endpoint: endpoint.describe()
    alike: str = "class"
    tests: TableFile = DELONG


@cache
def endpoint_report(kind: str) -> EndpointReport:
    """Return what the report of a kind of endpoint holds.

    Raises
    ------
    RunError
        If there is no report of this kind.
    """
    kinds = [module.name for module in pkgutil.iter_modules(__path__)]
    if kind not in kinds:
        raise RunError(f"no report is built in for endpoints of kind {kind!r}; "
                       f"{did_you_mean(kind, kinds)}")  # fmt: skip
    found: EndpointReport = importlib.import_module(f"{__name__}.{kind}").REPORT
    return found
