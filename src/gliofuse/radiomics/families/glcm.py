r"""GLCM: twenty-four features of co-occurrence, which grey levels neighbour which.

:math:`p(i, j)` is the share of neighbour pairs with levels :math:`i` and :math:`j` along one of
thirteen directions at distance 1 (four with ``force2D``; more with ``distances``), counted both
ways while ``symmetricalGLCM`` is on. :math:`p_x, p_y` are its margins, :math:`\mu_x, \mu_y,
\sigma_x, \sigma_y` their means and standard deviations, :math:`p_{x+y}(k)` and :math:`p_{x-y}(k)`
the distributions of sum and absolute difference, :math:`N_g` the highest level present, :math:`H`
entropies in bits with :math:`\epsilon = 2^{-52}` inside the logarithm. Each feature is the mean of
its values in the directions that hold a pair. With ``weightingNorm`` the matrices are weighted by
:math:`e^{-d^2}` of the step's length, summed, and give one value.

IBSI aggregates in several ways. The default is its "3D, averaged", with ``force2D`` its "2.5D,
averaged"; ``weightingNorm: no_weighting`` gives the "merged" form of either.

References
----------
.. [1] Haralick RM, Shanmugam K, Dinstein I. Textural features for image classification. IEEE
   Transactions on Systems, Man and Cybernetics 1973;3:610-621.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gliofuse.errors import SettingError
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
from gliofuse.radiomics.families._matrix import mean_without_nan
from gliofuse.radiomics.families._pairs import count_pairs, normalised_pairs
from gliofuse.radiomics.families._spectrum import (
    maximal_correlation,
    maximal_correlation_exactly,
    needs_every_digit,
)
from gliofuse.radiomics.families._weights import angle_lengths
from gliofuse.radiomics.region import Region, angles

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import Setting

__all__ = ["FAMILY", "MAX_LEVELS", "glcm_features"]

_FLAT = "1 for a direction with a single level, where IBSI leaves it undefined."
_LEVELS = "N_g is the highest level present; IBSI takes the number of levels."

FEATURES = (
    Feature(
        "Autocorrelation",
        r"\sum_{ij} p(i,j)\, i j",
        "High when bright voxels neighbour bright ones.",
        "QWB0",
        "cm_auto_corr",
    ),
    Feature(
        "ClusterProminence",
        r"\sum_{ij} (i + j - \mu_x - \mu_y)^4 p(i,j)",
        "High when pairs spread asymmetrically.",
        "AE86",
        "cm_clust_prom",
    ),
    Feature(
        "ClusterShade",
        r"\sum_{ij} (i + j - \mu_x - \mu_y)^3 p(i,j)",
        "Skewness of the pairs' sum.",
        "7NFM",
        "cm_clust_shade",
    ),
    Feature(
        "ClusterTendency",
        r"\sum_{ij} (i + j - \mu_x - \mu_y)^2 p(i,j)",
        "Variance of the pairs' sum.",
        "DG8W",
        "cm_clust_tend",
    ),
    Feature(
        "Contrast",
        r"\sum_{ij} (i - j)^2 p(i,j)",
        "High when neighbours differ.",
        "ACUI",
        "cm_contrast",
    ),
    Feature(
        "Correlation",
        r"\frac{\sum_{ij} (i - \mu_x)(j - \mu_y) p(i,j)}{\sigma_x \sigma_y + \epsilon}",
        "Linear dependence of neighbours.",
        "NI2N",
        "cm_corr",
        _FLAT,
    ),
    Feature(
        "DifferenceAverage",
        r"DA = \sum_k k\, p_{x-y}(k)",
        "Mean absolute difference of neighbours.",
        "TF7R",
        "cm_diff_avg",
    ),
    Feature(
        "DifferenceEntropy",
        r"-\sum_k p_{x-y}(k) \log_2(p_{x-y}(k) + \epsilon)",
        "Uncertainty of the difference.",
        "NTRS",
        "cm_diff_entr",
    ),
    Feature(
        "DifferenceVariance",
        r"\sum_k (k - DA)^2 p_{x-y}(k)",
        "Variance of the difference.",
        "D3YU",
        "cm_diff_var",
    ),
    Feature(
        "Id",
        r"\sum_k \frac{p_{x-y}(k)}{1 + k}",
        "High when neighbours are alike.",
        "IB1Z",
        "cm_inv_diff",
    ),
    Feature(
        "Idm",
        r"\sum_k \frac{p_{x-y}(k)}{1 + k^2}",
        "High when neighbours are alike.",
        "WF0Z",
        "cm_inv_diff_mom",
    ),
    Feature(
        "Idmn",
        r"\sum_k \frac{p_{x-y}(k)}{1 + k^2 / N_g^2}",
        "The same, on the scale of the levels.",
        "1QCO",
        "cm_inv_diff_mom_norm",
        _LEVELS,
    ),
    Feature(
        "Idn",
        r"\sum_k \frac{p_{x-y}(k)}{1 + k / N_g}",
        "The same, on the scale of the levels.",
        "NDRX",
        "cm_inv_diff_norm",
        _LEVELS,
    ),
    Feature(
        "Imc1",
        r"\frac{H_{xy} - H_{xy1}}{\max(H_x, H_y)}",
        "Mutual information by the margins' entropy; -1 is full dependence, 0 none.",
        "R8DG",
        "cm_info_corr1",
        "0 for a direction with a single level.",
    ),
    Feature(
        "Imc2",
        r"\sqrt{1 - e^{-2 (H_{xy2} - H_{xy})}}",
        "Dependence of neighbours, 0 to 1.",
        "JN9H",
        "cm_info_corr2",
        "0 where rounding makes the root's argument negative.",
    ),
    Feature(
        "InverseVariance",
        r"\sum_{k \ge 1} p_{x-y}(k) / k^2",
        "High when differences are small, not 0.",
        "E8JP",
        "cm_inv_var",
    ),
    Feature("JointAverage", r"\mu_x", "Mean grey level of the pairs.", "60VM", "cm_joint_avg"),
    Feature(
        "JointEnergy",
        r"\sum_{ij} p(i,j)^2",
        "High when few kinds of pairs prevail.",
        "8ZQL",
        "cm_energy",
    ),
    Feature(
        "JointEntropy",
        r"H_{xy} = -\sum_{ij} p(i,j) \log_2(p(i,j) + \epsilon)",
        "Uncertainty of the pairs.",
        "TU9B",
        "cm_joint_entr",
    ),
    Feature(
        "MCC",
        r"\sqrt{\lambda_2(Q)},\ Q(i,j) = \sum_k \frac{p(i,k) p(j,k)}{p_x(i) p_y(k) + \epsilon}",
        "Largest correlation that any recoding of the levels reaches; 1 for a flat region.",
        departure="The second largest eigenvalue with the ε of PyRadiomics.",
    ),
    Feature(
        "MaximumProbability",
        r"\max_{ij} p(i,j)",
        "Share of the most frequent pair.",
        "GYBY",
        "cm_joint_max",
    ),
    Feature(
        "SumAverage",
        r"\sum_k k\, p_{x+y}(k)",
        "Twice JointAverage when symmetrical.",
        "ZGXS",
        "cm_sum_avg",
    ),
    Feature(
        "SumEntropy",
        r"-\sum_k p_{x+y}(k) \log_2(p_{x+y}(k) + \epsilon)",
        "Uncertainty of the sum.",
        "P6QZ",
        "cm_sum_entr",
    ),
    Feature(
        "SumSquares",
        r"\sum_{ij} (i - \mu_x)^2 p(i,j)",
        "Variance of the pairs' grey level.",
        "UR99",
        "cm_joint_var",
    ),
)
NAMES = names(FEATURES)
_AT = positions(NAMES)

MAX_LEVELS = 4096
"""Most grey levels that may be present; beyond it a matrix of pairs fills the memory."""

_RARE = 1e-9
"""Product of margins below which epsilon counts by more than its first order."""

_CHUNK_BYTES = 1 << 27
"""Matrices counted in one pass over the voxels; more levels take more passes."""


@kernel
def _features(p: np.ndarray, gray: np.ndarray, row: np.ndarray) -> None:
    """Write the features of one matrix, which is normalised in place, into ``row``."""
    eps = 2.0**-52
    k = len(gray)
    total = p.sum()
    if total == 0:
        row[:] = np.nan
        return
    highest = int(gray[k - 1])
    difference = np.zeros(highest)
    sums = np.zeros(2 * highest + 1)
    px, py = np.zeros(k), np.zeros(k)
    auto, energy, hxy, top, mu_x, mu_y = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(k):
        gi = int(gray[i])
        for j in range(k):
            if p[i, j] > 0:
                share = p[i, j] / total
                p[i, j] = share
                gj = int(gray[j])
                px[i] += share
                py[j] += share
                difference[abs(gi - gj)] += share
                sums[gi + gj] += share
                auto += share * gi * gj
                energy += share * share
                hxy -= share * np.log2(share + eps)
                top = max(top, share)
    hx, hy = 0.0, 0.0
    for i in range(k):
        mu_x += px[i] * gray[i]
        mu_y += py[i] * gray[i]
        if px[i] > 0:
            hx -= px[i] * np.log2(px[i])
        if py[i] > 0:
            hy -= py[i] * np.log2(py[i])
    var_x, var_y, covariance, lost, rare = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(k):
        var_x += px[i] * (gray[i] - mu_x) ** 2
        var_y += py[i] * (gray[i] - mu_y) ** 2
        for j in range(k):
            if p[i, j] > 0:
                covariance += p[i, j] * (gray[i] - mu_x) * (gray[j] - mu_y)
                product = px[i] * py[j]
                if product > _RARE:
                    lost += p[i, j] / product
                else:
                    rare += p[i, j] * np.log1p(eps / product)
    # the logarithm of a product is a sum: log2(px py + eps) to first order in eps
    hxy1 = hx + hy - (lost * eps + rare) / np.log(2.0)
    hxy2 = hx + hy
    da, de, idf, idm, idmn, idn, inverse, contrast = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for d in range(highest):
        q = difference[d]
        if q > 0:
            da += d * q
            de -= q * np.log2(q + eps)
            idf += q / (1.0 + d)
            idm += q / (1.0 + d * d)
            idmn += q / (1.0 + (d * d) / (highest * highest))
            idn += q / (1.0 + d / highest)
            contrast += q * d * d
            if d > 0:
                inverse += q / (d * d)
    dv, se, sa, tendency, shade, prominence = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for d in range(highest):
        dv += (d - da) ** 2 * difference[d]
    for s in range(2, 2 * highest + 1):
        q = sums[s]
        if q > 0:
            c = s - mu_x - mu_y
            sa += s * q
            se -= q * np.log2(q + eps)
            tendency += c * c * q
            shade += c * c * c * q
            prominence += c * c * c * c * q
    spread = np.sqrt(var_x) * np.sqrt(var_y)
    row[_AT.Autocorrelation] = auto
    row[_AT.ClusterProminence] = prominence
    row[_AT.ClusterShade] = shade
    row[_AT.ClusterTendency] = tendency
    row[_AT.Contrast] = contrast
    row[_AT.Correlation] = covariance / (spread + eps) if spread > 0 else 1.0
    row[_AT.DifferenceAverage] = da
    row[_AT.DifferenceEntropy] = de
    row[_AT.DifferenceVariance] = dv
    row[_AT.Id] = idf
    row[_AT.Idm] = idm
    row[_AT.Idmn] = idmn
    row[_AT.Idn] = idn
    larger = max(hx, hy)
    row[_AT.Imc1] = (hxy - hxy1) / larger if larger > 0 else 0.0
    shared = hxy2 - hxy  # a few epsilon are rounding, and their root would not be small
    row[_AT.Imc2] = np.sqrt(1 - np.exp(-2 * shared)) if shared > 4 * eps else 0.0
    row[_AT.InverseVariance] = inverse
    row[_AT.JointAverage] = mu_x
    row[_AT.JointEnergy] = energy
    row[_AT.JointEntropy] = hxy
    row[_AT.MCC] = maximal_correlation(p, px, py)
    row[_AT.MaximumProbability] = top
    row[_AT.SumAverage] = sa
    row[_AT.SumEntropy] = se
    row[_AT.SumSquares] = var_x


@kernel
def _each_direction(counts: np.ndarray, gray: np.ndarray, symmetrical: bool) -> np.ndarray:
    table = np.empty((len(counts), len(_AT)))
    for a in range(len(counts)):
        _features(normalised_pairs(counts[a], symmetrical), gray, table[a])
    return table


@kernel
def _merged(
    counts: np.ndarray, weights: np.ndarray, gray: np.ndarray, symmetrical: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the features (one row) of the weighted sum of the matrices, and the shares in it."""
    total = np.zeros((len(gray), len(gray)))
    for a in range(len(counts)):
        total += weights[a] * normalised_pairs(counts[a], symmetrical)
    table = np.empty((1, len(_AT)))
    _features(total, gray, table[0])
    return table, total


