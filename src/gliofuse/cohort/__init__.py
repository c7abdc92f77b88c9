"""Who is in the study: patients, manifests, data-set layouts, endpoints and splits."""

from gliofuse.cohort.case import SEQUENCES, Case, Cohort
from gliofuse.cohort.clinical import join_clinical
from gliofuse.cohort.endpoints import (
    BinaryEndpoint,
    Endpoint,
    SurvivalEndpoint,
    endpoint_from_dict,
    parse_endpoint,
)
from gliofuse.cohort.manifest import read_manifest, write_manifest
from gliofuse.cohort.scan import Scan, scan_folder
from gliofuse.cohort.splits import Fold, SplitSettings, make_folds

__all__ = [
    "SEQUENCES",
    "BinaryEndpoint",
    "Case",
    "Cohort",
    "Endpoint",
    "Fold",
    "Scan",
    "SplitSettings",
    "SurvivalEndpoint",
    "endpoint_from_dict",
    "join_clinical",
    "make_folds",
    "parse_endpoint",
    "read_manifest",
    "scan_folder",
    "write_manifest",
]
