"""Every estimator of the package passes scikit-learn's checks and keeps feature names."""

import importlib
import inspect
import pkgutil

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import gliofuse.signature

#: small grids, so that the common checks take seconds
SMALL = {
    "ElasticNetSignature": {"lambdas": (0.01, 1.0), "l1_ratios": (0.5, 1.0), "folds": 3},
    "RidgeSignature": {"lambdas": (0.01, 1.0), "folds": 3},
    "LassoSelector": {"folds": 3},
    "SVMSignature": {"C": (1.0, 10.0), "gamma": (0.1, 0.01), "folds": 3},
    "ForestSignature": {"trees": 20},
    "ForestTopK": {"trees": 20, "k": 2},
}


def every_estimator():
    """Walk the package for concrete estimators, so that none escapes the checks."""
    found = {}
    for info in pkgutil.iter_modules(gliofuse.signature.__path__):
        module = importlib.import_module(f"gliofuse.signature.{info.name}")
        for name, cls in inspect.getmembers(module, inspect.isclass):
            if (
                issubclass(cls, BaseEstimator)
                and cls.__module__ == module.__name__
                and not info.name.startswith("_")
                and not issubclass(cls, Pipeline)  # what it is made of is checked
                and name != "WeightedFusion"  # takes probabilities alone: test_weighted.py
            ):
                found[name] = cls
    return [found[name](**SMALL.get(name, {})) for name in sorted(found)]


ESTIMATORS = every_estimator()
IDS = [type(estimator).__name__ for estimator in ESTIMATORS]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(7)
    y = np.tile([0, 1], 30)
    X = rng.normal(size=(60, 6)) * (1 + 3 * np.outer(y, [0, 0, 0, 0, 1, 1]))
    X[:, :2] += 1.1 * y[:, None]
    return pd.DataFrame(X, columns=list("abcdef"), index=[f"p{i:02d}" for i in range(60)]), y


# Most of the checks' data is noise, where a selector says that nothing passed; the warnings are
# tested on their own.
@pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
def test_names_are_kept_and_fitting_twice_gives_the_same(estimator, table):
    X, y = table
    first, second = clone(estimator).fit(X, y), clone(estimator).fit(X, y)
    assert list(first.feature_names_in_) == list(X.columns)
    if is_classifier(first):
        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))
        np.testing.assert_allclose(first.predict_proba(X).sum(axis=1), 1)
    else:
        kept = first.set_output(transform="pandas").transform(X)
        assert list(kept.columns) == list(first.get_feature_names_out())
        assert set(kept.columns) <= set(X.columns)
        assert list(kept.index) == list(X.index)
        assert list(kept.columns) == list(second.get_feature_names_out())


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=IDS)
def test_string_labels(estimator, table):
    X, y = table
    named = np.where(y == 1, "mutant", "absent")
    numbered, worded = clone(estimator).fit(X, y), clone(estimator).fit(X, named)
    if is_classifier(numbered):
        np.testing.assert_array_equal(worded.classes_, ["absent", "mutant"])
        np.testing.assert_array_equal(numbered.predict_proba(X), worded.predict_proba(X))
        assert set(worded.predict(X)) <= {"absent", "mutant"}
    else:
        np.testing.assert_array_equal(numbered.transform(X), worded.transform(X))


def test_public_names_load():
    for name in gliofuse.signature.__all__:
        assert getattr(gliofuse.signature, name).__doc__
