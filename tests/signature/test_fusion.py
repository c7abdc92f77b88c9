"""Out-of-fold signatures, stacking and the ready-made chains: no leak, names kept, small data."""

import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from gliofuse.errors import InputError, RunError, SettingError
from gliofuse.signature import (
    ElasticNetSignature,
    ImagingSignatureSettings,
    IntegratedSignatureSettings,
    RidgeSignature,
    SignatureWarning,
    SingleSequenceSettings,
    StackedFusion,
    coefficients,
    imaging_signature,
    integrated_signature,
    linear_score,
    out_of_fold_probabilities,
    selected_features,
    selection_frequency,
    single_sequence_signature,
)
from gliofuse.signature._common import stratified_folds

QUICK = SingleSequenceSettings(
    lambdas=(0.01, 0.1, 1.0, 10.0), l1_ratios=(0.2, 1.0), folds=4, lasso_folds=4
)


def radiomics(n=80, p=120, seed=0, effect=1.3, spread=1.0):
    rng = np.random.default_rng(seed)
    y = np.tile([0, 1], n // 2)
    X = rng.normal(size=(n, p))
    X[:, :3] += effect * y[:, None]
    X[y == 1, :6] *= spread
    names = [f"t1ce.whole.original_glcm_F{j}" for j in range(p)]
    return pd.DataFrame(X, columns=names, index=[f"p{i:03d}" for i in range(n)]), y


def test_out_of_fold_equals_scikit_learns_loop():
    X, y = radiomics(p=10)
    scorer = RidgeSignature(folds=3)
    ours = out_of_fold_probabilities(scorer, X, y, folds=5, seed=7)
    theirs = cross_val_predict(
        clone(scorer), X, y, cv=stratified_folds(y, 5, 7), method="predict_proba"
    )[:, 1]
    np.testing.assert_array_equal(ours.to_numpy(), theirs)
    assert list(ours.index) == list(X.index)
    assert not hasattr(scorer, "coef_")
    np.testing.assert_array_equal(
        out_of_fold_probabilities(scorer, X.to_numpy(), y, folds=5, seed=7), theirs
    )


def test_out_of_fold_never_sees_the_patient():
    X, y = radiomics(n=60, p=2, effect=0)
    memory = KNeighborsClassifier(1)  # knows every training patient by heart
    assert roc_auc_score(y, memory.fit(X, y).predict_proba(X)[:, 1]) == 1
    held_out = out_of_fold_probabilities(memory, X, y, folds=10, seed=0)
    assert roc_auc_score(y, held_out) < 0.75


@pytest.mark.parametrize("seed", [0, 1])
def test_selection_is_inside_the_fold(seed):
    # 300 noise features: selected on all patients they would give an AUC near 1
    X, y = radiomics(n=60, p=300, effect=0, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SignatureWarning)
        held_out = out_of_fold_probabilities(
            single_sequence_signature(QUICK), X, y, folds=5, seed=seed
        )
        paper = QUICK.model_copy(update={"selection": "paper"})
        apparent = single_sequence_signature(paper).fit(X, y).predict_proba(X)[:, 1]
    assert roc_auc_score(y, apparent) > 0.85
    assert 0.2 < roc_auc_score(y, held_out) < 0.8


def test_out_of_fold_refuses_what_it_cannot_do():
    X, y = radiomics(n=20, p=3)
    double = X.rename(index={"p001": "p000"})
    with pytest.raises(InputError, match="'p000' comes twice"):
        out_of_fold_probabilities(RidgeSignature(), double, y)
    with pytest.raises(InputError, match="got 20 rows and 19 labels"):
        out_of_fold_probabilities(RidgeSignature(), X, y[1:])
    with pytest.raises(InputError, match="y must hold two classes"):
        out_of_fold_probabilities(RidgeSignature(), X, np.zeros(20))
    rare = np.zeros(20, dtype=int)
    rare[0] = 1
    with pytest.raises(SettingError, match="needs two patients of each class"):
        out_of_fold_probabilities(RidgeSignature(), X, rare)
    rare[1] = 1  # one in each training fold: too few to choose a penalty
    with pytest.raises(RunError, match=r"fold 1 of 2: .*needs two patients of each class"):
        out_of_fold_probabilities(RidgeSignature(), X, rare)


def tables():
    strong, y = radiomics(p=20, seed=1, effect=1.0)
    weak, _ = radiomics(p=20, seed=2, effect=0.0)
    return {"t1ce": strong, "flair": weak}, y


def test_stacked_fusion_trusts_the_signature_that_generalises():
    blocks, y = tables()
    first = {
        # knows its training patients by heart, so in-sample it looks perfect
        "flair": KNeighborsClassifier(1),
        "t1ce": ElasticNetSignature(lambdas=(1.0, 10.0), l1_ratios=(0.5,), folds=4),
    }
    held_out = StackedFusion(first, RidgeSignature(), folds=5).fit(blocks, y)
    in_sample = StackedFusion(first, RidgeSignature(), mode="in_sample").fit(blocks, y)
    names = list(held_out.training_signatures_.columns)
    weights = dict(zip(names, held_out.fusion_.coef_[0]))
    assert weights["t1ce"] > 2 * abs(weights["flair"])
    naive = dict(zip(names, in_sample.fusion_.coef_[0]))
    assert naive["flair"] > naive["t1ce"]
    result = held_out.predict(blocks)
    assert list(result.columns) == ["flair", "t1ce", "fusion"]
    assert list(result.index) == list(blocks["t1ce"].index)


def test_stacked_fusion_checks_its_tables():
    blocks, y = tables()
    fusion = StackedFusion({"t1ce": RidgeSignature(), "t2": RidgeSignature()}, RidgeSignature())
    with pytest.raises(InputError, match="missing t2, got t1ce, flair"):
        fusion.fit(blocks, y)
    with pytest.raises(InputError, match="the same patients in the same order"):
        fusion.fit({"t1ce": blocks["t1ce"], "t2": blocks["flair"].iloc[::-1]}, y)
    with pytest.raises(SettingError, match=r"mode got 'insample'; did you mean 'in_sample'\?"):
        StackedFusion({"a": RidgeSignature()}, RidgeSignature(), mode="insample")
    with pytest.raises(SettingError, match="at least one classifier"):
        StackedFusion({}, RidgeSignature())


def test_single_sequence_chain_keeps_names_and_coefficients():
    X, y = radiomics()
    chain = single_sequence_signature(QUICK).fit(X, y)
    names = selected_features(chain)
    assert list(chain.named_steps) == ["impute", "ttest", "minmax", "lasso", "scorer"]
    assert set(X.columns[:3]) <= set(names)
    table = coefficients(chain)
    assert table["term"].tolist() == ["(intercept)", *names]
    low, high = X[names].min(), X[names].max()
    log_odds = ((X[names] - low) / (high - low)) @ table["coefficient"].to_numpy()[1:]
    score = linear_score(chain, X, intercept=False)
    np.testing.assert_allclose(score, log_odds, rtol=1e-9)
    np.testing.assert_allclose(
        linear_score(chain, X) - score, table["coefficient"][0], rtol=1e-6, atol=1e-9
    )
    # as on an array, where the names are handed over
    bare = single_sequence_signature(QUICK).fit(X.to_numpy(), y)
    assert selected_features(bare, X.columns) == names
    np.testing.assert_allclose(coefficients(bare, X.columns)["coefficient"], table["coefficient"])


def test_new_patients_are_scaled_by_the_training_patients():
    X, y = radiomics()
    chain = single_sequence_signature(QUICK).fit(X, y)
    far = X.iloc[:1] * 10
    assert chain[:-1].transform(far).to_numpy().max() > 1
    np.testing.assert_allclose(
        chain.predict_proba(X.iloc[[5]]), chain.predict_proba(X)[[5]], rtol=1e-12
    )


def test_imaging_chain():
    X, y = radiomics()
    chain = imaging_signature(ImagingSignatureSettings(folds=5)).fit(X, y)
    assert 1 <= len(selected_features(chain)) <= 8
    assert roc_auc_score(y, chain.predict_proba(X)[:, 1]) > 0.85
    for classifier in ("forest", "svm"):
        settings = ImagingSignatureSettings(folds=3, classifier=classifier)
        other = imaging_signature(settings).fit(X.iloc[:, :10], y)
        assert other.predict_proba(X.iloc[:, :10]).shape == (80, 2)
        with pytest.raises(InputError, match="coefficients needs a linear scorer"):
            coefficients(other)


def test_integrated_chain():
    X, y = radiomics(spread=4.0)
    chain = integrated_signature(IntegratedSignatureSettings(folds=4, trees=30, alpha=0.2)).fit(
        X, y
    )
    assert list(chain.named_steps) == ["impute", "zscore", "levene", "lasso", "forest", "scorer"]
    assert len(selected_features(chain)) <= 8
    assert chain.predict_proba(X).shape == (80, 2)


def test_settings_refuse_unknown_keys():
    with pytest.raises(ValidationError, match="lambda_"):
        SingleSequenceSettings(lambda_=3)


def test_selection_frequency():
    table = selection_frequency([["a", "b", "b"], ["b"], ["c", "b"]])
    assert table.to_dict("list") == {
        "feature": ["b", "a", "c"],
        "count": [3, 1, 1],
        "share": [1.0, 1 / 3, 1 / 3],
    }
    assert selection_frequency([]).empty


def test_importing_the_package_loads_no_scikit_learn():
    code = (
        "import sys, gliofuse.signature, gliofuse.signature.settings;"
        "print('sklearn' in sys.modules, 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
