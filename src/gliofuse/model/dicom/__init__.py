"""A patient's mask and prediction as DICOM objects, for the archive that the images came from.

Needs the extra ``dicom`` (pydicom, highdicom, dicomweb-client), which is loaded when first used.
Names, birth date and numbers of the patient are copied from the source images: an archive files
a derived object by them. What is written here is therefore as confidential as the images.
"""

from gliofuse.model.dicom.measurements import PredictedValue, Prediction, make_report
from gliofuse.model.dicom.results import write_dicom_results
from gliofuse.model.dicom.segmentation import make_segmentation, mask_on_series
from gliofuse.model.dicom.source import SourceSeries, read_source
from gliofuse.model.dicom.terms import ModelIdentity, volumes_mm3

__all__ = [
    "ModelIdentity",
    "PredictedValue",
    "Prediction",
    "SourceSeries",
    "make_report",
    "make_segmentation",
    "mask_on_series",
    "read_source",
    "volumes_mm3",
    "write_dicom_results",
]
