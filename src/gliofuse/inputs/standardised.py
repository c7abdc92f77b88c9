"""Radiomic features of images on a grey scale that a fold's training patients have set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gliofuse.cohort.sequences import SEQUENCES
from gliofuse.files import file_hash, settings_hash
from gliofuse.inputs.base import CohortInput, Computed, FoldInput, Source
from gliofuse.inputs.radiomic import RadiomicFeatures

if TYPE_CHECKING:
    from gliofuse.cohort import Case
    from gliofuse.inputs.case_data import CaseData
    from gliofuse.radiomics import RadiomicsSettings

__all__ = ["HISTOGRAM", "BrainHistograms", "StandardisedRadiomicFeatures", "radiomic_features"]

HISTOGRAM = "histogram"
"""The normalisation that is learned; every other one looks at one patient alone."""


def radiomic_features(
    *,
    settings: RadiomicsSettings,
    regions: tuple[str, ...],
    sequences: tuple[str, ...],
    normalisation: str,
) -> RadiomicFeatures | StandardisedRadiomicFeatures:
    """Return the feature table of a design, of the scope that its normalisation needs.

    Parameters
    ----------
    settings, regions, sequences
        As in :class:`RadiomicFeatures`.
    normalisation : str
        One of :class:`RadiomicFeatures`, or ``histogram``.
    """
    if normalisation == HISTOGRAM:
        return StandardisedRadiomicFeatures(settings, regions, sequences)
    return RadiomicFeatures(settings, regions, sequences, normalisation)


class _Patients(Computed):
    """What a fold needs of each patient: the files, and the percentiles of each sequence.

    ``value`` holds them by ``case_id``: the case, its percentiles by sequence, and a hash of the
    files' content.
    """

    def __init__(
        self, value: dict[str, tuple[Case, dict[str, np.ndarray], str]], source: Source
    ) -> None:
        self.value = value
        self.source = replace(source, cohort=None, features=None)

    def fingerprint(self, case_ids: Iterable[str]) -> str:
        """Return a hash of the content of these patients' images and masks."""
        return settings_hash([self.value[case_id][2] for case_id in case_ids])


@dataclass(frozen=True, eq=False)
class BrainHistograms(CohortInput):
    """The percentiles of each sequence within each patient's brain.

    Parameters
    ----------
    sequences : tuple of str
        Those in a unit have no percentiles: their scale is the same everywhere.
    regions : tuple of str
        Of the features that will be computed on the learned scale, to refuse a wrong one early.
    """

    what: ClassVar[str] = "histograms"

    sequences: tuple[str, ...]
    regions: tuple[str, ...]

    def check(self, source: Source) -> None:
        """Refuse a region expression that is wrong for every patient."""
        from gliofuse.radiomics.feature_table import check_regions

        check_regions(self.regions, source.convention)

    def compute_case(self, case: Case, source: Source) -> tuple[Case, dict[str, np.ndarray], str]:
        """Return the case, its percentiles by sequence, and a hash of its files."""
        from gliofuse.errors import ManifestError
        from gliofuse.imaging import Volume, brain_mask, check_finite
        from gliofuse.preprocessing.normalise import HistogramStandardiser

        missing = case.lacks(self.sequences)
        if missing or case.mask is None:
            raise ManifestError(
                f"patient {case.case_id}: no {', '.join(missing) or 'mask'} in the manifest; add "
                f"the file or leave the patient out"
            )
        found = {}
        for name in self.sequences:
            if not SEQUENCES[name].quantitative:
                array = Volume.read(case.images[name])
                check_finite(array, str(case.images[name]))
                inside = array.array[brain_mask(array.array)]
                found[name] = HistogramStandardiser().landmarks_of(inside)
        content = [file_hash(case.images[name]) for name in self.sequences]
        return case, found, settings_hash([*content, file_hash(case.mask)])

    def gather(self, cases: Mapping[str, Any], source: Source) -> Computed:
        """Return all patients' percentiles."""
        return _Patients(dict(cases), source)


@dataclass(frozen=True, eq=False)
class StandardisedRadiomicFeatures(FoldInput):
    """A table of radiomic features of images on the training patients' grey scale.

    In each fold a :class:`~gliofuse.preprocessing.HistogramStandardiser` of each sequence is
    fitted to the training patients' brains; every patient's image is mapped by it, and the
    features are those of the mapped image. A sequence that is measured in a unit keeps its
    reference range.

    Parameters
    ----------
    settings : RadiomicsSettings
        The feature bank; a bin width is on the learned scale, where the brain's 1st and 99th
        percentile lie at 0 and 100.
    regions : tuple of str
        Region expressions over the mask's labels.
    sequences : tuple of str
    """

    what: ClassVar[str] = "radiomic features"

    settings: RadiomicsSettings
    regions: tuple[str, ...]
    sequences: tuple[str, ...]

    @property
    def parts(self) -> tuple[CohortInput, ...]:
        """The percentiles of all patients."""
        return (BrainHistograms(self.sequences, self.regions),)

    def learn(self, data: CaseData, training: tuple[str, ...]) -> Computed:
        """Fit the scale to the training patients and return everybody's features on it."""
        from gliofuse.preprocessing.normalise import GreyScale

        patients = data.inputs[self.parts[0].key]
        assert isinstance(patients, _Patients)
        scale = GreyScale.learn([patients.value[case_id][1] for case_id in training])
        table = RadiomicFeatures(self.settings, self.regions, self.sequences, scale)
        cases = {
            case_id: table.compute_case(patients.value[case_id][0], patients.source)
            for case_id in data.case_ids
        }
        return table.gather(cases, patients.source)
