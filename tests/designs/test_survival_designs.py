"""Designs of a survival endpoint: from tables, from images, and what they may not do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort import SurvivalEndpoint
from gliofuse.designs import Available, FitContext, find_design, parse_settings
from gliofuse.errors import EndpointError, InputError, SettingError
from gliofuse.evaluation.survival.concordance import harrell_concordance
from gliofuse.inputs import CaseData, FeatureTable
from gliofuse.signature import SignatureWarning

ENDPOINT = SurvivalEndpoint("os_days", "died")
FEATURES = 40


def cohort(patients=160, *, seed=0, image=1.0, clinical=0.8):
    """Return features, clinical table and outcome, with known log hazard ratios per SD."""
    rng = np.random.default_rng(seed)
    names = [f"p{number:03}" for number in range(patients)]
    hidden, age = rng.normal(size=(2, patients))
    features = rng.normal(size=(patients, FEATURES))
    features[:, :5] += hidden[:, None]
    columns = [f"t1ce.whole.original_firstorder_F{number}" for number in range(FEATURES)]
    death = 700 * rng.exponential(size=patients) * np.exp(-image * hidden - clinical * age)
    censored = rng.exponential(1200, patients)
    outcome = pd.DataFrame(
        {"time": np.ceil(np.minimum(death, censored)), "event": (death <= censored).astype(int)},
        index=names,
    )
    table = pd.DataFrame({"age": 50 + 10 * age, "sex": rng.choice(["F", "M"], patients)}, names)
    return pd.DataFrame(features, names, columns), table, outcome


def fitted(design, features, clinical, outcome, *, learned, covariates=("age", "sex"), **settings):
    """Return a fitted design and the data of all patients."""
    kind = find_design(design, ENDPOINT)
    available = Available(
        endpoint=ENDPOINT,
        sequences=("t1ce",),
        regions=("whole",),
        images=False,
        clinical=covariates,
        survival=ENDPOINT,
        deep=False,
    )
    if "trees" in kind.Settings.model_fields:
        settings = {"trees": 20, **settings}
    planned = kind(parse_settings(kind, settings), available)
    inputs = {planned.radiomics.key: FeatureTable(features)}
    data = CaseData(tuple(features.index), inputs, clinical, outcome)
    training = data.subset(features.index[:learned])
    return planned.fit(training, None, FitContext(seed=0)), data


def held_out_concordance(one, data, learned):
    rest = data.subset(data.case_ids[learned:])
    scores, y = one.predict(rest.without_outcome()), rest.survival
    return {
        name: harrell_concordance(y["time"], y["event"], scores[(name, "risk")]).estimate
        for name in one.names
    }


@pytest.mark.parametrize("design", ["risk-signature", "deep-radiomics"])
def test_image_adds_where_it_knows_more_than_the_clinical_terms(design):
    one, data = fitted(design, *cohort(image=1.2), learned=110)
    found = held_out_concordance(one, data, 110)
    assert found["integrated"] > found["clinical"] + 0.05
    assert found["signature"] > 0.6
    assert one.beside == {"integrated": "signature"}


def test_noise_stays_out_of_the_integrated_model():
    with pytest.warns(SignatureWarning, match="left out of the integrated model"):
        one, data = fitted("risk-signature", *cohort(image=0.0), learned=110)
    assert one.beside == {}
    scores = one.predict(data)
    pd.testing.assert_frame_equal(scores["integrated"], scores["clinical"])


@pytest.mark.slow(minutes=0.5)
def test_every_way_of_building_a_signature_has_its_models():
    given = {"compared": "all", "trees": 10, "admit": "always"}
    one, data = fitted("risk-signature", *cohort(), learned=110, **given)
    assert set(one.names) >= {
        "integrated",
        "signature_ridge",
        "integrated_cox",
        "integrated_stability",
        "integrated_paper",
    }
    scores = one.predict(data)
    assert list(scores["clinical"].columns) == list(ENDPOINT.prediction_columns)
    survival = scores["integrated"].drop(columns="risk")
    assert ((survival >= 0) & (survival <= 1)).all(axis=None)
    assert (survival["survival_365"] >= survival["survival_1095"]).all()


def test_training_patients_are_scored_out_of_fold():
    """Of noise the fitted signature knows its own patients; out of fold it must not."""
    features, clinical, outcome = cohort(image=0.0, clinical=0.0)
    one, data = fitted(
        "risk-signature", features, clinical, outcome, learned=110, method="ridge", admit="always"
    )
    training = data.subset(data.case_ids[:110])
    y = training.survival
    apparent = one.signatures["signature"].score(training)
    known = one.signatures["signature"].known
    assert harrell_concordance(y["time"], y["event"], apparent).estimate > 0.6
    assert harrell_concordance(y["time"], y["event"], known).estimate < 0.58
    said = one.predict_training(training)[("signature", "risk")]
    expected = one.out_of_fold()["signature"]["risk"]
    pd.testing.assert_series_equal(said, expected, check_names=False)


def test_tables_of_hazard_ratios():
    one, _ = fitted("risk-signature", *cohort(), learned=110, splines=["age"])
    tables = one.tables()
    ratios = tables["hazard_ratios"].query("model == 'integrated' and kind == 'multivariable'")
    assert ratios["term"].tolist() == ["age", "age'", "age''", "sex=M", "signature"]
    row = ratios.set_index("term").loc["signature"]
    assert row["ci_low"] > 1
    assert {"GLOBAL", "signature"} <= set(tables["proportional_hazards"]["term"])
    assert len(tables["schoenfeld"]) > 50
    assert tables["selected_features"]["feature"].str.startswith("t1ce.whole.").all()


def test_without_covariates_the_signature_is_final():
    one, data = fitted("deep-radiomics", *cohort(), learned=110, covariates=())
    assert one.design.final_model == "signature"
    assert any("no covariates" in note for note in one.design.left_out)
    assert held_out_concordance(one, data, 110)["signature"] > 0.6


def test_p_values_leave_the_terms_of_a_publication():
    one, _ = fitted("deep-radiomics", *cohort(), learned=110, terms="eliminate")
    assert list(one.cox["clinical"].table.columns) == ["age"]


def test_designs_that_do_not_predict_survival_say_so():
    with pytest.raises(EndpointError, match="cannot predict the survival endpoint"):
        fitted("rdl", *cohort(), learned=110)
    with pytest.raises(EndpointError, match="two classes beside survival"):
        fitted("deep-radiomics", *cohort(), learned=110, guide="grade: 2, 3, 4")
    with pytest.raises(InputError, match="network"):
        fitted("single-network", *cohort(), learned=110)


@pytest.mark.parametrize("design", ["risk-signature", "deep-radiomics"])
def test_a_signature_beyond_no_clinical_risk_is_refused(design):
    with pytest.raises(SettingError, match="no covariates are named: give --covariates"):
        fitted(design, *cohort(), learned=110, covariates=(), method="offset")


def test_the_publications_signature_can_learn_beyond_the_clinical_risk():
    plain, _ = fitted("deep-radiomics", *cohort(), learned=110)
    beyond, _ = fitted("deep-radiomics", *cohort(), learned=110, method="offset")
    assert not plain.signatures["signature"].known.equals(beyond.signatures["signature"].known)
