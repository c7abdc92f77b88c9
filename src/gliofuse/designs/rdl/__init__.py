"""``rdl``: radiomic and deep-learning fusion signatures, fused into one probability.

Single-sequence radiomic models give one signature a sequence; these are fused into the radiomic
fusion signature. A slice network with channel, spatial and global attention over the stacked
sequences gives the deep fusion signature. Both are z-scored and fused by logistic regression.
"""

from __future__ import annotations

from gliofuse.designs.rdl.design import RDL, FittedRDL, RDLSettings
from gliofuse.designs.rdl.paper import BANK, NETWORKS, PAPER

__all__ = ["BANK", "NETWORKS", "PAPER", "RDL", "FittedRDL", "RDLSettings"]
