"""``imaging-clinical``: an imaging score of radiomic and pretrained deep features,
fused with clinical variables.

Features of the oedema, the enhancing tumour and both are reduced by t-test, LASSO and backward
elimination to nine imaging models; the best in cross-validation on the training patients gives
the imaging score, which a logistic model takes in together with clinical variables.
"""

from __future__ import annotations

from gliofuse.designs.imaging_clinical.design import (
    FittedImagingClinical,
    ImagingClinical,
    ImagingClinicalSettings,
)
from gliofuse.designs.imaging_clinical.paper import BANK, PAPER, REGIONS, SLICES

__all__ = [
    "BANK",
    "PAPER",
    "REGIONS",
    "SLICES",
    "FittedImagingClinical",
    "ImagingClinical",
    "ImagingClinicalSettings",
]
