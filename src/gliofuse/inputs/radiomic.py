"""Radiomic features: sequences x regions x a feature bank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from gliofuse.inputs._regions import absent_notes, present_regions
from gliofuse.inputs.base import CohortInput, Computed, FeatureTable, Source

if TYPE_CHECKING:
    from gliofuse.cohort import Case
    from gliofuse.preprocessing import GreyScale
    from gliofuse.radiomics import RadiomicsSettings

__all__ = ["RadiomicFeatures"]


@dataclass(frozen=True, eq=False)
class RadiomicFeatures(CohortInput):
    """A table of radiomic features.

    Parameters
    ----------
    settings : RadiomicsSettings
        The feature bank.
    regions : tuple of str
        Region expressions over the mask's labels.
    sequences : tuple of str
    normalisation : {"none", "minmax", "zscore", "percentile"} or GreyScale
        Of each volume, before the bank.
    """

    what: ClassVar[str] = "radiomic features"

    settings: RadiomicsSettings
    regions: tuple[str, ...]
    sequences: tuple[str, ...]
    normalisation: str | GreyScale = "none"

    def check(self, source: Source) -> None:
        """Refuse a region expression that is wrong for every patient."""
        from gliofuse.radiomics.feature_table import check_regions

        check_regions(self.regions, source.convention)

    def compute_case(self, case: Case, source: Source) -> dict[str, dict[str, float]]:
        """Return the patient's features by region and name; a region that is absent is not there.

        Finished groups come from the cache.
        """
        from gliofuse.radiomics import extract_case

        present = present_regions(case, self.regions, source.convention)
        values = extract_case(
            case,
            settings=self.settings,
            regions=present,
            sequences=self.sequences,
            convention=source.convention,
            normalisation=self.normalisation,
            cache=None if source.cache is None else source.folder("radiomics"),
            threads=source.threads,
        )
        return dict.fromkeys(present, values)

    def gather(self, cases: Mapping[str, Any], source: Source) -> Computed:
        """Return the table of all patients, with NaN for the features of absent regions."""
        from gliofuse.features import FeatureName
        from gliofuse.radiomics.feature_table import feature_table

        missing = {
            region: {
                str(FeatureName(sequence, region, name)): float("nan")
                for sequence in self.sequences
                for name in self.settings.feature_names()
            }
            for region in self.regions
        }
        rows = {}
        for case_id, found in cases.items():
            rows[case_id] = dict(next(iter(found.values())))
            for region in self.regions:
                if region not in found:
                    rows[case_id] |= missing[region]
        table = feature_table(
            rows, settings=self.settings, regions=self.regions, sequences=self.sequences
        )
        return FeatureTable(table, remarks=absent_notes(cases, self.regions))

    def from_table(self, features: pd.DataFrame) -> Computed:
        """Take the given table as it is."""
        return FeatureTable(features)
