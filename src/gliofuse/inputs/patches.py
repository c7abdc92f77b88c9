"""Three-dimensional patches around the tumour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gliofuse.inputs._arrays import ArrayInput
from gliofuse.inputs.base import Source

if TYPE_CHECKING:
    from gliofuse.deep.data.patches import PatchSettings
    from gliofuse.deep.data.store import StorePlan

__all__ = ["TumourPatches"]


@dataclass(frozen=True, eq=False)
class TumourPatches(ArrayInput):
    """Three-dimensional patches around the tumour, one a patient.

    Parameters
    ----------
    settings : PatchSettings
        What part of the volume, at what size.
    region : str
        Region expression over the mask's labels.
    sequences : tuple of str
        The channels, in this order.
    """

    what: ClassVar[str] = "patches"

    settings: PatchSettings
    region: str
    sequences: tuple[str, ...]

    def plan(self, source: Source) -> StorePlan[Any]:
        """Return how the patches are cut, and where they are kept."""
        from gliofuse.deep.data.patches import patch_plan

        return patch_plan(
            self.sequences,
            self.region,
            source.convention,
            self.settings,
            cache_dir=source.folder("arrays"),
        )
