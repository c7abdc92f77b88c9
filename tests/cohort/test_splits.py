"""Splits: no patient on two sides, stratified, and the same whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gliofuse.cohort import Fold, SplitSettings, make_folds
from gliofuse.errors import SettingError

SIDES = ("training", "validation", "test", "external")


def patients(positive: int, negative: int) -> pd.Series:
    ids = [f"p{number:03}" for number in range(positive + negative)]
    return pd.Series([1] * positive + [0] * negative, index=pd.Index(ids, name="case_id"))


def everyone(fold: Fold) -> list[str]:
    return [case_id for side in SIDES for case_id in getattr(fold, side)]


@st.composite
def splits(draw):
    kind = draw(st.sampled_from(["kfold", "bootstrap", "holdout", "center", "column", "none"]))
    labels = patients(draw(st.integers(16, 40)), draw(st.integers(16, 40)))
    centers = [["A", "B", "C"][i % 3] for i in range(len(labels))]
    sides = [["training", "Train", "test", "val"][i % 4] for i in range(len(labels))]
    clinical = pd.DataFrame({"center": centers, "side": sides}, index=labels.index)
    externals = {"center": [[], ["A"], ["A", "C"]], "kfold": [[], ["A"]]}.get(kind, [[]])
    split = SplitSettings(
        kind=kind,
        folds=draw(st.integers(2, 8)),
        repeats=draw(st.integers(1, 3)),
        resamples=draw(st.integers(2, 4)),
        seed=draw(st.integers(0, 99)),
        validation_fraction=draw(st.sampled_from([0.0, 0.1, 0.25])),
        test_fraction=None if kind == "none" else draw(st.sampled_from([None, 0.2, 0.5])),
        external=draw(st.sampled_from(externals)),
        column="side",
    )
    return split, labels, clinical


@settings(deadline=None, max_examples=120)
@given(splits())
def test_no_patient_on_two_sides_and_none_lost(given_split):
    split, labels, clinical = given_split
    folds = make_folds(split, labels, clinical)
    assert len({fold.name for fold in folds}) == len(folds)
    for fold in folds:
        ids = everyone(fold)
        assert len(ids) == len(set(ids))
        if split.kind != "kfold" or not split.external:
            assert set(ids) == set(labels.index)
        assert labels[list(fold.training)].nunique() == 2
        if split.validation_fraction:
            assert fold.validation
    if split.kind == "kfold":
        inside = [i for i in labels.index if clinical.loc[i, "center"] not in split.external]
        tested = [case_id for fold in folds for case_id in fold.test]
        assert sorted(tested) == sorted(inside * split.repeats)
        if split.external:
            *folds, last = folds
            assert set(last.external) == set(labels.index) - set(inside)
            assert set(last.training) | set(last.validation) == set(inside)
            labels = labels[inside]
        for fold in folds:
            assert not fold.external
            expected = len(fold.test) * labels.mean()
            assert abs(labels[list(fold.test)].sum() - expected) < 1.5


@settings(deadline=None, max_examples=30)
@given(splits(), st.integers(0, 9))
def test_the_order_of_the_rows_does_not_matter(given_split, seed):
    split, labels, clinical = given_split
    order = np.random.default_rng(seed).permutation(len(labels))
    straight = make_folds(split, labels, clinical)
    shuffled = make_folds(split, labels.iloc[order], clinical.iloc[order])
    for a, b in zip(straight, shuffled, strict=True):
        assert a.name == b.name
        for side in SIDES:
            assert set(getattr(a, side)) == set(getattr(b, side))
            assert list(getattr(a, side)) == sorted(getattr(a, side))


def test_the_seed_matters():
    labels = patients(20, 30)
    tests = {make_folds(SplitSettings(seed=s), labels, pd.DataFrame())[0].test for s in range(5)}
    assert len(tests) == 5


def test_a_bootstrap_leaves_out_what_its_resamples_do_not_hold():
    labels = patients(50, 100)
    everybody, *resamples = make_folds(
        SplitSettings(kind="bootstrap", resamples=30), labels, pd.DataFrame()
    )
    assert everybody.name == "all"
    assert set(everybody.training) == set(labels.index)
    assert not everybody.test
    assert len(resamples) == 30 == len({fold.test for fold in resamples})
    for fold in resamples:
        assert len(fold.training) == pytest.approx(0.632 * 150, abs=1)
        assert labels[list(fold.test)].mean() == pytest.approx(1 / 3, abs=0.01)
    left_out = pd.Series([i for fold in resamples for i in fold.test]).value_counts()
    assert len(left_out) == 150, "who is never left out is never judged"
    assert left_out.std() == pytest.approx((30 * 0.368 * 0.632) ** 0.5, rel=0.3)  # binomial


def test_three_way_holdout_is_stratified():
    split = SplitSettings(kind="holdout", test_fraction=0.2, validation_fraction=0.25)
    (fold,) = make_folds(split, patients(50, 100), pd.DataFrame())
    assert [len(getattr(fold, side)) for side in SIDES] == [90, 30, 30, 0]
    labels = patients(50, 100)
    assert [int(labels[list(getattr(fold, side))].sum()) for side in SIDES[:3]] == [30, 10, 10]
    (default,) = make_folds(SplitSettings(kind="holdout"), labels, pd.DataFrame())
    assert len(default.test) == 45


def test_with_no_split_nobody_is_tested_on():
    (fold,) = make_folds(SplitSettings(kind="none"), patients(6, 9), pd.DataFrame())
    assert [len(getattr(fold, side)) for side in SIDES] == [15, 0, 0, 0]
    split = SplitSettings(kind="none", validation_fraction=1 / 3)
    (fold,) = make_folds(split, patients(6, 9), pd.DataFrame())
    assert [len(getattr(fold, side)) for side in SIDES] == [10, 5, 0, 0]
    assert fold.name == "all"


def test_center_named_and_each_in_turn():
    labels = patients(9, 9)
    clinical = pd.DataFrame({"center": list("ABC") * 6}, index=labels.index)
    (fold,) = make_folds(SplitSettings(kind="center", external=["B"]), labels, clinical)
    assert fold.name == "external-B"
    assert set(fold.external) == set(labels.index[1::3])
    folds = make_folds(SplitSettings(kind="center"), labels, clinical)
    assert [fold.name for fold in folds] == ["external-A", "external-B", "external-C"]


def test_numbers_that_name_centers():
    labels = patients(9, 9)
    clinical = pd.DataFrame({"center": [1.0, 2.0, 3.0] * 6}, index=labels.index)
    (fold,) = make_folds(SplitSettings(kind="center", external=["2"]), labels, clinical)
    assert len(fold.external) == 6


def test_column_takes_the_sides_as_they_stand():
    labels = patients(4, 4)
    sides = ["train", "TEST", "Validation", "external"] * 2
    clinical = pd.DataFrame({"side": sides}, index=labels.index)
    (fold,) = make_folds(SplitSettings(kind="column", column="side"), labels, clinical)
    assert fold.validation == ("p002", "p006")
    assert [row["cohort"] for row in fold.as_rows()].count("external") == 2


CLINICAL = pd.DataFrame(
    {
        "center": ["A", "B"] * 5,
        "one": ["A"] * 10,
        "holes": ["training", None] * 5,
        "odd": ["training", "elsewhere"] * 5,
        "half": ["training"] * 10,
    },
    index=patients(3, 7).index,
)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"folds": 5}, "at least 5 patients of each class, got 7 of class 0, 3 of class 1; choose"),
        ({"kind": "center", "external": ["C"]}, "center 'C' is unknown: allowed: A, B"),
        ({"kind": "center", "external": ["A", "B"]}, "external names every center"),
        ({"kind": "column"}, "needs `column`"),
        ({"kind": "column", "column": "cente"}, "no column 'cente': did you mean 'center'"),
        ({"kind": "column", "column": "holes"}, "missing for p001, p003"),
        ({"kind": "column", "column": "odd"}, "got 'elsewhere' for p001"),
        ({"kind": "column", "column": "half"}, "10 training, 0 validation"),
        ({"kind": "holdout", "test_fraction": 0}, "above 0"),
        ({"kind": "holdout", "external": ["A"]}, "belong to the splits center and kfold, got 'ho"),
        ({"external": ["C"]}, "center 'C' is unknown: allowed: A, B"),
        ({"external": ["A", "B"]}, "outside the external centers there must be patients of both"),
        ({"kind": "none", "test_fraction": 0.3}, "tests on nobody, got test_fraction 0.3"),
    ],
)
def test_mistakes(fields, message):
    with pytest.raises(SettingError, match=message):
        make_folds(SplitSettings(**fields), patients(3, 7), CLINICAL)


def test_too_few_patients():
    with pytest.raises(SettingError, match="both classes, got 4 of class 1"):
        make_folds(SplitSettings(folds=2), patients(4, 0), pd.DataFrame())
    with pytest.raises(SettingError, match="got 5 of class 0, 1 of class 1; add patients"):
        make_folds(SplitSettings(folds=2), patients(1, 5), pd.DataFrame())
    with pytest.raises(SettingError, match=r"test_fraction 0\.3 needs at least 2 patients"):
        make_folds(SplitSettings(kind="holdout"), patients(1, 5), pd.DataFrame())
    split = SplitSettings(kind="kfold", folds=2, validation_fraction=0.2)
    with pytest.raises(SettingError, match=r"validation_fraction 0\.2 needs at least 2"):
        make_folds(split, patients(2, 5), pd.DataFrame())
    clinical = pd.DataFrame({"center": ["A", "A", "B", "B"]}, index=patients(2, 2).index)
    with pytest.raises(SettingError, match="training patients must be of both classes"):
        make_folds(SplitSettings(kind="center", external=["A"]), patients(2, 2), clinical)


def test_settings_are_checked():
    with pytest.raises(ValidationError, match="folds"):
        SplitSettings(folds=1)
    with pytest.raises(ValidationError, match="fold"):
        SplitSettings(fold=3)
    with pytest.raises(SettingError, match="p1 on two sides"):
        Fold("f", ("p1",), test=("p1",))


@st.composite
def grouped(draw):
    """People of one to four rows, most of them of one class throughout."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    people = np.repeat(np.arange(60), rng.integers(1, 5, 60))
    labels = (people % 2) ^ (rng.random(len(people)) < 0.05)
    index = pd.Index([f"r{i:03}" for i in rng.permutation(len(people))], name="case_id")
    sides = np.array(["training", "test", "val"])[people % 3]
    clinical = pd.DataFrame(
        {
            "person": people.astype(float),
            "center": np.array(list("ABC"))[people % 3],
            "side": sides,
        },
        index=index,
    )
    split = SplitSettings(
        kind=draw(st.sampled_from(["kfold", "bootstrap", "holdout", "center", "column", "none"])),
        folds=draw(st.integers(2, 6)),
        repeats=draw(st.integers(1, 2)),
        seed=draw(st.integers(0, 99)),
        validation_fraction=draw(st.sampled_from([0.0, 0.25])),
        column="side",
        group="person",
    )
    return split, pd.Series(labels, index=index), clinical


