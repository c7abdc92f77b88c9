"""The folds of a study."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gliofuse.cohort.splits.drawing import (
    class_counts,
    every_class,
    least_of,
    parts_drawn,
    set_aside,
    strata_of,
)
from gliofuse.cohort.splits.fold import Fold
from gliofuse.cohort.splits.groups import check_groups, groups_of
from gliofuse.cohort.splits.kinds import KINDS
from gliofuse.cohort.splits.settings import SplitSettings
from gliofuse.errors import SettingError

__all__ = ["make_folds"]


def make_folds(split: SplitSettings, labels: pd.Series, clinical: pd.DataFrame) -> list[Fold]:
    """Divide the patients of ``labels``.

    Parameters
    ----------
    split : SplitSettings
    labels : Series
        Class of each patient who takes part (an endpoint's strata); index ``case_id``.
    clinical : DataFrame
        Index ``case_id``; read for centres, ``column``, ``group`` and ``stratify`` only.

    Returns
    -------
    list of Fold

    Raises
    ------
    SettingError
        If a class has fewer patients than there are folds (or than sides to fill), a centre or
        column is unknown, a patient's side, centre or group is missing, a person would stand
        on two sides, or there is something to stratify by and nothing is drawn.

    Examples
    --------
    >>> labels = pd.Series([0, 1] * 10, index=[f"p{i:02}" for i in range(20)])
    >>> folds = make_folds(SplitSettings(kind="kfold", folds=5), labels, pd.DataFrame())
    >>> [len(fold.test) for fold in folds]
    [4, 4, 4, 4, 4]
    """
    classes = pd.Series(labels.to_numpy(), index=labels.index.astype(str)).sort_index()
    if classes.index.has_duplicates:
        raise SettingError("every patient must have one label, got some twice")
    if classes.nunique() < 2:
        raise SettingError(f"a split needs patients of both classes, got {class_counts(classes)}")
    if split.external and split.kind not in ("center", "kfold"):
        raise SettingError(
            f"external centers belong to the splits center and kfold, got {split.kind!r} with "
            f"external {', '.join(split.external)}"
        )
    if split.stratify and not parts_drawn(split):
        raise SettingError(
            f"the split {split.kind!r} draws no patients at random, so that stratify has nothing "
            f"to do, got {', '.join(split.stratify)}"
        )
    groups = groups_of(split, classes.index, clinical)
    order = {case_id: place for place, case_id in enumerate(labels.index.astype(str))}
    folds: list[Fold] = []
    for name, sides in KINDS[split.kind](split, classes, clinical, groups):
        if not sides["validation"] and split.validation_fraction:
            least = least_of(split.validation_fraction)
            sides["training"], sides["validation"] = set_aside(
                strata_of(split, classes[sides["training"]], clinical, groups, least),
                split.validation_fraction,
                np.random.default_rng([split.seed, 1, len(folds)]),
                f"validation_fraction {split.validation_fraction:g}",
                groups,
            )
        check_groups(name, sides, groups, split)
        _check_training(name, classes[sides["training"]], classes)
        ordered = {side: tuple(sorted(ids, key=order.__getitem__)) for side, ids in sides.items()}
        folds.append(Fold(name, **ordered))
    return folds


def _check_training(name: str, training: pd.Series, classes: pd.Series) -> None:
    if training.nunique() < classes.nunique():
        raise SettingError(
            f"fold {name!r}: the training patients must be of {every_class(classes)}, got "
            f"{class_counts(training)}"
        )
