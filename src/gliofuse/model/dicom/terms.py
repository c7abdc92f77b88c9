"""Coded terms of regions and results, and who a model is, for DICOM objects."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gliofuse.imaging import LabelConvention, Volume
from gliofuse.optional import require

__all__ = [
    "EXTRA",
    "NOT_FOR_CARE",
    "OWN_SCHEME",
    "ModelIdentity",
    "own_code",
    "region_type",
    "tracking_uid",
    "volumes_mm3",
]

EXTRA = "dicom"
NOT_FOR_CARE = "For research only, not for clinical use"
OWN_SCHEME = "99GLIOFUSE"
_CODE_LENGTH, _MEANING_LENGTH = 16, 64


@dataclass(frozen=True)
class ModelIdentity:
    """Which model made a result.

    Parameters
    ----------
    name, version : str
    checksum : str
        Of the model's folder, so that it can be told which file made a result; blank if unknown.
    """

    name: str
    version: str
    checksum: str = ""

    def parameters(self) -> dict[str, str]:
        """Return what is written as the algorithm's parameters."""
        known = {"checksum": self.checksum} if self.checksum else {}
        return {**known, "use": NOT_FOR_CARE}


def region_type(name: str) -> Any:
    """Return the coded type of a mask's label.

    Necrosis, edema and enhancing lesion are the terms of DICOM's context groups for segmented
    brain lesions (CID 7168, 7169); any other label is a neoplasm.
    """
    codes = require("pydicom.sr.codedict", extra=EXTRA).codes
    known = {
        "necrosis": codes.SCT.Necrosis,
        "edema": codes.SCT.Edema,
        "enhancing": codes.NCIt.EnhancingLesion,
    }
    return known.get(name, codes.SCT.Neoplasm)


def own_code(value: str, meaning: str) -> Any:
    """Return a term of gliofuse's own coding scheme, cut to what DICOM allows."""
    highdicom = require("highdicom.sr", extra=EXTRA)
    return highdicom.CodedConcept(
        value[:_CODE_LENGTH], OWN_SCHEME, " ".join(meaning.split())[:_MEANING_LENGTH]
    )


def tracking_uid(series_uid: str, region: str) -> str:
    """Return the UID by which a region of a series is known in every object, again the same."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'{series_uid} {region}').int}"


def volumes_mm3(mask: Volume, convention: LabelConvention) -> Mapping[str, float]:
    """Return the volume of each label of a mask, in mm³; 0 for one that does not occur."""
    counts = np.bincount(np.asarray(mask.array, dtype=np.int64).ravel())
    return {
        name: float(counts[label] if label < len(counts) else 0) * mask.voxel_volume_mm3
        for name, label in convention.labels.items()
    }
