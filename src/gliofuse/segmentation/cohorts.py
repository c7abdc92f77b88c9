"""Masks for the patients of a cohort, whatever made them, and the manifest that has them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.cohort import Case, Cohort, write_manifest
from gliofuse.compute import error_line
from gliofuse.errors import ManifestError
from gliofuse.files import write_csv
from gliofuse.imaging import read_mask
from gliofuse.segmentation.others import ExternalSegmenter
from gliofuse.segmentation.segmenter import PredictedMask, PredictionSettings, Segmenter

__all__ = ["NO_TUMOUR", "EmptyMaskWarning", "PredictedCohort", "predict_cohort", "segment_cohort"]

NO_TUMOUR = "no tumour was found in the images"
_COLUMNS = (
    "case_id", "mask", "volume_mm3", "quality", "entropy", "missing", "seconds", "note", "error",
)  # fmt: skip


class EmptyMaskWarning(UserWarning):
    """A segmenter found no tumour in a patient."""


@dataclass(frozen=True, eq=False)
class PredictedCohort:
    """Predicted masks of a cohort.

    Attributes
    ----------
    cohort : Cohort
        The patients with a predicted mask, an empty one too, in place of any other.
    table : DataFrame
        One row a patient: ``case_id, mask, volume_mm3, quality, entropy, missing, seconds, note,
        error``; see :class:`~gliofuse.segmentation.PredictedMask`.
    """

    cohort: Cohort
    table: pd.DataFrame

    @property
    def empty(self) -> tuple[str, ...]:
        """Patients without a tumour."""
        return tuple(self.table.loc[self.table["note"] == NO_TUMOUR, "case_id"])

    @property
    def failures(self) -> pd.DataFrame:
        """Patients without a mask: ``case_id, stage, error``."""
        failed = self.table[self.table["error"] != ""]
        return pd.DataFrame(
            {"case_id": failed["case_id"], "stage": "segmentation", "error": failed["error"]}
        ).reset_index(drop=True)


def predict_cohort(
    segmenter: Segmenter,
    cohort: Cohort,
    out: str | Path,
    *,
    settings: PredictionSettings | None = None,
    progress: Callable[[int], None] | None = None,
) -> PredictedCohort:
    """Predict the masks of a cohort, one patient after the other, each on all threads.

    Parameters
    ----------
    segmenter : Segmenter
    cohort : Cohort
    out : path
        Gets ``masks/<case_id>.nii.gz``, ``predictions.csv``, the manifest ``cohort.csv``, and if
        asked for ``probabilities/<case_id>_<output>.nii.gz`` and
        ``uncertainty/<case_id>.nii.gz``. Patients whose mask stands there already are predicted
        again.
    settings : PredictionSettings, optional
    progress : callable, optional
        Called with the number of patients done so far.

    Warns
    -----
    EmptyMaskWarning
        For a patient in whom no tumour was found; the mask is written, empty.

    Raises
    ------
    ManifestError
        If no patient could be predicted; with the first error.
    """
    folder = Path(out)

    def one(case: Case) -> tuple[Path, dict[str, Any]]:
        found = segmenter.predict_case(case, settings)
        path = _write(found, folder, case)
        return path, _row(found)

    return _all(one, cohort, folder, progress)


def segment_cohort(
    segmenter: ExternalSegmenter,
    cohort: Cohort,
    out: str | Path,
    *,
    progress: Callable[[int], None] | None = None,
) -> PredictedCohort:
    """Have another segmenter make the masks of a cohort; see :func:`predict_cohort`.

    ``quality`` and ``entropy`` stay empty: these programs do not tell them.
    """
    folder = Path(out)

    def one(case: Case) -> tuple[Path, dict[str, Any]]:
        path = segmenter.segment(case, folder / "masks" / f"{case.case_id}.nii.gz")
        mask = read_mask(path)
        voxels = int((mask.array > 0).sum())
        volume = round(voxels * mask.voxel_volume_mm3, 1)
        return path, {"volume_mm3": volume, "note": "" if voxels else NO_TUMOUR}

    return _all(one, cohort, folder, progress)


def _all(
    one: Callable[[Case], tuple[Path, dict[str, Any]]],
    cohort: Cohort,
    folder: Path,
    progress: Callable[[int], None] | None,
) -> PredictedCohort:
    """Segment patient after patient, and write the table and the manifest."""
    rows, cases = [], []
    for done, case in enumerate(cohort, 1):
        clock = time.perf_counter()
        row: dict[str, Any] = dict.fromkeys(_COLUMNS, "")
        row["case_id"] = case.case_id
        try:
            path, found = one(case)
        except Exception as error:  # one patient must never end a cohort
            row["error"] = error_line(error)
        else:
            row |= {"mask": path.relative_to(folder).as_posix(), **found}
            cases.append(replace(case, mask=path))
            if found["note"]:
                warnings.warn(
                    f"patient {case.case_id}: {NO_TUMOUR}; the mask {path} is empty",
                    EmptyMaskWarning,
                    stacklevel=3,
                )
        row["seconds"] = round(time.perf_counter() - clock, 2)
        rows.append(row)
        if progress is not None:
            progress(done)
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    write_csv(folder / "predictions.csv", table)
    if not cases:
        raise ManifestError(
            f"segmentation: none of {len(cohort)} patients could be segmented; the first: "
            f"{table['error'].iloc[0] if len(table) else 'the cohort is empty'}"
        )
    predicted = Cohort(tuple(cases), folder / "cohort.csv")
    write_manifest(predicted, folder / "cohort.csv")
    return PredictedCohort(predicted, table)


def _write(found: PredictedMask, folder: Path, case: Case) -> Path:
    path = folder / "masks" / f"{case.case_id}.nii.gz"
    found.mask.write(path)
    for name, volume in found.probabilities.items():
        place = folder / "probabilities" / f"{case.case_id}_{name}.nii.gz"
        volume.with_array(volume.array.astype("float32")).write(place)
    if found.uncertainty is not None:
        volume = found.uncertainty
        place = folder / "uncertainty" / f"{case.case_id}.nii.gz"
        volume.with_array(volume.array.astype("float32")).write(place)
    return path


def _row(found: PredictedMask) -> dict[str, Any]:
    return {
        "volume_mm3": round(found.volume_mm3, 1),
        "quality": round(found.quality, 4),
        "entropy": round(found.entropy, 4),
        "missing": " ".join(found.missing),
        "note": NO_TUMOUR if found.empty else "",
    }
