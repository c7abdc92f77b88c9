"""Cox models equal R's coxph; the session's first lines stand in conftest.py."""

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import EndpointError, InputError, SettingError
from gliofuse.survival import CoxModel

# summary(fr)$conf.int[, c(1, 3, 4)], summary(fr)$coefficients[, c(3, 5)] and so on
CONFIDENCE = {
    "rossi": {
        "fin": (0.684256681180, 0.470236717672, 0.995684063246, 0.1913794807128, 0.04741609463984),
        "age": (0.944180670400, 0.904334546830, 0.985782466984, 0.0219994706280, 0.00903123959414),
        "race": (1.368752561435, 0.748446942095, 2.503161505599, 0.3079927763929, 0.30811796963662),
        "wexp": (0.860883839419, 0.567935357283, 1.304938978474, 0.2122242961582, 0.48028969512239),
        "mar": (0.648104145817, 0.306618334117, 1.369908244511, 0.3818680574649, 0.25606424449393),
        "paro": (0.918630703891, 0.625910987998, 1.348246613837, 0.1957566719209, 0.66461236388260),
        "prio": (1.095813576201, 1.035979082501, 1.159103898978, 0.0286485500735, 0.00140424561833),
    },
    "lung": {
        "age": (1.013432136183, 0.994429132853, 1.032798276637, 0.00965791578695, 1.67115283621e-1),
        "sex": (0.554874461077, 0.393241624237, 0.782942721672, 0.17567549798423, 7.99843809985e-4),
        "e1": (1.582056703049, 1.051858199431, 2.379506489576, 0.20825249889406, 2.76132140532e-2),
        "e2": (2.768769863805, 1.690857830228, 4.533844550184, 0.25162050984468, 5.17947264649e-5),
        "wt.loss": (0.991055477063, 0.978162353827, 1.004118544099, 0.00668116942062,
                    1.78693277957e-1),
    },
    "gbsg2": {
        "h": (0.707315523510, 0.549217764225, 0.910923284689, 0.129074735223003, 7.30141712689e-3),
        "age": (0.990585358956, 0.972691731459, 1.008808157447, 0.009300594797085,
                3.09126116450e-1),
        "m": (1.294914721508, 0.903786249268, 1.855310519866, 0.183476451697747, 1.58953622373e-1),
        "tsize": (1.007826552441, 1.000075753826, 1.015637421385, 0.003939017735384,
                  4.77940657901e-2),
        "g2": (1.889121119071, 1.159146310950, 3.078799085851, 0.249202492015081, 1.06925384824e-2),
        "g3": (2.180718136263, 1.288453708120, 3.690882768901, 0.268480147338328, 3.68481220569e-3),
        "pnodes": (1.049998357993, 1.034783859082, 1.065436556739, 0.007447089519788,
                   5.70135811144e-11),
        "progrec": (0.997785220571, 0.996664245038, 0.998907456896, 0.000573528557034,
                    1.10655271951e-4),
        "estrec": (1.000197330178, 0.999314840624, 1.001080599054, 0.000450367926763,
                   6.61306515985e-1),
    },
    "veteran": {
        "trt": (1.342836871223, 0.895806293420, 2.012947303411, 0.20654232790057, 1.53512162424e-1),
        "sq": (0.669404706071, 0.384742627891, 1.164681602781, 0.28256346118796, 1.55477547680e-1),
        "sm": (1.585008547057, 0.945181081010, 2.657958506276, 0.26376431076535, 8.07732016208e-2),
        "ad": (2.213630513885, 1.223619321413, 4.004644227376, 0.30246515497699, 8.60928261508e-3),
        "karno": (0.967709721941, 0.957450936181, 0.978078427365, 0.00543769692003,
                  1.57770479111e-9),
        "age": (0.991321927368, 0.973533073315, 1.009435827727, 0.00923870790318, 3.45468078169e-1),
        "prior": (1.007278954705, 0.967170529405, 1.049050670740, 0.02073152437938,
                  7.26463321930e-1),
    },
}  # fmt: skip

