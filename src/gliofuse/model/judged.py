"""Whether to trust a prediction: fitted at export, said with each patient."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.cohort import Case, SurvivalEndpoint
from gliofuse.errors import InputError
from gliofuse.inputs import CaseData, FeatureTable
from gliofuse.model.conformal import NOT_FOR_SURVIVAL, ConformalSets, held_out_coverage
from gliofuse.model.familiarity import Familiarity
from gliofuse.model.image_measures import measure_images
from gliofuse.model.parts import Fit
from gliofuse.model.prediction import Prediction

__all__ = ["FAMILIARITY", "SETS", "fit_familiarity", "fit_sets", "judged"]

#: Names of the parts of a bundle, and of what a prediction's ``checks`` hold.
FAMILIARITY, SETS = "familiarity", "prediction_set"

_FARTHEST = 10.0  # robust standard deviations, beyond which a feature counts no more
_CONSISTENT = 1.4826
_PARTS = 5


def fit_familiarity(fit: Fit) -> dict[str, Any] | None:
    """Learn what the training patients' images and features are like.

    Returns
    -------
    dict or None
        ``flags``, and the ``centre`` and ``spread`` of each feature; None for fewer patients than
        flags can be learned from.
    """
    table = _features(fit.training)
    distances = _distances_from_others(table)
    rows = []
    for case_id in fit.training.case_ids:
        row = dict(distances[case_id])
        if fit.source.cohort is not None:
            row |= _measured(fit.source.cohort[case_id], fit.fitted.design.available.sequences)
        rows.append(row)
    try:
        flags = Familiarity.fit(pd.DataFrame(rows))
    except InputError:
        return None
    centre, spread = _centre_and_spread(table)
    known = spread.notna()
    return {
        "flags": flags.to_dict(),
        "centre": centre[known].to_dict(),
        "spread": spread[known].to_dict(),
    }


def fit_sets(fit: Fit, *, level: float = 0.9) -> dict[str, Any] | None:
    """Calibrate the prediction sets on the study's patients, predicted by models new to them.

    Returns
    -------
    dict or None
        ``sets``, and their ``coverage`` by class on patients held out in turn; None for survival.
    """
    design = fit.fitted.design
    endpoint = design.available.endpoint
    if isinstance(endpoint, SurvivalEndpoint):
        return None
    own = fit.held_out[fit.held_out["model"] == design.final_model]
    own = own[own["cohort"].astype(str).isin(["test", "external"])]
    if own.empty:
        return None
    columns = list(endpoint.prediction_columns)
    mean = own.groupby("case_id")[columns].mean()
    outcome = own.groupby("case_id")["y_true"].first().loc[mean.index]
    given = _probabilities(mean.to_numpy())
    named = [endpoint.classes[int(value)] if len(columns) == 1 else str(value) for value in outcome]
    sets = ConformalSets.fit(given, named, endpoint.classes, level=level)
    folds = own.drop_duplicates("case_id").set_index("case_id")["fold"].loc[mean.index]
    coverage: list[dict[str, Any]] = []
    if folds.nunique() > 1:
        table = held_out_coverage(given, named, folds, endpoint.classes, level=level)
        coverage = json.loads(table.to_json(orient="records"))
    return {"sets": sets.to_dict(), "coverage": coverage}


def judged(
    prediction: Prediction,
    parts: Mapping[str, Mapping[str, Any]],
    data: CaseData,
    case: Case | None = None,
    sequences: tuple[str, ...] = (),
) -> Prediction:
    """Return a prediction with what the bundle's parts say of the patient.

    Parameters
    ----------
    prediction : Prediction
    parts : mapping of str to dict
        Of the bundle.
    data : CaseData
        The patient's inputs.
    case : Case, optional
        The patient's images, where images were read.
    sequences : tuple of str
        Those that the training patients were measured by.
    """
    checks, warned = dict(prediction.checks), list(prediction.warnings)
    if FAMILIARITY in parts:
        part = parts[FAMILIARITY]
        centre, spread = pd.Series(part["centre"]), pd.Series(part["spread"])
        row = _distance(_features(data).loc[prediction.case_id], centre, spread)
        if case is not None:
            row |= _measured(case, sequences)
        flags = Familiarity.from_dict(part["flags"]).judge(row)
        checks[FAMILIARITY] = [asdict(flag) for flag in flags]
        warned += [
            f"unlike the training patients in {flag.reason} ({flag.measure} {flag.score:.1f} "
            f"robust SD, up to {flag.threshold:.1f} is usual; raised for {flag.false_alarms} of "
            f"{flag.patients} familiar patients)"
            for flag in flags
            if flag.raised
        ]
    final = prediction.final
    if SETS in parts:
        sets = ConformalSets.from_dict(parts[SETS]["sets"])
        if len(sets.classes) == 2:
            given = _probabilities(np.array([[final.probability]]))
        else:
            given = np.array([[final.probabilities[name] for name in sets.classes]])
        checks[SETS] = {
            "classes": list(sets.predict(given)[0]),
            "level": sets.level,
            "too_few": list(sets.too_few),
            "coverage": parts[SETS]["coverage"],
        }
    elif final.survival:
        checks[SETS] = {"classes": None, "note": NOT_FOR_SURVIVAL}
    return prediction.model_copy(update={"checks": checks, "warnings": tuple(warned)})


def _features(data: CaseData) -> pd.DataFrame:
    """Return the patients' radiomic features, in one table."""
    tables = [
        value.value.loc[list(data.case_ids)]
        for value in data.inputs.values()
        if isinstance(value, FeatureTable) and value.kind == "radiomic"
    ]
    if not tables:
        return pd.DataFrame(index=list(data.case_ids))
    table = pd.concat(tables, axis=1)
    return table.loc[:, ~table.columns.duplicated()].astype(float)


def _centre_and_spread(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return each feature's median and robust standard deviation, NaN where it does not vary."""
    centre = table.median()
    spread = (table - centre).abs().median() * _CONSISTENT
    return centre, spread.where(spread > 0, table.std()).replace(0.0, np.nan)


def _distances_from_others(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return how far each patient lies from the middle of others, as a new patient will.

    Among many features of few patients, those whose middle is taken lie nearer to it.
    """
    part = np.random.default_rng(0).permutation(len(table)) % _PARTS
    found = {}
    for number in range(_PARTS):
        centre, spread = _centre_and_spread(table[part != number])
        for case_id, features in table[part == number].iterrows():
            found[str(case_id)] = _distance(features, centre, spread)
    return found


def _distance(features: pd.Series, centre: pd.Series, spread: pd.Series) -> dict[str, float]:
    """Return how far a patient's features lie from the training patients' middle."""
    known = spread.index[spread.notna()]
    if not len(known):
        return {}
    far = ((features[known] - centre[known]).abs() / spread[known]).clip(upper=_FARTHEST)
    return {
        "features.mean_distance": float(far.mean()),
        "features.far_share": float((far > 3).mean()),
        "features.missing": float(features[known].isna().mean()),
    }


def _measured(case: Case, sequences: tuple[str, ...]) -> dict[str, float]:
    from gliofuse.imaging import Volume, read_mask

    images = {name: Volume.read(case.images[name]) for name in sequences if name in case.images}
    return measure_images(images, None if case.mask is None else read_mask(case.mask))


def _probabilities(values: np.ndarray) -> np.ndarray:
    """Return a probability a class: (patients, classes)."""
    return np.column_stack([1 - values[:, 0], values[:, 0]]) if values.shape[1] == 1 else values
