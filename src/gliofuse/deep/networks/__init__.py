"""The networks, by name; torch is loaded when the first one is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gliofuse.deep.networks.registry import NETWORKS, NetworkSpec, build_network
from gliofuse.deep.networks.shape_names import SHAPE_FEATURES

if TYPE_CHECKING:
    from gliofuse.deep.networks.attention import CSGFusion
    from gliofuse.deep.networks.base import Network
    from gliofuse.deep.networks.csg_densenet import CSGDenseNet121
    from gliofuse.deep.networks.densenet import DenseNet121
    from gliofuse.deep.networks.dual_resnet import DualTaskResNet18
    from gliofuse.deep.networks.resnet3d import ResNet50Volume
    from gliofuse.deep.networks.resnet34 import ResNet34
    from gliofuse.deep.networks.se_resnet import SEResNet18
    from gliofuse.deep.networks.shape_resnet import ShapeFusedResNet50

__all__ = [
    "NETWORKS",
    "SHAPE_FEATURES",
    "CSGDenseNet121",
    "CSGFusion",
    "DenseNet121",
    "DualTaskResNet18",
    "Network",
    "NetworkSpec",
    "ResNet34",
    "ResNet50Volume",
    "SEResNet18",
    "ShapeFusedResNet50",
    "build_network",
]

_HOMES = {
    "CSGDenseNet121": "csg_densenet",
    "CSGFusion": "attention",
    "DenseNet121": "densenet",
    "DualTaskResNet18": "dual_resnet",
    "Network": "base",
    "ResNet34": "resnet34",
    "ResNet50Volume": "resnet3d",
    "SEResNet18": "se_resnet",
    "ShapeFusedResNet50": "shape_resnet",
}


def __getattr__(name: str) -> type:
    """Load a network's module, and with it torch and MONAI, when the class is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    found: type = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
