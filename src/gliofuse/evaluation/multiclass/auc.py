"""One-vs-rest AUCs of several classes, their mean, and the paired test between two models.

The variance of the mean
------------------------
Let a patient's *placement* for class k be DeLong's: for a patient of the class the share of the
other patients with a lower probability of k, for another patient the share of the class with a
higher one. To first order (Hajek's projection, of which DeLong's variance is the case of two
classes) an error of the AUC of class k is the mean over all n patients of

    (placement - mean placement of the side) * n / (patients of the side),

a *side* being the class or the rest. A patient's contribution to the mean of several AUCs is the
mean of these over the classes, so that the covariances between the AUCs, which rest on the same
patients, come with it. The variance is then, summed over the classes c as the patients were
sampled,

    sum_c [ n_c * var_c + n_c * mean_c^2 ] / n^2,

with the sample variance (ddof 1) and mean of the contributions within class c. The second term
says that the mixture of classes within the rest is a chance one too; with two classes it is 0 and
what remains is DeLong's variance, to the last digit but rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.auc import (
    AUC,
    NO_VARIANCE,
    auc_delong,
    mean_by_pairs,
    mid_ranks,
    newcombe_interval,
    placements,
    scaled_by_pairs,
)
from gliofuse.evaluation.comparison import DeLongTest, compare_pairs, paired_test
from gliofuse.evaluation.multiclass._checks import (
    check_classes,
    pool_classes,
    reason_unusable,
    usable_classes,
)

__all__ = [
    "MacroAUC",
    "hand_till",
    "macro_auc",
    "macro_auc_matrix",
    "macro_auc_test",
    "macro_auc_within_folds",
    "one_vs_rest_auc",
]


@dataclass(frozen=True)
class MacroAUC(AUC):
    """A mean of AUCs with its interval, and the classes that it is the mean over."""

    classes: tuple[str, ...] = ()


def one_vs_rest_auc(
    y: ArrayLike, p: ArrayLike, classes: Sequence[str], *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return the AUC of telling each class from the rest, with DeLong's interval.

    Parameters
    ----------
    y : array-like of shape (n,)
        Names of classes; none missing.
    p : array-like of shape (n, k)
        Probabilities in the order of ``classes``.
    classes : sequence of str
    confidence : float

    Returns
    -------
    DataFrame
        class, estimate, ci_low, ci_high, n, n_class, note; one row a class. A class with fewer
        than two patients has NaN, and the note says so.

    Examples
    --------
    >>> p = [[0.6, 0.3, 0.1], [0.5, 0.2, 0.3], [0.3, 0.4, 0.3], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7]]
    >>> table = one_vs_rest_auc(["2", "2", "3", "3", "4"], p, ["2", "3", "4"])
    >>> table[["class", "estimate", "note"]].values.tolist()[1:]
    [['3', 1.0, ''], ['4', nan, 'a single patient of the class']]
    """
    codes, chance = check_classes(y, p, classes)
    rows = []
    for number, name in enumerate(classes):
        member = codes == number
        size = int(member.sum())
        note = reason_unusable(size, codes.size)
        area = (
            AUC(np.nan, np.nan, np.nan, np.nan)
            if note
            else auc_delong(member, chance[:, number], confidence=confidence)
        )
        rows.append(
            {
                "class": name,
                "estimate": area.estimate,
                "ci_low": area.ci_low,
                "ci_high": area.ci_high,
                "n": codes.size,
                "n_class": size,
                "note": note,
            }
        )
    return pd.DataFrame(rows)


def macro_auc(
    y: ArrayLike, p: ArrayLike, classes: Sequence[str], *, confidence: float = 0.95
) -> MacroAUC:
    """Return the unweighted mean of the one-vs-rest AUCs, with an interval of DeLong's type.

    Classes with fewer than two patients are left out of the mean. The interval is normal, cut off
    at 0 and 1; the variance is described at the head of this module. Where it is 0 (every class
    separated perfectly) the interval is Newcombe's for the smallest class, which always has a
    width. In simulations of three classes the standard error was right to 3 per cent from 60
    patients on; a 95 % interval covered in 94 to 95 % of cohorts at areas up to 0.8, and as
    DeLong's of two classes in 91 to 92 % with 60 patients and an area above 0.9.

    Parameters
    ----------
    y : array-like of shape (n,)
        Names of classes; none missing.
    p : array-like of shape (n, k)
        Probabilities in the order of ``classes``.
    classes : sequence of str
    confidence : float

    Raises
    ------
    InputError
        If no class has two patients and some beside it.

    References
    ----------
    DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988; 44: 837-845.
    Provost F, Domingos P. CeDER working paper IS-00-04, Stern School of Business, 2000 (the
    one-vs-rest mean, there weighted by prevalence).

    Examples
    --------
    >>> p = [[0.6, 0.3, 0.1], [0.5, 0.2, 0.3], [0.3, 0.4, 0.3], [0.4, 0.5, 0.1], [0.1, 0.2, 0.7]]
    >>> area = macro_auc(["2", "2", "3", "3", "4"], p, ["2", "3", "4"])
    >>> area.estimate, area.classes
    (1.0, ('2', '3'))
    """
    codes, chance = check_classes(y, p, classes)
    used = _some_usable(codes, classes)
    return _mean_of(codes, _placed(codes, chance, used), used, classes, confidence)


