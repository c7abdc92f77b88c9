"""Sample directions on a sphere and the spherical harmonics there, in PyRadiomics' convention."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["harmonics", "icosphere"]

_GOLDEN = (1.0 + math.sqrt(5.0)) / 2.0
_CORNERS = [
    (-1, _GOLDEN, 0), (1, _GOLDEN, 0), (-1, -_GOLDEN, 0), (1, -_GOLDEN, 0),
    (0, -1, _GOLDEN), (0, 1, _GOLDEN), (0, -1, -_GOLDEN), (0, 1, -_GOLDEN),
    (_GOLDEN, 0, -1), (_GOLDEN, 0, 1), (-_GOLDEN, 0, -1), (-_GOLDEN, 0, 1),
]  # fmt: skip


@lru_cache(maxsize=8)
def icosphere(subdivisions: int, radius: float) -> NDArray[np.float64]:
    """Return the vertices of an icosahedron whose edges were halved ``subdivisions`` times.

    The order of the vertices is trimesh's, since single-precision sums over them depend on it:
    the corners, then each round's edge midpoints ordered by the edge's larger and smaller
    vertex number.

    Parameters
    ----------
    subdivisions : int
        0 gives 12 vertices (of radius 1, whatever ``radius`` says: trimesh scales only after a
        subdivision), 1 gives 42, 2 gives 162.
    radius : float
        In voxels.

    Returns
    -------
    ndarray, shape (n, 3)
        Read-only.

    Examples
    --------
    >>> icosphere(1, 1.0).shape
    (42, 3)
    >>> bool(np.allclose(np.linalg.norm(icosphere(2, 1.5), axis=1), 1.5))
    True
    """
    vertices = np.array(_CORNERS) / np.sqrt(2.0 + _GOLDEN)
    nearest = np.linalg.norm(vertices[:, None] - vertices[None], axis=2)
    touching = np.isclose(nearest, nearest[nearest > 0.1].min())
    faces = [
        (a, b, c)
        for a in range(12)
        for b in range(a + 1, 12)
        for c in range(b + 1, 12)
        if touching[a, b] and touching[b, c] and touching[a, c]
    ]
    for _ in range(subdivisions):
        edges = sorted(
            {(min(p, q), max(p, q)) for a, b, c in faces for p, q in ((a, b), (b, c), (a, c))},
            key=lambda edge: (edge[1], edge[0]),
        )
        number = {edge: len(vertices) + place for place, edge in enumerate(edges)}
        vertices = np.vstack([vertices, vertices[np.array(edges)].mean(axis=1)])
        faces = [
            part
            for a, b, c in faces
            for ab, bc, ca in [(number[_edge(a, b)], number[_edge(b, c)], number[_edge(a, c)])]
            for part in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))
        ]
        length = np.sqrt(np.dot(vertices**2, [1, 1, 1]))
        unit = vertices / length.reshape((-1, 1))
        vertices = vertices + unit * (radius - length).reshape((-1, 1))
    vertices.flags.writeable = False
    return vertices


def _edge(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def harmonics(vertices: NDArray[np.float64], radius: float, levels: int) -> NDArray[np.complex128]:
    """Return the spherical harmonics of degree 0 to ``levels - 1`` at the vertices.

    PyRadiomics 3.0.1 hands the polar angle to SciPy's ``sph_harm`` as the azimuth and the
    azimuth as the polar angle; so do we, or the values would not be its values.

    Returns
    -------
    ndarray of complex, shape (n, levels ** 2)
        Columns: degree 0; degree 1, order -1, 0, 1; ...
    """
    as_azimuth = np.arccos(np.true_divide(vertices[:, 2], radius))
    cosine = np.cos(np.arctan2(vertices[:, 1], vertices[:, 0]))
    columns = []
    for degree in range(levels):
        for order in range(-degree, degree + 1):
            positive = abs(order)
            ratio = math.factorial(degree - positive) / math.factorial(degree + positive)
            value = _legendre(degree, positive, cosine)
            if order < 0:
                value = value * ((-1) ** positive * ratio)
                ratio = 1 / ratio
            value = value * np.sqrt((2 * degree + 1) / 4.0 / np.pi)
            value = value * np.sqrt(ratio)
            columns.append(value * np.exp(1j * order * as_azimuth))
    return np.column_stack(columns)


def _legendre(degree: int, order: int, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the associated Legendre function with the Condon-Shortley phase.

    The finite hypergeometric sum of DLMF 14.3.5 and 15.8.7 in ``1 + x``, which is how SciPy's
    ``lpmv`` rounds; loading SciPy's special functions would take longer than all of this.
    """
    scale = math.factorial(degree + order) / math.factorial(degree - order)
    root = np.ones_like(x)
    for j in range(1, order + 1):
        root = 0.5 * root * np.sqrt(1.0 - x * x) / j
    term, total = np.ones_like(x), np.ones_like(x)
    for k in range(1, degree - order + 1):
        factor = (order - degree + k - 1.0) * (degree + order + k) / (k * (k + order))
        term = 0.5 * term * factor * (1.0 + x)
        total = total + term
    return (-1) ** degree * root * scale * total
