r"""GLRLM: sixteen features of runs, voxels of one grey level in a row.

:math:`P(i, j)` counts the runs of grey level :math:`i` and length :math:`j` along one of thirteen
directions (four with ``force2D``); :math:`N_r` is their number, :math:`p = P / N_r`,
:math:`N_p = \sum_{ij} j P(i, j)` and :math:`\mu` the mean of :math:`i` or :math:`j` under
:math:`p`. Each feature is the mean of its values in the directions; a direction is left out if no
line along it holds two voxels of the region, neighbours or not. With ``weightingNorm`` the matrices
are weighted by the step's length, summed, and give one value.

IBSI aggregates in several ways. The default is its "3D, averaged", with ``force2D`` its "2.5D,
averaged"; ``weightingNorm: no_weighting`` gives the "merged" form of either.

References
----------
.. [1] Galloway MM. Texture analysis using gray level run lengths. Computer Graphics and Image
   Processing 1975;4:172-179.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.discretise import Levels
from gliofuse.radiomics.families._family import BINS, PLANES, Family, Feature, Inside, names
from gliofuse.radiomics.families._matrix import (
    STATISTICS,
    columns_of,
    matrix_statistics,
    mean_without_nan,
)
from gliofuse.radiomics.families._weights import angle_lengths
from gliofuse.radiomics.region import Region, angles

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import Setting

__all__ = ["FAMILY", "glrlm_features"]

_SKIPPED = (
    "IBSI keeps every direction; PyRadiomics leaves out of the mean those whose lines hold at most "
    "one voxel of the region each, such as the directions across a region of one slice."
)

FEATURES = (
    Feature(
        "GrayLevelNonUniformity",
        r"\frac{1}{N_r} \sum_i \big(\sum_j P(i,j)\big)^2",
        "Low when runs spread over the grey levels.",
        "R5YN",
        "rlm_glnu",
        _SKIPPED,
    ),
    Feature(
        "GrayLevelNonUniformityNormalized",
        r"\frac{1}{N_r^2} \sum_i \big(\sum_j P(i,j)\big)^2",
        "The same, free of the number of runs.",
        "OVBL",
        "rlm_glnu_norm",
        _SKIPPED,
    ),
    Feature(
        "GrayLevelVariance",
        r"\sum_{ij} p(i,j) (i - \mu)^2",
        "Variance of the runs' grey level.",
        "8CE5",
        "rlm_gl_var",
        _SKIPPED,
    ),
    Feature(
        "HighGrayLevelRunEmphasis",
        r"\frac{1}{N_r} \sum_{ij} P(i,j)\, i^2",
        "High when runs are bright.",
        "G3QZ",
        "rlm_hgre",
        _SKIPPED,
    ),
    Feature(
        "LongRunEmphasis",
        r"\frac{1}{N_r} \sum_{ij} P(i,j)\, j^2",
        "High when runs are long: coarse texture.",
        "W4KF",
        "rlm_lre",
        _SKIPPED,
    ),
    Feature(
        "LongRunHighGrayLevelEmphasis",
        r"\frac{1}{N_r} \sum_{ij} P(i,j)\, i^2 j^2",
        "High when runs are long and bright.",
        "3KUM",
        "rlm_lrhge",
        _SKIPPED,
    ),
    Feature(
        "LongRunLowGrayLevelEmphasis",
        r"\frac{1}{N_r} \sum_{ij} P(i,j)\, j^2 / i^2",
        "High when runs are long and dark.",
        "IVPO",
        "rlm_lrlge",
        _SKIPPED,
    ),
    Feature(
        "LowGrayLevelRunEmphasis",
        r"\frac{1}{N_r} \sum_{ij} P(i,j) / i^2",
        "High when runs are dark.",
        "V3SW",
        "rlm_lgre",
        _SKIPPED,
    ),
    Feature(
        "RunEntropy",
        r"-\sum_{ij} p(i,j) \log_2(p(i,j) + \epsilon)",
        "Uncertainty of a run's level and length.",
        "HJ9O",
        "rlm_rl_entr",
        _SKIPPED,
    ),
    Feature(
        "RunLengthNonUniformity",
        r"\frac{1}{N_r} \sum_j \big(\sum_i P(i,j)\big)^2",
        "Low when runs spread over the lengths.",
        "W92Y",
        "rlm_rlnu",
        _SKIPPED,
    ),
    Feature(
        "RunLengthNonUniformityNormalized",
        r"\frac{1}{N_r^2} \sum_j \big(\sum_i P(i,j)\big)^2",
        "The same, free of the number of runs.",
        "IC23",
        "rlm_rlnu_norm",
        _SKIPPED,
    ),
    Feature(
        "RunPercentage",
        r"N_r / N_p",
        "1 when every run is one voxel.",
        "9ZK5",
        "rlm_r_perc",
        _SKIPPED,
    ),
    Feature(
        "RunVariance",
        r"\sum_{ij} p(i,j) (j - \mu)^2",
        "Variance of the runs' length.",
        "SXLW",
        "rlm_rl_var",
        _SKIPPED,
    ),
    Feature(
        "ShortRunEmphasis",
        r"\frac{1}{N_r} \sum_{ij} P(i,j) / j^2",
        "High when runs are short: fine texture.",
        "22OV",
        "rlm_sre",
        _SKIPPED,
    ),
    Feature(
        "ShortRunHighGrayLevelEmphasis",
        r"\frac{1}{N_r} \sum_{ij} P(i,j)\, i^2 / j^2",
        "High when runs are short and bright.",
        "GD3A",
        "rlm_srhge",
        _SKIPPED,
    ),
    Feature(
        "ShortRunLowGrayLevelEmphasis",
        r"\frac{1}{N_r} \sum_{ij} \frac{P(i,j)}{i^2 j^2}",
        "High when runs are short and dark.",
        "HTZT",
        "rlm_srlge",
        _SKIPPED,
    ),
)
NAMES = names(FEATURES)
_STATISTIC = {
    "ShortRunEmphasis": "small",
    "LongRunEmphasis": "large",
    "GrayLevelNonUniformity": "gray_nonuniformity",
    "GrayLevelNonUniformityNormalized": "gray_nonuniformity_normalised",
    "RunLengthNonUniformity": "size_nonuniformity",
    "RunLengthNonUniformityNormalized": "size_nonuniformity_normalised",
    "RunPercentage": "percentage",
    "GrayLevelVariance": "gray_variance",
    "RunVariance": "size_variance",
    "RunEntropy": "entropy",
    "LowGrayLevelRunEmphasis": "low_gray",
    "HighGrayLevelRunEmphasis": "high_gray",
    "ShortRunLowGrayLevelEmphasis": "small_low",
    "ShortRunHighGrayLevelEmphasis": "small_high",
    "LongRunLowGrayLevelEmphasis": "large_low",
    "LongRunHighGrayLevelEmphasis": "large_high",
}
_FREE = ("RunEntropy", "RunVariance")
"""Sums over an empty matrix that are not divided by its number of runs."""
_COLUMNS = columns_of(_STATISTIC[name] for name in NAMES)


@kernel
def _runs(
    level: np.ndarray,
    rank: np.ndarray,
    rows: np.ndarray,
    positions: np.ndarray,
    length: np.ndarray,
    step: int,
    k: int,
    longest: int,
) -> np.ndarray:
    """Return the run-length matrix (k, longest) along one direction.

    ``reached[i, j]`` counts voxels that are the j-th of their run; a run of exactly j voxels
    reaches j and not j + 1, so that neighbouring columns' differences count the runs. ``length``
    holds a voxel's place in its run; what it holds outside the region is never compared.
    """
    # flat and unsigned: a signed index would be tested for counting from the end
    width = np.uint32(longest + 2)
    reached = np.zeros((k + 1) * (longest + 2), np.int32)
    for row in range(len(rows)):
        start, n = rows[row, 0], rows[row, 1]
        mine = level[start : start + n]
        before = level[start - step : start - step + n]
        place = length[start : start + n]
        if step > 1:  # the row before is finished, so that many voxels go at a time
            earlier = length[start - step : start - step + n]
            for x in range(n):
                place[x] = 1 + earlier[x] * (before[x] == mine[x])
        else:
            last = np.uint16(0)
            for x in range(n):
                last = last + np.uint16(1) if before[x] == mine[x] else np.uint16(1)
                place[x] = last
    for v in range(len(positions)):
        reached[np.uint32(rank[v]) * width + np.uint32(length[positions[v]])] += 1
    out = np.empty((k, longest))
    for i in range(k):
        line = reached[(i + 1) * (longest + 2) : (i + 2) * (longest + 2)]
        for j in range(longest):
            out[i, j] = line[j + 1] - line[j + 2]
    return out


@kernel
def _populated(mask: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return for each direction whether a line along it holds two voxels of the region."""
    nz, ny, nx = mask.shape
    out = np.zeros(len(offsets), np.bool_)
    for a in range(len(offsets)):
        dz, dy, dx = offsets[a, 0], offsets[a, 1], offsets[a, 2]
        for first in range(mask.size):
            z, y, x = first // (ny * nx), first // nx % ny, first % nx
            if not mask[z, y, x]:
                continue
            z, y, x = z + dz, y + dy, x + dx
            while 0 <= z < nz and 0 <= y < ny and 0 <= x < nx and not mask[z, y, x]:
                z, y, x = z + dz, y + dy, x + dx
            if 0 <= z < nz and 0 <= y < ny and 0 <= x < nx:
                out[a] = True
                break
    return out


