"""Nomograms: points lead to the model's own probability."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter

from gliofuse.errors import InputError
from gliofuse.evaluation import cox_nomogram, logistic_nomogram, nomogram_points
from gliofuse.evaluation.nomogram import term_effect

HORIZONS = {"1 year": 365.0, "3 years": 1095.0}
KNOTS = (30.0, 45.0, 58.0, 75.0)


def spline_columns(age):
    """R: rms::rcspline.eval(age, knots=c(30, 45, 58, 75), norm=2), written out by its formula."""
    t1, t2, t3, t4 = KNOTS

    def cube(knot):
        return np.maximum(age - knot, 0) ** 3

    found = {"age": age}
    for place, knot in enumerate((t1, t2), 1):
        value = cube(knot) - cube(t3) * (t4 - knot) / (t4 - t3) + cube(t4) * (t3 - knot) / (t4 - t3)
        found["age" + "'" * place] = value / (t4 - t1) ** 2
    return found


@pytest.fixture(scope="module")
def cox():
    """A Cox model with a spline of age, three grades and a score; lifelines fits it."""
    rng = np.random.default_rng(5)
    n = 250
    age = rng.uniform(22, 84, n).round(1)
    grade = rng.choice(["2", "3", "4"], n)
    patients = pd.DataFrame({"age": age, "grade": grade, "score": rng.normal(size=n)})
    table = pd.DataFrame(spline_columns(age))
    table["grade=3"] = (grade == "3").astype(float)
    table["grade=4"] = (grade == "4").astype(float)
    table["score"] = patients["score"]
    risk = 0.002 * (age - 50) ** 2 + 0.8 * table["grade=4"] + 0.5 * table["score"]
    time = rng.exponential(1500 * np.exp(-risk))
    event = (time < 2500).astype(int)
    fitted = CoxPHFitter().fit(
        table.assign(time=np.minimum(time, 2500), event=event), "time", "event"
    )
    return fitted, table, patients


def nomogram_of(fitted, table):
    """The nomogram of a lifelines model, whose predictor is centred at the terms' means."""
    hazard = fitted.baseline_cumulative_hazard_.iloc[:, 0]
    baseline = {label: float(np.exp(-hazard[:days].iloc[-1])) for label, days in HORIZONS.items()}
    return cox_nomogram(
        fitted.params_,
        table,
        baseline=baseline,
        center=fitted._norm_mean,
        outcome="died",
        levels={"grade": ["2", "3", "4"]},
        splines={"age": KNOTS},
        units={"age": "years"},
    )


def test_points_of_a_cox_model_lead_to_its_own_survival(cox):
    """Levels and a restricted cubic spline too, to 1e-10."""
    fitted, table, patients = cox
    drawn = nomogram_points(nomogram_of(fitted, table))
    assert [term.name for term in drawn.model.terms] == ["age", "grade", "score"]
    assert drawn.model.terms[0].unit == "years"
    survival = fitted.predict_survival_function(table)  # a step at each event
    expected = pd.concat([survival[:days].iloc[-1] for days in HORIZONS.values()], axis=1)
    for row, patient in enumerate(patients.to_dict("records")):
        found = drawn.probabilities(patient)
        assert list(found) == list(HORIZONS)
        np.testing.assert_allclose(list(found.values()), expected.iloc[row], atol=1e-10)
        points = drawn.points(patient)
        assert min(points.values()) > -1e-3  # the spline's lowest value lies between two of a grid
        assert sum(points.values()) < drawn.highest_total + 1e-3


