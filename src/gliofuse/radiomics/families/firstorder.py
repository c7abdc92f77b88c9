r"""First order: eighteen features of the distribution of intensities in a region.

:math:`x_1 \dots x_N` are the intensities, :math:`\bar x` their mean, :math:`P_q` their percentiles
(linear interpolation), :math:`p_i` the share of voxels at grey level :math:`i`, :math:`c` the
setting ``voxelArrayShift`` (0 by default), :math:`v` the volume of a voxel in mm³ and
:math:`\epsilon = 2^{-52}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.discretise import Levels
from gliofuse.radiomics.families._family import BINS, Family, Feature, Inside, names, positions

if TYPE_CHECKING:
    from gliofuse.radiomics.parameters import Setting

__all__ = ["FAMILY", "firstorder_features"]

_PERCENTILE = "IBSI takes the nearest rank, PyRadiomics interpolates between ranks."

FEATURES = (
    Feature(
        "10Percentile",
        r"P_{10}",
        "Intensity below which a tenth of the voxels lie.",
        "QG58",
        "stat_p10",
        _PERCENTILE,
    ),
    Feature(
        "90Percentile",
        r"P_{90}",
        "Intensity below which nine tenths of the voxels lie.",
        "8DWT",
        "stat_p90",
        _PERCENTILE,
    ),
    Feature(
        "Energy",
        r"\sum_i (x_i + c)^2",
        "Grows with the region's size and intensity.",
        "N8CA",
        "stat_energy",
        "Equal to IBSI's while voxelArrayShift is 0.",
    ),
    Feature(
        "Entropy",
        r"-\sum_i p_i \log_2(p_i + \epsilon)",
        "Uncertainty of the grey level.",
        "TLU2",
        "ih_entropy",
    ),
    Feature(
        "InterquartileRange",
        r"P_{75} - P_{25}",
        "Spread of the middle half.",
        "SALO",
        "stat_iqr",
        _PERCENTILE,
    ),
    Feature(
        "Kurtosis",
        r"\frac{\tfrac1N \sum_i (x_i - \bar x)^4}{(\tfrac1N \sum_i (x_i - \bar x)^2)^2}",
        "Weight of the tails; 0 for a flat region.",
        "IPH6",
        "stat_kurt",
        "IBSI subtracts 3 (excess kurtosis).",
    ),
    Feature("Maximum", r"\max x_i", "Highest intensity.", "84IY", "stat_max"),
    Feature(
        "MeanAbsoluteDeviation",
        r"\tfrac1N \sum_i |x_i - \bar x|",
        "Mean distance from the mean.",
        "4FUA",
        "stat_mad",
    ),
    Feature("Mean", r"\bar x", "Mean intensity.", "Q4LE", "stat_mean"),
    Feature("Median", r"P_{50}", "Middle intensity.", "Y12H", "stat_median"),
    Feature("Minimum", r"\min x_i", "Lowest intensity.", "1GSF", "stat_min"),
    Feature("Range", r"\max x_i - \min x_i", "Span of the intensities.", "2OJQ", "stat_range"),
    Feature(
        "RobustMeanAbsoluteDeviation",
        r"\tfrac{1}{N_{10-90}} \sum_{P_{10} \le x_i \le P_{90}} |x_i - \bar x_{10-90}|",
        "Mean absolute deviation without the outer tenths.",
        "1128",
        "stat_rmad",
        _PERCENTILE,
    ),
    Feature(
        "RootMeanSquared",
        r"\sqrt{\tfrac1N \sum_i (x_i + c)^2}",
        "Magnitude of the intensities.",
        "5ZWQ",
        "stat_rms",
        "Equal to IBSI's while voxelArrayShift is 0.",
    ),
    Feature(
        "Skewness",
        r"\frac{\tfrac1N \sum_i (x_i - \bar x)^3}{(\tfrac1N \sum_i (x_i - \bar x)^2)^{3/2}}",
        "Positive with a tail to high intensities; 0 for a flat region.",
        "KE2A",
        "stat_skew",
    ),
    Feature("TotalEnergy", r"v \sum_i (x_i + c)^2", "Energy in mm³."),
    Feature(
        "Uniformity",
        r"\sum_i p_i^2",
        "1 when all voxels share a grey level.",
        "BJ5W",
        "ih_uniformity",
    ),
    Feature(
        "Variance",
        r"\tfrac1N \sum_i (x_i - \bar x)^2",
        "Spread around the mean.",
        "ECT3",
        "stat_var",
    ),
)
NAMES = names(FEATURES)
_FROM_LEVELS = ("Entropy", "Uniformity")
# P: a field's name cannot begin with a digit
_AT = positions(
    name.replace("10P", "P10P").replace("90P", "P90P") for name in NAMES if name not in _FROM_LEVELS
)

_EPSILON = float(np.spacing(1))


@kernel
def _percentile(ordered: np.ndarray, share: float) -> float:
    """Return a percentile by the linear rule that NumPy uses by default."""
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    weight = at - low
    step = ordered[high] - ordered[low]
    # NumPy interpolates from the nearer end, so that both ends come out exactly
    return ordered[low] + step * weight if weight < 0.5 else ordered[high] - step * (1 - weight)


@kernel
def _statistics(ordered: np.ndarray, voxels: int, shift: float, voxel_mm3: float) -> np.ndarray:
    n = len(ordered)
    out = np.empty(len(_AT))
    total, squares = 0.0, 0.0
    for x in ordered:
        total += x
        squares += (x + shift) * (x + shift)
    mean = total / n
    p10, p90 = _percentile(ordered, 0.1), _percentile(ordered, 0.9)
    second, third, fourth, absolute = 0.0, 0.0, 0.0, 0.0
    robust_sum, robust_n = 0.0, 0
    for x in ordered:
        d = x - mean
        dd = d * d
        second += dd
        third += dd * d
        fourth += dd * dd
        absolute += abs(d)
        if p10 <= x <= p90:
            robust_sum += x
            robust_n += 1
    second, third, fourth = second / n, third / n, fourth / n
    robust_mean, robust = robust_sum / robust_n, 0.0
    for x in ordered:
        if p10 <= x <= p90:
            robust += abs(x - robust_mean)
    out[_AT.P10Percentile] = p10
    out[_AT.P90Percentile] = p90
    out[_AT.Energy] = squares
    out[_AT.InterquartileRange] = _percentile(ordered, 0.75) - _percentile(ordered, 0.25)
    out[_AT.Kurtosis] = fourth / (second * second) if second > 0 else 0.0
    out[_AT.Maximum] = ordered[n - 1]
    out[_AT.MeanAbsoluteDeviation] = absolute / n
    out[_AT.Mean] = mean
    out[_AT.Median] = _percentile(ordered, 0.5)
    out[_AT.Minimum] = ordered[0]
    out[_AT.Range] = ordered[n - 1] - ordered[0]
    out[_AT.RobustMeanAbsoluteDeviation] = robust / robust_n
    out[_AT.RootMeanSquared] = np.sqrt(squares / voxels)
    out[_AT.Skewness] = third / second**1.5 if second > 0 else 0.0
    out[_AT.TotalEnergy] = squares * voxel_mm3
    out[_AT.Variance] = second
    return out


def firstorder_features(
    ordered: np.ndarray, levels: Levels, *, voxel_mm3: float, shift: float = 0.0
) -> dict[str, float]:
    """Return the first-order features.

    Parameters
    ----------
    ordered : ndarray of float64, shape (n,)
        Intensities in the region, ascending, without NaN (which the root mean square counts as 0,
        as PyRadiomics does).
    levels : Levels
        Their grey levels (entropy and uniformity).
    voxel_mm3 : float
        Volume of a voxel.
    shift : float
        Setting ``voxelArrayShift``.

    Returns
    -------
    dict
        Value by feature name.

    Examples
    --------
    >>> from gliofuse.radiomics.discretise import discretise
    >>> x = np.array([1.0, 2.0, 3.0, 6.0])
    >>> values = firstorder_features(x, discretise(x, bin_width=1), voxel_mm3=1.0)
    >>> values["Mean"], values["Median"], values["Uniformity"]
    (3.0, 2.5, 0.25)
    """
    voxels = int(levels.count.sum())
    moments = iter(_statistics(ordered, voxels, float(shift), voxel_mm3).tolist())
    share = levels.count / voxels
    from_levels = {
        "Entropy": float(-np.sum(share * np.log2(share + _EPSILON))),
        "Uniformity": float(np.sum(share**2)),
    }
    return {name: from_levels[name] if name in from_levels else next(moments) for name in NAMES}


def _compute(inside: Inside, setting: Setting) -> dict[str, float]:
    values = firstorder_features(
        inside.ordered,
        inside.levels,
        voxel_mm3=float(np.prod(inside.region.spacing_mm)),
        shift=setting.voxelArrayShift,
    )
    return {**values, "StandardDeviation": values["Variance"] ** 0.5}


FAMILY = Family(
    "firstorder",
    FEATURES,
    __doc__ or "",
    from_image=_compute,
    settings=(*BINS, "voxelArrayShift"),
    on_request=("StandardDeviation",),
)