def macro_auc_test(
    y: ArrayLike,
    p_a: ArrayLike,
    p_b: ArrayLike,
    classes: Sequence[str],
    *,
    confidence: float = 0.95,
) -> DeLongTest:
    """Compare the macro AUCs of two models on the same patients.

    The variance of the difference is that of the patients' differing contributions, so the
    correlation between the models counts. Without variance the same holds as for
    :func:`~gliofuse.evaluation.delong_test`.

    Parameters
    ----------
    y : array-like of shape (n,)
    p_a, p_b : array-like of shape (n, k)
    classes : sequence of str
    confidence : float

    Raises
    ------
    InputError
        As :func:`macro_auc`.
    """
    codes, a = check_classes(y, p_a, classes)
    _, b = check_classes(y, p_b, classes)
    used = _some_usable(codes, classes)
    placed_a, placed_b = _placed(codes, a, used), _placed(codes, b, used)
    difference = _contributions(codes, placed_a, used) - _contributions(codes, placed_b, used)
    return paired_test(
        _mean_of(codes, placed_a, used, classes, confidence),
        _mean_of(codes, placed_b, used, classes, confidence),
        _variance(difference, codes),
        same_ranks=all(np.array_equal(mid_ranks(a[:, k]), mid_ranks(b[:, k])) for k in used),
        confidence=confidence,
    )


def macro_auc_matrix(
    predictions: pd.DataFrame, cohort: str, columns: Mapping[str, str], *, confidence: float = 0.95
) -> pd.DataFrame:
    """Test every pair of models on the patients of one cohort that both have predicted.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true and the probabilities; pooled to a row a patient.
    cohort : str
    columns : mapping of str to str
        The column of each class's probability, by class, in order.
    confidence : float

    Returns
    -------
    DataFrame
        As :func:`~gliofuse.evaluation.delong_matrix`, the areas being macro AUCs; ``p_holm`` is
        adjusted for all pairs of this table.

    Raises
    ------
    InputError
        If the cohort is absent, a pair shares no patients, or no class of theirs has two.
    """
    pooled = pool_classes(predictions, columns, include_training=cohort == "training")
    pooled = pooled[pooled["cohort"] == cohort]
    if pooled.empty:
        held = sorted(predictions["cohort"].astype(str).unique())
        raise InputError(f"predictions holds no patient of cohort {cohort!r}; it holds {held}")
    return compare_pairs(
        pooled,
        tuple(columns.values()),
        lambda y, p_a, p_b: macro_auc_test(y, p_a, p_b, tuple(columns), confidence=confidence),
    )


def macro_auc_within_folds(
    predictions: pd.DataFrame, columns: Mapping[str, str], *, confidence: float = 0.95
) -> MacroAUC | None:
    """Return the macro AUC of pairs of patients whom the same fold's model predicted.

    See :func:`~gliofuse.evaluation.auc_within_folds`: for each class every pair of a patient of the
    class and another one whom the same fold's model predicted counts once.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, y_true and the probabilities of one model on one cohort.
    columns : mapping of str to str
        The column of each class's probability, by class, in order.
    confidence : float

    Returns
    -------
    MacroAUC or None
        None where fewer than two folds hold patients of two classes, or no class has two patients
        in such folds.

    References
    ----------
    Airola A, et al. Comput Stat Data Anal 2011; 55: 1828-1844 (the bias of pooling).
    """
    classes = tuple(columns)
    folds = [fold for _, fold in predictions.groupby("fold") if fold["y_true"].nunique() > 1]
    if len(folds) < 2:
        return None
    parts = []
    for fold in folds:
        codes, chance = check_classes(fold["y_true"], fold[list(columns.values())], classes)
        present = [k for k in range(len(classes)) if 0 < (codes == k).sum() < codes.size]
        places = _placed(codes, chance, present)
        for k in present:
            sides = np.where(codes == k, (codes != k).sum(), (codes == k).sum())
            rows = fold[["case_id"]].assign(y_true=codes, place=places[:, k], pairs=sides)
            parts.append(rows.assign(of=k))
    placed = pd.concat(parts)
    codes = placed.groupby("case_id")["y_true"].first()
    table = pd.DataFrame(np.nan, index=codes.index, columns=range(len(classes)))
    for k, rows in placed.groupby("of"):
        patients = mean_by_pairs(rows)
        for _, side in patients.groupby(patients["y_true"] == k):
            table.loc[side.index, k] = scaled_by_pairs(
                side["place"].to_numpy(), side["pairs"].to_numpy()
            )
    codes, places = codes.to_numpy(), table.to_numpy()
    known = [np.isfinite(places[:, k]) for k in range(len(classes))]
    used = [
        k
        for k in range(len(classes))
        if (known[k] & (codes == k)).sum() > 1 and (known[k] & (codes != k)).any()
    ]
    return _mean_of(codes, places, used, classes, confidence) if used else None


