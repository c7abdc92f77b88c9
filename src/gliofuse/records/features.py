"""The tables of features in a run folder: the one place that says where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from gliofuse.errors import InputError
from gliofuse.files import read_parquet, read_parquet_metadata, write_parquet
from gliofuse.records.files import OtherFile

__all__ = ["FEATURES", "FeatureTable", "feature_tables", "write_features"]

FeatureKind = Literal["radiomic", "deep"]

FEATURES = OtherFile(
    "features/{kind}-features-{key}.parquet",
    "A table of features that the design asked for, a row a patient (index `case_id`); `kind` is "
    "radiomic or deep, `key` the hash of its definition, which stands in the file's metadata.",
    optional=True,
)


@dataclass(frozen=True)
class FeatureTable:
    """A stored table of features.

    Parameters
    ----------
    kind : {"radiomic", "deep"}
    key : str
        Hash of the definition.
    path : pathlib.Path
    """

    kind: FeatureKind
    key: str
    path: Path

    @property
    def place(self) -> str:
        """The path relative to the run folder."""
        return FEATURES.path.format(kind=self.kind, key=self.key)

    def definition(self) -> dict[str, Any]:
        """Return what the table was computed by: sequences, regions, settings.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        try:
            found = read_parquet_metadata(self.path).get("request")
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path} cannot be read as a table ({error})") from None
        return found if isinstance(found, dict) else {}

    def columns(self) -> tuple[str, ...]:
        """Return the features' names without reading their values.

        Raises
        ------
        InputError
            If the file cannot be read.
        """
        import pyarrow.parquet as pq

        try:
            names = pq.read_schema(self.path).names
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path} cannot be read as a table ({error})") from None
        return tuple(name for name in names if name != "case_id")

    def read(self) -> pd.DataFrame:
        """Return the features, indexed by ``case_id``."""
        return read_parquet(self.path)


def write_features(
    folder: Path, kind: FeatureKind, key: str, table: pd.DataFrame, definition: dict[str, Any]
) -> None:
    """Write a table of features with its definition."""
    path = FEATURES.at(folder, kind=kind, key=key)
    write_parquet(path, table, {"request": definition, "hash": key})


def feature_tables(folder: Path) -> tuple[FeatureTable, ...]:
    """Return a run folder's tables of features, radiomic ones first."""
    kinds: tuple[FeatureKind, ...] = ("radiomic", "deep")
    return tuple(
        FeatureTable(kind, path.stem.removeprefix(f"{kind}-features-"), path)
        for kind in kinds
        for path in sorted(folder.glob(FEATURES.path.format(kind=kind, key="*")))
    )