# f$loglik (null, model), summary(f)$sctest["test"], f$wald.test
OVERALL = {
    "rossi": (-675.380632347, -658.747659446, 33.5286888997, 32.1126101919),
    "lung": (-675.024373318, -659.766265780, 30.8271323673, None),
    "gbsg2": (-1788.10473712, -1735.73210426, 120.651479751, 114.823146202),
    "veteran": (-505.449054918, -474.397151289, 66.6267885511, 62.3639457532),
}

# cox.zph(f, transform)$table[, "chisq"]
SCHOENFELD = {
    ("rossi", "km"): [0.0624297500894, 5.9739816611519, 2.0682653833547, 4.2245956386986,
                      1.0110215645545, 0.0183832991358, 0.5205842670061, 17.6944152960279],
    ("rossi", "rank"): [1.3838084469833, 0.8964214621099, 2.2599781468497, 4.1596837566510,
                        0.0895921419991, 0.0218516556773, 1.6408034826293, 11.0251834348359],
    ("rossi", "identity"): [0.00895055826555, 6.61594379790833, 2.14442625260625,
                            3.87675512984270, 1.03134831884420, 0.02817659868642,
                            0.42479841110757, 18.18268708138891],
    ("rossi", "log"): [0.1375994351791, 8.2314983504442, 1.6170849367858, 2.0858548451546,
                       1.1259733149641, 0.2192028103517, 0.0134790713643, 17.6615705937229],
    ("lung", "km"): [0.4472436377694, 2.9409099324862, 1.0142997833294, 2.5270639644913,
                     0.0620836215043, 5.4881630810077],
    ("lung", "rank"): [0.3657291950591, 2.6455082612207, 0.8901648909088, 2.7511258339091,
                       0.0502240666814, 5.5671334464810],
    ("lung", "identity"): [0.430341654409, 3.080587597982, 0.933103794545, 2.147738316801,
                           0.072416235382, 5.091490972284],
    ("gbsg2", "km"): [0.238521435651, 10.437859628615, 5.406030450721, 0.191142399281,
                      3.251517548714, 8.808923317044, 0.807716788221, 4.385546256388,
                      5.892555103491, 24.421092833239],
    ("gbsg2", "identity"): [0.217634018178, 9.116186658568, 4.452008785970, 0.160416950172,
                            2.310616213281, 6.308615458417, 1.111973327276, 3.338764299466,
                            3.729044191941, 19.459884151896],
    ("veteran", "km"): [0.26168837462, 3.58223232379, 3.98515650304, 6.78611080701,
                        12.91304150433, 1.82641911910, 2.13071641368, 31.71591673217],
    ("veteran", "rank"): [0.272791760619, 3.574832503119, 4.099580310282, 6.916408419537,
                          13.507289639899, 1.767642621069, 2.194361308890, 32.218208491012],
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted(rossi, lung, gbsg2, veteran):
    data = {"rossi": rossi, "lung": lung, "gbsg2": gbsg2, "veteran": veteran}
    return {name: CoxModel().fit(*both) for name, both in data.items()}


@pytest.mark.parametrize("name", list(CONFIDENCE))
def test_hazard_ratios_are_those_of_r(fitted, name):
    table = fitted[name].summary().set_index("term")
    expected = pd.DataFrame(
        CONFIDENCE[name], index=["hazard_ratio", "ci_low", "ci_high", "se", "p"]
    )
    assert list(table.index) == list(expected.columns)
    for column, values in expected.iterrows():
        np.testing.assert_allclose(table[column], values, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(np.log(table["hazard_ratio"]), table["coefficient"], atol=1e-12)
    assert (table["note"] == "").all()


@pytest.mark.parametrize("name", list(OVERALL))
def test_likelihood_and_tests_are_those_of_r(fitted, name):
    null, full, score, wald = OVERALL[name]
    model = fitted[name]
    assert model.loglik_null_ == pytest.approx(null, abs=1e-6)
    assert model.loglik_ == pytest.approx(full, abs=1e-6)
    tests = model.tests().set_index("test")
    assert tests.loc["score", "chi2"] == pytest.approx(score, rel=1e-6)
    assert tests.loc["likelihood ratio", "chi2"] == pytest.approx(2 * (full - null), rel=1e-6)
    if wald is not None:
        assert tests.loc["wald", "chi2"] == pytest.approx(wald, rel=1e-6)
    assert set(tests["degrees"]) == {len(CONFIDENCE[name])}


@pytest.mark.parametrize(("name", "transform"), list(SCHOENFELD))
def test_proportional_hazards_are_tested_as_by_r(fitted, name, transform):
    table = fitted[name].proportional_hazards(transform=transform)
    assert list(table["term"]) == [*CONFIDENCE[name], "GLOBAL"]
    np.testing.assert_allclose(table["chi2"], SCHOENFELD[name, transform], rtol=1e-6)
    assert list(table["degrees"]) == [1] * len(CONFIDENCE[name]) + [len(CONFIDENCE[name])]


def test_levels_of_a_variable_are_tested_together(fitted):
    """``cox.zph(coxph(Surv(time, status) ~ trt + celltype + karno + age + prior, v))``"""
    table = (
        fitted["veteran"]
        .proportional_hazards(
            variables={"celltype": ["sq", "sm", "ad"], "karno": ["karno"], "trt": ["trt"]}
        )
        .set_index("term")
    )
    assert table.loc["celltype", "chi2"] == pytest.approx(15.11838458635, rel=1e-6)
    assert table.loc["celltype", "degrees"] == 3
    assert table.loc["celltype", "p"] == pytest.approx(1.71822548816e-3, rel=1e-5)
    assert table.loc["GLOBAL", "chi2"] == pytest.approx(31.71591673217, rel=1e-6)


def test_scaled_schoenfeld_residuals_are_those_of_r(fitted):
    """``z <- cox.zph(fr); z$y[c(1, 2, 50, 114), 1:3]``, and of fl for rows 1, 2, 50, 100"""
    rows = [0, 1, 49, 113]
    residual = fitted["rossi"].schoenfeld()
    expected = {
        "fin": [-2.10910171867, -2.55763114018, -1.94995564914, -2.38457168774],
        "age": [-0.1345515888785, 1.0751070359439, -0.0898956970064, 0.4432867029654],
        "race": [1.366329251071, 0.660226871264, 1.446623453924, 1.133973689160],
    }
    for term, values in expected.items():
        own = residual[residual["term"] == term]
        np.testing.assert_allclose(own["scaled_residual"].iloc[rows], values, rtol=1e-6)
        assert list(own["time"].iloc[rows]) == [1, 2, 25, 52]
    residual = fitted["lung"].schoenfeld()
    own = residual[residual["term"] == "e2"]["scaled_residual"].iloc[[0, 1, 49, 99]]
    expected = [-4.83359343669, 5.26530777820, 4.07039886039, 1.76169179033]
    # at a time of tied deaths R keeps the caller's order of them, here too
    np.testing.assert_allclose(own, expected, rtol=1e-6)


def test_baseline_is_efrons(fitted, rossi):
    """``b <- survfit(fr, newdata = data.frame(t(colMeans(rossi[, names(coef(fr))]))))``"""
    baseline = fitted["rossi"].baseline_
    assert len(baseline) == 49
    np.testing.assert_allclose(
        baseline["cumulative_hazard"].iloc[[0, 9, 29, 48]],
        [0.00195808164786, 0.02994392899573, 0.13299438803010, 0.27529586527201],
        rtol=1e-6,
    )
    assert list(baseline["time"].iloc[[0, 9, 29, 48]]) == [1, 10, 31, 52]
    np.testing.assert_allclose(
        fitted["rossi"].log_hazard(rossi[0].head(3)),
        [0.198134474518, 1.172559558397, 1.108911728967],
        atol=1e-6,
    )


def test_survival_is_that_of_r(fitted, gbsg2, veteran):
    """``summary(survfit(fg, newdata = g[1:2, ]), times = c(365, 1095, 1825))$surv``, and fv"""
    survival = fitted["gbsg2"].survival(gbsg2[0].head(2), [365, 1095, 1825])
    assert list(survival.columns) == [365, 1095, 1825]
    np.testing.assert_allclose(
        survival.T,
        [
            [0.923202376689, 0.931285221248],
            [0.647326058058, 0.678778185412],
            [0.474332280081, 0.514540035436],
        ],
        rtol=1e-6,
    )
    survival = fitted["veteran"].survival(veteran[0].head(2), [30, 100, 365])
    np.testing.assert_allclose(
        survival.T,
        [
            [0.889711252342, 0.909807370276],
            [0.687087455994, 0.738184666206],
            [0.258327044210, 0.334599925429],
        ],
        rtol=1e-6,
    )


def test_survival_outside_follow_up(fitted, rossi):
    survival = fitted["rossi"].survival(rossi[0].head(3), [0, 0.5, 52, 52.1])
    assert (survival[[0, 0.5]] == 1).all(axis=None)
    assert survival[52].between(0, 1).all()
    assert survival[52.1].isna().all()


def test_order_of_patients_units_and_time_do_not_matter(rossi):
    X, y = rossi
    plain = CoxModel().fit(X, y)
    order = np.random.default_rng(0).permutation(len(X))
    moved = CoxModel().fit(X.iloc[order], y.iloc[order])
    np.testing.assert_allclose(moved.coefficients_, plain.coefficients_, rtol=1e-8)
    scaled = CoxModel().fit(X.assign(age=X["age"] * 365.25 + 1e6), y.assign(time=y["time"] / 52))
    np.testing.assert_allclose(
        scaled.coefficients_["age"] * 365.25, plain.coefficients_["age"], rtol=1e-6
    )
    pd.testing.assert_series_equal(
        moved.log_hazard(X), plain.log_hazard(X), check_exact=False, atol=1e-8
    )
    assert plain.log_hazard(X).mean() == pytest.approx(0, abs=1e-12)


def test_lifelines_agrees(gbsg2):
    """The same model by another library, whose normal matrix and ties are its own."""
    from lifelines import CoxPHFitter

    X, y = gbsg2
    other = CoxPHFitter().fit(X.join(y), "time", "event", fit_options={"precision": 1e-10})
    table = CoxModel().fit(X, y).summary().set_index("term")
    np.testing.assert_allclose(table["coefficient"], other.params_, rtol=1e-6)
    np.testing.assert_allclose(table["se"], other.standard_errors_, rtol=1e-6)


@pytest.fixture
def separated():
    """Everybody with x = 1 dies before anybody else."""
    y = pd.DataFrame({"time": np.arange(1.0, 11), "event": 1})
    X = pd.DataFrame({"z": [3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3], "x": [1.0] * 5 + [0.0] * 5})
    return X, y


def test_separation_is_told_and_leaves_the_other_terms_alone(separated):
    """``summary(coxph(Surv(t, e) ~ z + x, d))``: z 0.06114 (0.2056), x "may be infinite"."""
    model = CoxModel().fit(*separated)
    table = model.summary().set_index("term")
    assert "separation" in table.loc["x", "note"]
    assert table.loc["x", ["ci_low", "ci_high", "se", "p"]].isna().all()
    assert 0.5 < table.loc["x", "coefficient"] < 10
    assert table.loc["z", "note"] == ""
    # not R's to 1e-6: what x is held at takes part in it
    assert table.loc["z", "coefficient"] == pytest.approx(0.06114, abs=0.06)
    assert table.loc["z", "se"] == pytest.approx(0.2056, abs=0.03)
    assert model.proportional_hazards()["chi2"].isna().tolist() == [False, True, False]
    assert set(model.schoenfeld()["term"]) == {"z"}
    assert model.survival(separated[0], [5]).notna().all(axis=None)


def test_separation_by_a_rare_group_is_seen(rossi):
    X, y = rossi
    rare = ((y["time"] > 50) & (y["event"] == 0)).to_numpy() & (np.arange(len(y)) % 60 == 0)
    assert 2 <= rare.sum() <= 8
    table = CoxModel().fit(X.assign(rare=rare), y).summary().set_index("term")
    assert "separation" in table.loc["rare", "note"]
    assert abs(table.loc["rare", "coefficient"]) < 10
    assert (table.drop(index="rare")["note"] == "").all()
    assert table.loc["prio", "hazard_ratio"] == pytest.approx(1.0958, abs=0.01)


def test_columns_that_say_nothing_are_left_out(rossi):
    X, y = rossi
    plain = CoxModel().fit(X, y)
    table = X.assign(one=1.0, years=X["age"] / 10 + 3, both=X["fin"] - 2 * X["race"])
    model = CoxModel().fit(table[["one", *X.columns, "years", "both"]], y)
    summary = model.summary().set_index("term")
    assert summary.loc["one", "note"] == "constant: left out"
    assert summary.loc["years", "note"] == "follows from the terms before it: left out"
    assert summary.loc["both", "note"] == "follows from the terms before it: left out"
    assert summary.loc[["one", "years", "both"], "hazard_ratio"].isna().all()
    np.testing.assert_allclose(
        summary.loc[list(X.columns), "hazard_ratio"],
        plain.summary()["hazard_ratio"],
        rtol=1e-7,
    )
    assert model.loglik_ == pytest.approx(plain.loglik_, abs=1e-8)
    assert model.proportional_hazards().set_index("term").loc["GLOBAL", "degrees"] == 7
    np.testing.assert_allclose(model.log_hazard(table), plain.log_hazard(X), atol=1e-8)


def test_more_terms_than_patients_does_not_end_the_work():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(12, 30))).add_prefix("f")
    y = pd.DataFrame({"time": rng.exponential(size=12), "event": 1})
    model = CoxModel().fit(X, y)
    assert (model.notes_ != "").all()
    assert model.coefficients_.abs().max() < 20
    assert np.isfinite(model.log_hazard(X)).all()


