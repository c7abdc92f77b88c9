r"""NGTDM: five features of how a voxel's grey level differs from its neighbourhood.

For grey level :math:`i`, :math:`n_i` counts its voxels, :math:`p_i = n_i / N_v`, and :math:`s_i`
sums :math:`|i - \bar A|` over them, where :math:`\bar A` is the mean level of a voxel's neighbours
in the region within the distances of ``distances``. :math:`N_g` is the number of levels present.

References
----------
.. [1] Amadasun M, King R. Textural features corresponding to textural properties. IEEE
   Transactions on Systems, Man and Cybernetics 1989;19:1264-1274.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.discretise import Levels
from gliofuse.radiomics.families._family import (
    BINS,
    PLANES,
    Family,
    Feature,
    Inside,
    names,
    positions,
)
from gliofuse.radiomics.families._neighbourhood import differences
from gliofuse.radiomics.region import Region

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import Setting

__all__ = ["FAMILY", "ngtdm_features"]

_ISOLATED = (
    "A voxel without a neighbour in the region counts in n with a difference of 0; "
    "IBSI leaves it out."
)

FEATURES = (
    Feature(
        "Busyness",
        r"\frac{\sum_i p_i s_i}{\sum_{ij} |i p_i - j p_j|},\ p_i, p_j > 0",
        "High when levels change fast between neighbours; 0 for a flat region.",
        "NQ30",
        "ngt_busyness",
        _ISOLATED,
    ),
    Feature(
        "Coarseness",
        r"1 / \sum_i p_i s_i",
        "High when the texture is locally even; at most 10⁶.",
        "QCDE",
        "ngt_coarseness",
        _ISOLATED,
    ),
    Feature(
        "Complexity",
        r"\frac{1}{N_v} \sum_{ij} |i - j| \frac{p_i s_i + p_j s_j}{p_i + p_j},\ p_i, p_j > 0",
        "High when the texture is uneven and its levels far apart.",
        "HDEZ",
        "ngt_complexity",
        _ISOLATED,
    ),
    Feature(
        "Contrast",
        r"\Big(\frac{1}{N_g (N_g - 1)} \sum_{ij} p_i p_j (i - j)^2\Big) "
        r"\Big(\frac{1}{N_v} \sum_i s_i\Big)",
        "High when levels span widely and change locally; 0 for a flat region.",
        "65HE",
        "ngt_contrast",
        _ISOLATED,
    ),
    Feature(
        "Strength",
        r"\frac{\sum_{ij} (p_i + p_j)(i - j)^2}{\sum_i s_i},\ p_i, p_j > 0",
        "High when levels differ clearly but slowly; 0 if all differences are 0.",
        "1X9X",
        "ngt_strength",
        _ISOLATED,
    ),
)
NAMES = names(FEATURES)
_AT = positions(NAMES)


@kernel
def _statistics(gray: np.ndarray, count: np.ndarray, difference: np.ndarray) -> np.ndarray:
    k = len(gray)
    voxels = count.sum()
    p = count / voxels
    total = difference.sum()
    product = (p * difference).sum()
    spread, busy, complexity, strength = 0.0, 0.0, 0.0, 0.0
    for i in range(k):
        for j in range(k):
            d = gray[i] - gray[j]
            spread += p[i] * p[j] * d * d
            busy += abs(gray[i] * p[i] - gray[j] * p[j])
            complexity += abs(d) * (p[i] * difference[i] + p[j] * difference[j]) / (p[i] + p[j])
            strength += (p[i] + p[j]) * d * d
    out = np.zeros(len(_AT))
    out[_AT.Busyness] = product / busy if busy > 0 else 0.0
    out[_AT.Coarseness] = 1 / product if product > 0 else 1e6
    out[_AT.Complexity] = complexity / voxels
    out[_AT.Contrast] = spread / (k * (k - 1)) * total / voxels if k > 1 else 0.0
    out[_AT.Strength] = strength / total if total > 0 else 0.0
    return out


def ngtdm_features(
    region: Region,
    levels: Levels,
    *,
    distances: tuple[int, ...] = (1,),
    force2d: bool = False,
    plane_axis: int = 0,
) -> dict[str, float]:
    """Return the neighbourhood-difference features.

    Parameters
    ----------
    region : Region
    levels : Levels
        Grey levels of the region's voxels.
    distances, force2d, plane_axis
        Settings ``distances``, ``force2D`` and ``force2Ddimension``.

    Returns
    -------
    dict
        Value by feature name.
    """
    difference = differences(region, levels, distances, force2d, plane_axis)
    values = _statistics(levels.gray, levels.count.astype(np.float64), difference)
    return dict(zip(NAMES, values.tolist(), strict=True))


def _compute(inside: Inside, setting: Setting) -> dict[str, float]:
    return ngtdm_features(
        inside.region,
        inside.levels,
        distances=setting.distances,
        force2d=setting.force2D,
        plane_axis=setting.force2Ddimension,
    )


FAMILY = Family(
    "ngtdm",
    FEATURES,
    __doc__ or "",
    from_image=_compute,
    settings=(*BINS, *PLANES, "distances"),
)
