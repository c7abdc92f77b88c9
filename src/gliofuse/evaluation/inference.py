"""Whose intervals and tests hold: patients judged by one model, or by models that share patients.

A single model judged on patients who took no part in its training is judged on independent
patients, and DeLong's variance (or Wilson's, for a rate) is right. In cross-validation each
patient is held out once and trains the models of all other folds. What the patients of fold j by
chance have more of, the model of fold k learns; and what those of fold k have more of, the model
of fold j. Each such pair of folds thus counts twice.

Take a model that knows nothing: let d_k be the difference of the two classes in fold k. Its models
lean towards the sum of the d of the other folds, and the statistic of fold k is the product of
d_k with that sum. Over all folds this is a degenerate U-statistic, the sum of d_j d_k over all
pairs of folds, in which each pair stands twice: its variance is exactly twice that which treats
the fitted models as given, for any number of folds and repeats. Taken for given, a 95 % interval
covers 2 Phi(1.96 / sqrt(2)) - 1 = 83 %. Where there is a strong signal the models lean towards
that, whatever the other folds' chance, and the factor tends to 1. Both were found by simulation
(``benchmarks/inference.py``), which also gave how it falls in between. Harrell's C within folds is
a statistic of the same kind and takes the same factors (``benchmarks/survival_inference.py``).

A learner that chooses among features is no linear one: what it does with three patients or more
together counts as often as they can take turns in being tested, and the factor with no signal is
2.2 to 2.4 in 5 folds, up to 3.1 in 10. The models being given, the variance is that of pairs of
patients (:mod:`gliofuse.evaluation.pairs`); DeLong's is too large where folds are small.

What is done with it:

- an AUC's interval holds each value t against the variance at t: at 0.5, by which "better than
  chance" is judged, that of pairs 2.25 times in 5 folds and 2.75 times in 10; less the further t
  lies from it, and the more of what the models show on their training patients is shown at t
  (:func:`refit_share`). In a linear model the weights are signal and noise; the noise is what
  counts twice, and its part of the squared length of the weights is exactly one minus the normal
  deviate of the area over that of the apparent area. Models that describe their training patients
  perfectly, as forests and networks do, leave that ratio without a meaning: the other bound, on t
  over its error, is by simulation. The interval is about the mean true AUC of the models that were
  fitted, not of all that other patients might have trained: of that mean it covers 80 to 90 % where
  features are selected among hundreds and carry a weak signal, since how lucky the training
  patients were is not to be seen in them;
- over repeats the mean has less variance than one of them: what a repeat's variance holds of the
  variance between divisions, which the repeats show, is taken off. Repeated hold-outs, as those of
  a bootstrap, have no share of refitting within one of them: half of one's variance is left;
- two models are compared with 3.5 times the variance of pairs in 5 folds, 4 times in 10 (0.65 times
  over repeated hold-outs): beside each other's chance, two equally good methods may have been lucky
  with their training patients to a different degree, which one set of patients doesn't show. By
  simulation 1.0 (few features, strong signal) to 3.3 times (no signal, selection, 10 folds) are
  right, so that the test is a cautious one. No one multiple is right for all learners: that would
  need to know how they learn;
- a rate at a threshold keeps only a part of what the models share: Wilson's interval with the
  variance of :func:`rates_with_refits`.

In simulations of 250 to 800 cohorts of 60 or 150 patients (two models each; logistic models of few
and of selected features, LASSO; 5 and 10 folds; ``benchmarks/inference.py --seed 20261201``) the
AUC's intervals covered in 92.8 to 97.9 %, and equal methods differed in at most 5.2 %. Of the
constants, those of 10 folds were chosen on the same kinds of cohorts with other seeds. Without the
apparent area, as for several classes, few features with a strong signal are covered too often (98
to 99 %). Accuracies are covered in 92.8 to 100 %, most often too often. Not simulated with these
rules: rare classes.

References
----------
Bates S, Hastie T, Tibshirani R. J Am Stat Assoc 2024; 119: 1434-1445 (what cross-validation
estimates, and that its naive intervals are too short).
Bengio Y, Grandvalet Y. J Mach Learn Res 2004; 5: 1089-1105 (no unbiased estimate of the variance).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import NormalDist

import numpy as np
import pandas as pd

from gliofuse.evaluation._checks import normal_quantile

__all__ = [
    "REFIT_DIFFERENCE",
    "REFIT_RATES",
    "REFIT_VARIANCE",
    "difference_factor",
    "difference_with_refits",
    "logit_limits",
    "method_name",
    "rates_with_refits",
    "refit_share",
    "shares_training",
    "variance_with_refits",
    "widened",
]

#: Variance over that of models taken for given, where the models know nothing.
REFIT_VARIANCE = 2.0
#: The same for the difference of two models that are equally good on the average of training sets.
REFIT_DIFFERENCE = 3.0
#: The same for points of curves that are rates; by simulation 1.1 (strong signal) to 1.8 (none).
REFIT_RATES = 1.5
# Of a single rate at a threshold: what is added where it says nothing, what always is, and the
# deviate from a half at which the former has fallen to a half; by simulation.
_RATES_AT_NOTHING = 1.7
_RATES_ALWAYS = 0.1
_RATES_HALF_AT = 4.0

_REFITS = "_refits"
# What refitting adds where there is no signal, if the number of folds isn't known, and |z| where
# it has fallen to a half; what it adds at most with 5 folds, and more with each further one to 10.
_AT_NO_SIGNAL = 1.5
_HALF_AT = 6.0
_AT_MOST_OF_FIVE = 1.25
_AT_MOST_A_FOLD = 0.1
# REFIT_DIFFERENCE of two areas, with 5 folds or an unknown number and with each further one to 10.
_AREAS_APART = 3.5
_AREAS_APART_A_FOLD = 0.1
# The same over repeated hold-outs, of the variance of one of them, less what their mean takes off.
_HOLD_OUTS_APART = 0.65
# The mean over repeats keeps at least this part of one repeat's variance; the variance between a
# few repeats, which is taken off, is itself uncertain.
_LEAST_KEPT = 0.5


def shares_training(predictions: pd.DataFrame) -> frozenset[str]:
    """Return the cohorts whose patients have trained models that judge others of the cohort.

    These are the held-out patients of a cross-validation and the centres that are left out in
    turn; patients of a hold-out or external cohort train no model. A table without training rows
    tells nothing of it: several folds are then taken for a cross-validation.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort of one or more models.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "case_id": ["a", "b", "a", "b", "c", "c"], "fold": ["1", "1", "2", "2", "1", "2"],
    ...     "cohort": ["test", "training", "training", "test", "external", "external"]})
    >>> sorted(shares_training(table))
    ['test']
    """
    rows = predictions[["case_id", "fold", "cohort"]].astype({"cohort": str})
    trained = set(rows.loc[rows["cohort"] == "training", "case_id"])
    sharing = []
    for cohort, own in rows[rows["cohort"] != "training"].groupby("cohort"):
        several = own["fold"].nunique() > 1
        if several and (not trained or own["case_id"].isin(trained).any()):
            sharing.append(str(cohort))
    return frozenset(sharing)


def rates_with_refits(share: float, size: float) -> float:
    """Return by how much refitting multiplies the variance of a rate at a threshold.

    Whom a model calls positive changes with its training patients the more, the less it knows: a
    rate far from a half, given its patients, is one of a model that knows something.

    Parameters
    ----------
    share : float
        The rate, 0 to 1.
    size : float
        Patients that it is a share of.
    """
    deviate = 2 * abs(share - 0.5) * size**0.5
    return 1 + _RATES_ALWAYS + _RATES_AT_NOTHING / (1 + (deviate / _RATES_HALF_AT) ** 2)


def refit_share(
    z: float, error: float = 1.0, apparent: float = 1.0, folds: int | None = None
) -> float:
    """Return what refitting adds to the variance, as a share of it, where the truth lies at z.

    1.5 times the lesser of ``1 / (1 + |z| / 6)`` and of the part of what the models show on their
    training patients that other patients don't show, ``1 - |d| / d_apparent``, d being the normal
    deviate of an area. At most 1.25 with 5 folds or fewer; with 10 or more it is 1.75 times.

    Parameters
    ----------
    z : float
        The true log odds of the area over their standard error under fitted models.
    error : float
        That standard error.
    apparent : float
        The same models' area on their training patients; 1 where that isn't known.
    folds : int, optional
        Of one repeat. More folds take turns in more ways: with three patients or more in an
        interaction, see the module. With one, a hold-out, nobody judged has trained: 0.
    """
    most = _AT_NO_SIGNAL
    if folds == 1:
        return 0.0
    if folds is not None:
        most = _AT_MOST_OF_FIVE + _AT_MOST_A_FOLD * _further(folds)
    part = 1 / (1 + abs(z) / _HALF_AT)
    if 0.5 < apparent < 1:
        shown = abs(_deviate(_expit(z * error))) / _deviate(apparent)
        part = min(part, max(0.0, 1 - shown))
    return min(most, max(most, _AT_NO_SIGNAL) * part)


def _further(folds: int) -> int:
    """Return how many folds there are beyond 5, of which those beyond 10 add nothing."""
    return min(max(folds, 5), 10) - 5


def variance_with_refits(
    estimate: float,
    variance: float,
    *,
    averaged: float = 0.0,
    apparent: float = 1.0,
    folds: int | None = None,
) -> float:
    """Return the variance of an area between 0 and 1 with what refitting adds at the estimate.

    The parameters are those of :func:`logit_limits`.
    """
    error = float(np.sqrt(variance)) / (estimate * (1 - estimate))
    share = refit_share(float(np.log(estimate / (1 - estimate))) / error, error, apparent, folds)
    return variance * max(_LEAST_KEPT, 1 + share - averaged / variance)


def difference_with_refits(
    variance: float, averaged: float = 0.0, folds: int | None = None
) -> float:
    """Return the variance of the difference of two areas, from that under fitted models.

    ``averaged`` is what the mean over repeats takes off one repeat's variance, ``folds`` how many
    folds a repeat has; one where they are hold-outs.
    """
    if folds == 1:
        return _HOLD_OUTS_APART * variance
    return max(_LEAST_KEPT * variance, difference_factor(folds) * variance - averaged)


def difference_factor(folds: int | None) -> float:
    """Return by how much refitting multiplies the variance of the difference of two areas."""
    return _AREAS_APART + _AREAS_APART_A_FOLD * _further(folds or 5)


def logit_limits(
    estimate: float,
    variance: float,
    *,
    refits: bool,
    averaged: float = 0.0,
    apparent: float = 1.0,
    folds: int | None = None,
    confidence: float,
) -> tuple[float, float]:
    """Return the interval of an area between 0 and 1, from its log odds.

    The set of areas t with ``|logit(estimate) - logit(t)| <= q s sqrt(1 + share(logit(t) / s) -
    averaged / variance)``, s being the standard error of the log odds by the delta method; without
    ``refits`` there is no share and the interval the usual one.

    Parameters
    ----------
    estimate : float
        Above 0 and below 1.
    variance : float
        Of the area under fitted models; above 0.
    refits : bool
        Whether the judged patients have trained each other's models.
    averaged : float
        With ``refits``, what the mean over repeats takes off the variance of one of them.
    apparent : float
        With ``refits``, the same models' area on their training patients, see
        :func:`refit_share`.
    folds : int, optional
        With ``refits``, how many folds a repeat has.
    confidence : float
    """
    spread = float(np.sqrt(variance)) / (estimate * (1 - estimate))
    z, reach = float(np.log(estimate / (1 - estimate))) / spread, normal_quantile(confidence)
    low, high = z - reach, z + reach
    if refits:

        def factor(t: float) -> float:
            share = refit_share(t, spread, apparent, folds)
            return max(_LEAST_KEPT, 1 + share - averaged / variance)

        low, high = -_reached(-z, reach, factor), _reached(z, reach, factor)
    return _expit(low * spread), _expit(high * spread)


def _reached(z: float, reach: float, factor: Callable[[float], float]) -> float:
    """Return the largest t with ``t - z <= reach sqrt(factor(t))``."""
    from scipy.optimize import brentq

    def beyond(t: float) -> float:
        return float(t - z - reach * np.sqrt(factor(t)))

    # The factor, the same for t and -t, falls with |t|: above 0 there is one root at most.
    start = max(z, 0.0) if beyond(0.0) <= 0 else z
    return float(brentq(beyond, start, max(z, start) + reach * np.sqrt(factor(0.0)) + 1e-9))


def _deviate(area: float) -> float:
    return NormalDist().inv_cdf(min(max(area, 1e-12), 1 - 1e-12))


def _expit(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def widened(
    estimate: np.ndarray | float,
    limits: Iterable[np.ndarray | float],
    *,
    variance: float = REFIT_VARIANCE,
    least: float = -np.inf,
    most: float = np.inf,
) -> tuple[np.ndarray, ...]:
    """Return limits moved away from the estimate as so many times the variance demands.

    Examples
    --------
    >>> low, high = widened(0.2, (0.1, 0.3), least=0.0)
    >>> round(float(low), 3), round(float(high), 3)
    (0.059, 0.341)
    """
    factor = np.sqrt(variance)
    return tuple(
        np.clip(estimate + factor * (np.asarray(limit) - estimate), least, most) for limit in limits
    )


def method_name(method: str, *, refits: bool) -> str:
    """Return how an interval was found, as tables record it: ``wilson``, ``wilson_refits``."""
    return method + _REFITS if refits else method
