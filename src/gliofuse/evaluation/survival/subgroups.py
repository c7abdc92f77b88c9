"""Harrell's C group by group: centres, sexes, ages, or the levels of any clinical column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gliofuse.evaluation.survival.concordance import harrell_concordance
from gliofuse.evaluation.survival.predictions import Held

__all__ = ["concordance_by_group"]


def concordance_by_group(
    helds: Sequence[Held], groups: pd.Series, *, confidence: float = 0.95
) -> pd.DataFrame:
    """Return C of pairs of patients of one fold and group.

    Parameters
    ----------
    helds : sequence of Held
    groups : Series
        Group of each patient by ``case_id``; who has none is left out.
    confidence : float

    Returns
    -------
    DataFrame
        cohort, model, group, n, events, c_index, c_index_low, c_index_high (NaN where no pair can
        be compared); groups in the order of ``groups``. Intervals are not adjusted for their
        number.
    """
    order = list(dict.fromkeys(groups.dropna()))
    found: list[dict[str, Any]] = []
    for held in helds:
        level = held.rows["case_id"].map(groups)
        for name in order:
            own = held.rows[level == name]
            if own.empty:
                continue
            area = harrell_concordance(
                own["time"],
                own["event"],
                own["risk"],
                stratum=own["fold"],
                case=own["case_id"],
                refits=held.refits,
                confidence=confidence,
            )
            values = (np.nan,) * 3 if area is None else (area.estimate, area.ci_low, area.ci_high)
            one = own.drop_duplicates("case_id")
            row = {"cohort": held.cohort, "model": held.model, "group": name, "n": len(one)}
            row["events"] = int(one["event"].sum())
            found.append(row | dict(zip(("c_index", "c_index_low", "c_index_high"), values)))
    return pd.DataFrame(found)
