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

import numpy as np

from gliofuse.radiomics.discretise import Levels
from gliofuse.radiomics.families._feature import Feature, names
from gliofuse.radiomics.families._kernel import kernel
from gliofuse.radiomics.families._matrix import STATISTICS, matrix_statistics
from gliofuse.radiomics.region import Region, angles

__all__ = ["FEATURES", "NAMES", "count_parts", "glszm_features"]

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
_COLUMNS = np.array([STATISTICS.index(_STATISTIC[name]) for name in NAMES])


@kernel
def _zones(
    rank: np.ndarray, positions: np.ndarray, steps: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrix (k, sizes present) of zones and the sizes, by joining equal neighbours."""
    parent = np.empty(len(rank), np.int32)
    for v in positions:
        parent[v] = v
        root = v
        r = rank[v]
        for step in steps:
            other = v - step
            if rank[other] == r:
                while parent[other] != other:
                    parent[other] = parent[parent[other]]
                    other = parent[other]
                # the smaller position stays root, so that one ordered pass finds every size
                if other < root:
                    parent[root] = other
                    root = other
                elif other > root:
                    parent[other] = root
    size = np.zeros(len(rank), np.int32)
    largest = 0
    for v in positions:
        root = parent[v]
        while parent[root] != root:
            root = parent[root]
        parent[v] = root
        size[root] += 1
        largest = max(largest, size[root])
    column = np.zeros(largest + 1, np.int32)
    for v in positions:
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
    for v in positions:
        if size[v]:
            matrix[rank[v] - 1, column[size[v]] - 1] += 1
    return matrix, sizes


def count_parts(region: Region) -> int:
    """Return the number of connected parts of a region (26 neighbours).

    Examples
    --------
    >>> count_parts(Region(np.array([[[1, 0, 1]]], dtype=bool), (1.0, 1.0, 1.0)))
    2
    """
    ones = region.pad_values(np.ones(region.size, dtype=np.uint16), 1)
    matrix, _ = _zones(ones, region.positions(1), region.flat_offsets(angles(), 1), 1)
    return int(matrix.sum())


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
    steps = region.flat_offsets(angles(force2d=force2d, plane_axis=plane_axis), 1)
    matrix, sizes = _zones(
        region.pad_values(levels.rank, 1), region.positions(1), steps, len(levels.gray)
    )
    values = matrix_statistics(matrix, levels.gray, sizes)
    return dict(zip(NAMES, values[_COLUMNS].tolist(), strict=True))
