"""What a person should know of the patients before the fits."""

from __future__ import annotations

import pandas as pd

from gliofuse.evaluation import GIVEAWAY_V, cramers_v

__all__ = ["center_and_class"]


def center_and_class(classes: pd.Series, centers: pd.Series | None) -> str | None:
    """Say that the centre tells the class, where it does.

    Parameters
    ----------
    classes : Series
        Class of each patient (an endpoint's strata), by ``case_id``.
    centers : Series or None
        Centre by ``case_id``.
    """
    if centers is None:
        return None
    known = classes.index.intersection(centers.index)
    v = cramers_v(centers.loc[known], classes.loc[known])
    if v < GIVEAWAY_V:
        return None
    table = pd.crosstab(centers.loc[known], classes.loc[known])
    shares = ", ".join(
        f"{center} {'/'.join(str(count) for count in counts)}"
        for center, counts in zip(table.index, table.to_numpy(), strict=True)
    )
    classes_named = "/".join(str(name) for name in table.columns)
    return (
        f"centre and class go together (Cramér's V {v:.2f}; patients of class {classes_named}: "
        f"{shares}): a model can pass by telling scanners apart; read the figures within centres"
    )
