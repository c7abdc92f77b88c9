"""DICOM files as a scanner writes them, from a volume: classic slices and enhanced multi-frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from gliofuse.imaging import Volume

MR, ENHANCED_MR, CT, CAPTURE = (
    "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.7",
)  # fmt: skip

PHI = {
    "PatientName": "Sauerbruch^Ferdinand", "PatientID": "MRN-7788123",
    "PatientBirthDate": "19510703", "PatientAddress": "Ziegelgasse 9",
    "ReferringPhysicianName": "Virchow^Rudolf",
    "OperatorsName": "Koch^Robert", "InstitutionName": "Klinikum Musterstadt",
    "InstitutionAddress": "Domplatz 3", "AccessionNumber": "ACC4711", "StudyID": "ST99",
    "StationName": "MRZIMMER2", "DeviceSerialNumber": "45193", "ImageComments": "claustrophobic",
    "StudyDescription": "Schaedel Sauerbruch", "RequestingPhysician": "Charcot^Jean",
}  # fmt: skip
"""Everything in here must be found in no output."""

SECRETS = (
    "sauerbruch", "ferdinand", "7788123", "19510703", "ziegelgasse", "virchow", "koch",
    "musterstadt", "domplatz", "acc4711", "st99", "mrzimmer2", "45193", "claustrophobic",
    "schaedel", "charcot", "20240229", "2024-02-29", "101530", "10:15:30",
)  # fmt: skip

T1 = {
    "SeriesDescription": "t1_se_tra", "ScanningSequence": "SE", "SequenceVariant": "SP",
    "MRAcquisitionType": "2D", "RepetitionTime": 550, "EchoTime": 12, "FlipAngle": 90,
    "EchoTrainLength": 1,
}  # fmt: skip
T1CE = {**T1, "SeriesDescription": "t1_se_tra KM", "ContrastBolusAgent": "Gadovist"}
T2 = {**T1, "SeriesDescription": "t2_tse_tra", "RepetitionTime": 5000, "EchoTime": 100}
FLAIR = {
    **T1, "SeriesDescription": "t2_tirm_tra_dark-fluid", "ScanningSequence": ["SE", "IR"],
    "RepetitionTime": 9000, "EchoTime": 90, "InversionTime": 2500,
}  # fmt: skip
MPRAGE = {
    "SeriesDescription": "t1_mprage_sag", "ScanningSequence": ["GR", "IR"],
    "SequenceVariant": ["SP", "MP"], "MRAcquisitionType": "3D", "RepetitionTime": 2300,
    "EchoTime": 2.98, "InversionTime": 900, "FlipAngle": 9,
}  # fmt: skip


def head(seed=0, shape=(9, 14, 12), spacing=(9.5, 1.5, 1.25), degrees=0.0, origin=(-9.0, 4.0, 7.0)):
    """A volume of whole numbers without any symmetry, turned about an oblique axis."""
    generator = np.random.default_rng(seed)
    array = generator.integers(1, 900, shape).astype(np.int16)
    return Volume(array, spacing, origin, rotation(degrees))


def rotation(degrees, axis=(1.0, 0.4, -0.3)):
    """A rotation matrix by Rodrigues' formula."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def uid(*parts):
    return generate_uid(entropy_srcs=[str(part) for part in parts])


