"""Who is in the study: patients, manifests, data-set layouts, endpoints and splits.

Names load their module when first used, so that reading one image does not load pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gliofuse.cohort.case import Case, Cohort
from gliofuse.cohort.sequences import SEQUENCES, STRUCTURAL, Reference, Sequence

if TYPE_CHECKING:
    from gliofuse.cohort.clinical import join_clinical
    from gliofuse.cohort.endpoints import (
        TIME_UNITS,
        BinaryEndpoint,
        Endpoint,
        MulticlassEndpoint,
        SurvivalEndpoint,
        TwoClassEndpoint,
        endpoint_from_dict,
        parse_endpoint,
    )
    from gliofuse.cohort.manifest import read_manifest, write_manifest
    from gliofuse.cohort.scan import Scan, scan_folder
    from gliofuse.cohort.splits import DRAWN_SHARE, Fold, SplitSettings, make_folds

__all__ = [
    "DRAWN_SHARE",
    "SEQUENCES",
    "STRUCTURAL",
    "TIME_UNITS",
    "BinaryEndpoint",
    "Case",
    "Cohort",
    "Endpoint",
    "Fold",
    "MulticlassEndpoint",
    "Reference",
    "Scan",
    "Sequence",
    "SplitSettings",
    "SurvivalEndpoint",
    "TwoClassEndpoint",
    "endpoint_from_dict",
    "join_clinical",
    "make_folds",
    "parse_endpoint",
    "read_manifest",
    "scan_folder",
    "write_manifest",
]

_HOME = {
    "BinaryEndpoint": "endpoints",
    "DRAWN_SHARE": "splits",
    "Endpoint": "endpoints",
    "Fold": "splits",
    "MulticlassEndpoint": "endpoints",
    "Scan": "scan",
    "SplitSettings": "splits",
    "SurvivalEndpoint": "endpoints",
    "TIME_UNITS": "endpoints",
    "TwoClassEndpoint": "endpoints",
    "endpoint_from_dict": "endpoints",
    "join_clinical": "clinical",
    "make_folds": "splits",
    "parse_endpoint": "endpoints",
    "read_manifest": "manifest",
    "scan_folder": "scan",
    "write_manifest": "manifest",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
