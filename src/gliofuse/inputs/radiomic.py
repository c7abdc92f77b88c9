"""Radiomic features: sequences x regions x a feature bank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from gliofuse.inputs.base import CohortInput, Computed, FeatureTable, Source

if TYPE_CHECKING:
    from gliofuse.cohort import Case
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
    normalisation : {"none", "minmax", "zscore", "percentile"}
        Of each volume, before the bank.
    """

    what: ClassVar[str] = "radiomic features"

    settings: RadiomicsSettings
    regions: tuple[str, ...]
    sequences: tuple[str, ...]
    normalisation: str = "none"

    def check(self, source: Source) -> None:
        """Refuse a region expression that is wrong for every patient."""
        from gliofuse.radiomics.feature_table import check_regions

        check_regions(self.regions, source.convention)

    def compute_case(self, case: Case, source: Source) -> dict[str, float]:
        """Return the patient's features by name; finished groups come from the cache."""
        from gliofuse.radiomics import extract_case

        return extract_case(
            case,
            settings=self.settings,
            regions=self.regions,
            sequences=self.sequences,
            convention=source.convention,
            normalisation=self.normalisation,
            cache=None if source.cache is None else source.folder("radiomics"),
            threads=source.threads,
        )

    def gather(self, cases: Mapping[str, Any], source: Source) -> Computed:
        """Return the table of all patients."""
        from gliofuse.radiomics.feature_table import feature_table

        return FeatureTable(
            feature_table(
                cases, settings=self.settings, regions=self.regions, sequences=self.sequences
            )
        )

    def from_table(self, features: pd.DataFrame) -> Computed:
        """Take the given table as it is."""
        return FeatureTable(features)
