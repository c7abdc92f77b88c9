"""Small feature tables with a known effect, as a study would start from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

FEATURES = ("original_glcm_Contrast", "original_glcm_Idm", "original_firstorder_Mean")


def feature_tables(folder, *, patients=60, sequences=("t1", "t1ce"), effect=None, seed=0):
    """Write features.csv and clinical.csv; ``effect`` is the shift of each sequence's features."""
    rng = np.random.default_rng(seed)
    effect = {"t1ce": 1.5} if effect is None else effect
    grade = np.repeat([2, 3, 4], patients // 3)
    high = (grade >= 3).astype(float)
    columns = {}
    for sequence in sequences:
        for number, feature in enumerate([*FEATURES, *(f"noise_{i}_x" for i in range(9))]):
            shift = effect.get(sequence, 0.0) if number < len(FEATURES) else 0.0
            columns[f"{sequence}.whole.{feature}"] = rng.normal(size=len(grade)) + shift * high
    ids = [f"case-{number:03d}" for number in range(len(grade))]
    table = pd.DataFrame(columns, index=pd.Index(ids, name="id"))
    clinical = pd.DataFrame(
        {"id": ids, "grade": grade, "age": rng.integers(20, 80, len(grade))}
        | {"sex": rng.choice(["F", "M"], len(grade)), "center": rng.choice(list("AB"), len(grade))}
    )
    table.to_csv(folder / "features.csv")
    clinical.to_csv(folder / "clinical.csv", index=False)
    return table, clinical


@pytest.fixture
def tables(tmp_path):
    """A folder with features.csv and clinical.csv."""
    feature_tables(tmp_path)
    return tmp_path


@pytest.fixture
def study_of():
    """Return a function that makes a study on a folder's tables."""

    def make(folder, **changes):
        from gliofuse.study import check_study

        given = {
            "table": {"features": "features.csv", "clinical": "clinical.csv", "id_column": "id"},
            "endpoint": {"kind": "binary", "column": "grade", "positive": ">= 3"},
            "split": {"kind": "kfold", "folds": 3},
            "settings": {"folds": 3, "inner_folds": 3},
            "evaluation": {"bootstrap": 100},
            "compute": {"workers": 1},
        }
        return check_study({**given, **changes}, base=folder)

    return make
