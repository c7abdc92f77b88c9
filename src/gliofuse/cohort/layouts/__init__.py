"""Data-set layouts, one file each; a new one is a class here and a line in ``LAYOUTS``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gliofuse.cohort.layouts.base import FoundFile, Layout
from gliofuse.cohort.layouts.bids import Bids
from gliofuse.cohort.layouts.brats2020 import Brats2020
from gliofuse.cohort.layouts.brats2021 import Brats2021
from gliofuse.cohort.layouts.brats2023 import Brats2023
from gliofuse.cohort.layouts.plain import Plain
from gliofuse.cohort.layouts.tcia_brats import TciaBrats
from gliofuse.cohort.layouts.ucsf_pdgm import UcsfPdgm

__all__ = ["LAYOUTS", "FoundFile", "Layout"]

_CLASSES: tuple[type[Layout], ...] = (
    Brats2020,
    Brats2021,
    Brats2023,
    UcsfPdgm,
    TciaBrats,
    Bids,
    Plain,
)

LAYOUTS: Mapping[str, Layout] = MappingProxyType({kind.name: kind() for kind in _CLASSES})
"""Every layout by name; ``plain`` comes last and is the fallback."""
