"""Axial slices of the tumour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gliofuse.inputs._arrays import ArrayInput
from gliofuse.inputs.base import Source

if TYPE_CHECKING:
    from gliofuse.deep.data.slices import SliceSettings
    from gliofuse.deep.data.store import StorePlan

__all__ = ["TumourSlices"]


@dataclass(frozen=True, eq=False)
class TumourSlices(ArrayInput):
    """Axial slices of the tumour, cut once a patient.

    Parameters
    ----------
    settings : SliceSettings
        Which slices, what part of the plane, at what size.
    region : str
        Region expression over the mask's labels.
    sequences : tuple of str
        The channels, in this order.
    """

    what: ClassVar[str] = "slices"

    settings: SliceSettings
    region: str
    sequences: tuple[str, ...]

    def plan(self, source: Source) -> StorePlan[Any]:
        """Return how the slices are cut, and where they are kept."""
        from gliofuse.deep.data.slices import slice_plan

        return slice_plan(
            self.sequences,
            self.region,
            source.convention,
            self.settings,
            cache_dir=source.folder("arrays"),
        )
