"""What both halves of the publication share: the patients' features and the networks' settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from gliofuse.designs.framework.base import Paper
from gliofuse.designs.framework.context import Available
from gliofuse.designs.framework.models import sequence_label
from gliofuse.designs.framework.networks import QUICK_TRAINING, NetworkPreset, NetworkSignature
from gliofuse.designs.framework.paper_results import paper_results
from gliofuse.features import columns_of
from gliofuse.inputs import CaseData
from gliofuse.radiomics.families import FAMILIES

__all__ = [
    "BANK",
    "DUAL_NETWORK",
    "NETWORKS",
    "PAPER",
    "PROPOSED",
    "VARIANTS",
    "Variant",
    "lacking_sequences",
    "of_sequence_and_network",
    "read_sequences",
]


@dataclass(frozen=True)
class Variant:
    """What a network reads, the tumour's patch or the complete MRI, and which network it is."""

    name: str
    label: str
    reads: str
    network: str

    @property
    def cnn(self) -> str:
        """Name of the model that is the network alone."""
        return f"cnn_{self.name}"


PROPOSED = Variant("patch_se", "patch, SE", "patch", "se-resnet18-3d")
VARIANTS = (
    Variant("complete", "complete MRI", "complete", "resnet18-3d"),
    Variant("complete_se", "complete MRI, SE", "complete", "se-resnet18-3d"),
    Variant("patch", "patch", "patch", "resnet18-3d"),
    PROPOSED,
)

PAPER = Paper(
    citation="Xu et al., Front Oncol 2022;12:969907",
    doi="10.3389/fonc.2022.969907",
    outcome="WHO grade 2 against grades 3 and 4",
    outcome_column="grade",
    outcome_classes={"2": 0, "3": 1, "4": 1},
    sequences=("t1", "t1ce", "t2"),
    results=paper_results(
        ("auc", "accuracy", "sensitivity", "precision"),
        {
            "test": {
                "radiomics_t1ce": (0.894, None, None, None),
                "cnn_complete": (0.801, 0.822, 0.873, 0.797),
                "cnn_complete_se": (0.794, 0.833, 0.908, 0.804),
                "cnn_patch": (0.846, 0.868, 0.912, 0.860),
                "cnn_patch_se": (0.852, 0.874, 0.931, 0.841),
                "integrated_complete": (0.904, 0.871, 0.912, 0.891),
                "integrated_complete_se": (0.932, 0.881, 0.901, 0.872),
                "integrated_patch": (0.945, None, None, None),
                "integrated_patch_se": (0.958, 0.941, 0.971, 0.931),
            }
        },
    ),
    labels={
        "radiomics_t1ce": f"Radiomics {sequence_label('t1ce')}",
        **{variant.cnn: f"CNN ({variant.label})" for variant in VARIANTS},
        **{f"integrated_{variant.name}": f"Integrated ({variant.label})" for variant in VARIANTS},
    },
)

#: 788 features a sequence. The 32 grey levels are the project's choice, as the paper states none.
BANK: dict[str, Any] = {
    "setting": {"binCount": 32},
    "imageType": {"Original": {}, "Wavelet": {}},
    "featureClass": {
        "shape": [],
        "firstorder": [],
        "glcm": [name for name in FAMILIES["glcm"].names if name not in ("SumAverage", "MCC")],
        "glrlm": [],
        "glszm": [],
        "gldm": [],
    },
}

#: What the networks are shown and how they are trained: the tumour's patch. The paper states 200
#: epochs and batches of 8; optimiser, rate and the weights of the classes are the project's.
NETWORKS: dict[str, NetworkPreset] = {
    "paper": NetworkPreset(
        training={
            "optimiser": "adam",
            "learning_rate": 1e-4,
            "balance": "weights",
            "epochs": 200,
            "batch_size": 8,
        },
        images={
            "size_zyx": (96, 128, 96),
            "pixel_mm_zyx": (1.0, 1.0, 1.0),
            "normalisation": "zscore",
        },
        augmentation="flips",
    ),
    "quick": NetworkPreset(
        training={**QUICK_TRAINING, "learning_rate": 5e-4, "epochs": 15, "batch_size": 8},
        images={
            "size_zyx": (32, 40, 32),
            "pixel_mm_zyx": (3.0, 3.0, 3.0),
            "normalisation": "zscore",
        },
        augmentation="flips",
    ),
}


#: The same of the network that learns grade and survival at once, from the largest tumour slice.
DUAL_NETWORK: dict[str, NetworkPreset] = {
    "paper": NetworkPreset(
        training=NETWORKS["paper"].training,
        images={
            "size": 240,
            "crop": "center",
            "center_mm": 240.0,
            "which": "largest",
            "normalisation": "zscore",
        },
    ),
    "quick": NetworkPreset(
        training={
            **QUICK_TRAINING,
            "batch_size": 24,
            "learning_rate": 3e-4,
            "items_per_patient": 2,
        },
        images={
            "size": 96,
            "crop": "center",
            "center_mm": 192.0,
            "which": "k-largest",
            "k": 3,
            "normalisation": "zscore",
        },
        augmentation="flips",
    ),
}


def read_sequences(available: Available) -> tuple[str, ...]:
    """Return the paper's t1, t1ce and t2, or those of them that the cohort has."""
    usual = tuple(s for s in PAPER.sequences if s in available.sequences)
    return usual or available.sequences


def lacking_sequences(available: Available) -> list[str]:
    """Say which of the paper's sequences the images lack, and what is done without them."""
    if not available.images:
        return []
    return [
        f"no {sequence}: radiomics_{sequence} left out, and the networks read "
        f"{', '.join(read_sequences(available))}"
        for sequence in PAPER.sequences
        if sequence not in available.sequences
    ]


def of_sequence_and_network(
    table: pd.DataFrame,
    sequence: str,
    network: NetworkSignature | None,
    data: CaseData,
    suffix: str,
) -> pd.DataFrame:
    """Return a sequence's radiomic features and, beside them, those of a network if there is one.

    ``suffix`` is put behind the network's name, to tell two networks' features apart.
    """
    own = table[columns_of(table, sequence=sequence)]
    if network is None:
        return own
    deep = network.features(data)
    named = [f"{suffix}_".join(name.rsplit("_", 1)) for name in deep.columns]
    return pd.concat([own, deep.set_axis(named, axis=1)], axis=1)
