"""What every section of a report knows: the run's record, its models, its tables."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.cohort import Endpoint, SplitSettings, SurvivalEndpoint, endpoint_from_dict
from gliofuse.errors import InputError
from gliofuse.evaluation.endpoints import Evaluation, evaluation_of
from gliofuse.records import (
    CENTER_CHARACTERISTICS,
    CHARACTERISTICS,
    COHORT,
    EXCLUDED,
    FAILED_CASES,
    FOLDS,
    METRICS,
    MISSING,
    PAPER_RESULTS,
    PREDICTIONS,
    SIMILAR,
    ComparisonFolder,
    ComparisonRecord,
    ModelRecord,
    RunFolder,
    RunRecord,
    TableFile,
)
from gliofuse.report.endpoints import EndpointReport, endpoint_report
from gliofuse.report.plain import plain, records
from gliofuse.report.wording import cohort_label, metric_label, readable, signs

__all__ = ["HELD_OUT", "ComparisonContext", "Context", "RunContext"]

_COHORT_ORDER = ("test", "external", "validation")
HELD_OUT = ("test", "external")
_POOLED = ("auc_pooled", "macro_auc_pooled", "c_index_pooled")
#: What a comparison reads of its first run, since patients and folds are those of all.
_OF_ALL_RUNS = (
    *(COHORT, EXCLUDED, FAILED_CASES, FOLDS, SIMILAR, MISSING),
    *(CHARACTERISTICS, CENTER_CHARACTERISTICS),
)


class Context:
    """A folder with figures of merit of some models, its tables at hand.

    Parameters
    ----------
    folder : RunFolder or ComparisonFolder
    models : tuple of ModelRecord
        In the order in which tables show them.
    final : ModelRecord or None
        The model that the others are held against; a comparison prefers none.
    run : RunRecord
        The run, or the first of a comparison, whose endpoint and split are those of all.

    Attributes
    ----------
    problems : list of str
        A line for each table that could not be read; its section is left out.
    """

    def __init__(
        self,
        folder: RunFolder | ComparisonFolder,
        models: tuple[ModelRecord, ...],
        final: ModelRecord | None,
        run: RunRecord,
    ) -> None:
        self.folder = folder
        self.models = models
        self.final = final
        self.run = run
        self.problems: list[str] = []
        self._tables: dict[str, pd.DataFrame | None] = {}

    @cached_property
    def endpoint(self) -> Endpoint:
        """What was predicted."""
        return endpoint_from_dict(self.run.endpoint)

    @property
    def endpoint_words(self) -> str:
        """What was predicted, as it stands in a sentence."""
        return signs(self.kind.words(self.endpoint))

    @property
    def kind(self) -> EndpointReport:
        """What the report of such an endpoint holds."""
        return endpoint_report(self.endpoint.kind)

    @cached_property
    def evaluation(self) -> Evaluation:
        """How such an endpoint is judged."""
        return evaluation_of(self.endpoint)

    @property
    def headline(self) -> str:
        """The figure of merit by which a model is known, on the patients that matter most."""
        primary = self.primary
        return self.evaluation.headline if primary is None else self.headline_on(primary)

    def headline_on(self, cohort: str) -> str:
        """Return the figure of merit by which a model is known on a cohort's patients."""
        own = self.metrics[self.metrics["cohort"] == cohort]
        return self.evaluation.headline_among(cohort, set(own["metric"]))

    @property
    def split(self) -> SplitSettings:
        """How the patients were divided."""
        return self.run.split

    @property
    def resamples(self) -> bool:
        """Whether the held-out patients are those left out of a bootstrap's resamples."""
        return self.split.kind == "bootstrap"

    @cached_property
    def classes(self) -> list[tuple[str, str, int]]:
        """Each class as tables name it, as a reader would, and its analysed patients."""
        values, labels = self.kind.values(self.endpoint), self.kind.labels(self.endpoint)
        counts = self.run.class_counts
        if self.kind.outcome is not None:  # the split keeps something else alike
            everybody = self.outcomes(self.table(PREDICTIONS))
            counts = {str(value): int(n) for value, n in everybody.value_counts().items()}
        return [
            (value, label, counts.get(value, 0))
            for value, label in zip(values, labels, strict=True)
        ]

    def outcomes(self, predictions: pd.DataFrame | None) -> pd.Series:
        """Return the class of each predicted patient, as a value, by ``case_id``."""
        if predictions is None or predictions.empty:
            return pd.Series(dtype=str)
        own = predictions.drop_duplicates("case_id").set_index("case_id")
        found = own["y_true"] if self.kind.outcome is None else self.kind.outcome(own)
        # A column with gaps holds 1 as 1.0.
        return found.map(lambda value: str(value).removesuffix(".0"))

    def class_label(self, value: Any) -> Any:
        """Return a class as a reader would write it, from its name in the tables."""
        return next((label for known, label, _ in self.classes if known == value), value)

    @cached_property
    def horizons(self) -> dict[str, tuple[str, float]]:
        """Figures of merit at a time: their name without it, and the time."""
        table = self.table(METRICS)
        if table is None or "horizon" not in table:
            return {}
        own = table.dropna(subset=["horizon"]).drop_duplicates("metric")
        return {
            str(name): (str(name).removesuffix(f"_{time:g}"), float(time))
            for name, time in zip(own["metric"], own["horizon"], strict=True)
        }

    @property
    def unit(self) -> str:
        """The unit of the times, where there are any."""
        return str(getattr(self.endpoint, "unit", "days"))

    @property
    def digits(self) -> int:
        """Decimals of a time in the endpoint's unit."""
        return {"days": 0, "years": 2}.get(self.unit, 1)

    def horizon_label(self, time: float) -> str:
        """Return a time as a reader would say it."""
        assert isinstance(self.endpoint, SurvivalEndpoint)
        return self.endpoint.horizon_label(time)

    def metric_label(self, name: str) -> str:
        """Return a figure of merit's name for a heading, with its time if it has one."""
        if name not in self.horizons:
            return metric_label(name)
        base, time = self.horizons[name]
        return f"{metric_label(base)} at {self.horizon_label(time)}"

    def table(self, file: TableFile) -> pd.DataFrame | None:
        """Return a declared table; ``None`` where it is missing, empty or broken."""
        if file.path not in self._tables:
            self._tables[file.path] = self._read(file)
        return self._tables[file.path]

    def _read(self, file: TableFile) -> pd.DataFrame | None:
        try:
            table = self._folder_of(file).read(file)
        except InputError as error:
            self.problems.append(str(error))
            return None
        return None if table is None or table.empty else table

    def _folder_of(self, file: TableFile) -> RunFolder | ComparisonFolder:
        return self.folder

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Figures of merit over all classes that count as performance: never training patients."""
        table = self.every_metric
        return table[table["class"].isna()] if "class" in table else table

    @cached_property
    def every_metric(self) -> pd.DataFrame:
        """The same, with those of single classes."""
        table = self.table(METRICS)
        if table is None:
            return pd.DataFrame(columns=list(METRICS.columns))
        return table[table["cohort"] != "training"].reset_index(drop=True)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Predictions of patients that the model did not learn from."""
        table = self.table(PREDICTIONS)
        if table is None:
            columns = [*PREDICTIONS.columns, *self.endpoint.outcome_columns]
            return pd.DataFrame(columns=[*columns, *self.endpoint.prediction_columns])
        return table[table["cohort"] != "training"].reset_index(drop=True)

    @cached_property
    def cohorts(self) -> list[str]:
        """Cohorts with figures of merit, those that no model has seen in any way first."""
        found = list(self.metrics["cohort"].unique())
        known = [cohort for cohort in _COHORT_ORDER if cohort in found]
        return known + [cohort for cohort in found if cohort not in known]

    @property
    def primary(self) -> str | None:
        """The cohort whose figures stand first: the test patients, else what there is."""
        return self.cohorts[0] if self.cohorts else None

    @cached_property
    def sides(self) -> frozenset[str]:
        """What patients were in some fold: training, validation, test, external."""
        table = self.table(FOLDS)
        return frozenset(() if table is None else table["cohort"])

    def cohort_label(self, cohort: str) -> str:
        """Return a cohort's name for a heading."""
        if cohort == "test" and self.split.kind == "kfold":
            return "Held-out patients of all folds"
        if cohort == "test" and self.resamples:
            return "Left-out patients of all resamples"
        return cohort_label(cohort)

    def pooled_note(self, cohorts: Iterable[str], *, area: bool = False) -> str:
        """Return a sentence for figures of patients whom models of several folds predicted.

        Parameters
        ----------
        cohorts : iterable of str
        area : bool
            Whether the figure's legend has AUCs, which do not pool.

        Returns
        -------
        str
            Empty where one model predicted the patients; otherwise it starts with a space.
        """
        pooled = self.metrics[self.metrics["metric"].isin(_POOLED)]
        if not set(pooled["cohort"]) & set(cohorts):
            return ""
        text = f" Patients of all {'resamples' if self.resamples else 'folds'} are drawn together"
        if self.resamples or self.split.repeats > 1:
            often = "resamples" if self.resamples else "repeats"
            text += f", each with the mean probability of all {often}"
        return f"{text}; the AUCs compare those of one fold's model only." if area else f"{text}."

    def label(self, model: str) -> str:
        """Return a model's name as a reader would write it."""
        known = {**self.run.design.paper_labels, **{one.name: one.label for one in self.models}}
        return known.get(model) or readable(model)

    def is_final(self, model: str) -> bool:
        """Whether this is the model that the others are held against."""
        return self.final is not None and model == self.final.name

    def in_order(self, names: Iterable[Any]) -> list[str]:
        """Return model names in the order of the paper's table."""
        present = {str(name) for name in names}
        known = [model.name for model in self.models]
        return [name for name in known if name in present] + sorted(present - {*known})

    def drawn(self, names: Iterable[Any], most: int) -> list[str]:
        """Return the models whose curves are drawn: the final one, then its last rivals."""
        ordered = self.in_order(names)
        if self.final is None:
            return ordered
        final = [name for name in ordered if self.is_final(name)]
        return final + [name for name in ordered[::-1] if not self.is_final(name)][: most - 1]

    def patients_line(self, cohort: str) -> str:
        """Return a cohort's patients by class, in words."""
        table = self.every_metric
        return self.evaluation.patients_line(table[table["cohort"] == cohort])

    def metric(self, cohort: str | None, model: str | None, metric: str) -> dict[str, Any] | None:
        """Return a figure of merit with its interval and numbers of patients, if there is one."""
        table = self.metrics
        found = table[
            (table["cohort"] == cohort) & (table["model"] == model) & (table["metric"] == metric)
        ]
        return records(found.head(1))[0] if len(found) else None

    def difference(self, cohort: str | None, first: str, second: str) -> dict[str, Any] | None:
        """Return the paired test of two models, as first minus second however the table has it.

        Returns
        -------
        dict or None
            ``estimate``, ``low``, ``high``, ``p`` and ``p_holm``; None where it was not tested.
        """
        table = self.table(self.kind.tests)
        if table is None:
            return None
        for row in records(table[table["cohort"] == cohort]):
            values = [row["difference"], row.get("ci_low"), row.get("ci_high")]
            if (row["model_a"], row["model_b"]) == (second, first):
                estimate, high, low = (None if value is None else -value for value in values)
            elif (row["model_a"], row["model_b"]) == (first, second):
                estimate, low, high = values
            else:
                continue
            tests = {"p": row.get("p"), "p_holm": row.get("p_holm")}
            return {"estimate": estimate, "low": low, "high": high, **tests}
        return None

    @cached_property
    def wished_metrics(self) -> list[str]:
        """The columns of the publication's own table, or the usual ones where it has none."""
        table = self.table(PAPER_RESULTS)
        names = [] if table is None else list(dict.fromkeys(table["metric"]))
        return names or list(self.evaluation.summary_metrics)

    def paper_value(self, cohort: str, model: str, metric: str) -> float | None:
        """Return the publication's figure on its own patients, to print beside one's own.

        There is none where the publication predicts something else.
        """
        table = self.table(PAPER_RESULTS)
        if table is None or not self.run.design.paper_outcome_is_ours:
            return None
        if metric == self.headline_on(cohort):
            metric = self.evaluation.headline
        found = table[
            (table["cohort"] == self.paper_cohort(cohort))
            & (table["model"] == model)
            & (table["metric"] == metric)
        ]["value"].dropna()
        return None if found.empty else float(plain(found.iloc[0]))

    def paper_cohort(self, cohort: str) -> str | None:
        """Return the publication's cohort to print beside one's own.

        The one of the same name; for held-out patients, where the publication has none, the one
        that comes nearest: external, test, then validation.
        """
        table = self.table(PAPER_RESULTS)
        present = set() if table is None else set(table["cohort"])
        nearest = ("external", "test", "validation") if cohort in HELD_OUT else ()
        return next((name for name in (cohort, *nearest) if name in present), None)


