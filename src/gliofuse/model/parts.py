"""What is fitted beside a design and goes into its bundle: one entry a part.

A part is fitted at export from what a :class:`Fit` holds and becomes ``parts/<name>.json``; reading
the bundle hands it back by name. A part must hold nothing of a single patient.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from gliofuse.designs import FittedDesign
from gliofuse.inputs import CaseData, Source

__all__ = ["PARTS", "Fit", "fit_parts"]

#: Name of each part, and the function that fits it: takes a :class:`Fit`, returns what JSON can
#: hold, or None where there is nothing to keep.
PARTS: dict[str, str] = {}


@dataclass(frozen=True)
class Fit:
    """What a part is fitted on.

    Attributes
    ----------
    fitted : FittedDesign
    training : CaseData
        The patients that the design was fitted on, with their inputs and outcomes.
    source : Source
        Their images, or feature table.
    held_out : pandas.DataFrame
        The study's predictions of patients by models that did not see them: ``case_id, fold,
        cohort, model``, the outcome and prediction columns.
    thresholds : pandas.DataFrame
        ``fold, model, threshold`` of the study's folds.
    """

    fitted: FittedDesign
    training: CaseData
    source: Source = field(repr=False)
    held_out: pd.DataFrame = field(repr=False)
    thresholds: pd.DataFrame | None = field(default=None, repr=False)


def fit_parts(fit: Fit) -> dict[str, dict[str, Any]]:
    """Fit every part."""
    found = {}
    for name, where in PARTS.items():
        module, _, function = where.partition(":")
        part: Callable[[Fit], dict[str, Any] | None]
        part = getattr(importlib.import_module(module), function)
        value = part(fit)
        if value is not None:
            found[name] = value
    return found
