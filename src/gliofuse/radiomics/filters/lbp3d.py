"""Local binary patterns in three dimensions, by spherical harmonics, as PyRadiomics has them.

Round each voxel of the region the image is sampled on a sphere (cubic splines) and compared with
the centre. The pattern of ones is projected on spherical harmonics; the norm of its part of each
degree is one image (``lbp-3D-m1``, ``lbp-3D-m2``, ...), the kurtosis of the samples another
(``lbp-3D-k``).

The sphere's offsets are the same for every voxel, so the spline's weights are constants and the
64-point interpolation falls apart into three passes of four points, shared between vertices with
equal coordinates.

Kept from PyRadiomics 3.0.1: the two angles of the harmonics are swapped; vertices' x offsets the
z axis; samples of an integer image are rounded to integers; a sphere of equal samples has
kurtosis NaN; samples outside the volume count as 0.

References
----------
J. Banerjee et al., "3D LBP-based rotationally invariant region description", ACCV Workshops
(2012), doi:10.1007/978-3-642-37410-4_3.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.errors import SettingError
from gliofuse.radiomics.filters._icosphere import harmonics, icosphere
from gliofuse.radiomics.filters._patterns3d import BATCH, fill_patterns, prefilter
from gliofuse.radiomics.filters._window import Box, padded_box

__all__ = ["PAD_VOXELS", "local_binary_patterns_3d"]

PAD_VOXELS = 24
"""The spline's prefilter forgets by 0.268 a voxel: 24 voxels leave 2e-14."""


def local_binary_patterns_3d(
    image_zyx: NDArray[Any],
    box: Box,
    mask_box: NDArray[np.bool_],
    *,
    levels: int = 2,
    radius: float = 1.0,
    subdivisions: int = 1,
    pad_voxels: int = PAD_VOXELS,
) -> dict[str, NDArray[np.float64]]:
    """Return the images ``lbp-3D-m1`` ... ``lbp-3D-m<levels>`` and ``lbp-3D-k`` inside ``box``.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
        The whole volume. A float32 image is sampled in float32, an integer one in rounded
        integers, a float64 one in float64.
    box : tuple of three slices
    mask_box : ndarray of bool, shape of ``box``
        Voxels to compute; the others are 0.
    levels : int
        Number of degrees of the harmonics.
    radius : float
        Of the sphere, in voxels.
    subdivisions : int
        Of the icosahedron: 1 gives 42 samples.
    pad_voxels : int
        How far beyond the sphere the spline's coefficients are computed.

    Returns
    -------
    dict of ndarray of float64, shape of ``box``
        ``lbp-3D-k`` is NaN where all samples are equal.

    Raises
    ------
    SettingError
        If levels, radius or subdivisions are not allowed.
    """
    if levels < 1 or not radius > 0 or not 0 <= subdivisions <= 4:
        raise SettingError(
            "LBP3D needs lbp3DLevels >= 1, lbp3DIcosphereRadius > 0 and "
            f"0 <= lbp3DIcosphereSubdivision <= 4, got {levels!r}, {radius!r}, {subdivisions!r}"
        )
    vertices = icosphere(int(subdivisions), float(radius))
    functions = harmonics(vertices, float(radius), int(levels))
    reach = math.ceil(max(radius, 1.0)) + 2
    coefficients = _spline_coefficients(image_zyx, box, reach, pad_voxels)
    sample_type = np.float32 if image_zyx.dtype == np.float32 else np.float64
    limits = (-np.inf, np.inf)
    if np.issubdtype(image_zyx.dtype, np.integer):
        found = np.iinfo(image_zyx.dtype)
        limits = (float(found.min), float(found.max))
    out = np.zeros((levels + 1, *mask_box.shape))
    fill_patterns(
        coefficients,
        reach,
        np.ascontiguousarray(image_zyx[box]),
        np.ascontiguousarray(mask_box),
        np.array([extent.start for extent in box]),
        np.array(image_zyx.shape),
        *_sampling_plan(vertices),
        _degree_zero(len(vertices), functions[:, 0]),
        np.ascontiguousarray(functions[:, 1:].real),
        np.ascontiguousarray(functions[:, 1:].imag),
        limits,
        np.zeros((9, max(BATCH, mask_box.shape[2])), sample_type),
        np.finfo(sample_type).resolution,
        out,
    )
    images = {f"lbp-3D-m{level + 1}": out[level] for level in range(levels)}
    images["lbp-3D-k"] = out[levels]
    return images


def _degree_zero(count: int, y0: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the norm of the part of degree 0 for 0, 1, ..., ``count`` ones."""
    sums = np.concatenate([[0], np.cumsum(y0)])  # equal terms: only their number matters
    part = sums[:, None] * y0[None, :]
    total = np.zeros(count + 1, complex)
    for column in np.square(part).T:
        total = total + column
    return np.real(np.sqrt(total))


def _sampling_plan(
    vertices: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Share the first two interpolation passes between vertices.

    Returns
    -------
    vertices : ndarray, shape (n, 3)
        Offsets along z, y, x.
    first : ndarray, shape (p,)
        The distinct offsets along z.
    pairs : ndarray of int, shape (q, 2)
        For each distinct pair of offsets (z, y): which of ``first``, and a vertex that has it.
    pair_of : ndarray of int, shape (n,)
        Which pair each vertex uses; vertices are visited in the order of their pairs.
    """
    first, first_of = np.unique(vertices[:, 0], return_inverse=True)
    keys = np.column_stack([first_of, vertices[:, 1]])
    _, example, pair_of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    pairs = np.column_stack([first_of[example], example]).astype(np.int64)
    return np.ascontiguousarray(vertices), first, pairs, pair_of.ravel().astype(np.int64)


def _spline_coefficients(
    image: NDArray[Any], box: Box, reach: int, pad: int
) -> NDArray[np.float64]:
    """Return cubic spline coefficients of ``box`` widened by ``reach``, mirrored at the border."""
    outer = padded_box(box, (reach + pad,) * 3, image.shape)
    block = image[outer].astype(np.float64)
    for axis in range(3):
        wanted = padded_box(box, (reach,) * 3, image.shape)[axis]
        keep = (wanted.start - outer[axis].start, wanted.stop - outer[axis].start)
        moved = np.moveaxis(block, axis, 0)
        if moved.shape[0] > 1:
            for index in range(moved.shape[1]):
                prefilter(moved[:, index])
        block = np.moveaxis(moved[keep[0] : keep[1]], 0, axis)
    missing = [
        (max(0, reach - extent.start), max(0, extent.stop + reach - size))
        for extent, size in zip(box, image.shape)
    ]
    if any(max(pair) for pair in missing):
        return np.pad(block, missing, mode="reflect")
    return np.ascontiguousarray(block)
