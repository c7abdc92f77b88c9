"""What a segmentation network predicts, and how that becomes labels again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from gliofuse.errors import SettingError
from gliofuse.imaging import LabelConvention, get_convention

__all__ = ["Outputs"]

# From the outside in: each region lies in the one before it.
_NESTED = ("whole", "core", "enhancing")
# What is painted where a region is found; the regions inside it are painted over it.
_PAINT = {"whole": "edema", "core": "necrosis", "enhancing": "enhancing"}


@dataclass(frozen=True)
class Outputs:
    """The channels of a network's output.

    Parameters
    ----------
    kind : {"regions", "labels"}
        ``regions``: nested regions, each with its own sigmoid. ``labels``: background and the
        labels, one softmax.
    convention : LabelConvention
        Of the masks.

    Examples
    --------
    >>> Outputs.choose("brats").names
    ('whole', 'core', 'enhancing')
    >>> Outputs.choose("binary").names
    ('whole',)
    """

    kind: Literal["regions", "labels"]
    convention: LabelConvention

    @classmethod
    def choose(cls, convention: str | LabelConvention, kind: str = "auto") -> Outputs:
        """Return regions where the convention has them, or else labels.

        Raises
        ------
        SettingError
            If regions are asked for and the labels are not those of nested regions.
        """
        chosen = get_convention(convention)
        nested = set(chosen.labels) == set(_PAINT.values()) or len(chosen.labels) == 1
        if kind == "regions" and not nested:
            raise SettingError(
                f"outputs: regions need the labels {', '.join(_PAINT.values())}, or one label; "
                f"{chosen.name!r} has {', '.join(chosen.labels)}: take outputs=labels"
            )
        return cls("labels" if kind == "labels" or not nested else "regions", chosen)

    @property
    def names(self) -> tuple[str, ...]:
        """The channels' names; of labels without the background, which comes first."""
        labels = tuple(self.convention.labels)
        return labels if self.kind == "labels" or len(labels) == 1 else _NESTED

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.names) + (self.kind == "labels")

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Return the target of a mask, bool, shape (channels, z, y, x)."""
        known = self.convention
        if self.kind == "labels":
            values = [0, *known.labels.values()]
            return np.stack([labels == value for value in values])
        if len(self.names) == 1:
            return (labels == next(iter(known.labels.values())))[None]
        return np.stack([np.isin(labels, known.regions[name]) for name in self.names])

    def probabilities(self, logits: torch.Tensor) -> torch.Tensor:
        """Return what the network is sure of, (N, channels, ...) in 0..1."""
        if self.kind == "labels":
            return torch.softmax(logits.float(), dim=1)
        return torch.sigmoid(logits.float())

    def decode(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Return labels, uint8, of probabilities (channels, ...)."""
        known = self.convention.labels
        if self.kind == "labels":
            table = torch.tensor([0, *known.values()], dtype=torch.uint8)
            return table[probabilities.argmax(dim=0).cpu()]
        result = torch.zeros(probabilities.shape[1:], dtype=torch.uint8)
        inside: Any = True
        for name, chance in zip(self.names, probabilities.cpu(), strict=True):
            inside = (chance > 0.5) & inside
            label = next(iter(known.values())) if len(known) == 1 else known[_PAINT[name]]
            result[inside] = label
        return result

    def tumour(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Return the chance of any tumour, shape (...), of probabilities (channels, ...)."""
        return 1 - probabilities[0] if self.kind == "labels" else probabilities[0]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, for :meth:`from_dict`."""
        return {
            "kind": self.kind,
            "convention": self.convention.name,
            # in the order of the channels, which a mapping in a file need not keep
            "labels": [[name, value] for name, value in self.convention.labels.items()],
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Outputs:
        """Return what :meth:`as_dict` was given."""
        return cls(stored["kind"], LabelConvention(stored["convention"], dict(stored["labels"])))