@settings(deadline=None, max_examples=60)
@given(grouped())
def test_all_rows_of_a_person_stand_on_one_side(given_split):
    split, labels, clinical = given_split
    folds = make_folds(split, labels, clinical)
    for fold in folds:
        side = {i: name for name in SIDES for i in getattr(fold, name)}
        assert set(side) == set(labels.index)
        sides = pd.Series(side).groupby(clinical["person"]).nunique()
        assert (sides == 1).all()
    if split.kind == "kfold":
        tested = [case_id for fold in folds for case_id in fold.test]
        assert sorted(tested) == sorted(list(labels.index) * split.repeats)
        for fold in folds:
            assert abs(labels[list(fold.test)].mean() - labels.mean()) < 0.25
    order = np.random.default_rng(1).permutation(len(labels))
    again = make_folds(split, labels.iloc[order], clinical.iloc[order])
    assert [set(fold.training) for fold in again] == [set(fold.training) for fold in folds]


def test_a_person_of_two_centres_is_named():
    labels = patients(9, 9)
    clinical = pd.DataFrame({"center": list("AB") * 9, "who": range(18)}, index=labels.index)
    clinical.loc[["p000", "p001"], "who"] = 7
    split = SplitSettings(kind="center", external=["B"], group="who")
    with pytest.raises(
        SettingError, match=r"who '7' \(p\d+, p\d+.*would stand in training and ext"
    ):
        make_folds(split, labels, clinical)
    with pytest.raises(SettingError, match="no column 'whom': did you mean 'who'"):
        make_folds(SplitSettings(folds=2, group="whom"), labels, clinical)
    few = clinical.assign(who=[0] * 9 + [1] * 9)
    with pytest.raises(SettingError, match=r"2 folds need at least 2 .* got 1 of class 0, 1 of"):
        make_folds(SplitSettings(folds=2, group="who"), labels, few)
