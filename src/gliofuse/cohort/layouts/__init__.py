"""Data-set layouts, one file each; a new one is a class here and a line in ``LAYOUTS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gliofuse.cohort.layouts.base import FoundFile, Layout
from gliofuse.cohort.layouts.bids import Bids
from gliofuse.cohort.layouts.brats2020 import Brats2020
from gliofuse.cohort.layouts.brats2021 import Brats2021
from gliofuse.cohort.layouts.brats2023 import Brats2023
from gliofuse.cohort.layouts.flat import Flat
from gliofuse.cohort.layouts.pattern import Pattern
from gliofuse.cohort.layouts.plain import Plain
from gliofuse.cohort.layouts.tcia_brats import TciaBrats
from gliofuse.cohort.layouts.ucsf_pdgm import UcsfPdgm
from gliofuse.cohort.layouts.visits import Visits

__all__ = ["LAYOUTS", "FoundFile", "Layout", "Pattern"]

_CLASSES: tuple[Callable[[], Layout], ...] = (
    Brats2020,
    Brats2021,
    Brats2023,
    UcsfPdgm,
    TciaBrats,
    Bids,
    Flat,
    Visits,
    Plain,
)

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {layout.name: layout for layout in (make() for make in _CLASSES)}
)
"""Every layout by name; the last three are no data set's own, and ``plain`` is the fallback."""
