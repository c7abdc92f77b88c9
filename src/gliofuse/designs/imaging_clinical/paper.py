"""The paper's regions, models and results, its feature bank and what its network is shown."""

from __future__ import annotations

from typing import Any

from gliofuse.designs.framework.base import Paper
from gliofuse.designs.framework.paper_results import paper_results
from gliofuse.radiomics.parameters import PYRADIOMICS_FAMILIES

__all__ = ["BANK", "KINDS", "OVERALL", "PAPER", "REGIONS", "SLICES"]

#: The paper's regions as expressions over named regions of the mask.
REGIONS = {"edema": "edema", "tumor": "enhancing"}
OVERALL = "overall"
#: Ending of a model's name, as the paper calls it, by kind.
KINDS = {"deep": "dl", "radiomics": "radiomics", "hybrid": "hybrid"}
_LABELS = {"deep": "DL", "radiomics": "radiomics", "hybrid": "hybrid"}

PAPER = Paper(
    citation="Liu et al., Quant Imaging Med Surg 2024;14(1):251-263",
    outcome="ATRX mutation in IDH-mutant astrocytoma of grade 3 or 4",
    outcome_column="atrx",
    sequences=("t1ce", "flair"),
    results=paper_results(
        ("sensitivity", "specificity", "accuracy", "auc"),
        {
            "validation": {
                "edema_dl": (0.798, 0.770, 0.789, 0.834),
                "edema_radiomics": (0.847, 0.755, 0.804, 0.896),
                "edema_hybrid": (0.837, 0.792, 0.814, 0.914),
                "tumor_dl": (0.814, 0.749, 0.783, 0.880),
                "tumor_radiomics": (0.798, 0.747, 0.773, 0.834),
                "tumor_hybrid": (0.844, 0.798, 0.824, 0.903),
                "overall_dl": (0.859, 0.762, 0.819, 0.910),
                "overall_radiomics": (0.829, 0.804, 0.815, 0.898),
                "overall_hybrid": (0.852, 0.862, 0.861, 0.916),
                "clinical": (0.658, 0.546, 0.604, 0.641),
                "fusion": (0.925, 0.860, 0.900, 0.956),
            },
            "test": {
                "edema_dl": (0.647, 0.783, 0.725, 0.775),
                "edema_radiomics": (0.765, 0.870, 0.825, 0.875),
                "edema_hybrid": (0.765, 0.957, 0.875, 0.893),
                "tumor_dl": (0.706, 0.826, 0.775, 0.887),
                "tumor_radiomics": (0.647, 0.696, 0.675, 0.818),
                "tumor_hybrid": (0.774, 0.869, 0.835, 0.923),
                "overall_dl": (0.705, 0.783, 0.750, 0.903),
                "overall_radiomics": (0.760, 0.827, 0.800, 0.916),
                "overall_hybrid": (0.824, 0.870, 0.850, 0.936),
                "clinical": (0.471, 0.783, 0.650, 0.772),
                "fusion": (0.824, 0.913, 0.875, 0.949),
            },
        },
    ),
    labels={
        **{
            f"{place}_{ending}": f"{place.capitalize()} {_LABELS[kind]}"
            for place in (*REGIONS, OVERALL)
            for kind, ending in KINDS.items()
        },
        "clinical": "Clinical",
        "fusion": "Fusion",
    },
)

#: 1,130 features a sequence and region; the paper's appendix with its 1,111 is not available, and
#: the image types, sigmas and 32 grey levels are the project's.
BANK: dict[str, Any] = {
    "setting": {"binCount": 32},
    "imageType": {"Original": {}, "Wavelet": {}, "LoG": {"sigma": [1.0, 2.0, 3.0]}},
    "featureClass": {family: [] for family in PYRADIOMICS_FAMILIES},
}

#: What the frozen network is shown of a region.
SLICES: dict[str, Any] = {"size": 224, "which": "largest", "crop": "square"}
