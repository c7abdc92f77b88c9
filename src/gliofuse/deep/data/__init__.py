"""Slices and patches of the tumour, cut once per patient and memory-mapped, and their data sets.

The unit is the patient: data sets are made from case ids, never from slice numbers.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gliofuse.deep.data.augmentation import Augmentation, augmentation_preset
    from gliofuse.deep.data.dataset import CaseDataset
    from gliofuse.deep.data.geometry import ItemGeometry, put_back
    from gliofuse.deep.data.patches import PatchSettings, PatchStore, build_patches
    from gliofuse.deep.data.slices import SliceSettings, SliceStore, build_slices

__all__ = [
    "Augmentation",
    "CaseDataset",
    "ItemGeometry",
    "PatchSettings",
    "PatchStore",
    "SliceSettings",
    "SliceStore",
    "augmentation_preset",
    "build_patches",
    "build_slices",
    "put_back",
]

_HOME = {
    "Augmentation": "augmentation",
    "augmentation_preset": "augmentation",
    "CaseDataset": "dataset",
    "ItemGeometry": "geometry",
    "put_back": "geometry",
    "PatchSettings": "patches",
    "PatchStore": "patches",
    "build_patches": "patches",
    "SliceSettings": "slices",
    "SliceStore": "slices",
    "build_slices": "slices",
}


def __getattr__(name: str) -> Any:  # torch loads with CaseDataset, not with the settings
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
