"""Predicted masks in a study: of an external segmenter, or of one trained in each fold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from gliofuse.cohort import Case, Cohort, Fold
from gliofuse.compute import error_line
from gliofuse.errors import SettingError
from gliofuse.files import file_hash, file_state, settings_hash
from gliofuse.inputs import CaseData, Input, Source, compute_inputs
from gliofuse.signature import SignatureWarning
from gliofuse.study.settings import SegmentationChoice

if TYPE_CHECKING:
    from gliofuse.segmentation import PredictionSettings, Segmenter

__all__ = [
    "FoldMasks",
    "MaskOutcome",
    "check_unseen",
    "external_masks",
    "load_external",
    "model_hash",
]

NO_TUMOUR = "no tumour was found in the images"


@dataclass(frozen=True, eq=False)
class MaskOutcome:
    """Patients with a predicted mask, and why others have none.

    Parameters
    ----------
    cohort : Cohort
        With the predicted mask in place of any drawn one.
    reasons : dict of str to str
        By ``case_id``: no tumour was found, or an error.
    """

    cohort: Cohort
    reasons: dict[str, str]

    @property
    def excluded(self) -> pd.DataFrame:
        """The reasons as a table: ``case_id, reason``."""
        return pd.DataFrame(list(self.reasons.items()), columns=["case_id", "reason"])


@dataclass(frozen=True)
class FoldMasks:
    """A segmenter a fold, trained on that fold's training patients.

    Parameters
    ----------
    choice : SegmentationChoice
    source : Source
        The patients' images and drawn masks, and where inputs are kept.
    sequences : tuple of str
    seed : int
    device : str
    """

    choice: SegmentationChoice
    source: Source
    sequences: tuple[str, ...]
    seed: int
    device: str

    def apply(
        self, fold: Fold, data: CaseData, inputs: Iterable[Input], folder: Path
    ) -> tuple[Fold, CaseData]:
        """Return the fold and its data with every input computed from predicted masks.

        The drawn masks of the training patients train the segmenter; those of the others are not
        looked at. A patient in whom no tumour was found, or whose input fails, is left out of the
        fold, with a warning.
        """
        from gliofuse.segmentation import segmentation_settings, train_segmenter

        assert self.source.cohort is not None
        changes = {"device": self.device, **self.choice.settings}
        segmenter = train_segmenter(
            self.source.cohort.subset(fold.training),
            folder,
            settings=segmentation_settings(self.choice.train or "quick", changes),
            sequences=self.sequences,
            convention=self.source.convention,
            seed=self.seed,
            cache=self.source.folder("segmentation"),
        )
        identity = file_hash(folder / "segmenter.json")
        bare = Cohort(
            tuple(replace(case, mask=None) for case in self.source.cohort.subset(fold.case_ids))
        )
        found = _predicted(segmenter, bare, folder / "masks", identity, self.choice, self.device)
        computed = compute_inputs(inputs, replace(self.source, cohort=found.cohort), workers=1)
        failed = dict(zip(computed.failures["case_id"], computed.failures["error"]))
        for case_id, reason in {**failed, **found.reasons}.items():
            warnings.warn(
                f"{case_id}: {reason}; left out of the fold", SignatureWarning, stacklevel=2
            )
        gone = set(failed) | set(found.reasons)

        def left(side: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(case_id for case_id in side if case_id not in gone)

        kept = Fold(
            fold.name,
            left(fold.training),
            left(fold.validation),
            left(fold.test),
            left(fold.external),
        )
        return kept, data.subset(kept.case_ids).with_inputs(computed.values)


def load_external(choice: SegmentationChoice) -> Segmenter:
    """Return the segmenter that a study names."""
    from gliofuse.segmentation import Segmenter

    assert choice.model is not None
    return Segmenter.load(choice.model)


def model_hash(choice: SegmentationChoice | None) -> dict[str, str]:
    """Return what an external segmenter is, for fingerprints: its plan and its weights."""
    if choice is None or choice.model is None:
        return {}
    return {"segmenter": file_hash(choice.model / "segmenter.json")}


def external_masks(
    choice: SegmentationChoice,
    cohort: Cohort,
    cache: Path,
    *,
    device: str = "auto",
    progress: Callable[[int], None] | None = None,
) -> MaskOutcome:
    """Predict the masks of a cohort with the segmenter that a study names, or find them."""
    identity = model_hash(choice)["segmenter"]
    return _predicted(
        load_external(choice), cohort, cache / "masks", identity, choice, device, progress
    )


def check_unseen(choice: SegmentationChoice | None, folds: Iterable[Fold]) -> None:
    """Refuse an external segmenter that has learned from a patient who is judged.

    Raises
    ------
    SettingError
    """
    if choice is None or choice.model is None:
        return
    learned = load_external(choice).learned_from
    judged = {case for fold in folds for case in (*fold.validation, *fold.test, *fold.external)}
    seen = sorted(learned & judged)
    if seen:
        raise SettingError(
            f"segmentation: {choice.model} was trained on {len(seen)} of the patients that the "
            f"study holds out (for example {seen[0]}): take segmentation: {{train: quick}}, which "
            "trains one in each fold, or a segmenter of other patients"
        )


def _predicted(
    segmenter: Segmenter,
    cohort: Cohort,
    folder: Path,
    identity: str,
    choice: SegmentationChoice,
    device: str,
    progress: Callable[[int], None] | None = None,
) -> MaskOutcome:
    from gliofuse.segmentation import CleanUp, PredictionSettings

    settings = PredictionSettings(
        flips=choice.flips,
        cleaning=CleanUp(choice.largest, choice.least_mm3),
        device=device,
    )
    cases, reasons = [], {}
    for done, case in enumerate(cohort, 1):
        try:
            path, empty = _mask_of(case, segmenter, folder, identity, settings)
        except Exception as error:  # one patient must never end a cohort
            reasons[case.case_id] = error_line(error)
        else:
            if empty:
                reasons[case.case_id] = NO_TUMOUR
            else:
                cases.append(replace(case, mask=path))
        if progress is not None:
            progress(done)
    return MaskOutcome(Cohort(tuple(cases), cohort.source), reasons)


def _mask_of(
    case: Case, segmenter: Segmenter, folder: Path, identity: str, settings: PredictionSettings
) -> tuple[Path, bool]:
    """Return a patient's predicted mask, and whether it is empty."""
    from gliofuse.imaging import read_mask

    files: dict[str, Any] = {
        name: file_state(case.images[name])
        for name in segmenter.plan.sequences
        if name in case.images
    }
    rule = [settings.flips, settings.cleaning.largest, settings.cleaning.least_mm3]
    key = settings_hash([identity, files, rule])
    path = folder / f"{quote(case.case_id, safe='')}-{key}.nii.gz"
    if path.exists():
        return path, not read_mask(path).array.any()
    found = segmenter.predict_case(case, settings)
    found.mask.write(path)
    return path, found.empty
