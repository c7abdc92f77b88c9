"""Bringing results back to the space that a scan was taken in."""

from __future__ import annotations

import os
from pathlib import Path

from gliofuse.imaging import Volume, check_same_geometry, read_mask
from gliofuse.preprocessing.record import CaseRecord
from gliofuse.preprocessing.resampling import resample

__all__ = ["to_native"]


def to_native(
    mask: str | os.PathLike[str], patient: str | os.PathLike[str], sequence: str
) -> Volume:
    """Return a mask that lies on a preprocessed patient's grid on a scan's own voxels.

    Parameters
    ----------
    mask : path
        Labels, on the grid of the patient's preprocessed images.
    patient : path
        The patient's folder.
    sequence : str
        Whose scan.

    Raises
    ------
    InputError
        If the folder holds no preprocessed patient, or the patient no such sequence.
    GeometryError
        If the mask does not lie on the patient's grid.
    """
    record = CaseRecord.read(patient)
    transform = record.transform(sequence)
    labels = read_mask(mask)
    image = Path(patient) / record.files[sequence]
    check_same_geometry(labels, Volume.read(image), str(mask), str(image))
    scan = record.sources[sequence].empty()
    return resample(labels, scan, transform.inverse, how="nearest")
