"""Survival models: Cox regression, splines, risk groups and signatures of many features.

Outcomes are everywhere a DataFrame ``y`` with the columns ``time`` (0 or more, in any one unit)
and ``event`` (1 seen, 0 censored), on the index of ``X``. A name loads its module when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "BestSequence": "prognosis",
    "CoxElasticNet": "elastic_net",
    "CoxModel": "cox",
    "Elimination": "tables",
    "EventsPerVariable": "tables",
    "MartingaleForestTopK": "forest",
    "MedianSplit": "prognosis",
    "OptimalCut": "risk_groups",
    "RestrictedCubicSpline": "splines",
    "SurvivalSignature": "signature",
    "TimeElasticNet": "time_net",
    "best_sequence": "prognosis",
    "eliminate": "tables",
    "event_folds": "elastic_net",
    "events_per_variable": "tables",
    "harrell_knots": "splines",
    "median_cut": "risk_groups",
    "median_split": "prognosis",
    "optimal_cut": "risk_groups",
    "prognosis_signature": "prognosis",
    "ridge_signature": "signature",
    "risk_group": "risk_groups",
    "survival_signature": "signature",
    "univariate_table": "tables",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
