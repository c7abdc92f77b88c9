"""The published designs, one file each, and the way to name one."""

from __future__ import annotations

from gliofuse.designs.base import Design, DesignSettings, FittedDesign, Paper, parse_settings
from gliofuse.designs.inputs import (
    Available,
    CaseData,
    DeepFeatureRequest,
    FitContext,
    PatchRequest,
    RadiomicsRequest,
    Request,
    SliceRequest,
)
from gliofuse.designs.registry import DESIGNS, find_design

__all__ = [
    "DESIGNS",
    "Available",
    "CaseData",
    "DeepFeatureRequest",
    "Design",
    "DesignSettings",
    "FitContext",
    "FittedDesign",
    "Paper",
    "PatchRequest",
    "RadiomicsRequest",
    "Request",
    "SliceRequest",
    "find_design",
    "parse_settings",
]
