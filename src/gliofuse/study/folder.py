"""The run folder: where each file of a study stands, and which folds are finished."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.errors import RunError
from gliofuse.files import read_parquet, write_csv, write_json, write_parquet

__all__ = ["FoldFolder", "RunFolder"]


@dataclass(frozen=True)
class FoldFolder:
    """One fold's results; they count once ``done.json`` holds the fold's fingerprint."""

    path: Path

    def finished(self, fingerprint: str) -> bool:
        """Whether this fold was finished for exactly these inputs and settings."""
        try:
            done = json.loads((self.path / "done.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return False
        return bool(done.get("fingerprint") == fingerprint)

    def write(
        self,
        predictions: pd.DataFrame,
        tables: Mapping[str, pd.DataFrame],
        done: Mapping[str, Any],
    ) -> None:
        """Write a finished fold; the mark that it is finished comes last."""
        write_parquet(self.path / "predictions.parquet", predictions)
        for name, table in tables.items():
            write_csv(self.path / "tables" / f"{name}.csv", table)
        write_json(self.path / "done.json", dict(done))

    @property
    def predictions(self) -> pd.DataFrame:
        """The fold's predictions."""
        return read_parquet(self.path / "predictions.parquet")

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The fold's tables, by name."""
        files = sorted((self.path / "tables").glob("*.csv"))
        return {file.stem: pd.read_csv(file) for file in files}

    @property
    def done(self) -> dict[str, Any]:
        """What was noted when the fold was finished."""
        return dict(json.loads((self.path / "done.json").read_text(encoding="utf-8")))


@dataclass(frozen=True)
class RunFolder:
    """A study's folder; every file in it is written whole or not at all."""

    path: Path

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
        known = folder.run_information().get("settings_hash")
        foreign = known is None and any(folder.path.iterdir()) and not folder.partial
        if (foreign or known not in (None, definition_hash)) and not force:
            what = "another study" if known else "files that are not a study's"
            raise RunError(
                f"{folder.path} holds {what}; choose another folder with -o, or go on in it "
                "with --force (finished work that still fits is kept)"
            )
        return folder

    @property
    def partial(self) -> bool:
        """Whether a study was begun here."""
        return (self.path / "study.yaml").exists()

    def fold(self, name: str) -> FoldFolder:
        """Return the folder of one fold."""
        return FoldFolder(self.path / "folds" / name)

    def run_information(self) -> dict[str, Any]:
        """Return ``run.json``, empty before the first run."""
        try:
            return dict(json.loads((self.path / "run.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write ``name.csv``."""
        write_csv(self.path / f"{name}.csv", table)

    def write_predictions(self, predictions: pd.DataFrame) -> None:
        """Write ``predictions.parquet``, and the same as CSV beside it."""
        write_parquet(self.path / "predictions.parquet", predictions)
        write_csv(self.path / "predictions.csv", predictions)

    def predictions(self) -> pd.DataFrame:
        """Read the predictions."""
        return read_parquet(self.path / "predictions.parquet")

    def write_seconds(self, seconds: Mapping[str, float]) -> None:
        """Write what the run's stages took, ``tables/timing.csv``."""
        rows = [(stage, round(value, 2)) for stage, value in seconds.items()]
        write_csv(
            self.path / "tables" / "timing.csv", pd.DataFrame(rows, columns=["stage", "seconds"])
        )

    def seconds(self) -> dict[str, float]:
        """Return what the stages took so far, empty before the first."""
        try:
            table = pd.read_csv(self.path / "tables" / "timing.csv")
        except FileNotFoundError:
            return {}
        return dict(zip(table["stage"], table["seconds"].astype(float), strict=True))
