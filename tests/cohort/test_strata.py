"""Splits that hold several columns alike beside the classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import SplitSettings, make_folds
from gliofuse.cohort.splits import merged_strata
from gliofuse.cohort.splits.strata import combined_strata
from gliofuse.errors import SettingError


@pytest.fixture(scope="module")
def cohort():
    """120 patients by class, sex and grade, in uneven numbers, and their clinical table."""
    rng = np.random.default_rng(7)
    index = pd.Index([f"p{number:03}" for number in range(120)])
    clinical = pd.DataFrame(
        {
            "sex": rng.choice(["F", "M"], 120, p=[0.4, 0.6]),
            "grade": rng.choice([2.0, 3.0, 4.0], 120, p=[0.5, 0.3, 0.2]),
            "age": rng.normal(50, 10, 120),
            "person": np.repeat(np.arange(60), 2),
        },
        index=index,
    )
    return pd.Series((rng.random(120) < 0.35).astype(int), index=index), clinical


def shares(labels, clinical, columns, ids):
    own = pd.concat([labels.rename("class"), clinical[columns]], axis=1)
    return own.loc[list(ids)].value_counts(normalize=True)


@pytest.mark.parametrize(
    "split",
    [
        SplitSettings(kind="kfold", folds=4, stratify=["sex", "grade"]),
        SplitSettings(kind="holdout", test_fraction=0.25, stratify=["sex", "grade"]),
        SplitSettings(kind="none", validation_fraction=0.25, stratify=["sex", "grade"]),
    ],
    ids=lambda split: split.kind,
)
def test_every_part_has_the_share_of_each_combination(cohort, split):
    labels, clinical = cohort
    whole = shares(labels, clinical, ["sex", "grade"], labels.index)
    for fold in make_folds(split, labels, clinical):
        part = fold.test or fold.validation
        own = shares(labels, clinical, ["sex", "grade"], part).reindex(whole.index, fill_value=0)
        # kfold divides within one patient a stratum; the rare ones are merged
        assert (own - whole).abs().max() * len(part) <= 2.0
        assert len(fold.training) + len(part) == len(labels)
    loose = split.model_copy(update={"stratify": []})
    assert make_folds(loose, labels, clinical) != make_folds(split, labels, clinical)


def test_stratification_is_exact_where_the_combinations_allow_it():
    index = pd.Index([f"p{number:03}" for number in range(96)])
    labels = pd.Series(np.tile([0, 1], 48), index=index)
    clinical = pd.DataFrame({"sex": np.repeat(["F", "M"], 48)}, index=index).assign(
        grade=np.tile(np.repeat([2, 3, 4], 4), 8)
    )
    split = SplitSettings(kind="kfold", folds=4, repeats=2, stratify=["sex", "grade"])
    for fold in make_folds(split, labels, clinical):
        counts = clinical.assign(y=labels).loc[list(fold.test)].value_counts()
        assert (counts == 2).all()
        assert len(counts) == 12
    assert merged_strata(split, labels, clinical) is None


def test_rare_combinations_lose_the_last_column_first_and_never_the_class():
    rows = [(0, "F", 2)] * 6 + [(0, "F", 3)] * 2 + [(0, "F", 4)] * 3 + [(0, "M", 2)] * 2
    rows += [(1, "F", 2)] * 2 + [(1, "M", 3)] * 3
    index = pd.Index([f"p{number:02}" for number in range(len(rows))])
    table = pd.DataFrame(rows, columns=["class", "sex", "grade"], index=index)
    found, merged = combined_strata(table["class"], table, ["sex", "grade"], least=5)
    assert merged == (
        "0, sex=F, grade=3", "0, sex=F, grade=4", "0, sex=M, grade=2", "1, sex=F, grade=2",
        "1, sex=M, grade=3",
    )  # fmt: skip
    sizes = found.value_counts().to_dict()
    # the two men of class 0 join its smallest stratum; class 1 has no combination of five
    assert sizes == {"0, sex=F, others": 7, "0, sex=F, grade=2": 6, "1, others": 5}
    assert (found.str[0].astype(int) == table["class"]).all()
    line = merged_strata(
        SplitSettings(kind="kfold", folds=5, stratify=["sex", "grade"]), table["class"], table
    )
    assert line.startswith("stratified by sex, grade within classes; fewer than 5 patients are ")
    assert "1, sex=M, grade=3" in line


def test_a_missing_value_is_a_level_and_people_stay_together(cohort):
    labels, clinical = cohort
    gaps = clinical.assign(sex=clinical["sex"].where(np.arange(120) % 6 != 0))
    found, _ = combined_strata(labels, gaps, ["sex"], least=2)
    assert found[gaps["sex"].isna()].str.endswith("sex=unknown").all()
    split = SplitSettings(kind="kfold", folds=3, group="person", stratify=["sex", "grade"])
    holdout = split.model_copy(update={"kind": "holdout", "validation_fraction": 0.2})
    for one in (split, holdout):
        for fold in make_folds(one, labels, clinical):
            sides = [set(clinical.loc[list(part), "person"]) for part in (fold.training, fold.test)]
            assert not sides[0] & sides[1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "kfold", "stratify": ["gradee"]}, "stratify: .* no column 'gradee'"),
        ({"kind": "holdout", "stratify": ["age"]}, "'age' has 120 different values"),
        ({"kind": "none", "stratify": ["sex"]}, "'none' draws no patients at random"),
    ],
)
def test_mistakes(cohort, fields, message):
    with pytest.raises(SettingError, match=message):
        make_folds(SplitSettings(**fields), *cohort)
