"""Pretrained weights for the networks, and the check that a checkpoint is the wanted network's."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from gliofuse.errors import InputError, RunError
from gliofuse.files import file_hash

if TYPE_CHECKING:
    from gliofuse.deep.networks.base import Network

__all__ = [
    "IMAGENET_FILES",
    "LoadReport",
    "adapt_first_convolution",
    "cache_folder",
    "check_compatible",
    "load_pretrained",
]

_SOURCE = "https://download.pytorch.org/models/"
IMAGENET_FILES: dict[str, str] = {
    "densenet121": "densenet121-a639ec97.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
}
"""torchvision's IMAGENET1K_V1 files; the name ends in the first digits of the file's SHA-256."""

# Counters that torch added later; old files lack them and evaluation does not use them.
_OPTIONAL = "num_batches_tracked"
_HEADS = {
    "densenet121": ("class_layers.out.weight", "class_layers.out.bias"),
    "resnet18": ("fc.weight", "fc.bias"),
    "resnet34": ("fc.weight", "fc.bias"),
    "resnet50": ("fc.weight", "fc.bias"),
}
_FIRST = {"densenet121": "features.conv0.weight"}
_OLD_DENSE = re.compile(r"\.(norm|relu|conv)\.([12])\.")
_DENSE_LAYER = re.compile(r"(\.denselayer\d+)\.(?!layers\.)")


@dataclass(frozen=True)
class LoadReport:
    """What :func:`load_pretrained` did.

    Attributes
    ----------
    source : str
        File the weights came from; ``"random"`` if none.
    loaded : int
        Number of tensors taken over.
    adapted : str or None
        How the first convolution was changed, if it was.
    dropped : tuple of str
        Tensors of the file that were left out, since the class head is of another size.
    fresh : tuple of str
        Parts of the network that the file does not hold and that keep their random start.
    """

    source: str
    loaded: int = 0
    adapted: str | None = None
    dropped: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()

    @property
    def random(self) -> bool:
        """Whether every weight is random."""
        return self.source == "random"

    def describe(self) -> str:
        """Return one sentence for the log and the report."""
        if self.random:
            return "no pretrained weights: features come from random weights"
        parts = [f"{self.loaded} tensors from {self.source}"]
        if self.adapted:
            parts.append(self.adapted)
        if self.dropped:
            parts.append(f"left out the class head ({', '.join(self.dropped)}): other size")
        if self.fresh:
            parts.append(f"started at random: {', '.join(self.fresh)}")
        return "; ".join(parts)


def load_pretrained(
    network: Network, weights: str | os.PathLike[str] | None, *, allow_random: bool = False
) -> LoadReport:
    """Load pretrained weights into a network's trunk, in place.

    Parameters
    ----------
    network : Network
        From :func:`gliofuse.deep.networks.build_network`.
    weights : path, "imagenet" or None
        A state dict in torchvision's layout (``.pth`` or ``.safetensors``), or one of this
        network itself; ``"imagenet"`` takes torchvision's, downloaded once to
        :func:`cache_folder`; None loads nothing.
    allow_random : bool
        Whether None is allowed.

    Returns
    -------
    LoadReport

    Raises
    ------
    InputError
        If there are no weights and ``allow_random`` is false, the file cannot be read, it is not
        of this network, or a tensor has another shape.
    RunError
        If ``"imagenet"`` is not in the cache and cannot be downloaded.

    Notes
    -----
    Every tensor must match in name and shape, but for two rules. A first convolution of other
    width is adapted by :func:`adapt_first_convolution`. A class head of other size is left out,
    and the report says so. ``.pth`` files are read with ``weights_only=True``: no code in them is
    run.
    """
    if weights is None:
        if not allow_random:
            raise InputError(
                f"weights of {_name(network)}: its features would come from random weights; set "
                "weights to the path of a state dict in torchvision's layout or to imagenet, or "
                "accept random features with allow_random (on the command line: "
                "--set weights=imagenet, --set allow_random=true)"
            )
        return LoadReport("random")
    if str(weights) == "imagenet":
        path = _imagenet_file(network)
    else:
        path = Path(weights)
    state = _read_state(path)
    own = network.state_dict()
    if _without_optional(state) == _without_optional(own):
        _check_shapes(state, own, path, network)
        network.load_state_dict(state, strict=False)
        return LoadReport(str(path), loaded=len(state))
    return _load_trunk(network, state, path)


def adapt_first_convolution(weight: torch.Tensor, channels: int) -> torch.Tensor:
    """Return a first convolution's weight for another number of input channels.

    Each new channel gets the sum over the old channels, divided by the number of new ones. An
    image whose channels are equal (a grey one) is then answered as before, whatever their number,
    so that the activations keep the scale that the following batch norm expects.

    Parameters
    ----------
    weight : torch.Tensor
        (out, in, ...).
    channels : int
        The wanted number of input channels.

    Returns
    -------
    torch.Tensor
        (out, channels, ...); ``weight`` itself if it has that many already.

    Examples
    --------
    >>> adapt_first_convolution(torch.ones(1, 3, 1, 1), 4).flatten().tolist()
    [0.75, 0.75, 0.75, 0.75]
    """
    if weight.shape[1] == channels:
        return weight
    total = weight.sum(dim=1, keepdim=True) / channels
    return total.repeat_interleave(channels, dim=1)


def cache_folder() -> Path:
    """Return where downloads are kept: ``$GLIOFUSE_CACHE``, else ``~/.cache/gliofuse``."""
    given = os.environ.get("GLIOFUSE_CACHE")
    base = Path(given) if given else Path.home() / ".cache" / "gliofuse"
    return base / "weights"


def check_compatible(
    found: Mapping[str, Any], wanted: Mapping[str, Any], *, source: str = "checkpoint"
) -> None:
    """Refuse a checkpoint of another network, or one whose channels are in another order.

    Parameters
    ----------
    found : mapping
        What the checkpoint says of itself.
    wanted : mapping
        What is needed. Every key is compared; usual are ``network``, ``sequences`` (in channel
        order), ``classes`` and ``options``.
    source : str
        The checkpoint's name in messages.

    Raises
    ------
    InputError
        Naming both values of the first key that differs.

    Examples
    --------
    >>> check_compatible({"network": "resnet34", "sequences": ["t1"]}, {"sequences": ("t1",)})
    """
    for key, value in wanted.items():
        if key not in found:
            raise InputError(f"{source}: does not say its {key}; needs {key} {_show(value)}")
        if _plain(found[key]) == _plain(value):
            continue
        if key == "sequences" and sorted(found[key]) == sorted(value):
            reason = "the same sequences in another channel order"
            remedy = "give them in the checkpoint's order"
        else:
            reason = f"another {key}"
            remedy = f"use the checkpoint of {_show(value)}, or ask for {_show(found[key])}"
        raise InputError(
            f"{source}: holds {reason}: found {_show(found[key])}, wanted {_show(value)}; {remedy}"
        )


# ---------------------------------------------------------------- reading


def _read_state(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file, freed of the wrappers that training scripts add."""
    if not path.is_file():
        raise InputError(f"weights: no file {str(path)!r}; give a path, or 'imagenet'")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            loaded: Any = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"weights {str(path)!r}: must be a plain state dict, but the file holds other objects, "
            "which are not loaded since they could run code; save model.state_dict() alone"
        ) from error
    except Exception as error:  # each reader raises its own kinds for a damaged file
        raise InputError(f"weights {str(path)!r}: cannot be read ({error})") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
    if not isinstance(loaded, Mapping) or not loaded:
        raise InputError(f"weights {str(path)!r}: must hold a state dict of named tensors")
    strays = [key for key, value in loaded.items() if not isinstance(value, torch.Tensor)]
    if strays:
        raise InputError(f"weights {str(path)!r}: entry {strays[0]!r} is not a tensor")
    return {str(key).removeprefix("module."): value for key, value in loaded.items()}


