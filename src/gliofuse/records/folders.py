"""The folders of runs, folds and comparisons; every file in them is whole or not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import yaml

from gliofuse.errors import InputError, RunError
from gliofuse.files import write_csv, write_text
from gliofuse.records.catalogue import (
    CACHE,
    COMPARISON_CACHE,
    FOLD,
    GRADCAM,
    NETWORKS,
    REPORT,
    STUDY,
    fold_table,
)
from gliofuse.records.explanation import TIMING
from gliofuse.records.features import FeatureKind, FeatureTable, feature_tables, write_features
from gliofuse.records.files import DataFile, StoredFile, TableFile
from gliofuse.records.predictions import FOLD_PREDICTIONS, PREDICTIONS, PREDICTIONS_CSV
from gliofuse.records.run import (
    COMPARISON,
    DONE,
    NOMOGRAM,
    RUN,
    ComparisonRecord,
    FoldRecord,
    Nomogram,
    RunRecord,
)

__all__ = ["ComparisonFolder", "FoldFolder", "HeatMap", "RunFolder"]

T = TypeVar("T")


@dataclass(frozen=True)
class _Folder:
    """A folder of declared files.

    Parameters
    ----------
    path : pathlib.Path
    """

    path: Path

    def place(self, file: DataFile, **names: str) -> Path:
        """Return where a declared file lies, whether it is there or not."""
        return file.at(self.path, **names)

    def write(self, file: StoredFile[T], value: T, **names: str) -> None:
        """Write a declared file, whole or not at all.

        Raises
        ------
        RunError
            If a table breaks its declaration; the message names the file and the column.
        """
        file.write(self.place(file, **names), value)

    def read(self, file: StoredFile[T], **names: str) -> T | None:
        """Read a declared file; ``None`` where it is not there.

        Raises
        ------
        InputError
            If the file is broken, or lacks a column.
        """
        path = self.place(file, **names)
        return file.load(path) if path.is_file() else None

    def need(self, file: StoredFile[T], **names: str) -> T:
        """Read a declared file that the caller cannot do without.

        Raises
        ------
        InputError
            If the file is missing or broken.
        """
        value = self.read(file, **names)
        if value is None:
            raise InputError(
                f"{self.place(file, **names)} is missing: the folder holds no finished run; run "
                "the study again, or give another folder"
            )
        return value


@dataclass(frozen=True)
class FoldFolder(_Folder):
    """One fold's results; they count once its record holds the fold's fingerprint."""

    @property
    def name(self) -> str:
        """The fold's name."""
        return self.path.name

    @property
    def networks(self) -> Path:
        """Where the networks of the fold lie, a folder each."""
        return self.place(NETWORKS)

    def finished(self, fingerprint: str) -> bool:
        """Whether this fold was finished for exactly these inputs and settings, and is whole."""
        if DONE.raw(self.place(DONE)).get("fingerprint") != fingerprint:
            return False
        try:
            _ = self.record, self.predictions, self.tables
        except (InputError, ValueError):
            return False  # it is damaged, and fitted anew
        return True

    def write_results(
        self, predictions: pd.DataFrame, tables: Mapping[str, pd.DataFrame], record: FoldRecord
    ) -> None:
        """Write a finished fold; the record that says so comes last.

        Parameters
        ----------
        predictions : pandas.DataFrame
        tables : mapping of str to pandas.DataFrame
            What the fit found, by name. Declared tables are checked; others are a design's own.
        record : FoldRecord

        Raises
        ------
        RunError
            If a table breaks its declaration.
        """
        self.place(DONE).unlink(missing_ok=True)
        self.write(FOLD_PREDICTIONS, predictions)
        for path in self._table_files():
            path.unlink()
        for name, table in tables.items():
            file = fold_table(name)
            if file is None:
                write_csv(self.path / "tables" / f"{name}.csv", table)
            else:
                self.write(file.of_one_fold(), table)
        self.write(DONE, record)

    @property
    def predictions(self) -> pd.DataFrame:
        """The fold's predictions."""
        return self.need(FOLD_PREDICTIONS)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The fold's tables, by name."""
        found = {}
        for path in self._table_files():
            file = fold_table(path.stem)
            found[path.stem] = pd.read_csv(path) if file is None else file.of_one_fold().load(path)
        return found

    @property
    def record(self) -> FoldRecord:
        """What was noted when the fold was finished."""
        return self.need(DONE)

    def _table_files(self) -> list[Path]:
        return sorted((self.path / "tables").glob("*.csv"))


@dataclass(frozen=True)
class HeatMap:
    """A picture of where a network looks in a patient."""

    model: str
    case_id: str
    path: Path


