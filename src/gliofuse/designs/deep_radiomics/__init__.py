"""``deep-radiomics``: grading and survival by features of a network beside radiomic ones.

One publication with two methods, a module each; what they share stands in :mod:`.paper`.
"""

from __future__ import annotations

from gliofuse.designs.deep_radiomics.grading import (
    DeepRadiomics,
    DeepRadiomicsSettings,
    FittedDeepRadiomics,
)
from gliofuse.designs.deep_radiomics.paper import BANK, DUAL_NETWORK, NETWORKS, PAPER
from gliofuse.designs.deep_radiomics.survival import (
    DeepRadiomicsSurvival,
    DeepRadiomicsSurvivalSettings,
)

__all__ = [
    "BANK",
    "DUAL_NETWORK",
    "NETWORKS",
    "PAPER",
    "DeepRadiomics",
    "DeepRadiomicsSettings",
    "DeepRadiomicsSurvival",
    "DeepRadiomicsSurvivalSettings",
    "FittedDeepRadiomics",
]
