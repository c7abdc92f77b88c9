"""Reading the tables of a run folder: what is missing is ``None``, what is there is plain data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from gliofuse.errors import InputError
from gliofuse.files import read_parquet

_TEXT = ("case_id", "fold", "model", "center", "term", "feature", "group", "cohort")
_NUMBERS = (
    *("estimate", "ci_low", "ci_high", "n", "n_positive", "y_true", "probability"),
    *("auc_a", "auc_b", "difference", "p", "p_holm", "value", "coefficient", "seconds", "peak_mb"),
    *("sensitivity", "specificity", "sensitivity_low", "sensitivity_high"),
    *("false_positive_rate", "true_positive_rate", "threshold", "predicted", "observed"),
    *("true_negative", "false_positive", "false_negative", "true_positive"),
    *("net_benefit", "high_risk", "high_risk_with_event", "time_days", "survival", "at_risk"),
    *("epoch", "loss", "validation_loss", "validation_auc"),
)

__all__ = ["RunTables", "intervals_folded", "plain", "records"]


class RunTables:
    """The files of one run or comparison folder, read when they are asked for.

    Parameters
    ----------
    folder
        A folder that ``gliofuse run`` or ``gliofuse compare`` wrote.

    Raises
    ------
    InputError
        If ``folder`` is not a folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._read: dict[str, pd.DataFrame | None] = {}
        if not self.folder.is_dir():
            raise InputError(
                f"the run folder must be an existing folder, got {str(self.folder)!r}; "
                "give the folder that `gliofuse run` or `gliofuse compare` wrote with -o"
            )

    def require_json(self, name: str, written_by: str) -> dict[str, Any]:
        """Return a JSON file that the folder cannot do without.

        Raises
        ------
        InputError
            If the file is missing or is not a JSON object.
        """
        value = self.json(name)
        if not isinstance(value, dict):
            raise InputError(
                f"{self.folder / name} is missing or holds no JSON object: this folder does not "
                f"hold a finished run; run `{written_by}` first, or give its output folder"
            )
        return value

    def json(self, name: str) -> Any:
        """Return a JSON file's value, or ``None`` where the file is missing or broken."""
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def yaml(self, name: str) -> dict[str, Any]:
        """Return a YAML file's mapping, empty where the file is missing or broken."""
        try:
            value = yaml.safe_load((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError):
            return {}
        return value if isinstance(value, dict) else {}

    def table(self, name: str, *required: str) -> pd.DataFrame | None:
        """Return a CSV or Parquet table with at least the required columns, or ``None``.

        An empty table, an unreadable one and one without a required column all give ``None``:
        the report then leaves the section out. What is not a number in a column of numbers is
        missing.
        """
        if name not in self._read:
            self._read[name] = _read_table(self.folder / name)
        frame = self._read[name]
        if frame is None or not set(required) <= set(frame.columns):
            return None
        return frame

    def files(self, pattern: str) -> list[Path]:
        """Return the folder's files that match a glob pattern, sorted by name."""
        return sorted(path for path in self.folder.glob(pattern) if path.is_file())


def _read_table(path: Path) -> pd.DataFrame | None:
    try:
        if path.suffix == ".parquet":
            frame = read_parquet(path)
            if "case_id" not in frame and frame.index.name == "case_id":
                frame = frame.reset_index()
            for column in frame.columns.intersection(list(_TEXT)):
                frame[column] = frame[column].astype(str)
        else:
            frame = pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str))
    except (OSError, ValueError, pd.errors.ParserError):
        return None
    if frame.empty:
        return None
    for column in frame.columns.intersection(list(_NUMBERS)):
        frame[column] = pd.to_numeric(frame[column], errors="coerce")
    return frame


def plain(value: Any) -> Any:
    """Return a scalar as a plain Python object; whatever is missing becomes ``None``.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.float64("nan")), plain(np.int64(3)), plain("a")
    (None, 3, 'a')
    """
    if hasattr(value, "item") and not isinstance(value, str):
        value = value.item()
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value


def records(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return a table's rows as dictionaries of plain values; no table gives an empty list."""
    if frame is None:
        return []
    columns = [str(column) for column in frame.columns]
    return [
        {name: plain(value) for name, value in zip(columns, row, strict=True)}
        for row in frame.itertuples(index=False, name=None)
    ]


def intervals_folded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fold ``x, x_ci_low, x_ci_high`` (or ``x_low, x_high``) into one value with its interval.

    Returns
    -------
    list of dict
        The same rows; an estimate with bounds becomes ``{"estimate", "low", "high"}``.

    Examples
    --------
    >>> intervals_folded([{"slope": 1.1, "slope_ci_low": 0.8, "slope_ci_high": 1.4}])
    [{'slope': {'estimate': 1.1, 'low': 0.8, 'high': 1.4}}]
    """
    folded = []
    for row in rows:
        out: dict[str, Any] = {}
        used: set[str] = set()
        for name in row:
            for low, high in (
                (f"{name}_ci_low", f"{name}_ci_high"),
                (f"{name}_low", f"{name}_high"),
            ):
                if low in row and high in row:
                    out[name] = {"estimate": row[name], "low": row[low], "high": row[high]}
                    used |= {low, high}
                    break
            else:
                out[name] = row[name]
        folded.append({name: value for name, value in out.items() if name not in used})
    return folded
