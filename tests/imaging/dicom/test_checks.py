"""What is written is checked against the headers, and holds no text."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace

import numpy as np
import pytest

from gliofuse.imaging import Volume

pytest.importorskip("pydicom")

from gliofuse.imaging.dicom.conversion import _fault
from gliofuse.imaging.dicom.frames import read_folder
from gliofuse.imaging.dicom.nifti import write_without_text
from gliofuse.imaging.dicom.program import Converted
from gliofuse.imaging.dicom.stacks import stacks_of

from .made_dicom import T2, head, write_series


def test_a_nifti_file_keeps_its_voxels_and_loses_its_words(tmp_path):
    truth = head(1, degrees=9.0)
    truth.write(tmp_path / "a.nii")
    content = bytearray((tmp_path / "a.nii").read_bytes())
    start = int(struct.unpack_from("<f", content, 108)[0])
    for place, text in ((148, b"Time=101530"), (228, b"Mueller"), (14, b"MRN-1")):
        content[place : place + len(text)] = text
    extension = struct.pack("<ii", 32, 6) + b"Sauerbruch".ljust(24, b"\0")
    struct.pack_into("<f", content, 108, float(start + len(extension)))
    content[348:352] = b"\1\0\0\0"
    worded = bytes(content[:start]) + extension + bytes(content[start:])
    (tmp_path / "b.nii").write_bytes(worded)
    write_without_text(tmp_path / "b.nii", tmp_path / "c.nii.gz")
    left = gzip.decompress((tmp_path / "c.nii.gz").read_bytes())
    for text in (b"Time", b"Mueller", b"MRN-1", b"Sauerbruch"):
        assert text in worded
        assert text not in left
    found = Volume.read(tmp_path / "c.nii.gz")
    assert found.same_geometry(truth)
    np.testing.assert_array_equal(found.array, truth.array)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda volume: volume, None),
        (
            lambda volume: replace(volume, origin_mm=(-9, 4, 8)),
            "its corners lie 1.00 mm from where the headers say",
        ),
        (
            lambda volume: replace(volume, spacing_mm=(9.5, 1.5, 1.3)),
            "its corners lie 0.55 mm from where the headers say",
        ),
        (
            lambda volume: replace(volume, array=volume.array[1:]),
            "8 x 12 x 14 voxels instead of 9 x 12 x 14",
        ),
    ],
)
def test_an_image_that_lies_elsewhere_is_refused(tmp_path, change, fault):
    truth = head(1, degrees=9.0)
    write_series(tmp_path / "dicom", truth, T2)
    stack = stacks_of(read_folder(tmp_path / "dicom").files)[0]
    change(truth).write(tmp_path / "image.nii")
    assert _fault(stack, Converted(tmp_path / "image.nii", {}), False) == fault
