"""Radiomic features with PyRadiomics' names and values, computed on the cropped region.

>>> from gliofuse.radiomics import RadiomicsExtractor
>>> extractor = RadiomicsExtractor.from_params({"featureClass": {"shape": []}})
"""

# from gliofuse.radiomics.cohort import extract_case, extract_cohort
from gliofuse.radiomics.extractor import RadiomicsExtractor, RadiomicsWarning
from gliofuse.radiomics.settings import PRESETS, RadiomicsSettings, Setting

__all__ = [
    "PRESETS",
    "RadiomicsExtractor",
    "RadiomicsSettings",
    "RadiomicsWarning",
    "Setting",
    "extract_case",
    "extract_cohort",
]
