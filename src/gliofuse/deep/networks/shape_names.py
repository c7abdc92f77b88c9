"""The fourteen shape features that a network may take beside the image."""

from __future__ import annotations

__all__ = ["SHAPE_FEATURES"]

SHAPE_FEATURES: tuple[str, ...] = (
    "Elongation",
    "Flatness",
    "LeastAxisLength",
    "MajorAxisLength",
    "Maximum2DDiameterColumn",
    "Maximum2DDiameterRow",
    "Maximum2DDiameterSlice",
    "Maximum3DDiameter",
    "MeshVolume",
    "MinorAxisLength",
    "Sphericity",
    "SurfaceArea",
    "SurfaceVolumeRatio",
    "VoxelVolume",
)
"""PyRadiomics' names without their ``original_shape_`` prefix, in the order networks expect."""