class RunContext(Context):
    """A run.

    Parameters
    ----------
    path : path
        A folder that ``gliofuse run`` wrote.

    Raises
    ------
    InputError
        If it holds no finished run, or one of another version.
    """

    folder: RunFolder

    def __init__(self, path: str | Path) -> None:
        folder = RunFolder(Path(path))
        run = folder.record
        super().__init__(folder, run.models, run.final, run)

    @property
    def title(self) -> str:
        """The study's name."""
        return self.run.name or self.folder.path.resolve().name


class ComparisonContext(Context):
    """A comparison, read like a run whose models are the designs' final ones.

    Parameters
    ----------
    path : path
        A folder that ``gliofuse compare`` wrote.

    Raises
    ------
    InputError
        If it holds no finished comparison, or one of another version.
    """

    folder: ComparisonFolder

    def __init__(self, path: str | Path) -> None:
        folder = ComparisonFolder(Path(path))
        self.record: ComparisonRecord = folder.record
        self.runs: dict[str, RunRecord] = {
            design.name: folder.run(design.run_folder).record for design in self.record.designs
        }
        models = tuple(
            ModelRecord(name=name, label=name, kind="design", role="rival") for name in self.runs
        )
        super().__init__(folder, models, None, next(iter(self.runs.values())))

    def _folder_of(self, file: TableFile) -> RunFolder | ComparisonFolder:
        first = self.record.designs[0].run_folder
        return self.folder.run(first) if file in _OF_ALL_RUNS else self.folder

    @property
    def title(self) -> str:
        """The folder's name."""
        return self.folder.path.resolve().name