def hand_till(
    y: ArrayLike, p: ArrayLike, classes: Sequence[str], *, confidence: float = 0.95
) -> MacroAUC:
    """Return Hand's and Till's M: the mean over pairs of classes of how well they are told apart.

    For classes i and j the mean of the AUC by the probability of i and of that by the probability
    of j, among the patients of the two. Unlike the macro AUC it doesn't depend on how many
    patients each class has. The interval is of DeLong's type, from the patients' contributions to
    all pairs; Newcombe's for the two smallest classes where there is no variance.

    Parameters
    ----------
    y : array-like of shape (n,)
    p : array-like of shape (n, k)
    classes : sequence of str
    confidence : float

    Returns
    -------
    MacroAUC
        Classes with fewer than two patients take no part; NaN with fewer than two classes left.

    References
    ----------
    Hand DJ, Till RJ. Mach Learn 2001; 45: 171-186, equation 7.
    """
    codes, chance = check_classes(y, p, classes)
    used = usable_classes(codes, len(classes))
    names = tuple(str(classes[k]) for k in used)
    if len(used) < 2:
        return MacroAUC(np.nan, np.nan, np.nan, np.nan, classes=names)
    pairs = list(permutations(used, 2))
    areas, contribution = [], np.zeros(codes.size)
    for one, other in pairs:
        rows = np.flatnonzero((codes == one) | (codes == other))
        member = codes[rows] == one
        for side, place in zip(
            (member, ~member), placements(member, chance[rows, one]), strict=True
        ):
            contribution[rows[side]] += (place - place.mean()) * (codes.size / place.size)
            if side is member:
                areas.append(float(place.mean()))
    sizes = sorted(int((codes == k).sum()) for k in used)
    variance = _variance(contribution / len(pairs), codes)
    return _area(float(np.mean(areas)), variance, (sizes[0], sizes[1]), names, confidence)


def _some_usable(codes: np.ndarray, classes: Sequence[str]) -> list[int]:
    used = usable_classes(codes, len(classes))
    if not used:
        sizes = np.bincount(codes, minlength=len(classes)).tolist()
        raise InputError(
            "y must hold a class of two or more patients and others beside it, got "
            f"{dict(zip(classes, sizes, strict=True))}; choose another split or endpoint"
        )
    return used


def _placed(codes: np.ndarray, chance: np.ndarray, used: Sequence[int]) -> np.ndarray:
    """Return the placements (n, k) for each of the used classes, NaN for the others."""
    places = np.full(chance.shape, np.nan)
    for k in used:
        member = codes == k
        places[member, k], places[~member, k] = placements(member, chance[:, k])
    return places


def _contributions(codes: np.ndarray, places: np.ndarray, used: Sequence[int]) -> np.ndarray:
    """Return what each patient contributes to the error of the mean AUC, (n,)."""
    total = np.zeros(codes.size)
    for k in used:
        known = np.isfinite(places[:, k])
        for side in (known & (codes == k), known & (codes != k)):
            own = places[side, k]
            total[side] += (own - own.mean()) * (codes.size / own.size)
    return total / len(used)


def _variance(contribution: np.ndarray, codes: np.ndarray) -> float:
    total = 0.0
    for k in np.unique(codes):
        own = contribution[codes == k]
        # One patient of a class: the spread within it is unknown and counts with the mean's.
        within = own.var(ddof=1) if own.size > 1 else 0.0
        total += own.size * (within + own.mean() ** 2)
    return float(total / codes.size**2)


def _mean_of(
    codes: np.ndarray,
    places: np.ndarray,
    used: Sequence[int],
    classes: Sequence[str],
    confidence: float,
) -> MacroAUC:
    estimate = float(np.mean([np.nanmean(places[codes == k, k]) for k in used]))
    smallest = min(int((codes == k).sum()) for k in used)
    largest = max(int((codes == k).sum()) for k in used)
    # Beside all but one patient there is no spread of the rest to be seen.
    seen = codes.size - largest > 1
    variance = _variance(_contributions(codes, places, used), codes) if seen else np.nan
    names = tuple(str(classes[k]) for k in used)
    return _area(estimate, variance, (smallest, codes.size - smallest), names, confidence)


def _area(
    estimate: float,
    variance: float,
    sizes: tuple[int, int],
    classes: tuple[str, ...],
    confidence: float,
) -> MacroAUC:
    if not variance > NO_VARIANCE:
        low, high = newcombe_interval(estimate, *sizes, confidence=confidence)
        return MacroAUC(estimate, low, high, variance, "newcombe", classes)
    half = normal_quantile(confidence) * np.sqrt(variance)
    low, high = float(max(0, estimate - half)), float(min(1, estimate + half))
    return MacroAUC(estimate, low, high, variance, classes=classes)
