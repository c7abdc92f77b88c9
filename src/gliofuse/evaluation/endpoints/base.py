"""What every kind of endpoint's evaluation answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar, Protocol

import pandas as pd

from gliofuse.cohort import Endpoint
from gliofuse.errors import InputError
from gliofuse.evaluation.characteristics import characteristics_table, tells_groups
from gliofuse.evaluation.optimism import Errors, optimism_table

__all__ = ["Evaluation", "Stages"]


class Stages(Protocol):
    """What takes in progress."""

    def stage(
        self, name: str, total: int, unit: str
    ) -> AbstractContextManager[Callable[[int], None]]:
        """Open a stage; gives the function that takes the number of steps done so far."""


class Evaluation(ABC):
    """From a prediction table to tables of figures of merit, for one kind of endpoint.

    Parameters
    ----------
    endpoint : Endpoint

    Attributes
    ----------
    headline : str
        The metric by which a model is known.
    summary_metrics : tuple of str
        The metrics that a table of a terminal's width shows, the headline first.
    """

    headline: ClassVar[str]
    summary_metrics: ClassVar[tuple[str, ...]]

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def headline_among(self, cohort: str, metrics: Collection[str]) -> str:
        """Return the metric by which a model is known on a cohort, of those that there are.

        It is :attr:`headline`, unless the cohort's patients can't be held against each other.
        """
        return self.headline

    @abstractmethod
    def check(self, predictions: pd.DataFrame) -> None:
        """Refuse predictions that break the table's contract.

        Raises
        ------
        InputError
            If a column or value is missing, a row is doubled, or a value is out of range.
        """

    #: The rules by which patients may be called positive.
    rules: ClassVar[tuple[str, ...]] = ("half",)

    @abstractmethod
    def check_threshold(self, rule: str) -> None:
        """Refuse a rule of thresholds that is not among :attr:`rules`, before anything is computed.

        Raises
        ------
        SettingError
            If the rule is unknown or has no sense for the kind.
        """

    def thresholds(self, predictions: pd.DataFrame, rule: str) -> pd.DataFrame:
        """Return each model's threshold, learned from its training patients' predictions.

        Parameters
        ----------
        predictions : DataFrame
        rule : str
            As :meth:`check_threshold` allows it.

        Returns
        -------
        DataFrame
            ``fold``, ``model`` and ``threshold``; no row where the kind of endpoint has none.
        """
        return pd.DataFrame(columns=["fold", "model", "threshold"])

    @abstractmethod
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
        """Return the tables of figures of merit, by their file's name without its ending.

        A table that the patients or models don't allow is not among them.

        Parameters
        ----------
        predictions : DataFrame
            ``case_id, fold, cohort, model``, the outcome and the prediction columns.
        judged : sequence of str
            Models whose calibration (and the like) is drawn, the main one first; all models get
            the rest.
        threshold : str
            The rule by which patients are called positive, as :meth:`check_threshold` allows it.
        bootstrap : int
            Replicates of the figures of merit.
        seed : int
            Of all resampling.
        workers : int or None
        progress : Stages, optional
        centers : Series, optional
            Centre by ``case_id``, where patients of several take part.
        subgroups : mapping of str to Series, optional
            By clinical column each patient's group, as
            :func:`~gliofuse.evaluation.group_levels` gives it.
        final : str, optional
            The model that each other one is tested against; without it every two are.
        thresholds : DataFrame, optional
            ``fold, model, threshold`` where they were learned before, and by others than the
            table's training rows.
        apparent : DataFrame, optional
            ``case_id, fold, model``, outcome and prediction columns of the patients that each
            model was fitted on; without it intervals allow for models that describe these
            perfectly.

        Raises
        ------
        InputError
            As :meth:`check`.
        SettingError
            As :meth:`check_threshold`.
        """

    @property
    def errors(self) -> Mapping[str, Errors]:
        """The figures whose optimism can be estimated, by :func:`optimism_table`'s rules."""
        return {}

    def optimism(self, predictions: pd.DataFrame, apparent: pd.DataFrame) -> pd.DataFrame | None:
        """Return each model's .632+ estimates, of a study that has fits to all patients and parts.

        As :func:`~gliofuse.evaluation.optimism_table`; ``None`` of other studies.
        """
        return optimism_table(predictions, apparent, self.errors)

    def sample_size(
        self, predictions: pd.DataFrame, model: str, candidates: int | None
    ) -> pd.DataFrame:
        """Hold the patients against the number that a model needs; empty where no rule is known.

        Parameters
        ----------
        predictions : DataFrame
        model : str
            The final one.
        candidates : int or None
            Parameters that could enter; ``None`` where they can't be counted.
        """
        return pd.DataFrame()

    def added(
        self, predictions: pd.DataFrame, model: str, against: str, *, seed: int = 0
    ) -> pd.DataFrame | None:
        """Return what one model brings beyond another in net benefit, by cohort.

        ``None`` where the kind of endpoint has no net benefit, or the patients no two classes.
        """
        return None

    @abstractmethod
    def misjudged(
        self, predictions: pd.DataFrame, thresholds: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return every held-out patient and how many models misjudge it, the worst first.

        ``thresholds`` is the table of that name of :meth:`tables`, if it gave one.

        Raises
        ------
        InputError
            If no patient is held out.
        """

    @abstractmethod
    def agreement(
        self,
        predictions: pd.DataFrame,
        thresholds: pd.DataFrame | None = None,
        *,
        bootstrap: int = 2000,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Return how alike each pair of models judges the held-out patients of each cohort.

        Raises
        ------
        InputError
            If no patient is held out.
        """

    @abstractmethod
    def outcome_groups(self, predictions: pd.DataFrame) -> pd.Series:
        """Return each patient's group by outcome, in words; index ``case_id``."""

    @abstractmethod
    def held_out_groups(
        self, predictions: pd.DataFrame, model: str, thresholds: pd.DataFrame | None = None
    ) -> dict[str, pd.Series]:
        """Return the held-out patients' groups as they are and as a model says.

        Returns
        -------
        dict of str to Series
            ``class`` and ``called``; index ``case_id``, patients in the order of their groups.
        """

    def score_groups(
        self, predictions: pd.DataFrame, model: str, thresholds: pd.DataFrame | None = None
    ) -> pd.Series | None:
        """Return the held-out patients below and above a model's threshold, low first.

        ``None`` where the kind of endpoint has no threshold.
        """
        return None

    @abstractmethod
    def patients_line(self, metrics: pd.DataFrame) -> str:
        """Return how many patients of which outcome a cohort has, from its rows of the metrics."""

    def characteristics(
        self,
        clinical: pd.DataFrame,
        predictions: pd.DataFrame,
        *,
        outcome_columns: Sequence[str] = (),
        seed: int = 0,
    ) -> pd.DataFrame:
        """Describe the patients: by cohort if that is fixed, in cross-validation by outcome.

        Parameters
        ----------
        clinical : DataFrame
            Clinical columns only; index ``case_id``.
        predictions : DataFrame
        outcome_columns : sequence of str
            The clinical columns that define the outcome. They, and others that tell it, are no
            characteristics of its groups: see :meth:`telling_columns`.
        seed : int

        Returns
        -------
        DataFrame
            As :func:`~gliofuse.evaluation.characteristics_table`. With more than two cohorts
            ``p_validation``, ``p_test`` and ``p_external`` beside ``p``: of the same tests between
            the training patients and those alone.

        Raises
        ------
        InputError
            If a predicted patient is not in ``clinical``.
        """
        by_cohort = _split_once(predictions)
        if by_cohort:
            first = predictions.drop_duplicates(["case_id", "cohort"])
            groups = first.set_index("case_id")["cohort"].astype(str) + " cohort"
        else:
            groups = self.outcome_groups(predictions)
        unknown = groups.index.difference(clinical.index)
        if len(unknown):
            raise InputError(
                f"the clinical table lacks {len(unknown)} predicted patients, first "
                f"{unknown[0]!r}; give the table of the run's own patients"
            )
        telling = self.telling_columns(clinical, predictions, outcome_columns)
        clinical = clinical.loc[groups.index].drop(columns=list(telling))
        table = characteristics_table(clinical, groups, seed=seed)
        others = [name for name in groups.unique() if name != "training cohort"]
        if by_cohort and len(others) > 1:
            for other in others:
                two = groups[groups.isin(["training cohort", other])]
                pair = characteristics_table(clinical.loc[two.index], two, seed=seed)
                p_values = pair.dropna(subset="p").set_index("variable")["p"]
                first = table["p"].notna()
                table[f"p_{other.removesuffix(' cohort')}"] = (
                    table["variable"].map(p_values).where(first)
                )
        return table

    def telling_columns(
        self, clinical: pd.DataFrame, predictions: pd.DataFrame, outcome_columns: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Return the clinical columns that say which outcome a patient has.

        None where the patients are described by cohort: how an outcome is spread over cohorts is
        worth a look.
        """
        if _split_once(predictions):
            return ()
        groups = self.outcome_groups(predictions)
        own = clinical.loc[clinical.index.intersection(groups.index)]
        return tuple(
            str(name)
            for name, column in own.items()
            if name in outcome_columns or tells_groups(column, groups)
        )


def _split_once(predictions: pd.DataFrame) -> bool:
    return predictions["fold"].nunique() == 1


def each_model(
    cohorts: Mapping[str, pd.DataFrame], function: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Return ``function`` of the patients of each cohort and model, with those two named last."""
    parts = [
        function(group).assign(cohort=cohort, model=model)
        for cohort, patients in cohorts.items()
        for model, group in patients.groupby("model", sort=False)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def each_cohort(
    cohorts: Mapping[str, pd.DataFrame], function: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Return ``function`` of the patients of each cohort, with its name last."""
    parts = [function(patients).assign(cohort=cohort) for cohort, patients in cohorts.items()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def tables_of(
    makers: Mapping[str, Callable[[], pd.DataFrame]], progress: Stages | None
) -> dict[str, pd.DataFrame]:
    """Make the tables one after the other, telling of each; those without a column are left out."""
    stage = (
        nullcontext(lambda done: None)
        if progress is None
        else progress.stage("evaluating", len(makers), "tables")
    )
    tables = {}
    with stage as count:
        for done, (name, make) in enumerate(makers.items(), 1):
            tables[name] = make()
            count(done)
    return {name: table for name, table in tables.items() if len(table.columns)}
