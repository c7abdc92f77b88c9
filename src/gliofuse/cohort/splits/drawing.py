"""Drawing a share of the patients at random, stratified."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from gliofuse.cohort.splits.groups import clinical_values, groups_of, of_people
from gliofuse.cohort.splits.settings import DRAWN_SHARE, HOLDOUT_TEST_FRACTION, SplitSettings
from gliofuse.cohort.splits.strata import combined_strata
from gliofuse.errors import SettingError, did_you_mean

__all__ = [
    "centers_of",
    "class_counts",
    "every_class",
    "least_of",
    "merged_strata",
    "parts_drawn",
    "set_aside",
    "strata_of",
]


def merged_strata(split: SplitSettings, labels: pd.Series, clinical: pd.DataFrame) -> str | None:
    """Return in words which combinations of ``stratify`` are too rare for strata of their own."""
    draws = parts_drawn(split)
    if not split.stratify or not draws:
        return None
    if split.kind == "kfold" and split.external:
        labels = labels[~centers_of(split, labels, clinical).isin(split.external)]
    groups = groups_of(split, labels.index, clinical)
    _, merged = combined_strata(labels, clinical, split.stratify, least=draws[0], people=groups)
    if not merged:
        return None
    return (
        f"stratified by {', '.join(split.stratify)} within classes; fewer than {draws[0]} patients "
        f"are {'; '.join(merged)}: they were divided together with others of their class"
    )


def parts_drawn(split: SplitSettings) -> list[int]:
    """Return how many patients a stratum needs for each part that is drawn at random."""
    test = HOLDOUT_TEST_FRACTION if split.kind == "holdout" else 0.0
    test = test if split.test_fraction is None else split.test_fraction
    test = 1 - DRAWN_SHARE if split.kind == "bootstrap" else test
    fractions = [one for one in (test, split.validation_fraction) if one]
    return [split.folds] * (split.kind == "kfold") + [least_of(one) for one in fractions]


def least_of(fraction: float) -> int:
    """Return the size from which a stratum can give a share: one patient, and keep one."""
    return math.ceil(1 / min(fraction, 1 - fraction) - 1e-9)


def strata_of(
    split: SplitSettings,
    classes: pd.Series,
    clinical: pd.DataFrame,
    groups: pd.Series | None,
    least: int,
) -> pd.Series:
    """Return what a draw among these patients is stratified by: the classes and more."""
    if not split.stratify:
        return classes
    return combined_strata(classes, clinical, split.stratify, least=least, people=groups)[0]


def set_aside(
    classes: pd.Series,
    fraction: float,
    generator: np.random.Generator,
    what: str,
    groups: pd.Series | None = None,
) -> tuple[list[str], list[str]]:
    """Take ``fraction`` of each class, at least one patient, leaving at least one.

    With ``groups`` the people are divided, each by the class of most of the rows.
    """
    if groups is not None:
        people = groups[classes.index]
        _, taken_people = set_aside(of_people(classes, people), fraction, generator, what)
        is_taken = people.isin(taken_people)
        return [str(i) for i in classes.index[~is_taken]], [str(i) for i in classes.index[is_taken]]
    kept: list[str] = []
    taken: list[str] = []
    for label in sorted(classes.unique()):
        members = classes.index[classes == label].to_numpy()
        if len(members) < 2:
            raise SettingError(
                f"{what} needs at least 2 patients of each class among the {len(classes)} to "
                f"divide, got {class_counts(classes)}"
            )
        count = min(max(1, round(fraction * len(members))), len(members) - 1)
        shuffled = generator.permutation(members)
        taken += [str(case_id) for case_id in shuffled[:count]]
        kept += [str(case_id) for case_id in shuffled[count:]]
    return kept, taken


def centers_of(split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame) -> pd.Series:
    """Return each patient's centre, of which there are several, the external ones among them."""
    centers = clinical_values(clinical, "center", classes.index)
    known = sorted(set(centers))
    if len(known) < 2:
        raise SettingError(f"a split by center needs at least two centers, got {', '.join(known)}")
    for name in split.external:
        if name not in known:
            raise SettingError(f"external center {name!r} is unknown: {did_you_mean(name, known)}")
    return centers


def every_class(classes: pd.Series) -> str:
    """Return how a message speaks of all the classes there are."""
    return "both classes" if classes.nunique() == 2 else f"all {classes.nunique()} classes"


def class_counts(classes: pd.Series) -> str:
    """Return the number of patients of each class, in words."""
    counts = classes.value_counts().sort_index()
    listed = ", ".join(f"{count} of class {label}" for label, count in counts.items())
    return listed or "none"