def _used(region: Region, offsets: np.ndarray) -> np.ndarray:
    """Return :func:`_populated`, which does not depend on the image, once a region."""
    known: dict[bytes, np.ndarray] = region.__dict__.setdefault("_populated", {})
    key = offsets.tobytes()
    if key not in known:
        known[key] = _populated(region.mask, offsets)
    return known[key]


@kernel
def _directions(
    level: np.ndarray,
    rank: np.ndarray,
    rows: np.ndarray,
    positions: np.ndarray,
    steps: np.ndarray,
    weights: np.ndarray,
    gray: np.ndarray,
    longest: int,
    merge: bool,
) -> np.ndarray:
    """Return a row of statistics a direction, or one of the weighted sum of the matrices."""
    sizes = np.arange(1.0, longest + 1)
    merged = np.zeros((len(gray), longest))
    length = np.zeros(len(level), np.uint16)
    table = np.empty((1 if merge else len(steps), STATISTICS))
    for a in range(len(steps)):
        matrix = _runs(level, rank, rows, positions, length, steps[a], len(gray), longest)
        if merge:
            merged += weights[a] * matrix
        else:
            table[a] = matrix_statistics(matrix, gray, sizes)
    if merge:
        table[0] = matrix_statistics(merged, gray, sizes)
    return table


