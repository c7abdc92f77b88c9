"""The publications' own figures, as tables to print beside one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

__all__ = ["paper_results"]


def paper_results(
    metrics: Sequence[str], cohorts: Mapping[str, Mapping[str, Sequence[float | None]]]
) -> pd.DataFrame:
    """Return a table ``cohort, model, metric, value``.

    Parameters
    ----------
    metrics : sequence of str
        Names of the columns of the paper's table, in order.
    cohorts : mapping
        Cohort to model to values in 0..1; ``None`` where the paper gives none.

    Examples
    --------
    >>> float(paper_results(["auc"], {"test": {"rdl": [0.959]}}).loc[0, "value"])
    0.959
    """
    rows = [
        (cohort, model, metric, value)
        for cohort, models in cohorts.items()
        for model, values in models.items()
        for metric, value in zip(metrics, values, strict=True)
        if value is not None
    ]
    return pd.DataFrame(rows, columns=["cohort", "model", "metric", "value"])
