"""An indicator of the regions that a patient lacks, beside their missing features."""

from __future__ import annotations

import pandas as pd

from gliofuse.features import FeatureName

__all__ = ["ABSENT_CHOICE", "with_absent"]

#: For a design's ``choices``.
ABSENT_CHOICE = (
    "A patient whose mask lacks a region, a tumour without enhancement for example, stays: an "
    "indicator of the absence may be selected like any feature, and the region's features are "
    "imputed by the median of each fit's own training patients."
)


def with_absent(table: pd.DataFrame) -> pd.DataFrame:
    """Return a feature table with a column a region, 1 where the patient has none of it.

    Absence is read off features that are all missing. A table of the whole tumour alone gets none:
    a patient without a tumour is none.

    Parameters
    ----------
    table : pandas.DataFrame
        Patients x features, named ``<sequence>.<region>.<stem>``.

    Examples
    --------
    >>> table = pd.DataFrame({"t1.core.original_glcm_Idm": [0.5, None]}, index=["a", "b"])
    >>> with_absent(table)["t1.core.original_region_Absent"].tolist()
    [0.0, 1.0]
    """
    columns: dict[tuple[str, str], list[str]] = {}
    for name in table.columns:
        parsed = FeatureName.parse(name)
        columns.setdefault((parsed.sequence, parsed.region), []).append(name)
    first: dict[str, str] = {}
    for sequence, region in columns:
        first.setdefault(region, sequence)
    indicators = {
        str(FeatureName.radiomic(sequence, region, "original", "region", "Absent")): table[
            columns[sequence, region]
        ]
        .isna()
        .all(axis=1)
        .astype(float)
        for region, sequence in first.items()
        if region != "whole"
    }
    return pd.concat([table, pd.DataFrame(indicators, index=table.index)], axis=1)
