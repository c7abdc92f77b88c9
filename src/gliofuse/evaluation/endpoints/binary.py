"""Evaluation of predictions of two classes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

import pandas as pd

from gliofuse.errors import SettingError, did_you_mean
from gliofuse.evaluation._checks import check_predictions
from gliofuse.evaluation.agreement import agreement_table, misjudged_by_all
from gliofuse.evaluation.auc import apparent_aucs, auc_within
from gliofuse.evaluation.calibration import calibration_curve, calibration_summary
from gliofuse.evaluation.centers import (
    center_alone,
    center_summary,
)
from gliofuse.evaluation.comparison import delong_matrix
from gliofuse.evaluation.decision import added_benefit, clinical_impact, decision_curve
from gliofuse.evaluation.endpoints.base import (
    Evaluation,
    Stages,
    each_cohort,
    each_model,
    tables_of,
)
from gliofuse.evaluation.groups import performance_by_group
from gliofuse.evaluation.inference import shares_training
from gliofuse.evaluation.metrics import metrics_table
from gliofuse.evaluation.optimism import Errors, as_good_as_chance
from gliofuse.evaluation.predictions import called_rows, pool_predictions
from gliofuse.evaluation.roc import confusion_table, roc_points, youden_threshold
from gliofuse.evaluation.sample_size import sample_size_table

__all__ = ["BinaryEvaluation"]


class BinaryEvaluation(Evaluation):
    """Figures of merit of a probability of the positive class.

    Thresholds are 0.5 (``half``), or each fold's and model's Youden point on its own training
    patients (``youden``). Cohorts that hold one class have metrics, but no curves and tests.
    """

    headline: ClassVar[str] = "auc"
    summary_metrics: ClassVar[tuple[str, ...]] = ("auc", "accuracy", "sensitivity", "specificity")
    rules: ClassVar[tuple[str, ...]] = ("half", "youden")

    @property
    def errors(self) -> dict[str, Errors]:
        """Of the AUC and the Brier score."""
        return {
            "auc": (_auc_error, as_good_as_chance),
            "brier": (_brier, _brier_without_information),
        }

    def headline_among(self, cohort: str, metrics: Collection[str]) -> str:
        """Return the AUC; of external patients of several centres that within centres."""
        within = "auc_within_centers"
        return within if cohort == "external" and within in metrics else self.headline

    def check(self, predictions: pd.DataFrame) -> None:
        """Refuse predictions that break the table's contract."""
        check_predictions(predictions)

    def check_threshold(self, rule: str) -> None:
        """Refuse what is neither ``half`` nor ``youden``."""
        if rule not in self.rules:
            raise SettingError(
                f"threshold must be 'half' or 'youden', got {rule!r}: "
                f"{did_you_mean(rule, self.rules)}"
            )

    def thresholds(self, predictions: pd.DataFrame, rule: str) -> pd.DataFrame:
        """Return 0.5, or Youden's point on each fold's and model's own training patients."""
        training = predictions[predictions["cohort"] == "training"]
        rows = [
            (
                fold,
                model,
                0.5 if rule == "half" else youden_threshold(group["y_true"], group["probability"]),
            )
            for (fold, model), group in training.groupby(["fold", "model"], sort=False)
        ]
        return pd.DataFrame(rows, columns=["fold", "model", "threshold"])

    def tables(
        self,
        predictions: pd.DataFrame,
        *,
        judged: Sequence[str],
        threshold: str = "half",
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
        """Return thresholds, metrics, confusion, roc, delong and the curves of judged models.

        With ``centers`` also ``centers``, ``center_summary`` and ``center_alone``, with
        ``subgroups`` also ``subgroups``. External patients whose centres were predicted by models
        of different folds have no common ROC curve: their probabilities are not on one scale.

        ``clinical_impact`` is that of the first judged model, ``delong`` is there if models can
        be compared. ``bootstrap`` is of the metrics; the bands of curves have counts of their
        own.
        """
        self.check_threshold(threshold)
        self.check(predictions)
        if thresholds is None:
            thresholds = self.thresholds(predictions, threshold)
        pooled = pool_predictions(predictions, thresholds=thresholds)
        cohorts = {
            str(cohort): group
            for cohort, group in pooled.groupby("cohort", sort=False)
            if group["y_true"].nunique() == 2
        }
        sharing = shares_training(predictions)
        rows = called_rows(predictions, thresholds)
        shown = rows[(rows["cohort"] != "training") & rows["model"].isin(judged)]

        def refits(patients: pd.DataFrame) -> bool:
            return str(patients["cohort"].iloc[0]) in sharing

        described = apparent_aucs(apparent) if sharing else {}
        known = None if centers is None or centers.nunique() < 2 else centers
        one_scale = {
            name: group for name, group in cohorts.items() if not _of_many(predictions, name)
        }
        chosen = {name: group[group["model"].isin(judged)] for name, group in cohorts.items()}
        main = {name: group[group["model"].isin(judged[:1])] for name, group in cohorts.items()}
        makers: dict[str, Callable[[], pd.DataFrame]] = {
            "thresholds": lambda: thresholds,
            "metrics": lambda: metrics_table(
                predictions,
                thresholds,
                bootstrap=bootstrap,
                seed=seed,
                workers=workers,
                centers=known,
                apparent=apparent,
            ),
            "confusion": lambda: confusion_table(predictions, thresholds),
            "roc": lambda: each_model(
                one_scale,
                lambda g: roc_points(g["y_true"], g["probability"], refits=refits(g)),
            ),
        }
        if predictions["model"].nunique() > 1 and cohorts:
            placed = predictions
            if known is not None:
                placed = predictions.assign(center=predictions["case_id"].map(known))
            makers["delong"] = lambda: pd.concat(
                [
                    delong_matrix(placed, name, by=_strata(name, group, known), final=final).assign(
                        cohort=name
                    )
                    for name, group in cohorts.items()
                ],
                ignore_index=True,
            )
        makers |= {
            "calibration": lambda: each_model(
                chosen,
                lambda g: calibration_curve(
                    g["y_true"], g["probability"], seed=seed, refits=refits(g)
                ),
            ),
            "calibration_summary": lambda: each_model(
                chosen,
                lambda g: calibration_summary(
                    g["y_true"], g["probability"], seed=seed, refits=refits(g)
                ),
            ),
            "decision_curve": lambda: each_cohort(
                chosen, lambda g: decision_curve(g, seed=seed, refits=refits(g))
            ),
            "clinical_impact": lambda: each_model(
                main,
                lambda g: clinical_impact(g["y_true"], g["probability"], refits=refits(g)),
            ),
        }
        if known is not None:
            of_centers = performance_by_group(shown, known, sharing=sharing, apparent=described)
            makers |= {
                "centers": lambda: of_centers.rename(columns={"group": "center"}).drop(
                    columns="auc_variance", errors="ignore"
                ),
                "center_summary": lambda: center_summary(of_centers),
                "center_alone": lambda: center_alone(predictions, known),
            }
        if subgroups:
            makers["subgroups"] = lambda: pd.concat(
                [
                    performance_by_group(shown, groups, sharing=sharing, apparent=described)
                    .drop(columns="auc_variance", errors="ignore")
                    .assign(variable=name)
                    for name, groups in subgroups.items()
                ],
                ignore_index=True,
            )
        return tables_of(makers, progress)

    def sample_size(
        self, predictions: pd.DataFrame, model: str, candidates: int | None
    ) -> pd.DataFrame:
        """Return :func:`~gliofuse.evaluation.sample_size_table`."""
        return sample_size_table(predictions, model, candidates)

    def added(
        self, predictions: pd.DataFrame, model: str, against: str, *, seed: int = 0
    ) -> pd.DataFrame | None:
        """Return :func:`~gliofuse.evaluation.added_benefit` of each cohort with both classes."""
        pooled, sharing = pool_predictions(predictions), shares_training(predictions)
        tables = [
            added_benefit(group, model, against, seed=seed, refits=str(cohort) in sharing).assign(
                cohort=cohort
            )
            for cohort, group in pooled.groupby("cohort", sort=False)
            if group["y_true"].nunique() == 2
        ]
        return pd.concat(tables, ignore_index=True) if tables else None

    def misjudged(
        self, predictions: pd.DataFrame, thresholds: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return :func:`~gliofuse.evaluation.misjudged_by_all`."""
        return misjudged_by_all(predictions, thresholds)

    def agreement(
        self,
        predictions: pd.DataFrame,
        thresholds: pd.DataFrame | None = None,
        *,
        bootstrap: int = 2000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return :func:`~gliofuse.evaluation.agreement_table`."""
        return agreement_table(predictions, thresholds, bootstrap=bootstrap, seed=seed)

    def outcome_groups(self, predictions: pd.DataFrame) -> pd.Series:
        """Return ``negative`` or ``positive`` of each patient."""
        first = predictions.drop_duplicates("case_id").set_index("case_id")
        return self._named(first["y_true"])

    def held_out_groups(
        self, predictions: pd.DataFrame, model: str, thresholds: pd.DataFrame | None = None
    ) -> dict[str, pd.Series]:
        """Return the classes as they are and as the model calls them, negative first."""
        own = _held_out(predictions, model, thresholds)
        truth = own["y_true"].sort_values(kind="stable")
        called = own["called"].sort_values(kind="stable")
        return {"class": self._named(truth), "called": "called " + self._named(called)}

    def score_groups(
        self, predictions: pd.DataFrame, model: str, thresholds: pd.DataFrame | None = None
    ) -> pd.Series:
        """Return ``low score`` or ``high score`` of each held-out patient, low first."""
        called = _held_out(predictions, model, thresholds)["called"].sort_values(kind="stable")
        return called.map({0: "low score", 1: "high score"})

    def patients_line(self, metrics: pd.DataFrame) -> str:
        """Return for example ``60 patients, 22 positive``."""
        first = metrics.iloc[0]
        return f"{int(first['n'])} patients, {int(first['n_positive'])} {self.endpoint.classes[1]}"

    def _named(self, labels: pd.Series) -> pd.Series:
        return labels.map(dict(enumerate(self.endpoint.classes)))


def _held_out(
    predictions: pd.DataFrame, model: str, thresholds: pd.DataFrame | None
) -> pd.DataFrame:
    """Return a model's held-out patients by ``case_id``, and how it calls them: 0 or 1."""
    pooled = pool_predictions(predictions, thresholds=thresholds)
    own = pooled[(pooled["model"] == model) & pooled["cohort"].isin(["test", "external"])]
    own = own.drop_duplicates("case_id").set_index("case_id")
    return own.assign(called=(own["probability"] >= own["threshold"]).astype(int))


def _auc_error(rows: pd.DataFrame) -> float | None:
    area = auc_within(rows)
    return None if area is None else 1 - area.estimate


def _brier(rows: pd.DataFrame) -> float:
    return float(((rows["y_true"] - rows["probability"]) ** 2).mean())


def _brier_without_information(rows: pd.DataFrame) -> float:
    """Return the Brier score of everybody's probability held against everybody's outcome."""
    chance, prevalence = rows["probability"], rows["y_true"].mean()
    return float((chance**2).mean() + prevalence * (1 - 2 * chance.mean()))


def _of_many(predictions: pd.DataFrame, cohort: str) -> bool:
    """Whether the external patients were divided among folds, each with a model of its own."""
    own = predictions[predictions["cohort"] == cohort]
    return cohort == "external" and own["case_id"].nunique() > int(
        own.groupby("fold")["case_id"].nunique().max()
    )


def _strata(cohort: str, patients: pd.DataFrame, centers: pd.Series | None) -> tuple[str, ...]:
    """Return in what patients must agree to be compared, as the cohort's headline has it."""
    if centers is None or cohort != "external":
        return ("fold",)
    one = patients.drop_duplicates("case_id")
    classes = one.groupby(one["case_id"].map(centers))["y_true"].nunique()
    return ("center", "fold") if int((classes > 1).sum()) > 1 else ("fold",)
