"""The segmentation networks."""

from gliofuse.segmentation.networks.build import build_stage
from gliofuse.segmentation.networks.recombination import RecombinationUNet
from gliofuse.segmentation.networks.residual import ResidualUNet

__all__ = ["RecombinationUNet", "ResidualUNet", "build_stage"]
