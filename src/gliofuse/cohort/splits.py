"""Which patients train and which test: by patient, stratified by class, from a seed.

The split depends on the set of patients, their classes and the seed alone, not on the order of
the manifest, so that designs compared on one cohort see identical patients.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from gliofuse.cohort.case import as_words, is_missing
from gliofuse.cohort.strata import combined_strata
from gliofuse.errors import SettingError, did_you_mean

__all__ = ["Fold", "SplitSettings", "groups_of", "make_folds", "merged_strata"]

HOLDOUT_TEST_FRACTION = 0.3

_SIDES = ("training", "validation", "test", "external")
_SIDE_NAMES = {
    "training": "training", "train": "training", "development": "training",
    "validation": "validation", "valid": "validation", "val": "validation", "tuning": "validation",
    "test": "test", "testing": "test", "external": "external",
}  # fmt: skip


class SplitSettings(BaseModel):
    """How a cohort is divided.

    Parameters
    ----------
    kind : {"kfold", "holdout", "center", "column", "none"}
        ``kfold``: every patient is tested once per repeat; but for those of the centres in
        ``external``, if any are named: they are predicted by a model of all the others, in a fold
        of their own. ``holdout``: one division. ``center``: the patients of the centres in
        ``external`` are tested on, the others train; with no centre named, each centre in turn.
        ``column``: a clinical column says ``training``, ``validation``, ``test`` or ``external``.
        ``none``: nobody is tested on, all train, but for those put aside by
        ``validation_fraction``.
    folds, repeats : int
        Of ``kfold``.
    seed : int
    validation_fraction : float
        Share of the patients that are not tested on to put aside, for example to choose the
        number of epochs.
    validation : {"cohort", "epochs"}
        ``cohort``: nothing but a network's epoch is chosen on the validation patients, and the
        figures of merit on them are shown. ``epochs``: they are there for that choice alone, so
        that models without epochs learn from them too, and no figures are shown.
    test_fraction : float or None
        Share of the patients to test on: by default 0.3 for ``holdout``, none for ``center``.
    external : list of str
        Centres, for ``center`` and ``kfold``.
    column : str or None
        For ``column``.
    group : str or None
        Clinical column that names the person behind a row; all rows of a person stand on one
        side, in every kind of split.
    stratify : list of str
        Clinical columns of few values that the parts drawn at random hold alike, beside the
        classes; where combinations are rare, the first columns count most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["kfold", "holdout", "center", "column", "none"] = "kfold"
    folds: int = Field(default=5, ge=2)
    repeats: int = Field(default=1, ge=1)
    seed: int = Field(default=0, ge=0)
    validation_fraction: float = Field(default=0.0, ge=0.0, lt=1.0)
    validation: Literal["cohort", "epochs"] = "cohort"
    test_fraction: float | None = Field(default=None, ge=0.0, lt=1.0)
    external: list[str] = Field(default_factory=list)
    column: str | None = None
    group: str | None = None
    stratify: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Fold:
    """One division of the patients; no patient stands on two sides.

    Parameters
    ----------
    name : str
    training, validation, test, external : tuple of str
        Ids of the patients, in the order of the cohort.

    Raises
    ------
    SettingError
        If a patient stands on two sides.
    """

    name: str
    training: tuple[str, ...]
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    external: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        everyone = Counter(case_id for side in _SIDES for case_id in getattr(self, side))
        twice = sorted(case_id for case_id, count in everyone.items() if count > 1)
        if twice:
            raise SettingError(f"fold {self.name!r}: {', '.join(twice)} on two sides of the split")

    @property
    def case_ids(self) -> tuple[str, ...]:
        """Everybody in the fold, side by side."""
        return tuple(case_id for side in _SIDES for case_id in getattr(self, side))

    def as_rows(self) -> list[dict[str, str]]:
        """Return rows with ``case_id``, ``fold`` and ``cohort``, as ``folds.csv`` keeps them."""
        return [
            {"case_id": case_id, "fold": self.name, "cohort": side}
            for side in _SIDES
            for case_id in getattr(self, side)
        ]


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
        raise SettingError(f"a split needs patients of both classes, got {_counts(classes)}")
    if split.external and split.kind not in ("center", "kfold"):
        raise SettingError(
            f"external centers belong to the splits center and kfold, got {split.kind!r} with "
            f"external {', '.join(split.external)}"
        )
    if split.stratify and not _drawn(split):
        raise SettingError(
            f"the split {split.kind!r} draws no patients at random, so that stratify has nothing "
            f"to do, got {', '.join(split.stratify)}"
        )
    makers = {
        "kfold": _kfold,
        "holdout": _holdout,
        "center": _center,
        "column": _column,
        "none": _none,
    }
    groups = groups_of(split, classes.index, clinical)
    order = {case_id: place for place, case_id in enumerate(labels.index.astype(str))}
    folds: list[Fold] = []
    for name, sides in makers[split.kind](split, classes, clinical, groups):
        if not sides["validation"] and split.validation_fraction:
            least = _least(split.validation_fraction)
            sides["training"], sides["validation"] = _set_aside(
                _strata(split, classes[sides["training"]], clinical, groups, least),
                split.validation_fraction,
                np.random.default_rng([split.seed, 1, len(folds)]),
                f"validation_fraction {split.validation_fraction:g}",
                groups,
            )
        _check_groups(name, sides, groups, split)
        _check_training(name, classes[sides["training"]], classes)
        ordered = {side: tuple(sorted(ids, key=order.__getitem__)) for side, ids in sides.items()}
        folds.append(Fold(name, **ordered))
    return folds


