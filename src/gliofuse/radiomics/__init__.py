"""Radiomic features with PyRadiomics' names and values, computed on the cropped region.

>>> from gliofuse.radiomics import RadiomicsExtractor
>>> extractor = RadiomicsExtractor.from_params({"featureClass": {"shape": []}})
"""

from typing import TYPE_CHECKING, Any

from gliofuse.radiomics.settings import PRESETS, RadiomicsSettings, Setting

if TYPE_CHECKING:
    from gliofuse.radiomics.cohort import extract_case, extract_cohort
    from gliofuse.radiomics.extractor import RadiomicsExtractor, RadiomicsWarning

__all__ = [
    "PRESETS",
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
        from gliofuse.radiomics import cohort

        return getattr(cohort, name)
    if name in ("RadiomicsExtractor", "RadiomicsWarning"):
        from gliofuse.radiomics import extractor

        return getattr(extractor, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
