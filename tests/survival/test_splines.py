"""Splines equal those of R; see conftest.py for the session."""

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_gbsg2, load_larynx

from gliofuse.errors import InputError, SettingError
from gliofuse.survival import CoxModel, RestrictedCubicSpline, harrell_knots


@pytest.mark.parametrize(
    ("column", "count", "knots"),
    [
        ("age", 3, [40, 53, 65]),
        ("age", 4, [36, 48, 58, 68]),
        ("age", 5, [36, 47, 53, 60, 68]),
        ("progrec", 4, [1, 4, 56, 433.75]),  # a fifth of the patients are at 0
        ("pnodes", 5, [1, 2, 3, 6, 16]),
        ("pnodes", 3, [1, 3, 11.5]),
    ],
)
def test_knots_are_those_of_r(column, count, knots):
    """``Hmisc::rcspline.eval(g$age, nk = 3, knots.only = TRUE)``"""
    np.testing.assert_allclose(harrell_knots(load_gbsg2()[column], count), knots)


def test_outer_knots_of_few_patients():
    """``rcspline.eval(larynx$age, nk = 4, knots.only = TRUE)``, 90 patients"""
    np.testing.assert_allclose(harrell_knots(load_larynx()["age"], 4), [47, 61.15, 69, 81])


@pytest.mark.parametrize(
    ("count", "rows"),
    [
        (3, [[70, 27.04], [56, 6.4636], [47, 0.5488], [55, 5.37333333333]]),
        (4, [[70, 33.0, 7.03125], [56, 7.8125, 0.5], [47, 1.2998046875, 0.0],
             [55, 6.6982421875, 0.3349609375]]),
        (5, [[70, 34.5, 9.3310546875, 2.9736328125], [56, 7.8125, 0.7119140625, 0.0263671875],
             [47, 1.2998046875, 0.0, 0.0], [55, 6.6982421875, 0.5, 0.0078125]]),
    ],
)  # fmt: skip
def test_basis_is_that_of_r(count, rows):
    """``rcspline.eval(g$age, nk = 3, inclx = TRUE, norm = 2)[c(1, 2, 100, 686), ]``"""
    age = load_gbsg2()["age"]
    basis = RestrictedCubicSpline(count).fit(age).basis(age)
    assert list(basis.columns) == ["age", "age'", "age''", "age'''"][: count - 1]
    np.testing.assert_allclose(basis.iloc[[0, 1, 99, 685]], rows, rtol=1e-9, atol=1e-12)


def test_basis_is_linear_outside_and_smooth_at_the_knots():
    spline = RestrictedCubicSpline([30, 45, 60, 75]).fit(None)
    x = pd.Series(np.linspace(0, 120, 1201), name="age")
    basis = spline.basis(x).to_numpy()[:, 1:]
    assert (basis[x < 30] == 0).all()
    bend = np.diff(basis, 2, axis=0)
    np.testing.assert_allclose(bend[x[1:-1] > 75.05], 0, atol=1e-9)
    assert np.abs(np.diff(bend, axis=0)).max() < 1e-3  # no jump of the second derivative
    assert np.isnan(spline.basis(pd.Series([np.nan, 3.0]))).to_numpy().tolist() == [
        [True] * 3,
        [False] * 3,
    ]


def test_age_in_a_cox_model(gbsg2):
    """``anova(coxph(Surv(time, cens) ~ rcs(age, 4) + pnodes, g))`` of rms: loglik of the fit"""
    X, y = gbsg2
    spline = RestrictedCubicSpline(4).fit(X["age"])
    terms = spline.basis(X["age"]).assign(pnodes=X["pnodes"])
    model = CoxModel().fit(terms, y)
    linear = CoxModel().fit(terms[["age", "pnodes"]], y)
    assert model.loglik_ == pytest.approx(LOGLIK, abs=1e-6)
    np.testing.assert_allclose(model.coefficients_, COEFFICIENTS, rtol=1e-6)
    assert model.loglik_ > linear.loglik_ + 5


# f <- coxph(Surv(time, cens) ~ rcspline.eval(age, nk = 4, inclx = TRUE, norm = 2) + pnodes, g,
#            control = coxph.control(eps = 1e-11)); f$loglik[2]; coef(f)
LOGLIK = -1752.743859062
COEFFICIENTS = [-0.0902998529964, 0.2420046979684, -0.7744221052654, 0.0573694408720]


def test_knots_that_cannot_be():
    with pytest.raises(SettingError, match="takes 3 to 7 knots, got 2"):
        harrell_knots(range(50), 2)
    with pytest.raises(SettingError, match="three different knots or more"):
        RestrictedCubicSpline([40, 40, 60]).fit(None)
    with pytest.raises(InputError, match="need 6 values or more, got 3"):
        harrell_knots([1, 2, 3])
    with pytest.raises(InputError, match="2 different values give 0 knots"):
        harrell_knots([0, 1] * 20)
