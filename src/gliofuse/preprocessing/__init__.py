"""Raw scans to aligned, skull-stripped, corrected volumes, each sampled once.

A patient's sequences are registered to one of them, the brain is found, the bias field divided
out, and each image interpolated once onto cubic voxels. Every step is checked: what cannot be
believed is refused with its reason, and pictures show what was done. See :func:`preprocess_cohort`
and, for one step alone, the functions below.

Names load their module when first used, so that reading settings loads no imaging.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gliofuse.preprocessing.bias import bias_field, correct_bias
    from gliofuse.preprocessing.brain import Brain, extract_brain
    from gliofuse.preprocessing.case import preprocess_case
    from gliofuse.preprocessing.checks import check_brain, check_registration
    from gliofuse.preprocessing.cohort import preprocess_cohort
    from gliofuse.preprocessing.head import Head, find_head
    from gliofuse.preprocessing.inspect_input import ScanState, inspect_scan
    from gliofuse.preprocessing.native import to_native
    from gliofuse.preprocessing.normalise import (
        GreyScale,
        HistogramStandardiser,
        normalise_brain,
        white_stripe,
    )
    from gliofuse.preprocessing.record import CaseRecord
    from gliofuse.preprocessing.registration import Registered, register
    from gliofuse.preprocessing.resampling import resample
    from gliofuse.preprocessing.settings import STEPS, PreprocessingSettings, check_settings
    from gliofuse.preprocessing.transforms import Affine

__all__ = [
    "STEPS",
    "Affine",
    "Brain",
    "CaseRecord",
    "GreyScale",
    "Head",
    "HistogramStandardiser",
    "PreprocessingSettings",
    "Registered",
    "ScanState",
    "bias_field",
    "check_brain",
    "check_registration",
    "check_settings",
    "correct_bias",
    "extract_brain",
    "find_head",
    "inspect_scan",
    "normalise_brain",
    "preprocess_case",
    "preprocess_cohort",
    "register",
    "resample",
    "to_native",
    "white_stripe",
]

_HOME = {
    "Affine": "transforms",
    "Brain": "brain",
    "CaseRecord": "record",
    "GreyScale": "normalise",
    "Head": "head",
    "HistogramStandardiser": "normalise",
    "PreprocessingSettings": "settings",
    "Registered": "registration",
    "STEPS": "settings",
    "ScanState": "inspect_input",
    "bias_field": "bias",
    "check_brain": "checks",
    "check_registration": "checks",
    "check_settings": "settings",
    "correct_bias": "bias",
    "extract_brain": "brain",
    "find_head": "head",
    "inspect_scan": "inspect_input",
    "normalise_brain": "normalise",
    "preprocess_case": "case",
    "preprocess_cohort": "cohort",
    "register": "registration",
    "resample": "resampling",
    "to_native": "native",
    "white_stripe": "normalise",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