def glcm_features(
    region: Region,
    levels: Levels,
    *,
    distances: tuple[int, ...] = (1,),
    force2d: bool = False,
    plane_axis: int = 0,
    symmetrical: bool = True,
    weighting: str | None = None,
) -> dict[str, float]:
    """Return the co-occurrence features.

    Parameters
    ----------
    region : Region
    levels : Levels
        Grey levels of the region's voxels.
    distances, force2d, plane_axis
        Settings ``distances``, ``force2D`` and ``force2Ddimension``.
    symmetrical : bool
        Setting ``symmetricalGLCM``.
    weighting : str, optional
        Setting ``weightingNorm``.

    Returns
    -------
    dict
        Value by feature name. Where no two voxels of the region are neighbours, NaN (but for a
        single level PyRadiomics' constants: MCC is 1, or InverseVariance 0 of a single matrix).

    Raises
    ------
    SettingError
        If more than :data:`MAX_LEVELS` grey levels are present.
    """
    pad = max(distances)
    offsets = angles(distances, force2d=force2d, plane_axis=plane_axis)
    steps = region.flat_offsets(offsets, pad)
    rank = levels.padded(region, pad)[1]
    k = len(levels.gray)
    if k > MAX_LEVELS:
        raise SettingError(
            f"GLCM works on at most {MAX_LEVELS} grey levels, the region has {k}; choose a larger "
            f"binWidth, or a smaller binCount"
        )
    chunk = max(1, _CHUNK_BYTES // (4 * (k + 1) ** 2))
    if weighting is None:
        tables = [
            _each_direction(
                count_pairs(rank, region.positions(pad), steps[first : first + chunk], k),
                levels.gray,
                symmetrical,
            )
            for first in range(0, len(steps), chunk)
        ]
        table = np.concatenate(tables)
    else:
        weights = np.ones(len(offsets))
        if weighting != "no_weighting":
            weights = np.exp(-(angle_lengths(offsets, region.spacing_mm, weighting) ** 2))
        counts = count_pairs(rank, region.positions(pad), steps, k)
        table, p = _merged(counts, weights, levels.gray, symmetrical)
        if k > 1 and needs_every_digit(p):
            table[0, _AT.MCC] = maximal_correlation_exactly(p)
    values = dict(zip(NAMES, mean_without_nan(table).tolist(), strict=True))
    if k == 1 and np.isnan(table[:, 0]).all():
        one = region.one_matrix(offsets, weighting)
        values.update({"InverseVariance": 0.0} if one else {"MCC": 1.0})
    return values


def _compute(inside: Inside, setting: Setting) -> dict[str, float]:
    return glcm_features(
        inside.region,
        inside.levels,
        distances=setting.distances,
        force2d=setting.force2D,
        plane_axis=setting.force2Ddimension,
        symmetrical=setting.symmetricalGLCM,
        weighting=setting.weightingNorm,
    )


FAMILY = Family(
    "glcm",
    FEATURES,
    __doc__ or "",
    from_image=_compute,
    settings=(*BINS, *PLANES, "distances", "symmetricalGLCM", "weightingNorm"),
    equals={
        "Dissimilarity": "DifferenceAverage",
        "Homogeneity1": "Id",
        "Homogeneity2": "Idm",
        "SumVariance": "ClusterTendency",
    },
)
