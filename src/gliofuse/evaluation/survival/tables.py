"""Calibration, net benefit and prediction error of all cohorts and horizons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gliofuse.evaluation.survival.calibration import (
    survival_calibration,
    survival_calibration_groups,
    survival_calibration_summary,
)
from gliofuse.evaluation.survival.decision import survival_added_benefit, survival_decision_curve
from gliofuse.evaluation.survival.metrics import brier_curve
from gliofuse.evaluation.survival.predictions import Held, horizon_column
from gliofuse.evaluation.survival.scores import squared_errors

__all__ = [
    "added_benefit_table",
    "brier_curve_table",
    "calibration_summary_table",
    "calibration_table",
    "decision_curve_table",
]

_PER_GROUP = 20  # patients of a group of like risk, at least
_MOST_GROUPS = 5


def brier_curve_table(helds: Sequence[Held]) -> pd.DataFrame:
    """Return cohort, model, time, brier, kaplan_meier (of the null) and ipa, from time 0."""
    parts = []
    for held in helds:
        curve = brier_curve(held)
        if curve is None:
            continue
        times, model, null = curve
        with np.errstate(divide="ignore", invalid="ignore"):
            ipa = np.where(null.estimate > 0, 1 - model.estimate / null.estimate, np.nan)
        table = pd.DataFrame(
            {
                "cohort": held.cohort,
                "model": held.model,
                "time": np.concatenate([[0.0], times]),
                "brier": np.concatenate([[0.0], model.estimate]),
                "kaplan_meier": np.concatenate([[0.0], null.estimate]),
                "ipa": np.concatenate([[np.nan], ipa]),
            }
        )
        parts.append(table[~table.duplicated("time", keep="last")])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def calibration_table(helds: Sequence[Held]) -> pd.DataFrame:
    """Return smooth curves and groups of like risk of each cohort, model and usable horizon."""
    parts = []
    for held in helds:
        patients = held.patients
        groups = int(np.clip(len(patients) // _PER_GROUP, 2, _MOST_GROUPS))
        for horizon in held.usable:
            given = patients["time"], patients["event"], 1 - patients[horizon_column(horizon)]
            curve = survival_calibration(*given, horizon, refits=held.refits)
            by_group = survival_calibration_groups(*given, horizon, groups=groups)
            for kind, table in (("curve", curve), ("groups", by_group)):
                if len(table):
                    named = {"cohort": held.cohort, "model": held.model, "horizon": horizon}
                    parts.append(table.assign(kind=kind, **named))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def calibration_summary_table(helds: Sequence[Held]) -> pd.DataFrame:
    """Return calibration in numbers of each cohort, model and usable horizon."""
    rows = []
    for held in helds:
        patients = held.patients
        for horizon in held.usable:
            at = np.array([horizon])
            chance = 1 - held.rows[[horizon_column(horizon)]].to_numpy(dtype=float)
            errors = squared_errors(held.rows["time"], held.rows["event"], chance, at)
            summary = survival_calibration_summary(
                patients["time"],
                patients["event"],
                1 - patients[horizon_column(horizon)],
                horizon,
                cumulative_hazard=_hazard_reached(held, horizon),
                errors=held.patient_means(errors)[:, 0],
                refits=held.refits,
            )
            rows.append({"cohort": held.cohort, "model": held.model, "horizon": horizon} | summary)
    return pd.DataFrame(rows)


def decision_curve_table(helds: Sequence[Held]) -> pd.DataFrame:
    """Return decision curves of each cohort at each horizon that all models of it can tell."""
    parts = []
    for cohort in dict.fromkeys(held.cohort for held in helds):
        own = [held for held in helds if held.cohort == cohort]
        for horizon in own[0].horizons:
            able = [held for held in own if horizon in held.usable]
            if not able:
                continue
            curve = survival_decision_curve(_long(able, horizon), horizon, refits=able[0].refits)
            parts.append(curve.assign(cohort=cohort, horizon=horizon))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def added_benefit_table(helds: Sequence[Held], model: str, against: str) -> pd.DataFrame | None:
    """Return what one model brings beyond another, at the first horizon that both can tell."""
    parts = []
    for cohort in dict.fromkeys(held.cohort for held in helds):
        own = {held.model: held for held in helds if held.cohort == cohort}
        if model not in own or against not in own:
            continue
        both = [own[model], own[against]]
        common = [time for time in both[0].usable if time in both[1].usable]
        if not common:
            continue
        table = survival_added_benefit(
            _long(both, common[0]), model, against, common[0], refits=both[0].refits
        )
        parts.append(table.assign(cohort=cohort, horizon=common[0]))
    return pd.concat(parts, ignore_index=True) if parts else None


def _long(helds: Sequence[Held], horizon: float) -> pd.DataFrame:
    parts = []
    for held in helds:
        patients = held.patients.reset_index()
        chance = 1 - patients[horizon_column(horizon)]
        parts.append(
            patients[["case_id", "time", "event"]].assign(model=held.model, probability=chance)
        )
    table = pd.concat(parts, ignore_index=True)
    # Every model of a curve is of the same patients.
    counts = table.groupby("case_id")["model"].transform("nunique")
    return table[counts == len(helds)]


def _hazard_reached(held: Held, horizon: float) -> np.ndarray | None:
    """Return each patient's predicted cumulative hazard up to the time seen or the horizon."""
    rows = held.rows
    reached = np.minimum(rows["time"].to_numpy(dtype=float), horizon)
    times, place = np.unique(reached, return_inverse=True)
    curves = held.curves(times)[np.arange(len(rows)), place]
    if np.isnan(curves).any():
        return None
    return held.patient_means(-np.log(np.maximum(curves, 1e-12))[:, None])[:, 0]
