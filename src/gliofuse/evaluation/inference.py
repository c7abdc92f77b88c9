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

What is done with it:

- an AUC's interval holds each value against the variance at that value: twice DeLong's at 0.5, by
  which "better than chance" is judged, and less the further away it lies (:func:`refit_share`). It
  is about the mean true AUC of the models that were fitted, not of all that other patients might
  have trained: of that mean it covers 80 to 90 % where features are selected among hundreds and
  carry a weak signal, since how lucky the training patients were is not to be seen in them;
- two models are compared with three times the variance: beside each other's chance, two equally
  good methods may have been lucky with their training patients to a different degree, which one
  set of patients doesn't show (:data:`REFIT_DIFFERENCE`);
- a rate at a threshold keeps only a part of what the models share: Wilson's interval with
  :data:`REFIT_RATES` times the variance.

References
----------
Bates S, Hastie T, Tibshirani R. J Am Stat Assoc 2024; 119: 1434-1445 (what cross-validation
estimates, and that its naive intervals are too short).
Bengio Y, Grandvalet Y. J Mach Learn Res 2004; 5: 1089-1105 (no unbiased estimate of the variance).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gliofuse.evaluation._checks import normal_quantile

__all__ = [
    "REFIT_DIFFERENCE",
    "REFIT_RATES",
    "REFIT_VARIANCE",
    "logit_limits",
    "method_name",
    "refit_share",
    "shares_training",
    "widened",
]

#: Variance over that of models taken for given, where the models know nothing.
REFIT_VARIANCE = 2.0
#: The same for the difference of two models that are equally good on the average of training sets.
REFIT_DIFFERENCE = 3.0
#: The same for a rate at a threshold; by simulation 1.1 (strong signal) to 1.8 (none).
REFIT_RATES = 1.5

_REFITS = "_refits"
# Where the additional variance of refitting has fallen to a half: |z|^2 of the area's log odds.
_HALF_AT = 5.0


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


def refit_share(z: np.ndarray | float) -> np.ndarray | float:
    """Return what refitting adds to the variance, as a share of it, where the truth lies at z.

    ``1 / (1 + z^2 / 5)``: 1 at no signal, a half at 2.2, an eighth at 6. The form is that of a
    linear model, in which it is the part of chance in the direction of the weights; with the 5 the
    intervals cover in simulation.

    Parameters
    ----------
    z : float or ndarray
        The true log odds of the area over their standard error under fitted models.
    """
    return 1 / (1 + np.square(z) / _HALF_AT)


def logit_limits(
    estimate: float, variance: float, *, refits: bool, confidence: float
) -> tuple[float, float]:
    """Return the interval of an area between 0 and 1, from its log odds.

    The set of areas t with ``|logit(estimate) - logit(t)| <= q s sqrt(1 + share(logit(t) / s))``,
    s being the standard error of the log odds by the delta method; without ``refits`` the share
    is 0 and the interval the usual one.

    Parameters
    ----------
    estimate : float
        Above 0 and below 1.
    variance : float
        Of the area under fitted models; above 0.
    refits : bool
        Whether the judged patients have trained each other's models.
    confidence : float
    """
    spread = float(np.sqrt(variance)) / (estimate * (1 - estimate))
    z, reach = float(np.log(estimate / (1 - estimate))) / spread, normal_quantile(confidence)
    low, high = z - reach, z + reach
    if refits:
        low, high = -_reached(-z, reach), _reached(z, reach)
    return _expit(low * spread), _expit(high * spread)


def _reached(z: float, reach: float) -> float:
    """Return the largest t with ``t - z <= reach sqrt(1 + share(t))``."""
    from scipy.optimize import brentq

    def beyond(t: float) -> float:
        return float(t - z - reach * np.sqrt(1 + refit_share(t)))

    return float(brentq(beyond, z + reach, z + reach * np.sqrt(REFIT_VARIANCE) + 1e-9))


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
