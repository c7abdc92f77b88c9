r"""GLDM: fourteen features of dependence, how many neighbours share a voxel's grey level.

:math:`P(i, j)` counts the voxels of grey level :math:`i` that have :math:`j - 1` neighbours in the
region whose level differs by at most :math:`\alpha` (setting ``gldm_a``, 0 by default): a voxel
counts as its own neighbour, so that :math:`j \ge 1`. The neighbours lie within the distances of
``distances``. :math:`N_z` is the number of voxels, :math:`p = P / N_z`, and :math:`\mu` the mean of
:math:`i` or :math:`j` under :math:`p`. IBSI calls the matrix NGLDM.

References
----------
.. [1] Sun C, Wee WG. Neighboring gray level dependence matrix for texture classification. Computer
   Vision, Graphics and Image Processing 1983;23:341-352.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gliofuse.radiomics.discretise import Levels
from gliofuse.radiomics.families._family import BINS, PLANES, Family, Feature, Inside, names
from gliofuse.radiomics.families._matrix import columns_of, matrix_statistics
from gliofuse.radiomics.families._neighbourhood import dependences
from gliofuse.radiomics.region import Region

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import Setting

__all__ = ["FAMILY", "gldm_features"]

FEATURES = (
    Feature(
        "DependenceEntropy",
        r"-\sum_{ij} p(i,j) \log_2(p(i,j) + \epsilon)",
        "Uncertainty of a voxel's level and dependence.",
        "FCBV",
        "ngl_dc_entr",
    ),
    Feature(
        "DependenceNonUniformity",
        r"\frac{1}{N_z} \sum_j \big(\sum_i P(i,j)\big)^2",
        "Low when voxels spread over the dependences.",
        "Z87G",
        "ngl_dcnu",
    ),
    Feature(
        "DependenceNonUniformityNormalized",
        r"\frac{1}{N_z^2} \sum_j \big(\sum_i P(i,j)\big)^2",
        "The same, free of the number of voxels.",
        "OKJI",
        "ngl_dcnu_norm",
    ),
    Feature(
        "DependenceVariance",
        r"\sum_{ij} p(i,j) (j - \mu)^2",
        "Variance of the dependence.",
        "DNX2",
        "ngl_dc_var",
    ),
    Feature(
        "GrayLevelNonUniformity",
        r"\frac{1}{N_z} \sum_i \big(\sum_j P(i,j)\big)^2",
        "Low when voxels spread over the grey levels.",
        "FP8K",
        "ngl_glnu",
    ),
    Feature(
        "GrayLevelVariance",
        r"\sum_{ij} p(i,j) (i - \mu)^2",
        "Variance of the grey level.",
        "1PFV",
        "ngl_gl_var",
    ),
    Feature(
        "HighGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, i^2",
        "High when bright.",
        "OAE7",
        "ngl_hgce",
    ),
    Feature(
        "LargeDependenceEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, j^2",
        "High when neighbours are alike.",
        "IMOQ",
        "ngl_hde",
    ),
    Feature(
        "LargeDependenceHighGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, i^2 j^2",
        "High when neighbours are alike and bright.",
        "9QMG",
        "ngl_hdhge",
    ),
    Feature(
        "LargeDependenceLowGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, j^2 / i^2",
        "High when neighbours are alike and dark.",
        "NBZI",
        "ngl_hdlge",
    ),
    Feature(
        "LowGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j) / i^2",
        "High when dark.",
        "TL9H",
        "ngl_lgce",
    ),
    Feature(
        "SmallDependenceEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j) / j^2",
        "High when neighbours differ.",
        "SODN",
        "ngl_lde",
    ),
    Feature(
        "SmallDependenceHighGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} P(i,j)\, i^2 / j^2",
        "High when neighbours differ, at bright voxels.",
        "JA6D",
        "ngl_ldhge",
    ),
    Feature(
        "SmallDependenceLowGrayLevelEmphasis",
        r"\frac{1}{N_z} \sum_{ij} \frac{P(i,j)}{i^2 j^2}",
        "High when neighbours differ, at dark voxels.",
        "EQ3F",
        "ngl_ldlge",
    ),
)
NAMES = names(FEATURES)
_STATISTIC = {
    "SmallDependenceEmphasis": "small",
    "LargeDependenceEmphasis": "large",
    "GrayLevelNonUniformity": "gray_nonuniformity",
    "DependenceNonUniformity": "size_nonuniformity",
    "DependenceNonUniformityNormalized": "size_nonuniformity_normalised",
    "GrayLevelVariance": "gray_variance",
    "DependenceVariance": "size_variance",
    "DependenceEntropy": "entropy",
    "LowGrayLevelEmphasis": "low_gray",
    "HighGrayLevelEmphasis": "high_gray",
    "SmallDependenceLowGrayLevelEmphasis": "small_low",
    "SmallDependenceHighGrayLevelEmphasis": "small_high",
    "LargeDependenceLowGrayLevelEmphasis": "large_low",
    "LargeDependenceHighGrayLevelEmphasis": "large_high",
}
_COLUMNS = columns_of(_STATISTIC[name] for name in NAMES)


def gldm_features(
    region: Region,
    levels: Levels,
    *,
    alpha: float = 0.0,
    distances: tuple[int, ...] = (1,),
    force2d: bool = False,
    plane_axis: int = 0,
) -> dict[str, float]:
    """Return the dependence features.

    Parameters
    ----------
    region : Region
    levels : Levels
        Grey levels of the region's voxels.
    alpha : float
        Setting ``gldm_a``.
    distances, force2d, plane_axis
        Settings ``distances``, ``force2D`` and ``force2Ddimension``.

    Returns
    -------
    dict
        Value by feature name.
    """
    matrix = dependences(region, levels, float(alpha), distances, force2d, plane_axis)
    values = matrix_statistics(matrix, levels.gray, np.arange(1.0, matrix.shape[1] + 1))
    return dict(zip(NAMES, values[_COLUMNS].tolist(), strict=True))


def _compute(inside: Inside, setting: Setting) -> dict[str, float]:
    return gldm_features(
        inside.region,
        inside.levels,
        alpha=setting.gldm_a,
        distances=setting.distances,
        force2d=setting.force2D,
        plane_axis=setting.force2Ddimension,
    )


FAMILY = Family(
    "gldm",
    FEATURES,
    __doc__ or "",
    from_image=_compute,
    settings=(*BINS, *PLANES, "distances", "gldm_a"),
)