@dataclass(frozen=True)
class RunFolder(_Folder):
    """A study's folder."""

    @classmethod
    def open(cls, path: str | Path, definition_hash: str, *, force: bool = False) -> RunFolder:
        """Open a folder to run or go on with a study.

        Raises
        ------
        RunError
            If the folder holds another study, unless ``force``.
        """
        folder = cls(Path(path))
        folder.path.mkdir(parents=True, exist_ok=True)
        known = RUN.raw(folder.place(RUN)).get("settings_hash")
        foreign = known is None and any(folder.path.iterdir()) and not folder.begun
        if (foreign or known not in (None, definition_hash)) and not force:
            what = "another study" if known else "files that are not a study's"
            raise RunError(
                f"{folder.path} holds {what}; choose another folder with -o, or go on in it "
                "with --force (finished work that still fits is kept)"
            )
        return folder

    @property
    def begun(self) -> bool:
        """Whether a study was begun here."""
        return self.place(STUDY).exists()

    @property
    def record(self) -> RunRecord:
        """What the run is.

        Raises
        ------
        InputError
            If the run was not finished, or its record is of another version.
        """
        if not self.path.is_dir():
            raise InputError(
                f"the run folder must be an existing folder, got {str(self.path)!r}; give the "
                "folder that `gliofuse run` wrote with -o"
            )
        return self.need(RUN)

    def fold(self, name: str) -> FoldFolder:
        """Return the folder of one fold."""
        return FoldFolder(self.place(FOLD, fold=name))

    def folds(self) -> list[FoldFolder]:
        """Return the folders of the finished folds, by name."""
        found = self.path.glob(f"{FOLD.path.format(fold='*')}/{DONE.path}")
        return [FoldFolder(path.parent) for path in sorted(found)]

    def write_study(self, settings: Mapping[str, Any]) -> None:
        """Write the study file with every default written out."""
        text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
        write_text(self.place(STUDY), text)

    def study(self) -> dict[str, Any]:
        """Return the study file's keys and values, empty where it is missing or broken."""
        try:
            value = yaml.safe_load(self.place(STUDY).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            return {}
        return value if isinstance(value, dict) else {}

    def write_predictions(self, predictions: pd.DataFrame) -> None:
        """Write the predictions, and the same as CSV beside them."""
        self.write(PREDICTIONS, predictions)
        self.write(PREDICTIONS_CSV, predictions)

    def predictions(self) -> pd.DataFrame:
        """Read the predictions."""
        return self.need(PREDICTIONS)

    def gather(self, folds: list[FoldFolder]) -> None:
        """Put the folds' predictions and tables together into the run's, each row with its fold.

        Raises
        ------
        RunError
            If a table breaks its declaration.
        """
        self.write_predictions(pd.concat([fold.predictions for fold in folds], ignore_index=True))
        parts: dict[str, list[pd.DataFrame]] = {}
        for fold in folds:
            for name, table in fold.tables.items():
                parts.setdefault(name, []).append(table.assign(fold=fold.name))
        for name, tables in parts.items():
            file, whole = fold_table(name), pd.concat(tables, ignore_index=True)
            if file is None:
                write_csv(self.path / "tables" / f"{name}.csv", whole)
            else:
                self.write(file, whole)

    def write_seconds(self, seconds: Mapping[str, float]) -> None:
        """Write what the run's stages took."""
        rows = [(stage, round(value, 2)) for stage, value in seconds.items()]
        self.write(TIMING, pd.DataFrame(rows, columns=["stage", "seconds"]))

    def seconds(self) -> dict[str, float]:
        """Return what the stages took so far, empty before the first."""
        table = self.read(TIMING)
        if table is None:
            return {}
        return dict(zip(table["stage"], table["seconds"].astype(float), strict=True))

    @property
    def cache(self) -> Path:
        """Where features and arrays are kept, unless the study names a cache of its own."""
        return self.place(CACHE)

    def write_features(
        self, kind: FeatureKind, key: str, table: pd.DataFrame, definition: dict[str, Any]
    ) -> None:
        """Write a table of features that the design asked for, with its definition."""
        write_features(self.path, kind, key, table, definition)

    def feature_tables(self) -> tuple[FeatureTable, ...]:
        """Return the tables of features, radiomic ones first."""
        return feature_tables(self.path)

    def read_each(self, file: TableFile) -> list[pd.DataFrame]:
        """Read every table that a declaration with a name in braces stands for."""
        return [file.load(path) for path in file.all_in(self.path)]

    def heat_map_folder(self, model: str) -> Path:
        """Return where the heat maps of a network lie."""
        return self.place(GRADCAM, model=model, case_id="x").parent

    def heat_maps(self) -> list[HeatMap]:
        """Return the pictures of where the networks look, by network and patient."""
        return [HeatMap(path.parent.name, path.stem, path) for path in GRADCAM.all_in(self.path)]

    def nomograms(self) -> dict[str, Nomogram]:
        """Read the nomograms, by model.

        Raises
        ------
        InputError
            If one is broken.
        """
        prefix = NOMOGRAM.name.partition("{")[0]
        paths = NOMOGRAM.all_in(self.path)
        return {path.stem.removeprefix(prefix): NOMOGRAM.load(path) for path in paths}

    @property
    def report(self) -> Path:
        """The report."""
        return self.place(REPORT)


@dataclass(frozen=True)
class ComparisonFolder(_Folder):
    """The folder of a comparison: its tables, and a run folder for each design."""

    @property
    def record(self) -> ComparisonRecord:
        """What was compared.

        Raises
        ------
        InputError
            If the comparison was not finished, or its record is of another version.
        """
        path = self.place(COMPARISON)
        if not path.is_file():
            raise InputError(
                f"{path} is missing: the folder must be one that `gliofuse compare` wrote and "
                f"finished, got {str(self.path)!r}"
            )
        return COMPARISON.load(path)

    def run(self, name: str) -> RunFolder:
        """Return the run folder of a design, by the name that it has in the record."""
        return RunFolder(self.path / name)

    @property
    def cache(self) -> Path:
        """Where features are kept that designs share, unless a study names a cache of its own."""
        return self.place(COMPARISON_CACHE)

    def predictions(self) -> pd.DataFrame:
        """Read the predictions of the designs' final models."""
        return self.need(PREDICTIONS)

    @property
    def report(self) -> Path:
        """The report."""
        return self.place(REPORT)
