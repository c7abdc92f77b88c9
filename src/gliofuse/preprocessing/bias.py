"""The slow shading that coils leave over an image, estimated on a coarse grid and divided out."""

from __future__ import annotations

import numpy as np

from gliofuse.errors import PreprocessingError
from gliofuse.imaging import Volume, bounding_box
from gliofuse.preprocessing.head import shrunken
from gliofuse.preprocessing.resampling import resample
from gliofuse.preprocessing.transforms import Affine

__all__ = ["bias_field", "correct_bias"]

# Iterations by level; the knots' distance is halved from one to the next. N4's own four levels
# begin with knots as far apart as the head is wide and take ten times as long to the same field.
_ITERATIONS = (30, 25)
_CONTROL_POINTS = (6, 6, 6)


def bias_field(
    volume: Volume, mask: Volume, *, spacing_mm: float = 5.0, threads: int = 2
) -> Volume:
    """Return the multiplicative field of a scan on the scan's own grid, by N4.

    Parameters
    ----------
    volume : Volume
        Grey values from 0 up.
    mask : Volume
        Tissue to estimate it from, in the same space on any grid; brain alone is best, as fat and
        muscle have grey values of their own.
    spacing_mm : float
        Of the grid that it is estimated on. A field is smooth: finer grids take minutes and
        change little.
    threads : int

    Returns
    -------
    Volume
        float32, with a geometric mean of 1 over the mask.

    Raises
    ------
    PreprocessingError
        If the mask holds no voxel with a grey value.

    References
    ----------
    Tustison NJ et al. N4ITK: improved N3 bias correction. IEEE Trans Med Imaging
    2010;29:1310-1320.
    """
    import SimpleITK as sitk

    whole = shrunken(volume, spacing_mm)
    inside = resample(mask, whole, Affine.identity(), how="nearest").array > 0
    inside &= whole.array > 0
    if not inside.any():
        raise PreprocessingError("bias field: no tissue to estimate it from; look at the mask")
    small = whole.crop(bounding_box(inside))
    inside = inside[bounding_box(inside)]
    positive = np.maximum(small.array, 1e-3 * float(small.array[inside].mean()))
    corrector = sitk.N4BiasFieldCorrectionImageFilter()
    corrector.SetMaximumNumberOfIterations(_ITERATIONS)
    corrector.SetNumberOfControlPoints(_CONTROL_POINTS)
    corrector.SetConvergenceThreshold(5e-4)
    corrector.SetNumberOfThreads(threads)
    image = small.with_array(positive).to_sitk()
    corrector.Execute(image, small.with_array(inside).to_sitk())
    log_field = sitk.GetArrayFromImage(corrector.GetLogBiasFieldAsImage(image))
    log_field -= log_field[inside].mean()
    # Away from the tissue the splines are free to run off; nothing is there to be corrected.
    log_field = np.clip(log_field, log_field[inside].min(), log_field[inside].max())
    return volume.with_array(np.exp(_on(small.with_array(log_field.astype(np.float32)), volume)))


def correct_bias(volume: Volume, field: Volume) -> Volume:
    """Return the image divided by its field, as float32."""
    return volume.with_array(volume.array.astype(np.float32) / field.array)


def _on(small: Volume, volume: Volume) -> np.ndarray:
    """Sample a coarse field on a fine grid, its border values continued outwards."""
    from scipy import ndimage

    back = np.linalg.inv(small.direction)
    offset = back @ (np.array(volume.origin_mm) - np.array(small.origin_mm))
    scale = np.array(small.spacing_mm)
    steps = np.array(volume.spacing_mm) / scale  # both grids have the same axes
    return np.asarray(
        ndimage.affine_transform(
            small.array,
            steps,
            offset[::-1] / scale,
            output_shape=volume.shape,
            order=1,
            mode="nearest",
        )
    )
