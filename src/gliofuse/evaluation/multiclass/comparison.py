"""The paired test between the macro AUCs of two models, and of pairs of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gliofuse.errors import InputError
from gliofuse.evaluation.auc import mid_ranks
from gliofuse.evaluation.comparison import DeLongTest, cohort_rows, compare_pairs, paired_test
from gliofuse.evaluation.inference import (
    difference_with_refits,
    method_name,
    shares_training,
)
from gliofuse.evaluation.multiclass._checks import check_classes
from gliofuse.evaluation.multiclass.auc import Placed, placed_of, placed_within, some_usable

__all__ = ["macro_auc_matrix", "macro_auc_test"]


def macro_auc_test(
    y: ArrayLike,
    p_a: ArrayLike,
    p_b: ArrayLike,
    classes: Sequence[str],
    *,
    confidence: float = 0.95,
) -> DeLongTest:
    """Compare the macro AUCs of two models on the same patients.

    The variance of the difference is that of the patients' differing contributions, so the
    correlation between the models counts. Without variance the same holds as for
    :func:`~gliofuse.evaluation.delong_test`.

    Parameters
    ----------
    y : array-like of shape (n,)
    p_a, p_b : array-like of shape (n, k)
    classes : sequence of str
    confidence : float

    Raises
    ------
    InputError
        As :func:`macro_auc`.
    """
    codes, a = check_classes(y, p_a, classes)
    _, b = check_classes(y, p_b, classes)
    used = some_usable(codes, classes)
    patients = np.arange(codes.size)
    placed_a, placed_b = (
        Placed(codes, placed_of(codes, chance, used), patients, used) for chance in (a, b)
    )
    return paired_test(
        placed_a.area(classes, refits=False, confidence=confidence),
        placed_b.area(classes, refits=False, confidence=confidence),
        placed_a.variance(placed_a.contributions() - placed_b.contributions()),
        same_ranks=all(np.array_equal(mid_ranks(a[:, k]), mid_ranks(b[:, k])) for k in used),
        confidence=confidence,
    )


def macro_auc_matrix(
    predictions: pd.DataFrame,
    cohort: str,
    columns: Mapping[str, str],
    *,
    final: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Test pairs of models on the patients of one cohort that both have predicted.

    Parameters
    ----------
    predictions : DataFrame
        case_id, fold, cohort, model, y_true and the probabilities, with the training rows.
    cohort : str
    columns : mapping of str to str
        The column of each class's probability, by class, in order.
    final : str, optional
        The model that each other one is held against; without it every two models are compared.
    confidence : float

    Returns
    -------
    DataFrame
        As :func:`~gliofuse.evaluation.delong_matrix`, the areas being macro AUCs; ``p_holm`` is
        adjusted for all pairs of this table.

    Raises
    ------
    InputError
        If the cohort is absent, a pair shares no patients, or no class of theirs has two.
    """
    own = cohort_rows(predictions, cohort)
    refits = cohort in shares_training(predictions)
    classes = tuple(columns)

    def test(a: pd.DataFrame, b: pd.DataFrame) -> DeLongTest:
        placed_a, placed_b = (placed_within(rows, columns, average=not refits) for rows in (a, b))
        if not placed_a.used:
            raise InputError(
                f"cohort {cohort!r} holds no fold in which a class can be told from others; choose "
                "another split or endpoint"
            )
        apart = placed_a.contributions() - placed_b.contributions()
        variance = placed_a.variance(apart)
        same = all(_ranks(a, name).equals(_ranks(b, name)) for name in columns.values())
        return paired_test(
            placed_a.area(classes, refits=refits, confidence=confidence),
            placed_b.area(classes, refits=refits, confidence=confidence),
            difference_with_refits(variance) if refits else variance,
            same_ranks=same,
            freedom=np.inf if refits else placed_a.freedom(apart),
            confidence=confidence,
        )

    table = compare_pairs(own, test, final=final)
    return table.assign(interval=method_name("delong", refits=refits))


def _ranks(rows: pd.DataFrame, column: str) -> pd.Series:
    return rows.groupby("fold", observed=True)[column].rank()
