"""The published designs, one file each, and the way to name one."""

from __future__ import annotations

from gliofuse.designs.base import Design, DesignSettings, FittedDesign, Paper, parse_settings
from gliofuse.designs.context import Available, FitContext
from gliofuse.designs.registry import DESIGNS, find_design

__all__ = [
    "DESIGNS",
    "Available",
    "Design",
    "DesignSettings",
    "FitContext",
    "FittedDesign",
    "Paper",
    "find_design",
    "parse_settings",
]
