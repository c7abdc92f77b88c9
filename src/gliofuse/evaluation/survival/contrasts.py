"""Two models held against each other on the same patients: C, time-dependent AUC, Brier score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.auc import NO_VARIANCE
from gliofuse.evaluation.comparison import holm
from gliofuse.evaluation.inference import REFIT_DIFFERENCE, method_name
from gliofuse.evaluation.survival.concordance import harrell_concordance, variance_of
from gliofuse.evaluation.survival.metrics import auc_at, brier_at
from gliofuse.evaluation.survival.predictions import Held

__all__ = ["concordance_table", "score_contrasts_table"]


def concordance_table(
    helds: Sequence[Held], *, final: str | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Test pairs of models by the difference of Harrell's C within folds.

    The variance of the difference is that of the infinitesimal jackknife: of the difference of
    what each patient adds to both, as R's ``concordance`` of two fits gives it. Where the patients
    have trained each other's models it is three times that, see
    :mod:`gliofuse.evaluation.inference`.

    Parameters
    ----------
    helds : sequence of Held
    final : str, optional
        The model that each other one is held against; without it every two are.
    confidence : float

    Returns
    -------
    DataFrame
        cohort, model_a, model_b, c_a, c_b, difference, ci_low, ci_high, p, p_holm (over the pairs
        of the cohort), n, events, interval.
    """
    found = []
    for a, b in _pairs(helds, final):
        both = _shared(a, b)
        rows = both[0].rows
        first, second = (
            harrell_concordance(
                own.rows["time"], own.rows["event"], own.rows["risk"], stratum=own.rows["fold"]
            )
            for own in both
        )
        if first is None or second is None:
            continue
        row = _names(a, b) | {"c_a": first.estimate, "c_b": second.estimate}
        row |= _difference(both[0], first.estimate - second.estimate,
                           first.influence - second.influence, "jackknife", confidence)  # fmt: skip
        one = rows.drop_duplicates("case_id")
        found.append(row | {"n": len(one), "events": int(one["event"].sum())})
    columns = ["c_a", "c_b", "difference", "ci_low", "ci_high", "p", "p_holm", "n", "events"]
    return _adjusted(found, ["cohort"], [*columns, "interval"])


def score_contrasts_table(
    helds: Sequence[Held], *, final: str | None = None, confidence: float = 0.95
) -> pd.DataFrame:
    """Test pairs of models by time-dependent AUC and Brier score at each horizon.

    As the contrasts of riskRegression's ``Score``, from the difference of what each patient adds
    to both; where the patients have trained each other's models with three times the variance.

    Returns
    -------
    DataFrame
        cohort, model_a, model_b, horizon, metric, estimate_a, estimate_b, difference, ci_low,
        ci_high, p, p_holm (over the tests of a cohort and metric), n, interval.
    """
    found = []
    for a, b in _pairs(helds, final):
        one, other = _shared(a, b)
        for horizon in one.horizons:
            if not one.evaluable(horizon):
                continue
            areas = auc_at(one, horizon), auc_at(other, horizon)
            scored = {"auc": areas}
            if one.known(horizon) and other.known(horizon):
                at = np.array([horizon])
                briers = brier_at(one, at), brier_at(other, at)
                scored["brier"] = (briers[0] and briers[0][0], briers[1] and briers[1][0])
            for metric, (first, second) in scored.items():
                if first is None or second is None:
                    continue
                values = float(first.estimate[0]), float(second.estimate[0])
                row = _names(a, b) | {"horizon": horizon, "metric": metric}
                row |= {"estimate_a": values[0], "estimate_b": values[1]}
                influence = first.influence[:, 0] - second.influence[:, 0]
                row |= _difference(one, values[0] - values[1], influence, "influence", confidence)
                found.append(row | {"n": one.rows["case_id"].nunique()})
    columns = ["horizon", "metric", "estimate_a", "estimate_b", "difference", "ci_low", "ci_high"]
    return _adjusted(found, ["cohort", "metric"], [*columns, "p", "p_holm", "n", "interval"])


def _pairs(helds: Sequence[Held], final: str | None) -> Iterable[tuple[Held, Held]]:
    for a, b in combinations(helds, 2):
        if a.cohort == b.cohort and (final is None or final in (a.model, b.model)):
            yield (b, a) if b.model == final else (a, b)


def _shared(a: Held, b: Held) -> tuple[Held, Held]:
    """Return both with the rows of patients and folds that they have in common, in one order."""
    from dataclasses import replace

    keys = ["case_id", "fold"]
    common = a.rows[keys].merge(b.rows[keys], on=keys)
    if common.empty:
        raise InputError(f"{a.model!r} and {b.model!r} share no patient of cohort {a.cohort!r}")
    return replace(a, rows=common.merge(a.rows, on=keys)), replace(
        b, rows=common.merge(b.rows, on=keys)
    )


def _names(a: Held, b: Held) -> dict[str, Any]:
    return {"cohort": a.cohort, "model_a": a.model, "model_b": b.model}


def _difference(
    held: Held, difference: float, influence: np.ndarray, method: str, confidence: float
) -> dict[str, Any]:
    # Brier scores have one influence a patient, areas one a row.
    of_rows = influence.size == len(held.rows)
    case = held.rows["case_id"] if of_rows else None
    variance = variance_of(influence, case, refits=held.refits)
    variance *= REFIT_DIFFERENCE if held.refits else 1.0
    named = {"difference": difference, "interval": method_name(method, refits=held.refits)}
    if not variance > NO_VARIANCE:
        same = abs(difference) < 1e-12
        limit = 0.0 if same else np.nan
        return named | {"ci_low": limit, "ci_high": limit, "p": 1.0 if same else np.nan}
    error = float(np.sqrt(variance))
    half = normal_quantile(confidence) * error
    return named | {
        "ci_low": max(-1.0, difference - half),
        "ci_high": min(1.0, difference + half),
        "p": 2 * NormalDist().cdf(-abs(difference) / error),
    }


def _adjusted(rows: list[dict[str, Any]], family: list[str], columns: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["cohort", "model_a", "model_b", *columns])
    table["p_holm"] = np.nan
    for _, own in table.groupby(family, sort=False):
        table.loc[own.index, "p_holm"] = holm(own["p"].to_numpy(dtype=float))
    return table