def test_lower_axes_stand_where_the_model_has_that_survival(cox):
    fitted, table, _ = cox
    drawn = nomogram_points(nomogram_of(fitted, table))
    for horizon, marks in drawn.marks().items():
        assert len(marks) > 3
        totals = [total for total, _ in marks]
        assert totals == sorted(totals)
        assert totals[-1] <= drawn.highest_total + 1e-9
        shares = [share for _, share in marks]
        assert shares == sorted(shares, reverse=True), "more points, less survival"
        for total, share in marks:
            assert drawn.probabilities_at(total)[horizon] == pytest.approx(share, abs=1e-10)
    axes = drawn.axes()
    assert axes["points"].max() == pytest.approx(100, abs=1e-3)
    assert set(axes["horizon"].dropna()) == set(HORIZONS)
    assert axes.loc[axes["variable"] == "grade", "value"].tolist() == ["2", "3", "4"]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_pages_calculator_gives_the_models_survival(cox):
    """The page's own script, run with node, against the record."""
    from gliofuse.report.page import script_of
    from gliofuse.report.sections.nomogram import nomogram_data

    fitted, table, patients = cox
    drawn = nomogram_points(nomogram_of(fitted, table))
    model = nomogram_data(drawn.model)["calculator"]
    given = [
        [
            term.levels[patient[term.name]] if term.levels else patient[term.name]
            for term in drawn.model.terms
        ]
        for patient in patients.to_dict("records")
    ]
    script = (
        f"{script_of('nomogram.js')}\nconst model = {json.dumps(model)};\n"
        f"const found = {json.dumps(given)}.map((v) => nomogram.probabilities(model, v));\n"
        "console.log(JSON.stringify(found));"
    )
    out = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    expected = [list(drawn.probabilities(one).values()) for one in patients.to_dict("records")]
    np.testing.assert_allclose(json.loads(out.stdout), expected, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-3, 3).filter(lambda slope: abs(slope) > 0.01),
            st.floats(-10, 10),
            st.floats(0.5, 20),
            st.floats(0, 1),
        ),
        min_size=1,
        max_size=5,
    ),
    st.floats(-3, 3),
)
def test_points_lead_to_a_logistic_models_own_probability(terms, intercept):
    slopes = {f"x{i}": term[0] for i, term in enumerate(terms)}
    table = pd.DataFrame({f"x{i}": [t[1], t[1] + t[2]] for i, t in enumerate(terms)})
    patient = {f"x{i}": term[1] + term[3] * term[2] for i, term in enumerate(terms)}
    model = logistic_nomogram(slopes, table, intercept=intercept, outcome="grade >= 3")
    # A column of whole numbers is drawn as levels, and a patient has one of them.
    patient |= {term.name: round(patient[term.name]) for term in model.terms if term.levels}
    drawn = nomogram_points(model)
    score = intercept + sum(slopes[name] * patient[name] for name in slopes)
    expected = 1 / (1 + np.exp(-score))
    assert drawn.probabilities(patient)[""] == pytest.approx(expected, abs=1e-10)
    axes = drawn.axes()
    assert axes["points"].min() == pytest.approx(0, abs=1e-9)
    assert axes["points"].max() == pytest.approx(100)
    assert all(points > -1e-9 for points in drawn.points(patient).values())


def test_what_does_not_vary_moves_to_the_constant():
    table = pd.DataFrame({"age": [40.0, 60.0], "field": [3.0, 3.0], "sex=M": [0.0, 1.0]})
    slopes = {"age": 0.1, "field": 0.5, "sex=M": -1.0}
    model = logistic_nomogram(slopes, table, intercept=-4.0, outcome="grade >= 3")
    assert [term.label for term in model.terms] == ["age", "sex: M"]
    assert model.terms[1].levels == {"no": 0, "yes": -1}
    assert model.intercept == pytest.approx(-2.5)
    assert model.fitted_on == "the 2 training patients"
    assert logistic_nomogram({"field": 0.5}, table, intercept=0, outcome="x") is None
    assert logistic_nomogram({"age": 0.0}, table, intercept=0, outcome="x") is None
    assert cox_nomogram(slopes, table, baseline={"5 years": np.nan}, outcome="died") is None


def test_what_lacks_is_named(cox):
    fitted, table, _ = cox
    drawn = nomogram_points(nomogram_of(fitted, table))
    with pytest.raises(InputError, match="needs all its variables"):
        drawn.points({"age": 3})
    with pytest.raises(InputError, match="grade: "):
        drawn.points({"age": 3, "grade": "5", "score": 0})
    with pytest.raises(InputError, match="did you mean 'score'"):
        logistic_nomogram({"scor": 1.0}, table, intercept=0, outcome="x")
    with pytest.raises(InputError, match="coefficient of 'age' must be finite, got nan"):
        logistic_nomogram({"age": np.nan}, table, intercept=0, outcome="x")
    with pytest.raises(InputError, match=r"coefficients lacks .*age''"):
        cox_nomogram(
            {"age": 1.0}, table, baseline={"1 year": 0.5}, outcome="x", splines={"age": KNOTS}
        )


def test_a_level_without_a_coefficient_is_the_reference(cox):
    _, table, _ = cox
    model = cox_nomogram(
        {"grade=4": 1.2},
        table,
        baseline={"1 year": 0.5},
        outcome="died",
        levels={"grade": ["2", "3", "4"]},
    )
    assert model.terms[0].levels == {"2": 0, "3": 0, "4": 1.2}
    assert term_effect(model.terms[0], 4) == 1.2
