"""The prediction table of a survival endpoint: what it keeps, and the patients of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from gliofuse.errors import InputError
from gliofuse.evaluation._checks import check_table
from gliofuse.evaluation.inference import shares_training
from gliofuse.evaluation.predictions import row_thresholds
from gliofuse.evaluation.survival._outcome import check_outcome, check_score
from gliofuse.evaluation.survival.trajectories import survival_curves

__all__ = ["Held", "check_survival_predictions", "horizon_column", "judged", "last_used"]

# Where fewer than this share of patients is still watched, weights for censoring are mostly noise.
_STILL_WATCHED = 0.1


def horizon_column(horizon: float) -> str:
    """Return the name of the column of survival beyond a horizon: ``survival_365``."""
    return f"survival_{horizon:g}"


def check_survival_predictions(
    predictions: pd.DataFrame, horizons: Sequence[float], *, competing: bool = False
) -> None:
    """Refuse predictions that break the table's contract.

    Parameters
    ----------
    predictions : DataFrame
    horizons : sequence of float
    competing : bool
        Whether competing causes are coded.

    Raises
    ------
    InputError
        If a column or value is missing, a row is doubled, a time is negative, an event not 0 or 1,
        a patient has both an event and a competing one, or a probability lies outside 0 to 1.
    """
    outcomes = ("time", "event", "competing") if competing else ("time", "event")
    columns = [horizon_column(horizon) for horizon in horizons]
    check_table(predictions, outcomes, ("risk", *columns))
    _, seen = check_outcome(predictions["time"], predictions["event"])
    check_score(predictions["risk"], len(predictions), "predictions.risk")
    if competing:
        _, other = check_outcome(predictions["time"], predictions["competing"])
        if (seen & other).any():
            case = predictions.loc[seen & other, "case_id"].iloc[0]
            raise InputError(
                f"predictions has both event and competing 1 for {case!r}; only what came first "
                "counts, code the other 0"
            )
    for column in columns:
        values = predictions[column].to_numpy(dtype=float)
        odd = values[(values < 0) | (values > 1)]
        if odd.size:
            raise InputError(
                f"predictions.{column} must lie between 0 and 1 or be missing, got {odd[0]:g}"
            )


@dataclass(frozen=True)
class Held:
    """The patients of one cohort as one model sees them.

    Attributes
    ----------
    cohort, model : str
    rows : DataFrame
        Their predictions, one a fold, with ``called`` (1.0 high risk) where thresholds were given.
    training : DataFrame
        The model's training rows of all folds.
    horizons : tuple of float
        All of the endpoint.
    tau : float
        Up to where times are used.
    refits : bool
        Whether the patients have trained each other's models.
    """

    cohort: str
    model: str
    rows: pd.DataFrame
    training: pd.DataFrame
    horizons: tuple[float, ...]
    tau: float
    refits: bool

    @cached_property
    def patients(self) -> pd.DataFrame:
        """A row a patient: time, event (competing), the means of risk, called and survival."""
        rows = self.rows
        grouped = rows.groupby("case_id", observed=True, sort=True)
        outcomes = [name for name in ("time", "event", "competing") if name in rows]
        means = ["risk", *map(horizon_column, self.horizons)]
        means += ["called"] if "called" in rows else []
        return grouped[outcomes].first().join(grouped[means].mean())

    def known(self, horizon: float) -> bool:
        """Whether every row has a probability for the horizon."""
        return bool(self.rows[horizon_column(horizon)].notna().all())

    def evaluable(self, horizon: float) -> bool:
        """Whether patients had the event by the horizon, and others were watched for longer."""
        rows = self.rows
        early = (rows["event"] == 1) & (rows["time"] <= horizon)
        return bool(early.any() and (rows["time"] > horizon).any())

    @property
    def usable(self) -> list[float]:
        """The horizons that patients allow, and for which the model has probabilities."""
        return [time for time in self.horizons if self.known(time) and self.evaluable(time)]

    @property
    def has_probabilities(self) -> bool:
        """Whether the model says how likely survival is, so that its risk is a log hazard."""
        return any(self.rows[horizon_column(time)].notna().any() for time in self.horizons)

    def curves(self, times: np.ndarray) -> np.ndarray:
        """Return survival of each row at times; NaN where it can't be told."""
        return survival_curves(self.rows, self.training, times, self.horizons)

    def patient_means(self, of_rows: np.ndarray) -> np.ndarray:
        """Return means over the rows of each patient, in the order of :attr:`patients`."""
        codes, names = pd.factorize(self.rows["case_id"], sort=True)
        sums = np.zeros((len(names), *of_rows.shape[1:]))
        np.add.at(sums, codes, of_rows)
        counts = np.bincount(codes, minlength=len(names))
        return np.asarray(sums / counts.reshape(-1, *(1,) * (of_rows.ndim - 1)))


def judged(
    predictions: pd.DataFrame,
    horizons: Sequence[float],
    *,
    thresholds: pd.DataFrame | None = None,
) -> list[Held]:
    """Return the patients of each cohort and model that no model learned from.

    Parameters
    ----------
    predictions : DataFrame
        With the training rows.
    horizons : sequence of float
    thresholds : DataFrame, optional
        fold, model, threshold on the risk.
    """
    rows = predictions.assign(cohort=predictions["cohort"].astype(str))
    if thresholds is not None:
        cuts = row_thresholds(rows, thresholds)
        rows["called"] = 1.0 * (rows["risk"].to_numpy(dtype=float) > cuts)
    sharing = shares_training(rows)
    training = rows[rows["cohort"] == "training"]
    of_model = dict(list(training.groupby("model", sort=False, observed=True)))
    found = []
    for cohort in ("validation", "test", "external"):
        for model, own in rows[rows["cohort"] == cohort].groupby(
            "model", sort=False, observed=True
        ):
            found.append(
                Held(
                    cohort,
                    str(model),
                    own.sort_values(["case_id", "fold"], kind="stable").reset_index(drop=True),
                    of_model.get(model, training.iloc[:0]),
                    tuple(horizons),
                    last_used(own, training),
                    cohort in sharing,
                )
            )
    return found


def last_used(rows: pd.DataFrame, training: pd.DataFrame) -> float:
    """Return up to where times of a cohort are used.

    It is where a tenth of its patients are still watched, or the training patients' longest time
    (of the fold where that is shortest) if that is sooner.
    """
    times = np.sort(rows.drop_duplicates("case_id")["time"].to_numpy(dtype=float))
    enough = times[times.size - max(1, int(np.ceil(_STILL_WATCHED * times.size)))]
    if training.empty:
        return float(enough)
    return float(min(enough, training.groupby("fold", observed=True)["time"].max().min()))
