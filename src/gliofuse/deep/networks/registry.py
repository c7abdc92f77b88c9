"""Every network by name, and how to build one."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from gliofuse.errors import SettingError, did_you_mean
from gliofuse.optional import require

if TYPE_CHECKING:
    from gliofuse.deep.networks.base import Network

__all__ = ["NETWORKS", "NetworkSpec", "build_network"]


@dataclass(frozen=True)
class NetworkSpec:
    """What a network is called, what it takes, and where it is built.

    Attributes
    ----------
    name : str
        The name in :data:`NETWORKS` and on the command line.
    label : str
        As a reader would write it.
    builder : str
        ``"module:Class"`` below ``gliofuse.deep.networks``.
    input : {"slices", "patches"}
        Kind of input: axial slices (y, x), or patches of the volume (z, y, x).
    size : tuple of int
        Input size in pixels of the publication that describes it, (y, x) or (z, y, x).
    batch_size : int
        Batch size of that publication; the project's where it trains nothing (``resnet34``).
    needs_shape : bool
        Whether ``forward`` needs the fourteen shape features.
    needs_survival : bool
        Whether training needs the survival time and event of each patient.
    options : mapping
        Options that distinguish this entry from others of the same class.
    """

    name: str
    label: str
    builder: str
    input: Literal["slices", "patches"]
    size: tuple[int, ...]
    batch_size: int
    needs_shape: bool = False
    needs_survival: bool = False
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def spatial_dims(self) -> int:
        """2 for slices, 3 for patches."""
        return len(self.size)


_SPECS = (
    NetworkSpec("densenet121", "DenseNet121", "densenet:DenseNet121", "slices", (64, 64), 32),
    NetworkSpec(
        "csg-densenet121", "CSG-DenseNet121", "csg_densenet:CSGDenseNet121", "slices", (64, 64), 32
    ),
    NetworkSpec(
        "se-resnet18-3d", "3D SE-ResNet18", "se_resnet:SEResNet18", "patches", (96, 128, 96), 8
    ),
    NetworkSpec(
        "resnet18-3d",
        "3D ResNet18",
        "se_resnet:SEResNet18",
        "patches",
        (96, 128, 96),
        8,
        options=MappingProxyType({"squeeze_excitation": False}),
    ),
    NetworkSpec(
        "shape-resnet50",
        "ResNet50 + shape",
        "shape_resnet:ShapeFusedResNet50",
        "slices",
        (160, 160),
        16,
        needs_shape=True,
    ),
    NetworkSpec(
        "resnet50",
        "ResNet50",
        "shape_resnet:ShapeFusedResNet50",
        "slices",
        (160, 160),
        16,
        options=MappingProxyType({"shape_features": 0}),
    ),
    NetworkSpec(
        "resnet50-3d", "3D ResNet50", "resnet3d:ResNet50Volume", "patches", (128, 160, 160), 4
    ),
    NetworkSpec("resnet34", "ResNet34", "resnet34:ResNet34", "slices", (224, 224), 32),
    NetworkSpec(
        "dual-resnet18",
        "Dual-task ResNet18",
        "dual_resnet:DualTaskResNet18",
        "slices",
        (240, 240),
        8,
        needs_survival=True,
    ),
)

NETWORKS: Mapping[str, NetworkSpec] = MappingProxyType({spec.name: spec for spec in _SPECS})
"""Every network by its name."""


def build_network(name: str, sequences: Sequence[str], **options: Any) -> Network:
    """Build a network with fresh weights, one input channel per sequence.

    Parameters
    ----------
    name : str
        A name in :data:`NETWORKS`.
    sequences : sequence of str
        The MRI sequences in the order of the image's channels.
    **options
        Options of the network's class, for example ``squeeze_excitation=False``.

    Returns
    -------
    Network
        With the attributes ``network_name``, ``sequences`` and ``options`` set, from which the
        same network can be built again. The weights follow torch's global random state. Those of a
        network of slices lie channels last in memory (up to a quarter faster on a CPU); a library
        that wants them otherwise, such as safetensors, takes ``weight.contiguous()``.

    Raises
    ------
    SettingError
        If the name or an option is unknown, or there is no sequence or one twice.
    MissingExtraError
        If torch or MONAI is not installed.

    Examples
    --------
    >>> network = build_network("csg-densenet121", ("t1", "t1ce", "t2", "flair"))
    >>> network.in_channels, network.spatial_dims, network.classes
    (4, 2, 2)
    """
    if name not in NETWORKS:
        raise SettingError(f"network: got {name!r}, {did_you_mean(name, NETWORKS)}")
    spec = NETWORKS[name]
    channels = tuple(sequences)
    if isinstance(sequences, str) or not channels or len(set(channels)) != len(channels):
        raise SettingError(
            f"sequences of {name!r}: needs a list of one or more different sequences, "
            f'got {sequences!r}; for example ["t1", "flair"]'
        )
    torch = require("torch", extra="deep")
    require("monai", extra="deep")
    module_name, class_name = spec.builder.split(":")
    module = require(f"gliofuse.deep.networks.{module_name}", extra="deep")
    builder = getattr(module, class_name)
    given = {**spec.options, **options}
    known = [key for key in inspect.signature(builder).parameters if key != "in_channels"]
    for key in given:
        if key not in known:
            raise SettingError(f"option {key!r} of network {name!r}: {did_you_mean(key, known)}")
    network: Network = builder(in_channels=len(channels), **given)
    if network.spatial_dims == 2:  # volumes would be slower
        torch.nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)
    network.network_name = name
    network.sequences = channels
    network.options = dict(options)
    return network
