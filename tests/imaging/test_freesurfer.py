"""FreeSurfer's images stand where the same NIfTI stands."""

from __future__ import annotations

import numpy as np
import pytest

from gliofuse.errors import ImageError
from gliofuse.imaging import Volume


def test_mgz_is_read_as_the_nifti_that_it_was(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    rng = np.random.default_rng(0)
    angle = np.deg2rad(17)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-0.9, 1.1, 3.0])
    affine[:3, 3] = (12.5, -33.0, 7.0)
    data = rng.integers(0, 900, (7, 6, 5)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(data, affine), tmp_path / "a.nii.gz")
    nibabel.save(nibabel.MGHImage(data, affine), tmp_path / "a.mgz")
    nifti, freesurfer = Volume.read(tmp_path / "a.nii.gz"), Volume.read(tmp_path / "a.mgz")
    assert freesurfer.same_geometry(nifti)
    np.testing.assert_array_equal(freesurfer.array, nifti.array)
    (tmp_path / "b.mgz").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"b\.mgz: not a readable image"):
        Volume.read(tmp_path / "b.mgz")
    with pytest.raises(ImageError, match="must end in one of"):
        nifti.write(tmp_path / "c.mgz")
