"""How well the masks of a cohort agree with others: a table a patient, and what it comes to."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gliofuse.cohort import Case, Cohort
from gliofuse.compute import parallel_map
from gliofuse.errors import ManifestError
from gliofuse.files import atomic_path
from gliofuse.imaging import (
    LabelConvention,
    available_regions,
    check_same_geometry,
    cohort_convention,
    get_convention,
    read_mask,
    region_mask,
)
from gliofuse.segmentation.surfaces import compare_masks

if TYPE_CHECKING:
    from gliofuse.radiomics import RadiomicsSettings

__all__ = [
    "Agreement",
    "FeatureAgreement",
    "bland_altman",
    "feature_agreement",
    "measure_agreement",
    "quality_correlation",
]

_SUMMARISED = ("dice", "jaccard", "hd95_mm", "asd_mm", "volume_error_mm3")
_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class Agreement:
    """How the masks of a cohort agree with reference masks.

    Attributes
    ----------
    cases : DataFrame
        One row a patient and region: ``case_id, region`` and the attributes of
        :class:`~gliofuse.segmentation.surfaces.MaskFigures`.
    summary : DataFrame
        One row a region and figure: ``region, figure, n, mean, ci_low, ci_high, median,
        median_ci_low, median_ci_high, sd``; the lesion counts as ``lesion_sensitivity`` and
        ``false_lesions``, a patient.
    failures : DataFrame
        ``case_id, stage, error``.
    """

    cases: pd.DataFrame
    summary: pd.DataFrame
    failures: pd.DataFrame


@dataclass(frozen=True, eq=False)
class FeatureAgreement:
    """How radiomic features agree between two masks of the same patients.

    Attributes
    ----------
    icc : DataFrame
        One row a feature; see :func:`gliofuse.radiomics.icc.intraclass_correlation`.
    threshold : float
    share : float
        Of the features that have an ICC(2,1), how many reach the threshold.
    failures : DataFrame
    """

    icc: pd.DataFrame
    threshold: float
    share: float
    failures: pd.DataFrame

    def describe(self) -> str:
        """Return a sentence for the terminal and the report."""
        known = self.icc["icc"].dropna()
        return (
            f"{self.share:.0%} of {len(known)} features with ICC(2,1) >= {self.threshold:g}, "
            f"median {known.median():.3f} ({known.quantile(0.25):.3f}-{known.quantile(0.75):.3f})"
        )


def measure_agreement(
    cohort: Cohort,
    masks: Mapping[str, Path],
    *,
    regions: Sequence[str] | None = None,
    convention: str | LabelConvention = "auto",
    convention2: str | LabelConvention | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> Agreement:
    """Compare other masks with those of a cohort, which are the reference.

    Parameters
    ----------
    cohort : Cohort
        Its masks are the reference.
    masks : mapping of str to Path
        The masks to judge; patients without one are left out.
    regions : sequence of str, optional
        Region expressions; by default every named one of the convention, the labels among them.
    convention, convention2 : str or LabelConvention
        Of the reference, and of the masks to judge (by default the same).
    confidence : float
        Of the intervals: bootstrap over patients, bias-corrected and accelerated.
    seed : int
        Of the bootstrap.
    workers : int or None
    progress : callable, optional

    Raises
    ------
    ManifestError
        If no patient could be compared; with the first error.
    """
    here = [case for case in cohort if case.mask is not None and case.case_id in masks]
    if not here:
        raise ManifestError(
            f"agreement: none of {len(cohort)} patients has both masks; name the files "
            "<case_id>.nii.gz, or give a manifest with the same case_id"
        )
    if convention == "auto":
        convention = cohort_convention((case.mask for case in here), workers=workers)
    first = get_convention(convention)
    second = first if convention2 is None else get_convention(convention2)
    names = tuple(regions) if regions is not None else available_regions(first)
    compare = partial(_compare, masks=dict(masks), names=names, first=first, second=second)
    rows, failed = [], []
    for done, outcome in enumerate(parallel_map(compare, here, workers=workers), 1):
        if outcome.result is None:
            failed.append((outcome.item.case_id, "agreement", outcome.error))
        else:
            rows += outcome.result
        if progress is not None:
            progress(done)
    failures = pd.DataFrame(failed, columns=["case_id", "stage", "error"])
    if not rows:
        raise ManifestError(f"agreement: no patient could be compared; the first: {failed[0][2]}")
    table = pd.DataFrame(rows)
    return Agreement(table, _summary(table, confidence, seed), failures)


def _compare(
    case: Case,
    *,
    masks: Mapping[str, Path],
    names: Sequence[str],
    first: LabelConvention,
    second: LabelConvention,
) -> list[dict[str, Any]]:
    assert case.mask is not None
    reference, predicted = read_mask(case.mask), read_mask(masks[case.case_id])
    check_same_geometry(predicted, reference, str(masks[case.case_id]), str(case.mask))
    return [
        {
            "case_id": case.case_id,
            "region": name,
            **compare_masks(
                region_mask(predicted, name, second),
                region_mask(reference, name, first),
                reference.spacing_mm,
            ).as_dict(),
        }
        for name in names
    ]


def _summary(table: pd.DataFrame, confidence: float, seed: int) -> pd.DataFrame:
    rows = []
    for region, group in table.groupby("region", sort=False):
        figures = {name: group[name] for name in _SUMMARISED}
        with_lesions = group[group["lesions"] > 0]
        figures["lesion_sensitivity"] = with_lesions["lesions_found"] / with_lesions["lesions"]
        figures["false_lesions"] = group["lesions_false"].astype(float)
        for name, values in figures.items():
            known = values.dropna().to_numpy(float)
            mean, median = (
                _interval(known, statistic, confidence, seed) for statistic in (np.mean, np.median)
            )
            rows.append(
                {
                    "region": region,
                    "figure": name,
                    "n": len(known),
                    "mean": mean[0],
                    "ci_low": mean[1],
                    "ci_high": mean[2],
                    "median": median[0],
                    "median_ci_low": median[1],
                    "median_ci_high": median[2],
                    "sd": float(np.std(known, ddof=1)) if len(known) > 1 else np.nan,
                }
            )
    return pd.DataFrame(rows)


def _interval(
    values: np.ndarray, statistic: Callable[..., Any], confidence: float, seed: int
) -> tuple[float, float, float]:
    """Return the statistic with its bootstrap interval; NaN limits with fewer than three values."""
    from scipy.stats import bootstrap

    if len(values) == 0:
        return np.nan, np.nan, np.nan
    estimate = float(statistic(values))
    if len(values) < 3:
        return estimate, np.nan, np.nan
    if np.ptp(values) == 0:
        return estimate, estimate, estimate
    # the median's jackknife takes two values at most: no acceleration to be had from it
    method = "BCa" if statistic is np.mean else "percentile"
    found = bootstrap(
        (values,),
        statistic,
        n_resamples=_RESAMPLES,
        confidence_level=confidence,
        method=method,
        rng=np.random.default_rng(seed),
        axis=-1,
    ).confidence_interval
    return estimate, float(found.low), float(found.high)


def feature_agreement(
    cohort: Cohort,
    masks: Mapping[str, Path],
    settings: RadiomicsSettings,
    *,
    regions: Sequence[str] = ("whole",),
    sequences: Sequence[str] | None = None,
    convention: str | LabelConvention = "auto",
    normalisation: str = "none",
    threshold: float = 0.75,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> FeatureAgreement:
    """Extract radiomic features from the cohort's masks and from others, and correlate them.

    Parameters
    ----------
    cohort, masks
        As in :func:`measure_agreement`.
    settings : RadiomicsSettings
        The feature bank.
    regions, sequences, convention, normalisation, workers, progress
        See :func:`gliofuse.radiomics.stability.measure_stability`.
    threshold : float
        From which a feature counts as consistent; 0.75 in the design ``deep-radiomics``.

    Raises
    ------
    ManifestError
        If fewer than three patients could be compared.
    """
    from gliofuse.radiomics.stability import measure_stability

    both = [case.case_id for case in cohort if case.mask is not None and case.case_id in masks]
    found = measure_stability(
        cohort.subset(both),
        settings=settings,
        masks2=masks,
        regions=regions,
        sequences=sequences,
        convention=convention,
        normalisation=normalisation,
        workers=workers,
        progress=progress,
    )
    known = found.icc["icc"].dropna()
    share = float((known >= threshold).mean()) if len(known) else float("nan")
    return FeatureAgreement(found.icc, threshold, share, found.failures)


def quality_correlation(cases: pd.DataFrame, quality: pd.Series) -> dict[str, float]:
    """Return how a segmenter's own figure goes with the true Dice of the whole tumour.

    Parameters
    ----------
    cases : DataFrame
        :attr:`Agreement.cases`.
    quality : Series
        By ``case_id``.

    Returns
    -------
    dict
        ``n``, Spearman's and Pearson's coefficient, and the mean absolute difference.
    """
    from scipy.stats import pearsonr, spearmanr

    whole = cases[cases["region"] == "whole"].set_index("case_id")["dice"]
    both = pd.concat([whole, quality.rename("quality")], axis=1, join="inner").dropna()
    if len(both) < 3 or both["dice"].nunique() < 2 or both["quality"].nunique() < 2:
        nothing = float("nan")
        return {"n": float(len(both)), "spearman": nothing, "pearson": nothing, "error": nothing}
    return {
        "n": float(len(both)),
        "spearman": float(spearmanr(both["dice"], both["quality"]).statistic),
        "pearson": float(pearsonr(both["dice"], both["quality"]).statistic),
        "error": float((both["dice"] - both["quality"]).abs().mean()),
    }


def bland_altman(
    cases: pd.DataFrame, path: str | os.PathLike[str], *, region: str = "whole"
) -> Path:
    """Draw the difference of both volumes against their mean, with the limits of agreement.

    Parameters
    ----------
    cases : DataFrame
        :attr:`Agreement.cases`.
    path : path
        The suffix chooses PNG, SVG or PDF.
    region : str

    References
    ----------
    .. [1] Bland JM, Altman DG. Statistical methods for assessing agreement between two methods of
       clinical measurement. Lancet 1986;1:307-310.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    own = cases[cases["region"] == region]
    if own.empty:
        raise ManifestError(f"agreement: no patient was compared in the region {region!r}")
    predicted, reference = own["volume_mm3"] / 1000, own["reference_mm3"] / 1000
    mean, difference = (predicted + reference) / 2, predicted - reference
    bias = float(difference.mean())
    reach = 1.96 * float(difference.std(ddof=1)) if len(own) > 1 else float("nan")
    figure = Figure(figsize=(5.2, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.scatter(mean, difference, s=22, color="#0072B2", zorder=3)
    lines = ((bias, "-", "bias"), (bias - reach, "--", ""), (bias + reach, "--", "95 % limits"))
    for height, style, label in lines:
        if np.isfinite(height):
            axes.axhline(height, color="0.35", lw=1, ls=style)
            text = f"{label} {height:+.1f}".strip()
            axes.annotate(
                text, (1.0, height), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                fontsize=8,
            )  # fmt: skip
    axes.axhline(0, color="0.85", lw=1, zorder=0)
    axes.set(
        xlabel="mean of both volumes, ml",
        ylabel="predicted minus reference, ml",
        title=f"{region}: {len(own)} patients",
    )
    axes.spines[["top", "right"]].set_visible(False)
    target = Path(path)
    with atomic_path(target) as temporary:
        figure.savefig(temporary, dpi=130)
    return target
