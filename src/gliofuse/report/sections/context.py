"""What every section of a run's report needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.report.tables import RunTables

__all__ = ["COHORT_ORDER", "HELD_OUT", "RunContext"]

COHORT_ORDER = ("test", "external", "validation")
HELD_OUT = ("test", "external")


@dataclass(frozen=True)
class RunContext:
    """A run's settings and record, with its tables at hand."""

    tables: RunTables
    study: dict[str, Any]
    run: dict[str, Any]

    @classmethod
    def read(cls, folder: str | Path) -> RunContext:
        """Read a run folder's settings and record.

        Raises
        ------
        InputError
            If the folder, or its ``run.json``, does not exist.
        """
        tables = RunTables(folder)
        run = tables.require_json("run.json", "gliofuse run")
        return cls(tables, tables.yaml("study.yaml"), run)

    @cached_property
    def design(self) -> dict[str, Any]:
        """The design's name, title, citation and notes."""
        given = self.run.get("design")
        return given if isinstance(given, dict) else {"name": str(given or "")}

    @cached_property
    def split(self) -> dict[str, Any]:
        """The split's settings."""
        given = self.study.get("split")
        return given if isinstance(given, dict) else {}

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Rows of ``metrics.csv`` that may count as performance: never training patients."""
        table = self.tables.table("metrics.csv", "cohort", "model", "metric", "estimate")
        if table is None:
            return pd.DataFrame(columns=["cohort", "model", "metric", "estimate"])
        return table[table["cohort"] != "training"].reset_index(drop=True)

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Predictions of patients that the model did not learn from."""
        columns = ["case_id", "fold", "cohort", "model", "y_true", "probability"]
        table = self.tables.table("predictions.parquet", *columns)
        if table is None:
            return pd.DataFrame(columns=columns)
        return table[table["cohort"] != "training"].reset_index(drop=True)

    @cached_property
    def models(self) -> list[str]:
        """Names of the models in the order of the paper's table."""
        named = [str(model["name"]) for model in self.run.get("models") or []]
        return named + [name for name in self.metrics["model"].unique() if name not in named]

    @cached_property
    def final(self) -> str | None:
        """The model that the design proposes; ``None`` in a comparison, which prefers none."""
        usual = self.models[-1] if self.models else None
        name = self.run.get("final_model", usual)
        return str(name) if name else None

    @cached_property
    def cohorts(self) -> list[str]:
        """Cohorts with figures of merit, those that no model has seen in any way first."""
        found = list(self.metrics["cohort"].unique())
        known = [cohort for cohort in COHORT_ORDER if cohort in found]
        return known + [cohort for cohort in found if cohort not in known]

    @cached_property
    def primary(self) -> str | None:
        """The cohort whose figures stand first: the test patients, else what there is."""
        for cohort in ("test", "external", "validation"):
            if cohort in self.cohorts:
                return cohort
        return self.cohorts[0] if self.cohorts else None

    def metric(self, cohort: str | None, model: str | None, metric: str) -> dict[str, Any] | None:
        """Return a figure of merit with its interval and numbers of patients, if there is one."""
        table = self.metrics
        found = table[
            (table["cohort"] == cohort) & (table["model"] == model) & (table["metric"] == metric)
        ]
        if found.empty:
            return None
        from gliofuse.report.tables import records

        return records(found.head(1))[0]

    def in_order(self, names: Any) -> list[str]:
        """Return model names in the order of the paper's table."""
        present = {str(name) for name in names}
        return [name for name in self.models if name in present] + sorted(present - {*self.models})