def _imagenet_file(network: Network) -> Path:
    """Return torchvision's file for a network, downloading it if the cache lacks it."""
    layout = network.pretrained_layout
    if layout is None:
        raise InputError(
            f"weights 'imagenet' for {_name(network)}: ImageNet's weights are two-dimensional; "
            "set weights to the path of a state dict of this network, or train without"
        )
    name = IMAGENET_FILES[layout]
    path = cache_folder() / name
    digits = name.removesuffix(".pth").rsplit("-", 1)[1]
    if not path.is_file():
        by_hand = f"fetch {_SOURCE}{name} by hand and put it at {path}, or set weights to a path"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(_SOURCE + name, str(path), digits, progress=False)
        except (OSError, RuntimeError) as error:
            raise RunError(f"weights 'imagenet': download failed ({error}); {by_hand}") from error
    found = file_hash(path, length=len(digits))
    if found != digits:
        raise InputError(
            f"weights {str(path)!r}: damaged or another file: its SHA-256 starts with {found}, "
            f"must start with {digits}; delete it and fetch it again"
        )
    return path


# ---------------------------------------------------------------- fitting


def _load_trunk(network: Network, state: dict[str, torch.Tensor], path: Path) -> LoadReport:
    """Load a state dict in torchvision's layout into the trunk."""
    layout = network.pretrained_layout or "resnet"
    given = {_monai_key(key, layout): value for key, value in state.items()}
    own = network.trunk.state_dict()
    head = _HEADS.get(layout, ("fc.weight", "fc.bias"))
    dropped = [
        key
        for key in head
        if key in given and (key not in own or own[key].shape != given[key].shape)
    ]
    if dropped:  # both or neither: a weight without its offset is no layer
        dropped = [key for key in head if given.pop(key, None) is not None]
    adapted = None
    first = _FIRST.get(layout, "conv1.weight")
    if first in given and first in own and given[first].ndim == own[first].ndim:
        before, after = given[first].shape[1], own[first].shape[1]
        if before != after:
            given[first] = adapt_first_convolution(given[first], after)
            adapted = (
                f"first convolution adapted from {before} to {after} channels "
                f"(sum over the old ones / {after})"
            )
    headless = {key: value for key, value in own.items() if key not in dropped or key in given}
    _check_names(given, headless, path, network)
    _check_shapes(given, own, path, network)
    network.trunk.load_state_dict(given, strict=False)
    heads = [f"trunk.{key}" for key in dropped if key in own]
    others = [name for name, _ in network.named_children() if name != "trunk"]
    stateful = [name for name in others if any(True for _ in getattr(network, name).parameters())]
    return LoadReport(
        str(path),
        loaded=len(given),
        adapted=adapted,
        dropped=tuple(dropped),
        fresh=tuple(heads + stateful),
    )


