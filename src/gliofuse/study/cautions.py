"""What a person should know of the patients before the fits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from gliofuse.evaluation import GIVEAWAY_V, cramers_v

__all__ = ["center_and_class", "giveaways"]

#: From this AUC on, a single column is more likely to hold the answer than to predict it.
_GIVEAWAY_AUC = 0.98
_FEWEST = 5  # patients of a class, below which chance separates them


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


def giveaways(tables: Iterable[pd.DataFrame], classes: pd.Series) -> list[str]:
    """Return the columns that tell two classes apart all by themselves.

    Such a column is more often a copy of the outcome, or something that was measured after it,
    than a predictor.

    Parameters
    ----------
    tables : iterable of DataFrame
        Indexed by ``case_id``; columns of numbers are looked at.
    classes : Series
        Class of each patient (an endpoint's strata), by ``case_id``.

    Returns
    -------
    list of str
        ``column (AUC 0.99)``, the most telling first; empty unless there are two classes.
    """
    names = sorted(classes.unique())
    if len(names) != 2:
        return []
    found: dict[str, float] = {}
    for table in tables:
        own = table.loc[table.index.intersection(classes.index)].select_dtypes(["number", "bool"])
        ranks = own.astype(float).rank()
        positive = (classes.loc[own.index] == names[1]).to_numpy()
        known = own.notna().to_numpy()
        n_positive, n_negative = known[positive].sum(axis=0), known[~positive].sum(axis=0)
        above = ranks.to_numpy()[positive]
        total = np.where(known[positive], above, 0.0).sum(axis=0)
        pairs = np.maximum(n_positive * n_negative, 1)
        area = (total - n_positive * (n_positive + 1) / 2) / pairs
        area = np.where(
            np.minimum(n_positive, n_negative) >= _FEWEST, np.maximum(area, 1 - area), 0
        )
        found |= dict(zip(map(str, own.columns), area, strict=True))
    telling = [name for name, area in found.items() if area >= _GIVEAWAY_AUC]
    return [f"{name} (AUC {found[name]:.2f})" for name in sorted(telling, key=lambda n: -found[n])]
