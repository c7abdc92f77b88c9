r"""Shape: fourteen features of a region's surface, extent and principal axes.

The surface is the marching-cubes mesh of the mask, its vertices half-way between a voxel of the
region and one outside. :math:`V` is the volume that the mesh encloses, :math:`A` its area,
:math:`N` the number of voxels, :math:`v` the volume of one, and
:math:`\lambda_{\mathrm{major}} \ge \lambda_{\mathrm{minor}} \ge \lambda_{\mathrm{least}}` are the
eigenvalues of the covariance of the voxel centres (divided by :math:`N`), in millimetres.

References
----------
.. [1] Lorensen WE, Cline HE. Marching cubes. SIGGRAPH 1987;21:163-169.
.. [2] Zwanenburg A et al. The Image Biomarker Standardisation Initiative. Radiology
   2020;295:328-338.
"""

from __future__ import annotations

import numpy as np

from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.families._family import Family, Feature
from gliofuse.radiomics.region import Region

__all__ = ["FAMILY", "deprecated_shape_features", "shape_features"]

_COVARIANCE = "The covariance is divided by N; IBSI's reference values divide by N - 1."

FEATURES = (
    Feature(
        "Elongation",
        r"\sqrt{\lambda_{\mathrm{minor}} / \lambda_{\mathrm{major}}}",
        "1 is a circle across the two longest axes, 0 a line.",
        "Q3CK",
        "morph_pca_elongation",
    ),
    Feature(
        "Flatness",
        r"\sqrt{\lambda_{\mathrm{least}} / \lambda_{\mathrm{major}}}",
        "1 is a ball, 0 a plane.",
        "N17B",
        "morph_pca_flatness",
    ),
    Feature(
        "LeastAxisLength",
        r"4\sqrt{\lambda_{\mathrm{least}}}",
        "Length of the shortest principal axis of the enclosing ellipsoid, in mm.",
        "7J51",
        "morph_pca_least_axis",
        _COVARIANCE,
    ),
    Feature(
        "MajorAxisLength",
        r"4\sqrt{\lambda_{\mathrm{major}}}",
        "Length of the longest principal axis, in mm.",
        "TDIC",
        "morph_pca_maj_axis",
        _COVARIANCE,
    ),
    Feature(
        "Maximum2DDiameterColumn",
        r"\max \lVert a - b \rVert,\ y_a = y_b",
        "Largest distance between mesh vertices in one plane of constant y, in mm.",
    ),
    Feature(
        "Maximum2DDiameterRow",
        r"\max \lVert a - b \rVert,\ x_a = x_b",
        "Largest distance between mesh vertices in one plane of constant x, in mm.",
    ),
    Feature(
        "Maximum2DDiameterSlice",
        r"\max \lVert a - b \rVert,\ z_a = z_b",
        "Largest distance between mesh vertices in one slice, in mm.",
    ),
    Feature(
        "Maximum3DDiameter",
        r"\max \lVert a - b \rVert",
        "Largest distance between any two mesh vertices, in mm.",
        "L0JK",
        "morph_diam",
    ),
    Feature(
        "MeshVolume",
        r"V = \tfrac{1}{6} \sum_f a_f \cdot (b_f \times c_f)",
        "Volume inside the mesh, in mm³.",
        "RNU0",
        "morph_volume",
    ),
    Feature(
        "MinorAxisLength",
        r"4\sqrt{\lambda_{\mathrm{minor}}}",
        "Length of the second principal axis, in mm.",
        "P9VJ",
        "morph_pca_min_axis",
        _COVARIANCE,
    ),
    Feature(
        "Sphericity",
        r"\sqrt[3]{36 \pi V^2} / A",
        "1 is a ball; less is rougher.",
        "QCFX",
        "morph_sphericity",
    ),
    Feature(
        "SurfaceArea",
        r"A = \tfrac{1}{2} \sum_f \lVert (a_f - c_f) \times (b_f - c_f) \rVert",
        "Area of the mesh, in mm².",
        "C0JK",
        "morph_area_mesh",
    ),
    Feature("SurfaceVolumeRatio", r"A / V", "Lower is more compact, in 1/mm.", "2PR5", "morph_av"),
    Feature(
        "VoxelVolume",
        r"N v",
        "Volume as voxels times the volume of one, in mm³.",
        "YEKZ",
        "morph_vol_approx",
    ),
)

