"""A cohort through preprocessing: patients in parallel, resumable, a new manifest at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.cohort.case import Case, Cohort
from gliofuse.cohort.manifest import write_manifest
from gliofuse.compute import parallel_map, resolve_workers
from gliofuse.files import write_csv, write_text
from gliofuse.preprocessing.case import preprocess_case
from gliofuse.preprocessing.pictures import PAGE, THUMBNAIL
from gliofuse.preprocessing.record import CaseRecord
from gliofuse.preprocessing.settings import PreprocessingSettings

__all__ = ["preprocess_cohort"]

_THREADS = 2  # of a patient, where patients are done one after the other


def preprocess_cohort(
    cohort: Cohort,
    out: str | os.PathLike[str],
    settings: PreprocessingSettings | None = None,
    *,
    workers: int | None = 1,
    progress: Callable[[int], None] | None = None,
) -> tuple[Cohort, pd.DataFrame]:
    """Take raw scans to aligned, stripped volumes that every design can read.

    Called again, it does only the patients whose files or settings changed, and those refused.

    Parameters
    ----------
    cohort : Cohort
    out : path
        Folder to fill: ``<case_id>/`` with the volumes, ``case.json`` and pictures;
        ``cohort.csv``, ``failed_cases.csv``, ``figures.csv`` and ``index.html``.
    settings : PreprocessingSettings, optional
    workers : int or None
        Processes; ``None`` takes every core.
    progress : callable, optional
        Called with the number of patients done so far.

    Returns
    -------
    Cohort
        The patients who came through, with their new files and their clinical values.
    DataFrame
        Columns ``case_id, stage, error``: those who did not.
    """
    folder = Path(out).resolve()
    chosen = settings or PreprocessingSettings()
    many = min(resolve_workers(workers), len(cohort)) > 1
    one = partial(_one, folder=folder, settings=chosen, threads=1 if many else _THREADS)
    records: dict[str, CaseRecord] = {}
    for done, outcome in enumerate(parallel_map(one, cohort.cases, workers=workers), 1):
        case_id = outcome.item.case_id
        if outcome.result is not None:
            records[case_id] = outcome.result
        else:  # a fault of the program, not of the scans
            records[case_id] = CaseRecord(
                case_id, stage="preprocessing", error=outcome.error or "unknown error"
            )
        if progress is not None:
            progress(done)
    finished = tuple(
        _with_new_files(case, folder / case.case_id, records[case.case_id])
        for case in cohort
        if not records[case.case_id].failed
    )
    result = Cohort(finished, folder / "cohort.csv")
    failed = pd.DataFrame(
        [(r.case_id, r.stage, r.error) for r in records.values() if r.failed],
        columns=["case_id", "stage", "error"],
    )
    if finished:
        write_manifest(result, folder / "cohort.csv")
    write_csv(folder / "failed_cases.csv", failed)
    figures = _figures(records)
    write_csv(folder / "figures.csv", figures, index=True)
    write_text(folder / PAGE, _contact_sheet(records, figures, folder))
    return result, failed


def _one(case: Case, folder: Path, settings: PreprocessingSettings, threads: int) -> CaseRecord:
    return preprocess_case(case, folder / case.case_id, settings, threads=threads)


def _with_new_files(case: Case, folder: Path, record: CaseRecord) -> Case:
    images = {name: folder / record.files[name] for name in case.images}
    mask = folder / record.files["mask"] if "mask" in record.files else None
    return replace(case, images=images, mask=mask)


def _figures(records: dict[str, CaseRecord]) -> pd.DataFrame:
    """Return a row a patient: the checks' figures, and how far they lie from the others'."""
    rows = {
        case_id: {
            f"{name}.{key}": value
            for name, values in record.numbers.items()
            for key, value in values.items()
        }
        for case_id, record in records.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").reindex(list(records))
    away = (table - table.median()).abs()
    spread = away.median().replace(0, np.nan)
    table.insert(0, "outlying", (away / spread).max(axis=1).fillna(0.0).round(2))
    return table.rename_axis("case_id")


def _contact_sheet(records: dict[str, CaseRecord], figures: pd.DataFrame, folder: Path) -> str:
    from jinja2 import Environment, FileSystemLoader

    order = sorted(
        records,
        key=lambda case_id: (not records[case_id].failed, -figures.loc[case_id, "outlying"]),
    )
    rows = [_row(records[case_id], folder) for case_id in order]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
    )
    return environment.get_template("cohort.html.j2").render(
        rows=rows, refused=sum(record.failed for record in records.values())
    )


def _row(record: CaseRecord, folder: Path) -> dict[str, Any]:
    pictures = [f"{record.case_id}/{THUMBNAIL}", f"{record.case_id}/pictures/alignment.png",
                f"{record.case_id}/pictures/scans.png"]  # fmt: skip
    volume_ml = record.numbers.get("brain", {}).get("volume_ml")
    least = [values["brain_dice"] for values in record.numbers.values() if "brain_dice" in values]
    caption = "" if volume_ml is None else f"brain {volume_ml:.0f} ml"
    if least:
        caption += f", least overlap {min(least):.2f}"
    return {
        "case_id": record.case_id,
        "page": f"{record.case_id}/{PAGE}",
        "picture": next((name for name in pictures if (folder / name).exists()), ""),
        "error": record.error,
        "caption": caption,
    }
