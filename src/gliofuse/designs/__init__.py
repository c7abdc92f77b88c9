"""The published designs, one file each, and the way to name one."""

from __future__ import annotations

from gliofuse.designs.framework.base import (
    Design,
    DesignSettings,
    FittedDesign,
    Paper,
    parse_settings,
)
from gliofuse.designs.framework.comparator import with_clinical_comparator
from gliofuse.designs.framework.context import Available, FitContext
from gliofuse.designs.framework.models import Model
from gliofuse.designs.framework.registry import DESIGNS, find_design
from gliofuse.designs.framework.state import FittedState

__all__ = [
    "DESIGNS",
    "Available",
    "Design",
    "DesignSettings",
    "FitContext",
    "FittedDesign",
    "FittedState",
    "Model",
    "Paper",
    "find_design",
    "parse_settings",
    "with_clinical_comparator",
]
