"""What a design says of a patient is a risk, and of its training patients an honest one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from gliofuse.cohort import SplitSettings, parse_endpoint
from gliofuse.designs import Available, FitContext, find_design, parse_settings
from gliofuse.designs.framework.networks import NetworkRecipe, NetworkSignature, on_one_scale
from gliofuse.inputs import CaseData, FeatureTable


def patients(positive, negative):
    ids = [f"p{number}" for number in range(positive + negative)]
    outcome = pd.DataFrame({"y_true": [1] * positive + [0] * negative}, index=ids)
    return CaseData(tuple(ids), {}, pd.DataFrame(index=ids), outcome)


class Trained:
    """A network that gives its patients fixed probabilities, whatever it is shown."""

    def predict(self, samples):
        table = pd.DataFrame({"probability": [0.1, 0.5, 0.9], "slices": 1, "spread": 0.0})
        return table.set_axis(pd.Index(["p0", "p1", "p2"], name="case_id"))


@pytest.mark.parametrize("balance", ["weights", "sampling", "duplicate", "none"])
@pytest.mark.parametrize("prior", ["training", "weighted"])
def test_a_network_is_moved_to_the_training_patients_prevalence(balance, prior, monkeypatch):
    monkeypatch.setattr(NetworkRecipe, "dataset", lambda *args, **options: None)
    training = patients(positive=10, negative=40)
    recipe = NetworkRecipe("n", None, (), SimpleNamespace(balance=balance), prior=prior)
    signature = NetworkSignature(recipe, Trained(), prior_shift=recipe.prior_shift(training))
    found = signature.predict(training.subset(["p2", "p0", "p1"]))
    assert list(found.index) == ["p2", "p0", "p1"]
    moved = logit([0.9, 0.1, 0.5]) - logit(found.to_numpy())
    undone = np.log(40 / 10) if prior == "training" and balance != "none" else 0.0
    np.testing.assert_allclose(moved, undone, atol=1e-12)


@pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning")
@pytest.mark.parametrize(
    ("name", "selection"),
    [("rdl", "paper"), ("deep-radiomics", "nested"), ("imaging-clinical", "paper")],
)
def test_training_patients_are_judged_by_models_that_did_not_see_them(name, selection):
    rng = np.random.default_rng(1)
    ids = pd.Index([f"p{number:02d}" for number in range(48)], name="case_id")
    y = pd.DataFrame({"y_true": rng.permutation(np.tile([0, 1], 24))}, index=ids)
    columns = [f"{s}.whole.original_glcm_F{n}" for s in ("t1ce", "flair") for n in range(60)]
    table = FeatureTable(pd.DataFrame(rng.normal(size=(48, 120)), index=ids, columns=columns))
    kind = find_design(name)
    given = {"folds": 3, "trees": 20} if name == "deep-radiomics" else {"folds": 3}
    design = kind(
        parse_settings(kind, {**given, "selection": selection}),
        Available(parse_endpoint("grade >= 3"), ("t1ce", "flair"), images=False, clinical=("age",)),
    )
    clinical = pd.DataFrame({"age": rng.integers(20, 80, 48)}, index=ids)
    data = CaseData(tuple(ids), {one.key: table for one in design.inputs}, clinical, y)
    fitted = design.fit(data, None, FitContext())
    apparent, honest = fitted.predict(data.without_outcome()), fitted.predict_training(data)
    assert list(honest.columns) == list(apparent.columns)
    assert list(honest.index) == list(ids)
    auc = {
        what: np.mean([roc_auc_score(y["y_true"], scores[m.name]) for m in design.models])
        for what, scores in (("seen", apparent), ("unseen", honest))
    }
    assert auc["unseen"] < auc["seen"] - 0.15


def test_models_without_epochs_learn_from_patients_put_aside_for_an_epoch():
    everybody = patients(positive=20, negative=30)
    training = everybody.subset(everybody.case_ids[:40])
    validation = everybody.subset(everybody.case_ids[40:])
    for use, count in (("cohort", 40), ("epochs", 50)):
        assert len(FitContext(validation=use).learners(training, validation)) == count
    assert FitContext(validation="epochs").learners(training, None) is training


@pytest.mark.parametrize(
    ("count", "wanted", "chosen"),
    [(99, "auto", "loss"), (100, "auto", "auc"), (40, "auc", "auc"), (400, "loss", "loss")],
)
def test_few_patients_choose_the_epoch_by_loss(count, wanted, chosen):
    from gliofuse.deep.training import TrainingSettings

    recipe = NetworkRecipe("n", None, (), TrainingSettings(selection="auc"), epoch_choice=wanted)
    assert recipe.training_of(count, "cpu").selection == chosen


def test_a_split_puts_patients_aside_for_epochs_only_where_others_are_held_out():
    from gliofuse.study.prepare import with_validation

    for kind, use in (("kfold", "epochs"), ("holdout", "epochs"), ("none", "cohort")):
        found = with_validation(SplitSettings(kind=kind))
        assert (found.validation_fraction, found.validation) == (0.2, use)
    said = SplitSettings(kind="kfold", validation_fraction=0.3)
    assert with_validation(said) is said


def test_networks_of_different_confidence_are_pooled_on_one_scale():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=40)
    parts = [
        pd.Series(expit(truth[:20] * 5 + 3), index=range(20)),
        pd.Series(expit(truth[20:] * 0.5 - 2), index=range(20, 40)),
    ]
    pooled = on_one_scale(parts)
    for part in parts:  # the order inside a part stays
        assert pooled.loc[part.index].rank().equals(part.rank())
    before, after = (np.corrcoef(logit(p), truth)[0, 1] for p in (pd.concat(parts), pooled))
    assert after > 0.95 > before


@pytest.mark.parametrize(
    ("count", "wanted", "crossed"),
    [(99, None, False), (100, None, True), (20, True, True), (300, False, False)],
)
def test_networks_are_cross_fitted_where_halves_are_enough(count, wanted, crossed, monkeypatch):
    kind = find_design("deep-radiomics")
    design = kind(
        parse_settings(kind, {"cross_fit": wanted}),
        Available(parse_endpoint("grade >= 3"), ("t1ce",), deep=True),
    )
    calls = []
    monkeypatch.setattr(kind, "_network", lambda *args: None)
    monkeypatch.setattr(kind, "_grader", lambda self, model, *args: calls.append(model.kind))
    monkeypatch.setattr(kind, "_cross_fitted", lambda self, *args: calls.append("crossed"))
    design.fit(patients(positive=count // 2, negative=count - count // 2), None, FitContext())
    assert ("crossed" in calls) == crossed
    assert ("hybrid" in calls) == (not crossed)
