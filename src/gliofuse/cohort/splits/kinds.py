"""Each kind of split: which patients train, which are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from gliofuse.cohort.splits.drawing import (
    centers_of,
    class_counts,
    every_class,
    least_of,
    set_aside,
    strata_of,
)
from gliofuse.cohort.splits.fold import SIDES
from gliofuse.cohort.splits.groups import clinical_values, of_people
from gliofuse.cohort.splits.settings import DRAWN_SHARE, HOLDOUT_TEST_FRACTION, SplitSettings
from gliofuse.errors import SettingError

__all__ = ["KINDS", "Division"]

_SIDE_NAMES = {
    "training": "training", "train": "training", "development": "training",
    "validation": "validation", "valid": "validation", "val": "validation", "tuning": "validation",
    "test": "test", "testing": "test", "external": "external",
}  # fmt: skip

#: The name of a fold, and the patients on each of its sides.
Division = tuple[str, dict[str, list[str]]]


def _sides(training: Iterable[str], **others: Iterable[str]) -> dict[str, list[str]]:
    given = {"training": training, **others}
    return {side: list(given.get(side, ())) for side in SIDES}


def _kfold(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[Division]:
    from sklearn.model_selection import RepeatedStratifiedKFold

    everybody = classes
    if split.external:
        inside = centers_of(split, classes, clinical)
        classes = classes[inside[~inside.isin(split.external)].index]
        if classes.nunique() < everybody.nunique():
            raise SettingError(
                "outside the external centers there must be patients of "
                f"{every_class(everybody)}, got {class_counts(classes)}"
            )
    people = classes if groups is None else of_people(classes, groups[classes.index])
    smallest = int(people.value_counts().reindex(classes.unique(), fill_value=0).min())
    if smallest < split.folds:
        raise SettingError(
            f"{split.folds} folds need at least {split.folds} patients of each class, got "
            f"{class_counts(people)}; "
            + (f"choose at most {smallest} folds" if smallest > 1 else "add patients")
        )
    names = classes.index.to_numpy()
    strata = strata_of(split, classes, clinical, groups, split.folds)
    divisions: list[Division] = []
    if groups is None:
        splitter = RepeatedStratifiedKFold(
            n_splits=split.folds, n_repeats=split.repeats, random_state=split.seed
        )
        parts = list(splitter.split(np.zeros(len(classes)), strata.to_numpy()))
    else:
        parts = _grouped_parts(split, strata.to_numpy(), groups[classes.index].to_numpy())
    for number, (training, test) in enumerate(parts):
        repeat, fold = divmod(number, split.folds)
        name = f"fold{fold + 1}"
        name = f"repeat{repeat + 1}-{name}" if split.repeats > 1 else name
        divisions.append((name, _sides(names[training], test=names[test])))
    if split.external:
        outside = everybody.index.difference(classes.index)
        divisions.append((_external_name(split.external), _sides(names, external=outside)))
    return divisions


def _grouped_parts(
    split: SplitSettings, classes: np.ndarray, groups: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold

    parts = []
    for repeat in range(split.repeats):
        splitter = StratifiedGroupKFold(
            n_splits=split.folds, shuffle=True, random_state=split.seed + repeat
        )
        parts += list(splitter.split(np.zeros(len(classes)), classes, groups))
    return parts


def _holdout(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[Division]:
    fraction = HOLDOUT_TEST_FRACTION if split.test_fraction is None else split.test_fraction
    if fraction == 0:
        raise SettingError("a holdout split needs a test_fraction above 0, got 0")
    generator = np.random.default_rng([split.seed, 0])
    strata = strata_of(split, classes, clinical, groups, least_of(fraction))
    training, test = set_aside(strata, fraction, generator, f"test_fraction {fraction:g}", groups)
    return [("holdout", _sides(training, test=test))]


def _bootstrap(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[Division]:
    left_out = 1 - DRAWN_SHARE
    strata = strata_of(split, classes, clinical, groups, least_of(left_out))
    divisions: list[Division] = [("all", _sides(classes.index))]
    for number in range(split.resamples):
        generator = np.random.default_rng([split.seed, 2, number])
        training, test = set_aside(strata, left_out, generator, "a resample", groups)
        divisions.append((f"resample{number + 1}", _sides(training, test=test)))
    return divisions


def _center(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[Division]:
    centers = centers_of(split, classes, clinical)
    known = sorted(set(centers))
    turns = [split.external] if split.external else [[name] for name in known]
    divisions: list[Division] = []
    for turn in turns:
        outside = centers[centers.isin(turn)].index
        inside = centers[~centers.isin(turn)].index
        if not len(inside):
            raise SettingError(
                f"external names every center ({', '.join(known)}); leave one to train"
            )
        training = [str(case_id) for case_id in inside]
        test: list[str] = []
        if split.test_fraction:
            training, test = set_aside(
                strata_of(split, classes[inside], clinical, groups, least_of(split.test_fraction)),
                split.test_fraction,
                np.random.default_rng([split.seed, 0]),
                f"test_fraction {split.test_fraction:g}",
                groups,
            )
        divisions.append((_external_name(turn), _sides(training, test=test, external=outside)))
    return divisions


def _external_name(centers: Iterable[str]) -> str:
    return "external-" + "+".join(centers)


def _column(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[Division]:
    if split.column is None:
        raise SettingError("a split by column needs `column`, the name of a clinical column")
    values = clinical_values(clinical, split.column, classes.index)
    sides: dict[str, list[str]] = _sides(())
    for case_id, value in values.items():
        side = _SIDE_NAMES.get(value.lower())
        if side is None:
            raise SettingError(
                f"column {split.column!r} must say training, validation, test or external, got "
                f"{value!r} for {case_id}"
            )
        sides[side].append(str(case_id))
    if not sides["training"] or not (sides["test"] or sides["external"] or sides["validation"]):
        sizes = ", ".join(f"{len(ids)} {side}" for side, ids in sides.items())
        raise SettingError(
            f"column {split.column!r} must name training patients and others to judge by, got "
            f"{sizes}"
        )
    return [("column", sides)]


def _none(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[Division]:
    if split.test_fraction:
        raise SettingError(
            f"split 'none' tests on nobody, got test_fraction {split.test_fraction:g}; use holdout"
        )
    return [("all", _sides(classes.index))]


#: What divides the patients, by the kind of split.
KINDS: dict[
    str,
    Callable[[SplitSettings, pd.Series, pd.DataFrame, pd.Series | None], list[Division]],
] = {
    "kfold": _kfold,
    "bootstrap": _bootstrap,
    "holdout": _holdout,
    "center": _center,
    "column": _column,
    "none": _none,
}
