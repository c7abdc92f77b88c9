"""From scans as they left the scanner to what a model reads: preprocessing, and a tumour mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gliofuse.cohort import Case, Cohort
from gliofuse.errors import ImageError, InputError, PreprocessingError, SettingError

if TYPE_CHECKING:
    from gliofuse.model.trained import TrainedModel
    from gliofuse.preprocessing import CaseRecord, PreprocessingSettings
    from gliofuse.segmentation import Segmenter

__all__ = ["Preparation", "dicom_cohort", "preparation_of"]

_PREPROCESSED, _MASK = "preprocessed", "mask.nii.gz"


@dataclass(frozen=True)
class Preparation:
    """What is done to a patient's files before a model reads them.

    Attributes
    ----------
    preprocessing : PreprocessingSettings or None
        Of raw scans; ``None`` where images are finished.
    segmenter : Segmenter or None
        Predicts the mask of a patient who has none.
    """

    preprocessing: PreprocessingSettings | None = None
    segmenter: Segmenter | None = None

    def apply(self, case: Case, folder: Path) -> tuple[Case, str]:
        """Return the patient with finished images and a mask, and where the mask is from.

        Raises
        ------
        PreprocessingError
            If the scans are refused.
        ImageError
            If no tumour is found.
        """
        if self.preprocessing is not None:
            case = self._preprocessed(case, folder / _PREPROCESSED)
        if case.mask is not None or self.segmenter is None:
            return case, "given"
        predicted = self.segmenter.predict_case(case)
        if predicted.empty:
            raise ImageError(f"patient {case.case_id}: no tumour was found in the images")
        path = folder / _MASK
        predicted.mask.write(path)
        said = f"predicted by the segmenter (expected Dice {predicted.quality:.2f})"
        return replace(case, mask=path), said

    def _preprocessed(self, case: Case, folder: Path) -> Case:
        from gliofuse.preprocessing.case import preprocess_case

        assert self.preprocessing is not None
        record = preprocess_case(case, folder, self.preprocessing)
        if record.failed:
            raise PreprocessingError(f"patient {case.case_id} ({record.stage}): {record.error}")
        return _with_files(case, folder, record)

    def applied(self, case: Case, folder: Path) -> Case:
        """Return a patient as :meth:`apply` has left it in this folder."""
        if self.preprocessing is not None:
            from gliofuse.preprocessing import CaseRecord

            place = folder / _PREPROCESSED
            case = _with_files(case, place, CaseRecord.read(place))
        predicted = folder / _MASK
        return case if case.mask is not None else replace(case, mask=predicted)


def _with_files(case: Case, folder: Path, record: CaseRecord) -> Case:
    """Return the patient with the images, and the mask, that preprocessing wrote."""
    images = {name: folder / record.files[name] for name in case.images}
    mask = folder / record.files["mask"] if "mask" in record.files else None
    return replace(case, images=images, mask=mask)


def preparation_of(
    model: TrainedModel, *, raw: bool | None = None, segmenter: Path | None = None
) -> Preparation:
    """Return what a model's patients need.

    Parameters
    ----------
    model : TrainedModel
    raw : bool, optional
        Whether scans are raw; by default as the study's were. They are preprocessed as the
        study's, or by the defaults where these came finished.
    segmenter : path, optional
        A segmenter's folder; by default the one that goes with the model, if one does.

    Raises
    ------
    SettingError
        If the segmenter's labels are not those of the model's masks.
    """
    from gliofuse.preprocessing import check_settings

    about = model.description
    raw = about.preprocessing is not None if raw is None else raw
    settings = check_settings(dict(about.preprocessing or {})) if raw else None
    folder = segmenter or model.bundle.segmenter
    if folder is None:
        return Preparation(settings)
    from gliofuse.segmentation import Segmenter

    found = Segmenter.load(folder)
    convention = found.plan.outputs.convention.name
    if convention != about.convention:
        raise SettingError(
            f"{folder}: predicts masks of the convention {convention!r}, and the model learned "
            f"from {about.convention!r}; name another segmenter"
        )
    return Preparation(settings, found)


def dicom_cohort(
    folder: Path, work: Path, *, progress: Callable[[int, int], None] | None = None
) -> Cohort:
    """Convert the studies of a DICOM folder whose sequences can be told.

    Parameters
    ----------
    folder : path
    work : path
        Gets the table of series, the key of pseudonyms and the converted images.
    progress : callable, optional
        Called with the numbers of files read and to read.

    Raises
    ------
    InputError
        If no image could be converted.
    """
    from gliofuse.files import write_csv
    from gliofuse.imaging.dicom import convert, list_series, open_key, read_choices

    table = work / "series.csv"
    work.mkdir(parents=True, exist_ok=True)
    key = open_key(work / "series.key.json")
    listing = list_series(folder, key, workers=1, progress=progress)
    key.save()
    write_csv(table, listing.table)
    done = convert(
        read_choices(table), key, work / "nifti", folder=folder, workers=1, overwrite_manifest=True
    )
    for row in done.failed.itertuples():
        raise InputError(f"{folder}: {row.sequence}: {row.error}")
    if not len(done.cohort):
        raise InputError(
            f"{folder}: no series could be told to be a sequence; decide in {table}, then "
            f"gliofuse dicom convert {table} -o nifti, and predict --cohort nifti/cohort.csv"
        )
    return done.cohort
