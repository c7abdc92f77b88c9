"""Finding the tumour: planning, training and running segmenters, and how well masks agree.

torch loads with the first name that needs it, Lightning when a training starts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gliofuse.segmentation.agreement import Agreement, measure_agreement
    from gliofuse.segmentation.cleaning import CleanUp
    from gliofuse.segmentation.cohorts import PredictedCohort, predict_cohort
    from gliofuse.segmentation.others import OTHERS, segment_with
    from gliofuse.segmentation.plan import SegmentationPlan, StagePlan, plan_segmentation
    from gliofuse.segmentation.segmenter import PredictedMask, PredictionSettings, Segmenter
    from gliofuse.segmentation.settings import (
        PRESETS,
        SegmentationSettings,
        segmentation_settings,
    )
    from gliofuse.segmentation.surfaces import MaskFigures, compare_masks
    from gliofuse.segmentation.training import StageProgress, train_segmenter

_HOME = {
    "OTHERS": "others",
    "PRESETS": "settings",
    "Agreement": "agreement",
    "CleanUp": "cleaning",
    "MaskFigures": "surfaces",
    "PredictedCohort": "cohorts",
    "PredictedMask": "segmenter",
    "PredictionSettings": "segmenter",
    "SegmentationPlan": "plan",
    "SegmentationSettings": "settings",
    "Segmenter": "segmenter",
    "StagePlan": "plan",
    "StageProgress": "training",
    "compare_masks": "surfaces",
    "measure_agreement": "agreement",
    "plan_segmentation": "plan",
    "predict_cohort": "cohorts",
    "segment_with": "others",
    "segmentation_settings": "settings",
    "train_segmenter": "training",
}

__all__ = [
    "OTHERS",
    "PRESETS",
    "Agreement",
    "CleanUp",
    "MaskFigures",
    "PredictedCohort",
    "PredictedMask",
    "PredictionSettings",
    "SegmentationPlan",
    "SegmentationSettings",
    "Segmenter",
    "StagePlan",
    "StageProgress",
    "compare_masks",
    "measure_agreement",
    "plan_segmentation",
    "predict_cohort",
    "segment_with",
    "segmentation_settings",
    "train_segmenter",
]


def __getattr__(name: str) -> Any:
    """Load a name's module when the name is first used."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
