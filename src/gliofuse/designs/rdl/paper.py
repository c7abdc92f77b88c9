"""The paper's models and results, its feature bank, and how its networks are trained."""

from __future__ import annotations

from typing import Any

from gliofuse.designs.framework.base import Paper
from gliofuse.designs.framework.models import sequence_label
from gliofuse.designs.framework.networks import QUICK_TRAINING, NetworkPreset
from gliofuse.designs.framework.paper_results import paper_results
from gliofuse.radiomics.parameters import PYRADIOMICS_FAMILIES

__all__ = ["BANK", "NETWORKS", "PAPER"]

_SEQUENCES = ("t1", "t1ce", "t2", "flair")
_METRICS = ("auc", "accuracy", "sensitivity", "specificity")
PAPER = Paper(
    citation="Radiomic and deep-learning fusion signatures, J Biotech Research 2024;17:146-158",
    outcome="WHO grade 2 against grades 3 and 4",
    outcome_column="grade",
    outcome_classes={"2": 0, "3": 1, "4": 1},
    sequences=_SEQUENCES,
    results=paper_results(
        _METRICS,
        {
            "validation": {
                "radiomics_t1": (0.670, 0.6176, 0.6111, 0.5625),
                "radiomics_t1ce": (0.924, 0.8824, 0.8889, 0.8125),
                "radiomics_t2": (0.851, 0.7647, 0.7778, 0.6250),
                "radiomics_flair": (0.830, 0.6765, 0.6111, 0.7500),
                "radiomics_fusion": (0.972, 0.9412, 0.9444, 0.9375),
                "dl_t1": (0.854, 0.7647, 0.7222, 0.8125),
                "dl_t1ce": (0.979, 0.9118, 0.8889, 0.9375),
                "dl_t2": (0.858, 0.7941, 0.8889, 0.6875),
                "dl_flair": (0.771, 0.7059, 0.6111, 0.8125),
                "dl_fusion": (0.986, 0.9412, 0.9444, 0.9375),
                "rdl": (1.000, 0.9706, 1.0000, 0.8750),
            },
            "test": {
                "radiomics_t1": (0.880, 0.7632, 0.9091, 0.6512),
                "radiomics_t1ce": (0.933, 0.8553, 0.8788, 0.8372),
                "radiomics_t2": (0.708, 0.6579, 0.7576, 0.5814),
                "radiomics_flair": (0.727, 0.7237, 0.6970, 0.7442),
                "radiomics_fusion": (0.921, 0.8816, 0.9091, 0.8605),
                "dl_t1": (0.808, 0.7105, 0.6970, 0.7209),
                "dl_t1ce": (0.899, 0.7763, 0.6970, 0.8372),
                "dl_t2": (0.791, 0.6974, 0.6970, 0.6977),
                "dl_flair": (0.681, 0.6316, 0.5758, 0.6744),
                "dl_fusion": (0.918, 0.8289, 0.9091, 0.7674),
                "rdl": (0.959, 0.9079, 0.9091, 0.9070),
            },
        },
    ),
    labels={
        **{f"radiomics_{s}": f"Radiomics {sequence_label(s)}" for s in _SEQUENCES},
        "radiomics_fusion": "Radiomics fusion",
        **{f"dl_{s}": f"DL {sequence_label(s)}" for s in _SEQUENCES},
        "dl_fusion": "DL fusion",
        "rdl": "RDL",
    },
)

#: 1,967 features a sequence. The paper does not state its discretisation, and PyRadiomics' bin
#: width leaves one grey level of images scaled to 0..1; 32 levels are the project's choice.
BANK: dict[str, Any] = {
    "setting": {"binCount": 32},
    "imageType": {
        "Original": {},
        "Square": {},
        "SquareRoot": {},
        "Logarithm": {},
        "Exponential": {},
        "Gradient": {},
        "LoG": {"sigma": [2.0, 3.0, 4.0, 5.0]},
        "Wavelet": {},
        "LBP3D": {},
    },
    "featureClass": {family: [] for family in PYRADIOMICS_FAMILIES},
}

#: What both networks are shown and how they are trained.
NETWORKS: dict[str, NetworkPreset] = {
    "paper": NetworkPreset(
        training={
            "optimiser": "sgd",
            "learning_rate": 1e-4,
            "momentum": 0.9,
            "schedule": "step",
            "step_epochs": 20,
            "step_factor": 0.1,
            "epochs": 100,
            "batch_size": 32,
        },
        images={"size": 64, "which": "all", "crop": "square"},
    ),
    "quick": NetworkPreset(
        training=QUICK_TRAINING,
        images={"size": 64, "which": "k-largest", "k": 12, "crop": "square"},
    ),
}
