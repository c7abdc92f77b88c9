r"""GLSZM: sixteen features of zones, connected voxels of one grey level.

:math:`P(i, j)` counts the zones of grey level :math:`i` and :math:`j` voxels, connected over faces,
edges and corners (26 neighbours; 8 within the plane with ``force2D``); :math:`N_z` is their number,
:math:`N_p` the number of voxels, :math:`p = P / N_z`, and :math:`\mu` the mean of :math:`i` or
:math:`j` under :math:`p`.

References
----------
.. [1] Thibault G et al. Texture indexes and gray level size zone matrix. PRIP 2009:140-145.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.discretise import Levels
from gliofuse.radiomics.families._family import BINS, PLANES, Family, Feature, Inside, names
from gliofuse.radiomics.families._matrix import columns_of, matrix_statistics
from gliofuse.radiomics.region import Region, angles

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import Setting

__all__ = ["FAMILY", "count_parts", "glszm_features"]

FEATURES = (
    Feature(
        "GrayLevelNonUniformity",
        r"\frac{1}{N_z} \sum_i \big(\sum_j P(i,j)\big)^2",
        "Low when zones spread over the grey levels.",
        "JNSA",
        "szm_glnu",
    ),
    Feature(
        "GrayLevelNonUniformityNormalized",
        r"\frac{1}{N_z^2} \sum_i \big(\sum_j P(i,j)\big)^2",
        "The same, free of the number of zones.",
        "Y1RO",
        "szm_glnu_norm",
    ),
    Feature(
        "GrayLevelVariance",
        r"\sum_{ij} p(i,j) (i - \mu)^2",
        "Variance of the zones' grey level.",
        "BYLV",
        "szm_gl_var",
    ),
    Feature(
        "HighGrayLevelZoneEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, i^2",
        "High when zones are bright.",
        "5GN9",
        "szm_hgze",
    ),
    Feature(
        "LargeAreaEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, j^2",
        "High when zones are large: coarse texture.",
        "48P8",
        "szm_lze",
    ),
    Feature(
        "LargeAreaHighGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, i^2 j^2",
        "High when zones are large and bright.",
        "J17V",
        "szm_lzhge",
    ),
    Feature(
        "LargeAreaLowGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, j^2 / i^2",
        "High when zones are large and dark.",
        "YH51",
        "szm_lzlge",
    ),
    Feature(
        "LowGrayLevelZoneEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j) / i^2",
        "High when zones are dark.",
        "XMSY",
        "szm_lgze",
    ),
    Feature(
        "SizeZoneNonUniformity",
        r"\frac{1}{N_z} \sum_j \big(\sum_i P(i,j)\big)^2",
        "Low when zones spread over the sizes.",
        "4JP3",
        "szm_zsnu",
    ),
    Feature(
        "SizeZoneNonUniformityNormalized",
        r"\frac{1}{N_z^2} \sum_j \big(\sum_i P(i,j)\big)^2",
        "The same, free of the number of zones.",
        "VB3A",
        "szm_zsnu_norm",
    ),
    Feature(
        "SmallAreaEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j) / j^2",
        "High when zones are small: fine texture.",
        "5QRC",
        "szm_sze",
    ),
    Feature(
        "SmallAreaHighGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, i^2 / j^2",
        "High when zones are small and bright.",
        "HW1V",
        "szm_szhge",
    ),
    Feature(
        "SmallAreaLowGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} \frac{P(i,j)}{i^2 j^2}",
        "High when zones are small and dark.",
        "5RAI",
        "szm_szlge",
    ),
    Feature(
        "ZoneEntropy",
        r"-\sum_{ij} p(i,j) \log_2(p(i,j) + \epsilon)",
        "Uncertainty of a zone's level and size.",
        "GU8N",
        "szm_zs_entr",
    ),
    Feature(
        "ZonePercentage", r"N_z / N_p", "1 when every zone is one voxel.", "P30P", "szm_z_perc"
    ),
    Feature(
        "ZoneVariance",
        r"\sum_{ij} p(i,j) (j - \mu)^2",
        "Variance of the zones' size.",
        "3NSA",
        "szm_zs_var",
    ),
)
NAMES = names(FEATURES)
_STATISTIC = {
    "SmallAreaEmphasis": "small",
    "LargeAreaEmphasis": "large",
    "GrayLevelNonUniformity": "gray_nonuniformity",
    "GrayLevelNonUniformityNormalized": "gray_nonuniformity_normalised",
    "SizeZoneNonUniformity": "size_nonuniformity",
    "SizeZoneNonUniformityNormalized": "size_nonuniformity_normalised",
    "ZonePercentage": "percentage",
    "GrayLevelVariance": "gray_variance",
    "ZoneVariance": "size_variance",
    "ZoneEntropy": "entropy",
    "LowGrayLevelZoneEmphasis": "low_gray",
    "HighGrayLevelZoneEmphasis": "high_gray",
    "SmallAreaLowGrayLevelEmphasis": "small_low",
    "SmallAreaHighGrayLevelEmphasis": "small_high",
    "LargeAreaLowGrayLevelEmphasis": "large_low",
    "LargeAreaHighGrayLevelEmphasis": "large_high",
}
_COLUMNS = columns_of(_STATISTIC[name] for name in NAMES)


@kernel
def _representatives(offsets: np.ndarray) -> np.ndarray:
    """Return for each set of neighbours, as bits, one of every part of it that hangs together.

    Neighbours that touch each other are in one zone already; joining one of them is enough. A
    number of the result holds, four bits each from the lowest, how many there are and which.
    """
    n = len(offsets)
    touches = np.zeros(n, np.int64)
    for a in range(n):
        for b in range(n):
            if np.abs(offsets[a] - offsets[b]).max() <= 1:
                touches[a] |= 1 << b
    out = np.zeros(1 << n, np.uint32)
    for bits in range(1 << n):
        left, found, packed = bits, 0, 0
        for first in range(n):
            if not left >> first & 1:
                continue
            found += 1
            packed |= first << 4 * found
            part = 1 << first
            grown = True
            while grown:
                grown = False
                for a in range(n):
                    if part >> a & 1 and touches[a] & bits & ~part:
                        part |= touches[a] & bits
                        grown = True
            left &= ~part
        out[bits] = packed | found
    return out


@kernel
def _zones(
    level: np.ndarray,
    rank: np.ndarray,
    rows: np.ndarray,
    positions: np.ndarray,
    ordinal: np.ndarray,
    steps: np.ndarray,
    representatives: np.ndarray,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrix (k, sizes present) of zones and the sizes, by joining equal neighbours."""
    # unsigned throughout: a signed index would be tested for counting from the end
    count = len(rank)
    parent = np.empty(count, np.uint32)
    longest = 0
    for row in range(len(rows)):
        longest = max(longest, rows[row, 1])
    equal = np.empty(longest, np.uint16)
    for row in range(len(rows)):
        start, n = rows[row, 0], rows[row, 1]
        mine = level[start : start + n]
        equal[:n] = 0
        for a in range(len(steps)):
            other = level[start - steps[a] : start - steps[a] + n]
            bit = np.uint16(1 << a)
            for x in range(n):
                equal[x] |= bit * (other[x] == mine[x])
        for v in range(rows[row, 2], rows[row, 3]):
            place = positions[v]
            joined = representatives[equal[np.uint64(place - start)]]
            root = np.uint32(v)
            for _ in range(joined & np.uint32(15)):
                joined >>= np.uint32(4)
                other_root = np.uint32(ordinal[np.uint64(place - steps[joined & np.uint32(15)])])
                above = parent[other_root]
                while above != other_root:
                    higher = parent[above]
                    parent[other_root] = higher
                    other_root = higher
                    above = parent[other_root]
                # the smaller number stays root, so that one ordered pass finds every size
                if other_root < root:
                    if root != v:
                        parent[root] = other_root
                    root = other_root
                elif other_root > root:
                    parent[other_root] = root
            parent[v] = root
    size = np.zeros(count, np.uint32)
    for v in range(count):
        root = parent[parent[v]]  # a parent is smaller, hence already at its root
        parent[v] = root
        size[root] += np.uint32(1)
    largest = np.int64(size.max())
    column = np.zeros(largest + 1, np.int32)
    for v in range(count):
        column[size[v]] = 1
    column[0] = 0
    columns = 0
    for j in range(largest + 1):
        if column[j]:
            columns += 1
            column[j] = columns
    sizes = np.empty(columns)
    for j in range(1, largest + 1):
        if column[j]:
            sizes[column[j] - 1] = j
    matrix = np.zeros((k, columns))
    for v in range(count):
        if size[v]:
            matrix[rank[v] - 1, column[size[v]] - 1] += 1
    return matrix, sizes