def _monai_key(key: str, layout: str) -> str:
    """Return MONAI's name of a tensor that torchvision, now or before 2018, names ``key``."""
    if layout != "densenet121":
        return key
    key = _OLD_DENSE.sub(r".\1\2.", key)
    key = _DENSE_LAYER.sub(r"\1.layers.", key)
    return re.sub(r"^classifier\.", "class_layers.out.", key)


def _check_names(
    given: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor], path: Path, net: Network
) -> None:
    missing = sorted(_without_optional(own) - _without_optional(given))
    strange = sorted(_without_optional(given) - _without_optional(own))
    if missing or strange:
        layout = net.pretrained_layout or f"the trunk of {_name(net)}"
        raise InputError(
            f"weights {str(path)!r}: not of {_name(net)}, which takes torchvision's layout of "
            f"{layout}: {len(missing)} tensors missing ({_some(missing)}), "
            f"{len(strange)} unknown ({_some(strange)})"
        )


def _check_shapes(
    given: Mapping[str, torch.Tensor], own: Mapping[str, torch.Tensor], path: Path, net: Network
) -> None:
    for key, value in given.items():
        if key in own and value.shape != own[key].shape:
            raise InputError(
                f"weights {str(path)!r}: tensor {key!r} has shape {tuple(value.shape)}, "
                f"{_name(net)} needs {tuple(own[key].shape)}; these are another network's weights"
            )


def _same_shape(one: torch.Tensor, other: torch.Tensor | None) -> bool:
    return other is not None and one.shape == other.shape


def _without_optional(state: Mapping[str, Any]) -> set[str]:
    return {key for key in state if not key.endswith(_OPTIONAL)}


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "none"


def _name(network: Network) -> str:
    return repr(network.network_name or type(network).__name__)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def _show(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else repr(value)
