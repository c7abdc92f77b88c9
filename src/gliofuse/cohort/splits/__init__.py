"""Which patients train and which test: by patient, stratified by class, from a seed.

The split depends on the set of patients, their classes and the seed alone, not on the order of
the manifest, so that designs compared on one cohort see identical patients.
"""

from __future__ import annotations

from gliofuse.cohort.splits.drawing import merged_strata
from gliofuse.cohort.splits.fold import Fold
from gliofuse.cohort.splits.groups import groups_of
from gliofuse.cohort.splits.make import make_folds
from gliofuse.cohort.splits.settings import DRAWN_SHARE, SplitSettings

__all__ = ["DRAWN_SHARE", "Fold", "SplitSettings", "groups_of", "make_folds", "merged_strata"]
