"""How sequences, features and the terms of models are written for a reader."""

from __future__ import annotations

from gliofuse.cohort import SEQUENCES
from gliofuse.features import FeatureName

__all__ = ["feature_label", "sequence_label"]

_GAP = " · "


def sequence_label(name: str) -> str:
    """Return a sequence's name as a reader would write it; several are joined by ``+``.

    Examples
    --------
    >>> sequence_label("t1+t1ce"), sequence_label("table")
    ('T1+T1ce', 'table')
    """
    parts = name.split("+")
    return "+".join(SEQUENCES[part].label if part in SEQUENCES else part for part in parts)


def feature_label(name: str) -> str:
    """Return a feature's column name with its parts spaced for reading.

    Examples
    --------
    >>> feature_label("t1ce.whole.wavelet-LLH_glcm_Contrast")
    'T1ce · whole · wavelet-LLH · glcm · Contrast'
    >>> feature_label("age_years")
    'age_years'
    """
    feature = FeatureName.parse_or_none(name)
    if feature is None:
        return name
    stem = [feature.stem]
    if feature.image is not None:
        stem = [feature.image, str(feature.family), str(feature.feature)]
    elif feature.network is not None:
        stem = [feature.network, str(feature.number)]
    return _GAP.join([sequence_label(feature.sequence), feature.region, *stem])
