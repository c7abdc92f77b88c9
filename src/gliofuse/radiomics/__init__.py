"""Radiomic features with PyRadiomics' names and values, computed on the cropped region.

>>> from gliofuse.radiomics import RadiomicsExtractor
>>> extractor = RadiomicsExtractor.from_params({"featureClass": {"shape": []}})
"""

from typing import TYPE_CHECKING, Any

from gliofuse.radiomics.parameters import (
    PRESETS,
    PYRADIOMICS_FAMILIES,
    RadiomicsSettings,
    Setting,
)

if TYPE_CHECKING:
    from gliofuse.radiomics.extractor import RadiomicsExtractor, RadiomicsWarning
    from gliofuse.radiomics.feature_table import extract_case, extract_cohort

__all__ = [
    "PRESETS",
    "PYRADIOMICS_FAMILIES",
    "RadiomicsExtractor",
    "RadiomicsSettings",
    "RadiomicsWarning",
    "Setting",
    "extract_case",
    "extract_cohort",
]


def __getattr__(name: str) -> Any:
    """Load on first use what reads images, so that settings alone stay light."""
    if name in ("extract_case", "extract_cohort"):
        from gliofuse.radiomics import feature_table

        return getattr(feature_table, name)
    if name in ("RadiomicsExtractor", "RadiomicsWarning"):
        from gliofuse.radiomics import extractor

        return getattr(extractor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
