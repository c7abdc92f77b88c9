"""Evaluation of predictions of several classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd

from gliofuse.cohort import MulticlassEndpoint
from gliofuse.errors import InputError, SettingError
from gliofuse.evaluation._checks import check_table
from gliofuse.evaluation.endpoints.base import Evaluation, Stages, each_model, tables_of
from gliofuse.evaluation.inference import shares_training
from gliofuse.evaluation.multiclass import (
    called_patients,
    class_agreement_table,
    class_calibration_curves,
    class_calibration_summary,
    class_misjudged_by_all,
    class_roc_points,
    confusion_counts_table,
    macro_auc_matrix,
    macro_auc_within,
    multiclass_metrics_table,
)
from gliofuse.evaluation.multiclass._checks import check_classes, usable_classes
from gliofuse.evaluation.optimism import Errors, as_good_as_chance

__all__ = ["MulticlassEvaluation"]


class MulticlassEvaluation(Evaluation):
    """Figures of merit of a probability a class.

    A patient is called the class of the largest probability, so there are no thresholds. Cohorts
    in which no class can be told from the rest have metrics, but no curves and tests.
    """

    headline: ClassVar[str] = "macro_auc"
    summary_metrics: ClassVar[tuple[str, ...]] = (
        "macro_auc",
        "accuracy",
        "balanced_accuracy",
        "kappa",
    )

    def __init__(self, endpoint: MulticlassEndpoint) -> None:
        super().__init__(endpoint)
        self._ordered = endpoint.ordered
        self._columns = dict(zip(endpoint.classes, endpoint.prediction_columns, strict=True))
        self._labels = dict(zip(endpoint.classes, endpoint.class_labels, strict=True))

    def check(self, predictions: pd.DataFrame) -> None:
        """Refuse predictions that break the table's contract."""
        check_table(predictions, ("y_true",), self.endpoint.prediction_columns)
        check_classes(
            predictions["y_true"],
            predictions[list(self.endpoint.prediction_columns)],
            self.endpoint.classes,
            name="predictions.y_true",
        )

    @property
    def errors(self) -> dict[str, Errors]:
        """Of the macro AUC."""

        def macro_auc_error(rows: pd.DataFrame) -> float | None:
            area = macro_auc_within(rows, self._columns)
            return None if area is None else 1 - area.estimate

        return {"macro_auc": (macro_auc_error, as_good_as_chance)}

    def check_threshold(self, rule: str) -> None:
        """Refuse what is not ``half``: the most probable class is called, without a threshold."""
        if rule != "half":
            raise SettingError(
                f"threshold {rule!r} is for two classes; with several the most probable one is "
                "called, leave the setting out"
            )

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
        """Return metrics, class_confusion, roc, delong (of macro AUCs), judged models' calibration.

        ``delong`` is there if models can be compared. ``bootstrap`` is of the
        metrics; the bands of curves have counts of their own. Nothing is told centre by centre or
        group by group.
        """
        self.check_threshold(threshold)
        self.check(predictions)
        columns, classes = self._columns, self.endpoint.classes
        pooled = called_patients(predictions, columns)
        cohorts = {
            str(cohort): group
            for cohort, group in pooled.groupby("cohort", sort=False)
            if self._can_be_told_apart(group)
        }
        chosen = {name: group[group["model"].isin(judged)] for name, group in cohorts.items()}

        sharing = shares_training(predictions)

        def refits(patients: pd.DataFrame) -> bool:
            return str(patients["cohort"].iloc[0]) in sharing

        def chances(group: pd.DataFrame) -> tuple[pd.Series, np.ndarray, tuple[str, ...]]:
            return group["y_true"], group[list(columns.values())].to_numpy(dtype=float), classes

        makers: dict[str, Callable[[], pd.DataFrame]] = {
            "metrics": lambda: multiclass_metrics_table(
                predictions,
                columns,
                ordered=self._ordered,
                bootstrap=bootstrap,
                seed=seed,
                workers=workers,
            ),
            "class_confusion": lambda: confusion_counts_table(predictions, columns),
            "roc": lambda: each_model(
                cohorts, lambda g: class_roc_points(*chances(g), refits=refits(g))
            ),
        }
        if predictions["model"].nunique() > 1 and cohorts:
            makers["delong"] = lambda: pd.concat(
                [
                    macro_auc_matrix(predictions, name, columns, final=final).assign(cohort=name)
                    for name in cohorts
                ],
                ignore_index=True,
            )
        makers |= {
            "calibration": lambda: each_model(
                chosen, lambda g: class_calibration_curves(*chances(g), seed=seed, refits=refits(g))
            ),
            "calibration_summary": lambda: each_model(
                chosen,
                lambda g: class_calibration_summary(*chances(g), seed=seed, refits=refits(g)),
            ),
        }
        return tables_of(makers, progress)

    def misjudged(
        self, predictions: pd.DataFrame, thresholds: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return every held-out patient with the class that each model calls it."""
        return class_misjudged_by_all(predictions, self._columns)

    def agreement(
        self,
        predictions: pd.DataFrame,
        thresholds: pd.DataFrame | None = None,
        *,
        bootstrap: int = 2000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return how alike each pair of models classifies the held-out patients."""
        return class_agreement_table(predictions, self._columns, bootstrap=bootstrap, seed=seed)

    def outcome_groups(self, predictions: pd.DataFrame) -> pd.Series:
        """Return each patient's class, patients in the order of the classes."""
        first = predictions.drop_duplicates("case_id").set_index("case_id")
        return self._in_order(first["y_true"].astype(str))

    def held_out_groups(
        self, predictions: pd.DataFrame, model: str, thresholds: pd.DataFrame | None = None
    ) -> dict[str, pd.Series]:
        """Return the classes as they are and as the model calls them, in the order of classes."""
        called = called_patients(predictions, self._columns)
        own = called[(called["model"] == model) & called["cohort"].isin(["test", "external"])]
        own = own.drop_duplicates("case_id").set_index("case_id")
        return {
            "class": self._in_order(own["y_true"]),
            "called": "called " + self._in_order(own["called"]),
        }

    def patients_line(self, metrics: pd.DataFrame) -> str:
        """Return for example ``60 patients (grade 2: 20, grade 3: 18, grade 4: 22)``."""
        areas = metrics[metrics["metric"] == "auc"].drop_duplicates("class")
        if areas.empty:
            raise InputError("metrics holds no AUC of a class; give the rows of one cohort")
        parts = ", ".join(
            f"{self._labels[name]}: {int(n)}"
            for name, n in zip(areas["class"], areas["n_class"], strict=True)
        )
        return f"{int(areas['n'].iloc[0])} patients ({parts})"

    def _in_order(self, labels: pd.Series) -> pd.Series:
        place = {name: number for number, name in enumerate(self.endpoint.classes)}
        ordered = labels.sort_values(kind="stable", key=lambda names: names.map(place))
        return ordered.map(self._labels)

    def _can_be_told_apart(self, patients: pd.DataFrame) -> bool:
        place = {name: number for number, name in enumerate(self.endpoint.classes)}
        return all(
            usable_classes(group["y_true"].map(place).to_numpy(dtype=int), len(place))
            for _, group in patients.groupby("model", sort=False)
        )
