"""Figures of merit of every model and cohort with a time to an event, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.compute import parallel_map
from gliofuse.errors import RunError
from gliofuse.evaluation._checks import normal_quantile
from gliofuse.evaluation.inference import REFIT_VARIANCE, method_name
from gliofuse.evaluation.survival._cox import fit_cox
from gliofuse.evaluation.survival.calibration import observed_expected
from gliofuse.evaluation.survival.concordance import (
    area_limits,
    harrell_concordance,
    uno_concordance,
    variance_of,
)
from gliofuse.evaluation.survival.predictions import Held, horizon_column
from gliofuse.evaluation.survival.scores import (
    Score,
    brier_of_errors,
    integrated,
    null_brier_scores,
    squared_errors,
    time_auc,
)

__all__ = ["auc_at", "brier_at", "brier_curve", "survival_metrics_table"]

_COLUMNS = [
    *("cohort", "model", "metric", "horizon", "estimate", "ci_low", "ci_high", "interval"),
    *("n", "events", "tau", "apparent", "note"),
]  # fmt: skip
_MOST_TIMES = 400  # of a curve of scores


def survival_metrics_table(
    helds: Sequence[Held], *, workers: int | None = 1, confidence: float = 0.95
) -> pd.DataFrame:
    """Return C, time-dependent AUC, Brier scores and calibration, each with its interval.

    ``c_index`` is Harrell's C of pairs of patients of one fold; ``c_index_pooled`` that of all
    patients' mean risks, without an interval, where several models predict; ``uno_c`` Uno's up to
    tau, ``auc_<h>`` the cumulative/dynamic AUC, both of pairs of one fold. ``brier_<h>``,
    ``ipa_<h>`` (against the Kaplan-Meier curve of these patients) and ``ibs`` (the mean over time
    up to tau or the last horizon) are of patients' mean squared errors; ``oe_<h>`` is observed
    over expected risk, ``calibration_slope`` that of a Cox regression on the risk within folds.

    Parameters
    ----------
    helds : sequence of Held
    workers : int or None
    confidence : float

    Returns
    -------
    DataFrame
        cohort, model, metric, horizon, estimate, ci_low, ci_high, interval, n, events, tau,
        apparent, note. A horizon that the patients or the model don't allow has no row.
    """
    rows: list[dict[str, Any]] = []
    for outcome in parallel_map(
        partial(_figures, confidence=confidence), list(helds), workers=workers
    ):
        held = outcome.item
        if outcome.result is None:
            raise RunError(f"metrics of {held.model} ({held.cohort}): {outcome.error}")
        rows += outcome.result
    return pd.DataFrame(rows, columns=_COLUMNS)


def auc_at(held: Held, horizon: float) -> Score | None:
    """Return the time-dependent AUC of pairs of one fold, by the probability or else the risk."""
    rows = held.rows
    risk = 1 - rows[horizon_column(horizon)] if held.known(horizon) else rows["risk"]
    return time_auc(
        rows["time"], rows["event"], risk, horizon, stratum=rows["fold"], case=rows["case_id"]
    )


def brier_at(held: Held, times: np.ndarray) -> tuple[Score, Score] | None:
    """Return Brier scores of the model and of the null at times; None where it has no figure."""
    errors = squared_errors(held.rows["time"], held.rows["event"], 1 - held.curves(times), times)
    if np.isnan(errors).any():
        return None
    patients = held.patients
    model = brier_of_errors(patients["time"], patients["event"], held.patient_means(errors), times)
    return model, null_brier_scores(patients["time"], patients["event"], times)


def brier_curve(held: Held) -> tuple[np.ndarray, Score, Score] | None:
    """Return times of events up to tau or the last horizon, and the scores at them."""
    known = [horizon for horizon in held.horizons if held.known(horizon)]
    if not known:
        return None
    rows = held.rows
    end = min(held.tau, max(known))
    seen = rows.loc[(rows["event"] == 1) & (rows["time"] <= end), "time"]
    times = np.unique(np.append(seen.to_numpy(dtype=float), end))
    times = times[times < rows["time"].max()]
    if times.size > _MOST_TIMES:
        times = times[np.unique(np.linspace(0, times.size - 1, _MOST_TIMES).round().astype(int))]
    scores = brier_at(held, times) if times.size > 1 else None
    return None if scores is None else (times, *scores)


def _figures(held: Held, *, confidence: float) -> list[dict[str, Any]]:
    patients = held.patients
    shared = {
        "cohort": held.cohort,
        "model": held.model,
        "n": len(patients),
        "events": int(patients["event"].sum()),
        "tau": held.tau,
        "apparent": False,
        "note": "",
    }
    found = [
        *_concordances(held, patients, confidence),
        *(row for time in held.horizons for row in _at_horizon(held, patients, time, confidence)),
        *_overall(held, confidence),
    ]
    return [shared | row for row in found]


def _concordances(held: Held, patients: pd.DataFrame, confidence: float) -> list[dict[str, Any]]:
    rows = held.rows
    shared: dict[str, Any] = {
        "stratum": rows["fold"],
        "case": rows["case_id"],
        "refits": held.refits,
        "confidence": confidence,
    }
    harrell = harrell_concordance(rows["time"], rows["event"], rows["risk"], **shared)
    if harrell is None:
        return [{"metric": "c_index", **_UNDEFINED, "note": "no pair of patients can be compared"}]
    found = [_row("c_index", harrell.estimate, harrell.ci_low, harrell.ci_high, harrell.method)]
    alone = rows.groupby("fold")["event"].sum() == 0
    if alone.any():
        found[0]["note"] = f"{int(alone.sum())} folds without an event are left out"
    if rows["fold"].nunique() > 1:
        pooled = harrell_concordance(patients["time"], patients["event"], patients["risk"])
        if pooled is not None:
            found.append(_row("c_index_pooled", pooled.estimate, np.nan, np.nan, ""))
    uno = uno_concordance(rows["time"], rows["event"], rows["risk"], tau=held.tau, **shared)
    if uno is not None:
        found.append(_row("uno_c", uno.estimate, uno.ci_low, uno.ci_high, uno.method))
    return found


def _at_horizon(
    held: Held, patients: pd.DataFrame, horizon: float, confidence: float
) -> list[dict[str, Any]]:
    if not held.evaluable(horizon):
        return []
    found, shared = [], {"horizon": horizon}
    area = auc_at(held, horizon)
    if area is not None:
        variance = variance_of(area.influence[:, 0], held.rows["case_id"], refits=held.refits)
        beyond = int((patients["time"] > horizon).sum())
        cases = int(((patients["time"] <= horizon) & (patients["event"] == 1)).sum())
        estimate = float(area.estimate[0])
        limits = area_limits(
            estimate,
            variance,
            (cases, beyond),
            "influence",
            refits=held.refits,
            confidence=confidence,
        )
        found.append(_row(f"auc_{horizon:g}", estimate, *limits))
    scores = brier_at(held, np.array([horizon])) if held.known(horizon) else None
    if scores is not None:
        model, null = scores
        found.append(_normal(held, f"brier_{horizon:g}", model.estimate[0],
                             model.influence[:, 0], confidence, (0.0, 1.0)))  # fmt: skip
        ratio = model.estimate[0] / null.estimate[0]
        influence = (ratio * null.influence[:, 0] - model.influence[:, 0]) / null.estimate[0]
        found.append(_normal(held, f"ipa_{horizon:g}", 1 - ratio, influence, confidence,
                             (-np.inf, 1.0)))  # fmt: skip
        chance = 1 - patients[horizon_column(horizon)]
        ratios = observed_expected(
            patients["time"], patients["event"], chance, horizon, confidence=confidence
        )
        found.append(_row(f"oe_{horizon:g}", *ratios, "log-log"))
    return [row | shared for row in found]


def _overall(held: Held, confidence: float) -> list[dict[str, Any]]:
    found = []
    curve = brier_curve(held)
    if curve is not None:
        times, model, _ = curve
        estimate, influence = integrated(model, times)
        row = _normal(held, "ibs", estimate, influence, confidence, (0.0, 1.0))
        found.append(row | {"tau": float(times[-1])})
    if held.has_probabilities:
        found.append(_slope(held, confidence))
    return found


def _slope(held: Held, confidence: float) -> dict[str, Any]:
    rows = held.rows
    fit = fit_cox(
        rows["risk"].to_numpy(dtype=float)[:, None],
        rows["time"].to_numpy(dtype=float),
        rows["event"].to_numpy() == 1,
        stratum=pd.factorize(rows["fold"])[0],
    )
    if fit is None or not fit.converged:
        reason = "the risk is the same for everybody, or separates who has the event first"
        return {"metric": "calibration_slope", **_UNDEFINED, "note": reason}
    # Rows of one patient are repeats: what they have in common is no smaller than one of them.
    repeats = len(rows) / rows["case_id"].nunique()
    factor = repeats * (REFIT_VARIANCE if held.refits else 1.0)
    half = normal_quantile(confidence) * float(np.sqrt(factor * fit.covariance[0, 0]))
    slope = float(fit.coefficients[0])
    method = method_name("wald", refits=held.refits)
    return _row("calibration_slope", slope, slope - half, slope + half, method)


_UNDEFINED = {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "interval": ""}


def _row(metric: str, estimate: float, low: float, high: float, method: str) -> dict[str, Any]:
    return {
        "metric": metric,
        "estimate": float(estimate),
        "ci_low": float(low),
        "ci_high": float(high),
        "interval": method,
    }


def _normal(
    held: Held,
    metric: str,
    estimate: float,
    influence: np.ndarray,
    confidence: float,
    ends: tuple[float, float],
) -> dict[str, Any]:
    factor = REFIT_VARIANCE if held.refits else 1.0
    half = normal_quantile(confidence) * float(np.sqrt(factor * influence @ influence))
    low, high = max(ends[0], estimate - half), min(ends[1], estimate + half)
    return _row(metric, estimate, low, high, method_name("influence", refits=held.refits))
