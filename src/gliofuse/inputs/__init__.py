"""What a design may ask for: one file an input, its definition beside its computation.

An input is named by the hash of everything that defines it, so that equal requests of several
designs are computed once. Those of scope ``cohort`` learn nothing and are shared between folds;
those of scope ``fold`` are computed anew from each fold's training patients.
"""

from gliofuse.inputs.base import CohortInput, Computed, FeatureTable, FoldInput, Input, Source
from gliofuse.inputs.case_data import CaseData
from gliofuse.inputs.compute import compute_fold_inputs, compute_inputs
from gliofuse.inputs.patches import TumourPatches
from gliofuse.inputs.pretrained import PretrainedFeatures
from gliofuse.inputs.radiomic import RadiomicFeatures
from gliofuse.inputs.slices import TumourSlices
from gliofuse.inputs.standardised import (
    HISTOGRAM,
    BrainHistograms,
    StandardisedRadiomicFeatures,
    radiomic_features,
)

__all__ = [
    "HISTOGRAM",
    "BrainHistograms",
    "CaseData",
    "CohortInput",
    "Computed",
    "FeatureTable",
    "FoldInput",
    "Input",
    "PretrainedFeatures",
    "RadiomicFeatures",
    "Source",
    "StandardisedRadiomicFeatures",
    "TumourPatches",
    "TumourSlices",
    "compute_fold_inputs",
    "compute_inputs",
    "radiomic_features",
]