# Corners of a cube in the order of the case's bits, and its edges' midpoints doubled, as (z, y, x).
_CORNERS = np.array(
    [(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)]
)
_EDGES = (
    (1, 0), (2, 1), (3, 2), (3, 0), (5, 4), (6, 5), (7, 6), (7, 4), (4, 0), (5, 1), (6, 2), (7, 3),
)  # fmt: skip
_MIDPOINTS = np.array([_CORNERS[a] + _CORNERS[b] for a, b in _EDGES])

# Triangles of the 128 cases whose last corner is outside (Bourke's table, the other half is its
# mirror): three hexadecimal edge numbers a triangle. Which diagonal splits a bent polygon is a
# convention, and the area depends on it, so that the table is data.
_TABLE = """
. 083 190 183198 12a 08312a 92a029 2832a8a98 b23 b2008b 190b23 b2119b98b 3a1ba3 a1008a8ba
9033b9ba9 98aba8 478 043473 190478 194147173 12a478 34730412a 92a902478 2a9297273479 478b23
b47b24204 190478b23 47b94bb29192 3a1ba3478 ba114b10447b 4789033b9ba9 47b4b99ba 954 954083 054015
854835315 12a954 08312a954 2a5542240 2a5325354834 954b23 b2008b954 054015b23 215258b28548
3a1ba3954 549a1008a8ba 54050ba5bb03 548a58ba8 789579 309539357 780017715 157173 78957912a
12a309395357 0288258572a5 2a5253357 579789b23 579972209b27 b23018178157 21b17b157 7895793a1ba3
5705097b0a10ba0 ba003ba50078570 ba557b 65a 08365a 19065a 18319865a 165126 165126083 965906026
598582526832 b2365a b2008b65a 190b2365a b2119b98b65a 63b653513 08b0b50515b6 63b036065059 65969bb98
47865a 04347365a 19047865a 19414717365a 478165126 043473165126 478965906026 739479329596269
b2347865a b47b2420465a 190b2347865a 47b94bb2919265a 47863b653513 51b5b610b47b04b 47863b036065059
65969b4797b9 a4964a a4964a083 01aa60640 18316886461a 149124264 149124264083 024426 832824426
b23a4964a b2008ba4964a b2301aa60640 64161a148b2118b 964369139b63 18b081b61149641 63b036640 86468b
67a78a89a 67a0a709a073 67a1a7178018 67a1a7173 126168189678 269129679309739 078706602 273267
b2367a78a89a 207b2709767a9a7 67a1a7178018b23 b2117ba61167 896678169b63136 09167b 07870603bb60 67b
"""
_TRIANGLES = _TABLE.split()


def _case_tables() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return start, end (256,) and the triangles' doubled vertices (t, 3, 3) and signs (256,)."""
    start = np.zeros(256, dtype=np.int64)
    end = np.zeros(256, dtype=np.int64)
    sign = np.ones(256)
    triangles: list[np.ndarray] = []
    for case in range(256):
        flipped = case ^ 0xFF if case & 0x80 else case
        sign[case] = -1.0 if case & 0x80 else 1.0
        start[case] = len(triangles)
        code = _TRIANGLES[flipped].strip(".")
        edges = [int(digit, 16) for digit in code]
        triangles.extend(_MIDPOINTS[edges[k : k + 3]] for k in range(0, len(edges), 3))
        end[case] = len(triangles)
    return start, end, np.array(triangles, dtype=np.float64), sign


def _mesh_by_case(spacing_mm: tuple[float, float, float]) -> tuple[np.ndarray, ...]:
    """Return area (256,), volume about the cube's own corner (256,) and its gradient (256, 3)."""
    start, end, doubled, sign = _case_tables()
    points = doubled / 2 * np.asarray(spacing_mm)
    a, b, c = points[:, 0], points[:, 1], points[:, 2]
    normal = np.cross(a - c, b - c)
    parts = (
        np.linalg.norm(normal, axis=1) / 2,
        np.einsum("ij,ij->i", np.cross(a, b), c) / 6,
    )
    # det(p + a, p + b, p + c) = det(a, b, c) + p . n, with n = a x b + b x c + c x a
    gradient = (np.cross(a, b) + np.cross(b, c) + np.cross(c, a)) / 6
    area, volume = np.zeros(256), np.zeros(256)
    slope = np.zeros((256, 3))
    for case in range(256):
        faces = slice(start[case], end[case])
        area[case] = parts[0][faces].sum()
        volume[case] = sign[case] * parts[1][faces].sum()
        slope[case] = sign[case] * gradient[faces].sum(axis=0)
    return area, volume, slope