def write_series(
    folder, volume, tags, *, number=1, patient=None, study="study", series=None, minute=0,
    day="20240229", leave_out=(), shift_mm=None, sop_class=MR, first_instance=1,
):  # fmt: skip
    """Write one file a slice; returns their paths.

    ``leave_out`` names slices not written, ``shift_mm`` moves each slice by its number times this.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for index in range(volume.shape[0]):
        if index in leave_out:
            continue
        position = volume.index_to_point((index, 0, 0)) + index * np.array(shift_mm or (0, 0, 0))
        dataset = _dataset(
            patient, study, series or number, tags, number, minute, day, sop_class,
            instance=first_instance + index,
        )  # fmt: skip
        dataset.ImagePositionPatient = [f"{value:.8g}" for value in position]
        dataset.ImageOrientationPatient = [f"{value:.8f}" for value in _orientation(volume)]
        dataset.PixelSpacing = list(volume.spacing_mm[1:])
        dataset.SliceThickness = volume.spacing_mm[0]
        _pixels(dataset, volume.array[index])
        path = folder / f"{number:03}-{first_instance + index:04}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        written.append(path)
    return written


def write_enhanced(folder, volume, tags, *, number=1, patient=None, study="study", echoes=None):
    """Write one enhanced MR file with all slices (of every echo in ``echoes``, given in ms)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    flat = {
        name: value for name, value in tags.items()
        if name in ("SeriesDescription", "MRAcquisitionType", "ContrastBolusAgent")
    }  # fmt: skip
    dataset = _dataset(patient, study, number, flat, number, 0, "20240229", ENHANCED_MR, instance=1)
    scanning = tags["ScanningSequence"]
    dataset.EchoPulseSequence = "GRADIENT" if "GR" in scanning else "SPIN"
    dataset.EchoPlanarPulseSequence = "NO"
    dataset.AcquisitionContrast = "UNKNOWN"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
    echoes = echoes or [tags["EchoTime"]]
    planes = [(echo, index) for echo in range(len(echoes)) for index in range(volume.shape[0])]
    dataset.NumberOfFrames = len(planes)
    dataset.SharedFunctionalGroupsSequence = [_shared(volume, tags)]
    dataset.PerFrameFunctionalGroupsSequence = [
        _per_frame(volume, index, echo, echoes[echo]) for echo, index in planes
    ]
    _dimensions(dataset)
    _pixels(dataset, np.stack([volume.array[index] + 1000 * echo for echo, index in planes]))
    path = folder / f"enhanced-{number:03}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def _shared(volume, tags):
    group = Dataset()
    measures = Dataset()
    measures.PixelSpacing = list(volume.spacing_mm[1:])
    measures.SliceThickness = measures.SpacingBetweenSlices = volume.spacing_mm[0]
    group.PixelMeasuresSequence = [measures]
    plane = Dataset()
    plane.ImageOrientationPatient = [f"{value:.8f}" for value in _orientation(volume)]
    group.PlaneOrientationSequence = [plane]
    timing = Dataset()
    timing.RepetitionTime, timing.FlipAngle = tags["RepetitionTime"], tags["FlipAngle"]
    timing.EchoTrainLength = 1
    group.MRTimingAndRelatedParametersSequence = [timing]
    modifier = Dataset()
    modifier.InversionRecovery = "YES" if "InversionTime" in tags else "NO"
    if "InversionTime" in tags:
        modifier.InversionTimes = [float(tags["InversionTime"])]
    modifier.Spoiling = "RF"
    group.MRModifierSequence = [modifier]
    kind = Dataset()
    kind.FrameType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
    group.MRImageFrameTypeSequence = [kind]
    values = Dataset()
    values.RescaleIntercept, values.RescaleSlope, values.RescaleType = 0, 1, "US"
    group.PixelValueTransformationSequence = [values]
    return group


def _per_frame(volume, index, echo, te):
    group = Dataset()
    content = Dataset()
    content.StackID, content.InStackPositionNumber = "1", index + 1
    content.DimensionIndexValues = [1, index + 1, echo + 1]
    group.FrameContentSequence = [content]
    plane = Dataset()
    plane.ImagePositionPatient = [f"{value:.8g}" for value in volume.index_to_point((index, 0, 0))]
    group.PlanePositionSequence = [plane]
    timing = Dataset()
    timing.EffectiveEchoTime = float(te)
    group.MREchoSequence = [timing]
    return group


def _dimensions(dataset):
    organisation = Dataset()
    organisation.DimensionOrganizationUID = generate_uid()
    dataset.DimensionOrganizationSequence = [organisation]
    items = []
    content, echo = 0x00209111, 0x00189114
    for pointer, group in (
        (0x00209056, content),
        (0x00209057, content),
        (0x00189082, echo),
    ):
        item = Dataset()
        item.DimensionOrganizationUID = organisation.DimensionOrganizationUID
        item.DimensionIndexPointer, item.FunctionalGroupPointer = pointer, group
        items.append(item)
    dataset.DimensionIndexSequence = Sequence(items)


def _orientation(volume):
    return [*volume.direction[:, 0], *volume.direction[:, 1]]


def _dataset(patient, study, series, tags, number, minute, day, sop_class, *, instance):
    person = {**PHI, **(patient or {})}
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    owner = person["PatientID"]
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = sop_class
    dataset.SOPInstanceUID = uid(owner, study, series, instance, number)
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = (
        uid(owner, study),
        uid(owner, study, series),
    )
    dataset.FrameOfReferenceUID = uid(owner, study, "frame")
    clock = f"{10 + (15 + minute) // 60:02}{(15 + minute) % 60:02}30"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime = "101530"
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = clock
    dataset.Modality, dataset.Manufacturer = "MR", "SIEMENS"
    dataset.ManufacturerModelName, dataset.MagneticFieldStrength = "Skyra", 3
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.AcquisitionNumber = number, instance, 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.PatientPosition = "HFS"
    for name, value in {**person, **tags}.items():
        setattr(dataset, name, value)
    return dataset


def _pixels(dataset, array):
    dataset.Rows, dataset.Columns = array.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 1
    dataset.PixelData = np.ascontiguousarray(array, dtype="<i2").tobytes()


def damage(path, keep):
    """Cut a file after ``keep`` bytes (from the end where it is negative)."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[:keep])
