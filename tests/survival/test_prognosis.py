"""Good and poor prognosis at the median, and the sequence that tells them apart."""

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import EndpointError, InputError
from gliofuse.survival import best_sequence, median_split, prognosis_signature

pytestmark = pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning")


def test_split_of_lung(lung):
    """``survfit(Surv(time, status == 2) ~ 1, lung)`` of R: median 310"""
    from lifelines.datasets import load_lung

    table = load_lung()
    y = table[["time", "status"]].set_axis(["time", "event"], axis=1)
    split = median_split(y)
    assert split.cut == 310
    assert "Kaplan-Meier" in split.source
    died_before = (y["time"] < 310) & (y["event"] == 1)
    assert int(split.poor.sum()) == int(died_before.sum())
    assert len(split.left_out) == int(((y["time"] < 310) & (y["event"] == 0)).sum()) > 0
    assert len(split.poor) + len(split.left_out) == len(y)
    assert not set(split.poor.index) & set(split.left_out)


def test_a_median_that_is_not_reached_and_a_given_cut():
    y = pd.DataFrame({"time": np.arange(1.0, 11), "event": [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]})
    split = median_split(y)
    assert split.cut == 5.5
    assert "not reached" in split.source
    assert list(split.left_out) == [2, 3, 4]
    assert median_split(y, 2.0).poor.sum() == 1  # at the cut is not before it
    with pytest.raises(EndpointError, match="no patient has a good prognosis at the cut 11"):
        median_split(y, 11)
    with pytest.raises(EndpointError, match="no patient has a poor prognosis at the cut 1 "):
        median_split(y, 1)


def cohort(seed=0, patients=70):
    """Two sequences; the spread of a feature of t1ce goes with survival (Levene sees spread)."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=patients)
    y = pd.DataFrame({"time": np.exp(-hidden) * rng.gamma(5, 0.2, size=patients)})
    y["event"] = (rng.random(patients) < 0.8).astype(int)
    y.index = [f"p{number}" for number in range(patients)]
    tables = {
        name: pd.DataFrame(rng.normal(size=(patients, 15)), index=y.index).add_prefix(f"{name}.")
        for name in ("t1", "t1ce")
    }
    tables["t1ce"]["t1ce.0"] = hidden**3 + 0.1 * rng.normal(size=patients)
    tables["t1ce"]["t1ce.1"] = np.exp(1.5 * hidden)
    tables["t1ce"].iloc[0, 3] = np.nan
    return tables, y


def test_best_sequence_is_the_one_that_knows():
    tables, y = cohort()
    best = best_sequence(tables, y, folds=3, trees=20)
    assert best.name == "t1ce"
    auc = best.table.set_index("sequence")["auc"]
    assert auc["t1ce"] > 0.75 > auc["t1"]
    assert set(best.table["left_out"]) == {len(best.split.left_out)}
    assert set(best.table["n"] + best.table["left_out"]) == {len(y)}


def test_input_that_is_refused():
    tables, y = cohort()
    with pytest.raises(InputError, match="one sequence or more, got none"):
        best_sequence({}, y)
    with pytest.raises(InputError, match="'t1' must hold the patients of y"):
        best_sequence({"t1": tables["t1"].iloc[::-1]}, y)
    few = y.assign(event=(np.arange(70) == int(np.argmin(y["time"]))).astype(int))
    with pytest.raises(EndpointError, match="needs two patients of each prognosis, got 1"):
        best_sequence(tables, few)
    assert list(prognosis_signature(k=3).named_steps)[-1] == "scorer"