@kernel
def _march(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count the cubes of each case, sum their corners, and collect the vertices, doubled."""
    nz, ny, nx = mask.shape
    count = np.zeros(256, np.int64)
    total = np.zeros((256, 3), np.int64)
    vertices = np.empty((1024, 3), np.int32)
    found = 0
    for z in range(nz - 1):
        for y in range(ny - 1):
            # faces of four corners: bits 0, 3, 4, 7 at x and 1, 2, 5, 6 at x + 1
            near = (
                mask[z, y, 0]
                | mask[z, y + 1, 0] << 3
                | mask[z + 1, y, 0] << 4
                | mask[z + 1, y + 1, 0] << 7
            )
            for x in range(nx - 1):
                a, b = mask[z, y, x + 1], mask[z, y + 1, x + 1]
                c, d = mask[z + 1, y, x + 1], mask[z + 1, y + 1, x + 1]
                case = near | a << 1 | b << 2 | c << 5 | d << 6
                near = a | b << 3 | c << 4 | d << 7
                if case == 0 or case == 255:
                    continue
                count[case] += 1
                total[case, 0] += z
                total[case, 1] += y
                total[case, 2] += x
                last = case >> 7 & 1
                if found + 3 > len(vertices):
                    vertices = np.concatenate((vertices, np.empty_like(vertices)))
                # the three edges that end in the cube's last corner belong to this cube alone
                if (case >> 6 & 1) != last:
                    vertices[found, 0], vertices[found, 1] = 2 * z + 2, 2 * y + 2
                    vertices[found, 2] = 2 * x + 1
                    found += 1
                if (case >> 4 & 1) != last:
                    vertices[found, 0], vertices[found, 1] = 2 * z + 2, 2 * y + 1
                    vertices[found, 2] = 2 * x
                    found += 1
                if (case >> 3 & 1) != last:
                    vertices[found, 0], vertices[found, 1] = 2 * z + 1, 2 * y + 2
                    vertices[found, 2] = 2 * x
                    found += 1
    return count, total, vertices[:found].copy()


@kernel
def _diameters(vertices: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return the largest distances within planes of constant z, y, x, and over all vertices.

    A pair at the largest distance consists of corners of the convex hull, and a corner of the hull
    is a corner of the hull within each plane it lies in. So only each plane's corners are compared,
    and for the 3D diameter only vertices that are corners in all three.
    """
    n = len(vertices)
    corner_of = np.zeros(n, np.uint8)
    out = np.zeros(4)
    for axis in range(3):
        u, w = (axis + 1) % 3, (axis + 2) % 3
        if u > w:
            u, w = w, u
        key = (
            vertices[:, axis].astype(np.int64) << 42 | vertices[:, u].astype(np.int64) << 21
            | vertices[:, w].astype(np.int64)
        )  # fmt: skip
        order = np.argsort(key)
        hull = np.empty(2 * n + 2, np.int64)
        begin = 0
        best = 0.0
        while begin < n:
            end = begin
            plane = vertices[order[begin], axis]
            while end < n and vertices[order[end], axis] == plane:
                end += 1
            # Andrew's monotone chain: lower hull forwards, upper hull backwards
            size = 0
            for sweep in range(2):
                floor = size + 1
                for step in range(end - begin):
                    p = order[begin + step] if sweep == 0 else order[end - 1 - step]
                    while size > floor:
                        q, r = hull[size - 2], hull[size - 1]
                        qu, qw = np.int64(vertices[q, u]), np.int64(vertices[q, w])
                        turn = (np.int64(vertices[r, u]) - qu) * (np.int64(vertices[p, w]) - qw) - (
                            np.int64(vertices[r, w]) - qw
                        ) * (np.int64(vertices[p, u]) - qu)
                        if turn > 0:
                            break
                        size -= 1
                    hull[size] = p
                    size += 1
            for i in range(size):
                p = hull[i]
                corner_of[p] |= 1 << axis
                for j in range(i):
                    q = hull[j]
                    du = (vertices[p, u] - vertices[q, u]) * 0.5 * spacing[u]
                    dw = (vertices[p, w] - vertices[q, w]) * 0.5 * spacing[w]
                    best = max(best, du * du + dw * dw)
            begin = end
        out[axis] = np.sqrt(best)
    corners = np.flatnonzero(corner_of == 7)
    best = 0.0
    for i in range(len(corners)):
        p = corners[i]
        for j in range(i):
            q = corners[j]
            dz = (vertices[p, 0] - vertices[q, 0]) * 0.5 * spacing[0]
            dy = (vertices[p, 1] - vertices[q, 1]) * 0.5 * spacing[1]
            dx = (vertices[p, 2] - vertices[q, 2]) * 0.5 * spacing[2]
            best = max(best, dz * dz + dy * dy + dx * dx)
    out[3] = np.sqrt(best)
    return out


def _axes_mm(region: Region) -> np.ndarray:
    """Return the covariance's eigenvalues, ascending, without the noise below zero."""
    # exact in integers: a sum over a million voxels loses digits otherwise
    index = np.array(np.unravel_index(region.inside, region.mask.shape), dtype=np.int64)
    n = region.size
    sums = index.sum(axis=1)
    products = np.array([[int(np.dot(a, b)) for b in index] for a in index], dtype=object)
    centred = (n * products - np.multiply.outer(sums.astype(object), sums.astype(object))).astype(
        np.float64
    ) / float(n) ** 2
    spacing = np.asarray(region.spacing_mm)
    return np.maximum(np.linalg.eigvalsh(centred * np.multiply.outer(spacing, spacing)), 0.0)


def shape_features(region: Region) -> dict[str, float]:
    """Return the shape features of a region.

    Parameters
    ----------
    region : Region

    Returns
    -------
    dict
        Value by feature name; millimetres and their powers.

    Examples
    --------
    >>> cube = Region(np.ones((4, 4, 4), dtype=bool), (1.0, 1.0, 1.0))
    >>> values = shape_features(cube)
    >>> values["VoxelVolume"], round(values["Flatness"], 9)
    (64.0, 1.0)
    """
    count, total, vertices = _march(np.pad(region.mask, 1).astype(np.int64))
    spacing = np.asarray(region.spacing_mm, dtype=np.float64)
    area_of, volume_of, slope_of = _mesh_by_case(region.spacing_mm)
    area = float(count @ area_of)
    volume = float(count @ volume_of + np.sum(total * spacing * slope_of))
    diameters = _diameters(vertices, spacing)
    least, minor, major = (float(value) for value in _axes_mm(region))
    return {
        "Elongation": _root_ratio(minor, major),
        "Flatness": _root_ratio(least, major),
        "LeastAxisLength": 4 * least**0.5,
        "MajorAxisLength": 4 * major**0.5,
        "Maximum2DDiameterColumn": float(diameters[1]),
        "Maximum2DDiameterRow": float(diameters[2]),
        "Maximum2DDiameterSlice": float(diameters[0]),
        "Maximum3DDiameter": float(diameters[3]),
        "MeshVolume": volume,
        "MinorAxisLength": 4 * minor**0.5,
        "Sphericity": (36 * np.pi * volume**2) ** (1 / 3) / area,
        "SurfaceArea": area,
        "SurfaceVolumeRatio": area / volume if volume else float("nan"),
        "VoxelVolume": region.size * float(np.prod(spacing)),
    }


def deprecated_shape_features(values: dict[str, float]) -> dict[str, float]:
    """Return what PyRadiomics computes of shape only when asked for by name.

    Examples
    --------
    >>> round(deprecated_shape_features({"MeshVolume": 1.0, "SurfaceArea": 6.0})["Compactness2"], 4)
    0.5236
    """
    volume, area = values["MeshVolume"], values["SurfaceArea"]
    compactness = 36 * np.pi * volume**2 / area**3
    return {
        "Compactness1": volume / (area**1.5 * np.pi**0.5),
        "Compactness2": compactness,
        "SphericalDisproportion": compactness ** (-1 / 3) if compactness > 0 else float("nan"),
    }


def _root_ratio(numerator: float, denominator: float) -> float:
    return (numerator / denominator) ** 0.5 if denominator > 0 else float("nan")


def _compute(region: Region) -> dict[str, float]:
    values = shape_features(region)
    return {**values, **deprecated_shape_features(values)}


FAMILY = Family(
    "shape",
    FEATURES,
    __doc__ or "",
    from_region=_compute,
    on_request=("Compactness1", "Compactness2", "SphericalDisproportion"),
)