def glrlm_features(
    region: Region,
    levels: Levels,
    *,
    force2d: bool = False,
    plane_axis: int = 0,
    weighting: str | None = None,
) -> dict[str, float]:
    """Return the run-length features.

    Parameters
    ----------
    region : Region
    levels : Levels
        Grey levels of the region's voxels.
    force2d, plane_axis
        Settings ``force2D`` and ``force2Ddimension``.
    weighting : str, optional
        Setting ``weightingNorm``.

    Returns
    -------
    dict
        Value by feature name. Where no line in any direction holds two voxels of the region, NaN
        (run entropy and variance are 0 if PyRadiomics has a single matrix there).
    """
    every = angles(force2d=force2d, plane_axis=plane_axis)
    offsets = every[_used(region, every)]
    if not len(offsets):
        one = region.one_matrix(every, weighting)
        return {name: 0.0 if one and name in _FREE else float("nan") for name in NAMES}
    lengths = np.ones(len(offsets))
    if weighting is not None and weighting != "no_weighting":
        lengths = angle_lengths(offsets, region.spacing_mm, weighting)
    table = _directions(
        levels.padded(region, 1)[0],
        levels.rank,
        region.rows(1),
        region.positions(1),
        region.flat_offsets(offsets, 1),
        lengths,
        levels.gray,
        max(region.mask.shape),
        weighting is not None,
    )
    return dict(zip(NAMES, mean_without_nan(table)[_COLUMNS].tolist(), strict=True))


def _compute(inside: Inside, setting: Setting) -> dict[str, float]:
    return glrlm_features(
        inside.region,
        inside.levels,
        force2d=setting.force2D,
        plane_axis=setting.force2Ddimension,
        weighting=setting.weightingNorm,
    )


FAMILY = Family(
    "glrlm",
    FEATURES,
    __doc__ or "",
    from_image=_compute,
    settings=(*BINS, *PLANES, "weightingNorm"),
)
