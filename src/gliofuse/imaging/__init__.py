"""Volumes: reading, geometry, grey values, regions, crops and quality pictures.

Arrays are (z, y, x); points are LPS millimetres (x, y, z). SimpleITK is loaded when a file is
first read, matplotlib when a picture is first drawn.
"""

from gliofuse.imaging._reading import read_once
from gliofuse.imaging.boxes import Box, bounding_box, extent, pad_box
from gliofuse.imaging.cohort_labels import cohort_convention, labels_present
from gliofuse.imaging.finite import check_finite, count_not_finite
from gliofuse.imaging.images import CaseImages, load_case, read_mask
from gliofuse.imaging.intensity import Normalisation, brain_mask, normalise, normalise_volume
from gliofuse.imaging.labels import (
    CONVENTIONS,
    LabelConvention,
    available_regions,
    detect_convention,
    get_convention,
)
from gliofuse.imaging.orientation import Orientation, to_lps
from gliofuse.imaging.pictures import CasePicture, case_picture, contact_sheet, mark_sides
from gliofuse.imaging.quantitative import check_unit
from gliofuse.imaging.regions import parse_region, region_mask
from gliofuse.imaging.volume import (
    DIRECTION_TOLERANCE,
    ORIGIN_TOLERANCE_MM,
    SPACING_TOLERANCE_MM,
    Volume,
    check_same_geometry,
)

__all__ = [
    "CONVENTIONS",
    "DIRECTION_TOLERANCE",
    "ORIGIN_TOLERANCE_MM",
    "SPACING_TOLERANCE_MM",
    "Box",
    "CaseImages",
    "CasePicture",
    "LabelConvention",
    "Normalisation",
    "Orientation",
    "Volume",
    "available_regions",
    "bounding_box",
    "brain_mask",
    "case_picture",
    "check_finite",
    "check_same_geometry",
    "check_unit",
    "cohort_convention",
    "contact_sheet",
    "count_not_finite",
    "detect_convention",
    "extent",
    "get_convention",
    "labels_present",
    "load_case",
    "mark_sides",
    "normalise",
    "normalise_volume",
    "pad_box",
    "parse_region",
    "read_mask",
    "read_once",
    "region_mask",
    "to_lps",
]
