"""DICOM: which series a folder holds, which sequence each is, and their conversion to NIfTI.

Needs the extra ``dicom`` (pydicom, dcm2niix), which is loaded when a folder is read. Nothing that
is written names a person, except the key, which stays with the user.
"""

from gliofuse.imaging.dicom.choices import Choices, read_choices
from gliofuse.imaging.dicom.clinical import pseudonymise_table
from gliofuse.imaging.dicom.conversion import Conversion, convert
from gliofuse.imaging.dicom.header import SeriesHeader, read_header
from gliofuse.imaging.dicom.listing import COLUMNS, Listing, default_key_path, list_series
from gliofuse.imaging.dicom.proposal import Proposal, propose
from gliofuse.imaging.dicom.pseudonyms import Key, open_key

__all__ = [
    "COLUMNS",
    "Choices",
    "Conversion",
    "Key",
    "Listing",
    "Proposal",
    "SeriesHeader",
    "convert",
    "default_key_path",
    "list_series",
    "open_key",
    "propose",
    "pseudonymise_table",
    "read_choices",
    "read_header",
]
