"""Signatures: scikit-learn estimators that select features, score patients, and fuse scores.

scikit-learn takes a second and a half to import: each name loads its module when first used.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "BackwardAIC": "backward_aic",
    "CorrelationFilter": "correlation",
    "IntegratedSignatureSettings": "settings",
    "ElasticNetSignature": "elastic_net",
    "ForestSignature": "forest",
    "ForestTopK": "forest_topk",
    "ICCFilter": "icc",
    "ImagingSignatureSettings": "settings",
    "LassoSelector": "lasso",
    "LeveneSelector": "levene",
    "LogisticScorer": "logistic",
    "MannWhitneySelector": "mannwhitney",
    "MedianImputer": "impute",
    "NestedPipeline": "nested",
    "RidgeSignature": "ridge",
    "SVMSignature": "svm",
    "SignatureWarning": "warning",
    "SingleSequenceSettings": "settings",
    "StackedFusion": "fusion",
    "TTestSelector": "ttest",
    "WeightedFusion": "weighted",
    "coefficients": "pipelines",
    "contributions": "pipelines",
    "imaging_signature": "pipelines",
    "integrated_signature": "pipelines",
    "linear_score": "pipelines",
    "out_of_fold_probabilities": "fusion",
    "read_icc_table": "icc",
    "selected_features": "pipelines",
    "selection_frequency": "fusion",
    "single_sequence_signature": "pipelines",
    "stratified_folds": "_common",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
