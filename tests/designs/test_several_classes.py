"""Three classes: found where there is an effect, chance where there is none, and no leak."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gliofuse.cohort import parse_endpoint
from gliofuse.designs import Available, FitContext, find_design, parse_settings
from gliofuse.errors import EndpointError
from gliofuse.inputs import CaseData, FeatureTable

#: A study counts and reports what the signatures warn of.
pytestmark = [
    pytest.mark.slow(minutes=0.4),
    pytest.mark.filterwarnings("ignore::gliofuse.signature.warning.SignatureWarning"),
]

ENDPOINT = parse_endpoint("grade: 4, 2, 3")  # not in the order of the alphabet
SETTINGS = {
    "rdl": {"folds": 3, "inner_folds": 3, "alpha": 0.3},
    "imaging-clinical": {"folds": 3, "selection_folds": 3, "alpha": 0.3},
}


def cohort(design, *, effect, seed=0, patients=90):
    """Return a design planned for feature tables, and their patients."""
    rng = np.random.default_rng(seed)
    grade = rng.permutation(np.repeat([2, 3, 4], patients // 3))
    columns = {}
    for sequence in ("t1ce", "flair"):
        for number in range(9):
            shift = effect * (grade == 2 + number) if number < 3 else 0
            columns[f"{sequence}.whole.original_glcm_F{number}"] = rng.normal(size=patients) + shift
    ids = pd.Index([f"p{number:03d}" for number in range(patients)], name="case_id")
    clinical = pd.DataFrame({"grade": grade, "age": rng.integers(20, 80, patients)}, index=ids)
    kind = find_design(design)
    planned = kind(
        parse_settings(kind, SETTINGS[design]),
        Available(ENDPOINT, ("t1ce", "flair"), images=False, clinical=("age",)),
    )
    outcome, _ = ENDPOINT.outcome(clinical)
    inputs = {one.key: FeatureTable(pd.DataFrame(columns, index=ids)) for one in planned.inputs}
    return planned, CaseData(tuple(ids), inputs, clinical, outcome)


def halves(data):
    """Return half of the patients for the fit and the other half held out."""
    return data.subset(data.case_ids[::2]), data.subset(data.case_ids[1::2])


def macro_auc(data, scores):
    """Return the mean AUC of each class against the rest, by scikit-learn."""
    aucs = [
        roc_auc_score(data.y == name, scores[f"probability_{name}"]) for name in ENDPOINT.classes
    ]
    return float(np.mean(aucs))


@pytest.mark.parametrize("design", SETTINGS)
def test_strong_effect_is_found_by_the_final_model(design):
    planned, data = cohort(design, effect=3.0)
    training, held_out = halves(data)
    fitted = planned.fit(training, None, FitContext())
    scores = fitted.predict(held_out.without_outcome())
    assert list(scores.columns.get_level_values(0).unique()) == list(planned.names)
    for model in planned.names:
        own = scores[model]
        assert list(own.columns) == list(ENDPOINT.prediction_columns)
        assert own.index.tolist() == list(held_out.case_ids)
        np.testing.assert_allclose(own.sum(axis=1), 1.0, rtol=1e-9)
        assert (own >= 0).all(axis=None)
    assert macro_auc(held_out, scores[planned.final_model]) > 0.9
    selected = fitted.tables()["selected_features"]
    assert set(selected["class"]) == set(ENDPOINT.classes)
    of_class = selected[(selected["feature"] != "(intercept)") & (selected["coefficient"] > 0)]
    of_class = of_class.reset_index(drop=True)
    strongest = of_class.loc[of_class.groupby("class")["coefficient"].idxmax()].set_index("class")
    for name in ENDPOINT.classes:  # feature F0 is raised in grade 2, F1 in 3, F2 in 4
        assert strongest.loc[name, "feature"].endswith(f"F{int(name) - 2}")


@pytest.mark.parametrize("design", SETTINGS)
def test_no_effect_is_chance(design):
    found = []
    for seed in range(3):
        planned, data = cohort(design, effect=0.0, seed=seed)
        training, held_out = halves(data)
        scores = planned.fit(training, None, FitContext()).predict(held_out)
        found.append(macro_auc(held_out, scores[planned.final_model]))
    assert abs(np.mean(found) - 0.5) < 0.12, found


@pytest.mark.parametrize("design", SETTINGS)
def test_labels_of_held_out_patients_do_not_reach_the_fit(design):
    planned, data = cohort(design, effect=1.5)
    _, held_out = halves(data)
    other = data.outcome.copy()
    ids = list(held_out.case_ids)
    other.loc[ids, "y_true"] = other.loc[ids, "y_true"].map({"2": "3", "3": "4", "4": "2"})
    swapped = CaseData(data.case_ids, data.inputs, data.clinical, other)
    predicted = [
        planned.fit(halves(given)[0], None, FitContext()).predict(halves(given)[1])
        for given in (data, swapped)
    ]
    pd.testing.assert_frame_equal(*predicted, check_exact=True)
    one = planned.fit(halves(data)[0], None, FitContext()).predict(data.subset(ids[:1]))
    np.testing.assert_allclose(one, predicted[0].iloc[:1], rtol=1e-12)


def test_two_designs_say_why_they_do_not_predict_several_classes():
    for design, reason in (
        ("deep-radiomics", "tell two grades apart"),
        ("shape-resnet", "duplicating slices of the rarer"),
    ):
        kind = find_design(design)
        with pytest.raises(EndpointError, match=reason):
            kind.check_endpoint(ENDPOINT)


def test_networks_of_rdl_are_left_out_with_a_sentence():
    kind = find_design("rdl")
    planned = kind(parse_settings(kind, {}), Available(ENDPOINT, ("t1ce", "flair")))
    assert planned.final_model == "radiomics_fusion"
    assert not planned.needs_validation
    assert any("more than two classes" in note for note in planned.left_out)


def test_a_paper_of_two_classes_does_not_stand_beside_three():
    paper = find_design("rdl").paper
    assert paper.results_beside(parse_endpoint("grade: 2, 3, 4")).empty
    assert paper.results_beside(parse_endpoint("grade >= 3")).equals(paper.results)


@pytest.mark.parametrize(
    ("design", "endpoint", "same"),
    [
        ("rdl", "grade >= 3", True),
        ("rdl", "WHO Grade in {3, 4}", True),
        ("rdl", "grade >= 4", False),
        ("rdl", "grade < 3", False),
        ("rdl", "grade == IV", False),  # a rule that 2, 3 and 4 cannot be asked
        ("rdl", "grade in {III, IV}", False),
        ("rdl", "atrx_mutated == 1", False),
        ("rdl", "grade: 2, 3, 4", False),
        ("imaging-clinical", "ATRX == mutated", True),
        ("imaging-clinical", "grade >= 3", False),
        ("risk-signature", "grade >= 3", False),
    ],
)
def test_a_papers_endpoint_is_known_by_its_column_and_its_cut(design, endpoint, same):
    assert find_design(design).paper.predicts(parse_endpoint(endpoint)) is same
