"""Evaluation of predictions of a time to an event, possibly censored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import pandas as pd

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.evaluation.endpoints.base import Evaluation, Stages, tables_of
from gliofuse.evaluation.optimism import Errors, as_good_as_chance
from gliofuse.evaluation.survival.agreement import risk_agreement_table, survival_misjudged
from gliofuse.evaluation.survival.concordance import harrell_concordance
from gliofuse.evaluation.survival.contrasts import concordance_table, score_contrasts_table
from gliofuse.evaluation.survival.follow_up import follow_up_table
from gliofuse.evaluation.survival.groups import (
    group_curves,
    group_incidence,
    risk_groups,
    risk_groups_table,
    risk_tests_table,
    risk_thresholds,
)
from gliofuse.evaluation.survival.metrics import survival_metrics_table
from gliofuse.evaluation.survival.predictions import Held, check_survival_predictions, judged
from gliofuse.evaluation.survival.sample_size import survival_sample_size_table
from gliofuse.evaluation.survival.subgroups import concordance_by_group
from gliofuse.evaluation.survival.tables import (
    added_benefit_table,
    brier_curve_table,
    calibration_summary_table,
    calibration_table,
    decision_curve_table,
)

__all__ = ["SurvivalEvaluation"]


class SurvivalEvaluation(Evaluation):
    """Figures of merit of a risk, and of survival at horizons where models give it.

    The threshold between low and high risk is each fold's and model's ``median`` risk of its
    training patients, or the cut that separates their survival most (``optimal``). Cohorts without
    an event have follow-up and curves, but no figures of merit. Where causes compete everything
    but the cumulative incidence is of the cause-specific hazard.
    """

    headline: ClassVar[str] = "c_index"
    summary_metrics: ClassVar[tuple[str, ...]] = ("c_index", "uno_c", "ibs", "calibration_slope")
    rules: ClassVar[tuple[str, ...]] = ("median", "optimal")
    endpoint: SurvivalEndpoint

    def __init__(self, endpoint: SurvivalEndpoint) -> None:
        super().__init__(endpoint)

    @property
    def errors(self) -> dict[str, Errors]:
        """Of Harrell's C."""
        return {"c_index": (_c_error, as_good_as_chance)}

    def check(self, predictions: pd.DataFrame) -> None:
        """Refuse predictions that break the table's contract."""
        check_survival_predictions(
            predictions,
            self.endpoint.horizon_times,
            competing="competing" in self.endpoint.outcome_columns,
        )

    def check_threshold(self, rule: str) -> None:
        """Refuse what is neither ``median`` nor ``optimal``."""
        if rule not in self.rules:
            raise SettingError(
                f"threshold of a survival endpoint must be 'median' or 'optimal', got {rule!r}: "
                f"{did_you_mean(rule, self.rules)}"
            )

    def thresholds(self, predictions: pd.DataFrame, rule: str) -> pd.DataFrame:
        """Return the median risk of the training patients, or the cut that parts them most."""
        return risk_thresholds(predictions, rule)

    def tables(
        self,
        predictions: pd.DataFrame,
        *,
        judged: Sequence[str],
        threshold: str = "median",
        bootstrap: int = 2000,
        seed: int = 0,
        workers: int | None = 1,
        progress: Stages | None = None,
        centers: pd.Series | None = None,
        subgroups: Mapping[str, pd.Series] | None = None,
        final: str | None = None,
        thresholds: pd.DataFrame | None = None,
        apparent: pd.DataFrame | None = None,
    ) -> dict[str, pd.DataFrame]:
        """Return thresholds, metrics, tests of pairs of models, curves and risk groups.

        All models have metrics, tests and risk groups; calibration, decision curves, curves of
        prediction error and of survival are those of ``judged``. Variances are closed forms:
        ``bootstrap`` and ``seed`` are not used. With ``centers`` also ``centers``, with
        ``subgroups`` also ``subgroups``: C within the groups.
        """
        self.check_threshold(threshold)
        self.check(predictions)
        if thresholds is None:
            thresholds = self.thresholds(predictions, threshold)
        everybody = self._held(predictions, thresholds if len(thresholds) else None)
        able = [held for held in everybody if held.rows["event"].any()]
        drawn = [held for held in able if held.model in judged]
        grouped = [held for held in everybody if "called" in held.rows]
        makers: dict[str, Callable[[], pd.DataFrame]] = {
            "thresholds": lambda: thresholds,
            "follow_up": lambda: follow_up_table(everybody, self.endpoint.horizon_label),
            "metrics": lambda: survival_metrics_table(everybody, workers=workers),
            "brier_curve": lambda: brier_curve_table(drawn),
            "calibration": lambda: calibration_table(drawn),
            "calibration_summary": lambda: calibration_summary_table(drawn),
            "decision_curve": lambda: decision_curve_table(drawn),
            "risk_groups": lambda: risk_groups_table(grouped),
            "risk_tests": lambda: risk_tests_table(grouped),
            "kaplan_meier": lambda: group_curves(everybody, judged),
            "cumulative_incidence": lambda: group_incidence(everybody, judged),
        }
        if predictions["model"].nunique() > 1 and able:
            makers |= {
                "concordance": lambda: concordance_table(able, final=final),
                "score_contrasts": lambda: score_contrasts_table(able, final=final),
            }
        if centers is not None and centers.nunique() > 1:
            makers["centers"] = lambda: concordance_by_group(drawn, centers).rename(
                columns={"group": "center"}
            )
        if subgroups:
            makers["subgroups"] = lambda: pd.concat(
                [
                    concordance_by_group(drawn, groups).assign(variable=name)
                    for name, groups in subgroups.items()
                ],
                ignore_index=True,
            )
        return tables_of(makers, progress)

    def sample_size(
        self, predictions: pd.DataFrame, model: str, candidates: int | None
    ) -> pd.DataFrame:
        """Return the training patients held against Riley's criteria at the first horizon."""
        horizon = self.endpoint.horizon_times[0] if self.endpoint.horizon_times else None
        if horizon is None:
            return pd.DataFrame()
        return survival_sample_size_table(predictions, model, candidates, horizon)

    def added(
        self, predictions: pd.DataFrame, model: str, against: str, *, seed: int = 0
    ) -> pd.DataFrame | None:
        """Return what one model adds in net benefit at the first horizon that both can tell."""
        helds = [held for held in self._held(predictions) if held.rows["event"].any()]
        return added_benefit_table(helds, model, against)

    def misjudged(
        self, predictions: pd.DataFrame, thresholds: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return every held-out patient, and how many models put the patient on the wrong side."""
        return survival_misjudged(self._called(predictions, thresholds), self._words)

    def agreement(
        self,
        predictions: pd.DataFrame,
        thresholds: pd.DataFrame | None = None,
        *,
        bootstrap: int = 2000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return how alike each pair of models ranks and divides the held-out patients."""
        helds = self._called(predictions, thresholds)
        return risk_agreement_table(helds, bootstrap=bootstrap, seed=seed)

    def outcome_groups(self, predictions: pd.DataFrame) -> pd.Series:
        """Return ``censored`` or ``event`` of each patient, censored first."""
        first = predictions.drop_duplicates("case_id").set_index("case_id")
        return first["event"].astype(int).map({0: "censored", 1: "event"})

    def held_out_groups(
        self, predictions: pd.DataFrame, model: str, thresholds: pd.DataFrame | None = None
    ) -> dict[str, pd.Series]:
        """Return the risk groups of test and external patients, low risk first, as ``called``."""
        return {"called": self.score_groups(predictions, model, thresholds)}

    def score_groups(
        self, predictions: pd.DataFrame, model: str, thresholds: pd.DataFrame | None = None
    ) -> pd.Series:
        """Return ``low risk`` or ``high risk`` of each held-out patient, low first."""
        own = predictions[predictions["model"] == model]
        groups = [
            risk_groups(held)["group"]
            for held in self._called(own, thresholds)
            if held.cohort != "validation"
        ]
        if not groups:
            raise InputError(f"predictions holds no test or external patient of {model!r}")
        everybody = pd.concat(groups)
        everybody = everybody[~everybody.index.duplicated()]
        return everybody.sort_values(kind="stable", ascending=False)

    def patients_line(self, metrics: pd.DataFrame) -> str:
        """Return for example ``60 patients, 22 events``."""
        first = metrics.iloc[0]
        events = int(first["events"])
        return f"{int(first['n'])} patients, {events} event{'' if events == 1 else 's'}"

    def _held(
        self, predictions: pd.DataFrame, thresholds: pd.DataFrame | None = None
    ) -> list[Held]:
        return judged(predictions, self.endpoint.horizon_times, thresholds=thresholds)

    def _called(self, predictions: pd.DataFrame, thresholds: pd.DataFrame | None) -> list[Held]:
        if thresholds is None:
            thresholds = risk_thresholds(predictions, "median")
        return self._held(predictions, thresholds)

    def _words(self, time: float) -> str:
        return f"{time:g} {self.endpoint.unit}"


def _c_error(rows: pd.DataFrame) -> float | None:
    found = harrell_concordance(rows["time"], rows["event"], rows["risk"], stratum=rows["fold"])
    return None if found is None else 1 - found.estimate
