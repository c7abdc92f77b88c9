"""A head-sized synthetic patient: four sequences, one mask, made from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

SHAPE_ZYX = (155, 240, 240)
SEQUENCES = ("t1", "t1ce", "t2", "flair")


def make_patient(
    folder: Path, *, voxels: int = 70_000, dtype: str = "int16", seed: int = 7
) -> dict[str, Path]:
    """Write ``t1`` ... ``flair`` and ``mask`` as NIfTI files (1 mm voxels) and return their paths.

    The head is an ellipsoid on a background of 0; the region is the ``voxels`` best voxels of a
    bumpy ball off its middle, so that its surface is as irregular as a tumour's.
    """
    import SimpleITK as sitk

    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SHAPE_ZYX), indexing="ij")
    head = ((z - 77) / 66) ** 2 + ((y - 120) / 88) ** 2 + ((x - 120) / 70) ** 2 < 1
    bumps = ndimage.gaussian_filter(rng.normal(size=SHAPE_ZYX).astype(np.float32), 4)
    distance = np.sqrt((z - 88) ** 2 + (y - 135) ** 2 + (x - 142) ** 2)
    score = np.where(head, distance - 90 * bumps, np.inf)
    region = score <= np.partition(score.ravel(), voxels - 1)[voxels - 1]
    coarse = ndimage.gaussian_filter(rng.normal(size=SHAPE_ZYX).astype(np.float32), 6)
    paths = {}
    for number, name in enumerate(SEQUENCES):
        fine = ndimage.gaussian_filter(rng.normal(size=SHAPE_ZYX).astype(np.float32), 0.8)
        values = 420 + 60 * number + 3000 * coarse + 260 * fine + (40 + 60 * number) * region
        values = np.where(head, np.clip(values, 1, 4000), 0)
        paths[name] = folder / f"{name}.nii.gz"
        sitk.WriteImage(sitk.GetImageFromArray(values.astype(dtype)), str(paths[name]))
    paths["mask"] = folder / "mask.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(region.astype(np.uint8)), str(paths["mask"]))
    return paths