def test_all_constant_columns_give_the_null_model(rossi):
    X, y = rossi
    model = CoxModel().fit(X[["fin"]] * 0, y)
    assert model.loglik_ == model.loglik_null_
    assert (model.log_hazard(X[["fin"]] * 0) == 0).all()
    assert model.tests()["chi2"].isna().all()
    assert model.proportional_hazards()["chi2"].isna().all()
    assert model.schoenfeld().empty


def test_all_events_and_zero_times_are_allowed():
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"x": rng.normal(size=40)})
    y = pd.DataFrame({"time": np.floor(rng.exponential(3, size=40)), "event": 1})
    assert (y["time"] == 0).any()
    model = CoxModel().fit(X, y)
    assert model.summary()["note"].tolist() == [""]
    assert model.baseline_["time"].iloc[0] == 0
    assert model.baseline_["cumulative_hazard"].iloc[0] > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"event": 0}, EndpointError, r"needs 1 patient\(s\) or more with the event, got 0 of 432"),
        ({"event": 2}, EndpointError, r"event must be 1 \(seen\) or 0 \(censored\)"),
        ({"time": -1.0}, EndpointError, r"time must be a number from 0 up: patient 0 has -1"),
        ({"time": np.nan}, EndpointError, r"time must be a number from 0 up"),
    ],
)
def test_outcomes_that_are_none(rossi, change, error, message):
    X, y = rossi
    with pytest.raises(error, match=message) as caught:
        CoxModel().fit(X, y.assign(**change))
    assert "\n" not in str(caught.value)


def test_input_that_is_refused(rossi):
    X, y = rossi
    with pytest.raises(InputError, match="y must be a DataFrame with the columns time and event"):
        CoxModel().fit(X, y["time"])
    with pytest.raises(InputError, match=r"column 'age' .* has a missing or infinite value"):
        CoxModel().fit(X.assign(age=X["age"].where(X["age"] < 40)), y)
    with pytest.raises(InputError, match="column 'age' is object"):
        CoxModel().fit(X.assign(age="old"), y)
    with pytest.raises(InputError, match="same patients in the same order"):
        CoxModel().fit(X.iloc[::-1], y)
    with pytest.raises(EndpointError, match="needs two patients or more, got 1"):
        CoxModel().fit(X.head(1), y.head(1))
    with pytest.raises(SettingError, match="penalty must be 0 or more"):
        CoxModel(penalty=-1).fit(X, y)
    model = CoxModel().fit(X, y)
    with pytest.raises(InputError, match="lacks the model's term 'prio'"):
        model.log_hazard(X.drop(columns="prio"))
    with pytest.raises(SettingError, match="transform got 'ranks'; did you mean 'rank'"):
        model.proportional_hazards(transform="ranks")