def groups_of(split: SplitSettings, case_ids: pd.Index, clinical: pd.DataFrame) -> pd.Series | None:
    """Return the person behind each row, as words; ``None`` where the split names no column.

    Raises
    ------
    SettingError
        If the column is unknown, or missing for a row.
    """
    return None if split.group is None else _clinical_values(clinical, split.group, case_ids)


def merged_strata(split: SplitSettings, labels: pd.Series, clinical: pd.DataFrame) -> str | None:
    """Return in words which combinations of ``stratify`` are too rare for strata of their own."""
    draws = _drawn(split)
    if not split.stratify or not draws:
        return None
    if split.kind == "kfold" and split.external:
        labels = labels[~_centers_of(split, labels, clinical).isin(split.external)]
    groups = groups_of(split, labels.index, clinical)
    _, merged = combined_strata(labels, clinical, split.stratify, least=draws[0], people=groups)
    if not merged:
        return None
    return (
        f"stratified by {', '.join(split.stratify)} within classes; fewer than {draws[0]} patients "
        f"are {'; '.join(merged)}: they were divided together with others of their class"
    )


def _drawn(split: SplitSettings) -> list[int]:
    """Return how many patients a stratum needs for each part that is drawn at random."""
    test = HOLDOUT_TEST_FRACTION if split.kind == "holdout" else 0.0
    test = test if split.test_fraction is None else split.test_fraction
    fractions = [one for one in (test, split.validation_fraction) if one]
    return [split.folds] * (split.kind == "kfold") + [_least(one) for one in fractions]


def _least(fraction: float) -> int:
    """Return the size from which a stratum can give a share: one patient, and keep one."""
    return math.ceil(1 / min(fraction, 1 - fraction) - 1e-9)