_KNOWN: dict[bytes, np.ndarray] = {}


def _matrix(
    region: Region, levels: Levels, force2d: bool, plane_axis: int
) -> tuple[np.ndarray, np.ndarray]:
    offsets = angles(force2d=force2d, plane_axis=plane_axis)
    key = offsets.tobytes()
    if key not in _KNOWN:
        _KNOWN[key] = _representatives(-offsets)
    return _zones(
        levels.padded(region, 1)[0],
        levels.rank,
        region.rows(1),
        region.positions(1),
        region.ordinals(1),
        region.flat_offsets(offsets, 1),
        _KNOWN[key],
        len(levels.gray),
    )


def count_parts(region: Region) -> int:
    """Return the number of connected parts of a region (26 neighbours).

    Examples
    --------
    >>> count_parts(Region(np.array([[[1, 0, 1]]], dtype=bool), (1.0, 1.0, 1.0)))
    2
    """
    ones = np.ones(region.size, dtype=np.uint16)
    flat = Levels(ones, ones, np.ones(1), np.array([region.size]))
    return int(_matrix(region, flat, False, 0)[0].sum())


def glszm_features(
    region: Region, levels: Levels, *, force2d: bool = False, plane_axis: int = 0
) -> dict[str, float]:
    """Return the size-zone features.

    Parameters
    ----------
    region : Region
    levels : Levels
        Grey levels of the region's voxels.
    force2d, plane_axis
        Settings ``force2D`` and ``force2Ddimension``.

    Returns
    -------
    dict
        Value by feature name.
    """
    matrix, sizes = _matrix(region, levels, force2d, plane_axis)
    values = matrix_statistics(matrix, levels.gray, sizes)
    return dict(zip(NAMES, values[_COLUMNS].tolist(), strict=True))


def _compute(inside: Inside, setting: Setting) -> dict[str, float]:
    return glszm_features(
        inside.region,
        inside.levels,
        force2d=setting.force2D,
        plane_axis=setting.force2Ddimension,
    )


FAMILY = Family(
    "glszm",
    FEATURES,
    __doc__ or "",
    from_image=_compute,
    settings=(*BINS, *PLANES),
)