def _strata(
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


_Division = tuple[str, dict[str, list[str]]]


def _sides(training: Iterable[str], **others: Iterable[str]) -> dict[str, list[str]]:
    given = {"training": training, **others}
    return {side: list(given.get(side, ())) for side in _SIDES}


def _kfold(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[_Division]:
    from sklearn.model_selection import RepeatedStratifiedKFold

    everybody = classes
    if split.external:
        inside = _centers_of(split, classes, clinical)
        classes = classes[inside[~inside.isin(split.external)].index]
        if classes.nunique() < everybody.nunique():
            raise SettingError(
                f"outside the external centers there must be patients of {_every(everybody)}, got "
                f"{_counts(classes)}"
            )
    people = classes if groups is None else _of_people(classes, groups[classes.index])
    smallest = int(people.value_counts().reindex(classes.unique(), fill_value=0).min())
    if smallest < split.folds:
        raise SettingError(
            f"{split.folds} folds need at least {split.folds} patients of each class, got "
            f"{_counts(people)}; "
            + (f"choose at most {smallest} folds" if smallest > 1 else "add patients")
        )
    names = classes.index.to_numpy()
    strata = _strata(split, classes, clinical, groups, split.folds)
    divisions: list[_Division] = []
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
) -> list[_Division]:
    fraction = HOLDOUT_TEST_FRACTION if split.test_fraction is None else split.test_fraction
    if fraction == 0:
        raise SettingError("a holdout split needs a test_fraction above 0, got 0")
    generator = np.random.default_rng([split.seed, 0])
    strata = _strata(split, classes, clinical, groups, _least(fraction))
    training, test = _set_aside(strata, fraction, generator, f"test_fraction {fraction:g}", groups)
    return [("holdout", _sides(training, test=test))]


def _center(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[_Division]:
    centers = _centers_of(split, classes, clinical)
    known = sorted(set(centers))
    turns = [split.external] if split.external else [[name] for name in known]
    divisions: list[_Division] = []
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
            training, test = _set_aside(
                _strata(split, classes[inside], clinical, groups, _least(split.test_fraction)),
                split.test_fraction,
                np.random.default_rng([split.seed, 0]),
                f"test_fraction {split.test_fraction:g}",
                groups,
            )
        divisions.append((_external_name(turn), _sides(training, test=test, external=outside)))
    return divisions


def _external_name(centers: Iterable[str]) -> str:
    return "external-" + "+".join(centers)


def _centers_of(split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame) -> pd.Series:
    """Return each patient's centre, of which there are several, the external ones among them."""
    centers = _clinical_values(clinical, "center", classes.index)
    known = sorted(set(centers))
    if len(known) < 2:
        raise SettingError(f"a split by center needs at least two centers, got {', '.join(known)}")
    for name in split.external:
        if name not in known:
            raise SettingError(f"external center {name!r} is unknown: {did_you_mean(name, known)}")
    return centers


def _column(
    split: SplitSettings, classes: pd.Series, clinical: pd.DataFrame, groups: pd.Series | None
) -> list[_Division]:
    if split.column is None:
        raise SettingError("a split by column needs `column`, the name of a clinical column")
    values = _clinical_values(clinical, split.column, classes.index)
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
) -> list[_Division]:
    if split.test_fraction:
        raise SettingError(
            f"split 'none' tests on nobody, got test_fraction {split.test_fraction:g}; use holdout"
        )
    return [("all", _sides(classes.index))]


def _clinical_values(clinical: pd.DataFrame, column: str, case_ids: pd.Index) -> pd.Series:
    if column not in clinical.columns:
        raise SettingError(
            f"split: the clinical table has no column {column!r}: "
            f"{did_you_mean(column, clinical.columns)}"
        )
    values = clinical[column].set_axis(clinical.index.astype(str)).reindex(case_ids)
    blank = [str(case_id) for case_id, value in values.items() if is_missing(value)]
    if blank:
        shown = ", ".join(blank[:5]) + (f" and {len(blank) - 5} more" if len(blank) > 5 else "")
        raise SettingError(
            f"split: {column!r} is missing for {shown}; fill it in or take the patients out"
        )
    return values.map(as_words)


def _set_aside(
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
        _, taken_people = _set_aside(_of_people(classes, people), fraction, generator, what)
        is_taken = people.isin(taken_people)
        return [str(i) for i in classes.index[~is_taken]], [str(i) for i in classes.index[is_taken]]
    kept: list[str] = []
    taken: list[str] = []
    for label in sorted(classes.unique()):
        members = classes.index[classes == label].to_numpy()
        if len(members) < 2:
            raise SettingError(
                f"{what} needs at least 2 patients of each class among the {len(classes)} to "
                f"divide, got {_counts(classes)}"
            )
        count = min(max(1, round(fraction * len(members))), len(members) - 1)
        shuffled = generator.permutation(members)
        taken += [str(case_id) for case_id in shuffled[:count]]
        kept += [str(case_id) for case_id in shuffled[count:]]
    return kept, taken


def _of_people(classes: pd.Series, people: pd.Series) -> pd.Series:
    """Return the class of most of a person's rows, by person; the first in order of equal ones."""
    return classes.groupby(people.to_numpy()).agg(lambda own: own.mode().iloc[0])


def _check_groups(
    name: str, sides: dict[str, list[str]], groups: pd.Series | None, split: SplitSettings
) -> None:
    if groups is None:
        return
    side_of = {case_id: side for side, ids in sides.items() for case_id in ids}
    own = groups[list(side_of)]
    for person, rows in own.groupby(own, sort=True):
        stands = list(dict.fromkeys(side_of[case_id] for case_id in rows.index))
        if len(stands) > 1:
            raise SettingError(
                f"fold {name!r}: {split.group} {person!r} ({', '.join(map(str, rows.index))}) "
                f"would stand in {' and '.join(stands)}; all rows of a person must be on one side: "
                "give them one center or side, or take some out"
            )


def _check_training(name: str, training: pd.Series, classes: pd.Series) -> None:
    if training.nunique() < classes.nunique():
        raise SettingError(
            f"fold {name!r}: the training patients must be of {_every(classes)}, got "
            f"{_counts(training)}"
        )


def _every(classes: pd.Series) -> str:
    return "both classes" if classes.nunique() == 2 else f"all {classes.nunique()} classes"


def _counts(classes: pd.Series) -> str:
    counts = classes.value_counts().sort_index()
    listed = ", ".join(f"{count} of class {label}" for label, count in counts.items())
    return listed or "none"
