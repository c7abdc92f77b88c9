"""Endpoints: rules on columns, missing values, and mistakes."""

from __future__ import annotations

import pandas as pd
import pytest

from gliofuse.cohort import (
    BinaryEndpoint,
    MulticlassEndpoint,
    SurvivalEndpoint,
    endpoint_from_dict,
    parse_endpoint,
    read_manifest,
)
from gliofuse.errors import EndpointError

CLINICAL = pd.DataFrame(
    {
        "WHO CNS Grade": [2, 3, 4, None],
        "IDH": ["mutant", "wildtype", "mutant ", None],
        "days in care": [1.0, 20.0, 3.0, 4.0],
        "mixed": ["2", "III", "4", "2"],
        "one": [1, 1, 1, 1],
        "OS": [100, 0, -5, 7],
        "1-dead 0-alive": [1, 0, 1, None],
        "status": ["dead", "alive", "lost", "dead"],
    },
    index=pd.Index(list("abcd"), name="case_id"),
)


@pytest.mark.parametrize(
    ("text", "positive", "negative"),
    [
        ("WHO CNS Grade >= 4", "c", "ab"),
        ("WHO CNS Grade>2", "bc", "a"),
        ("WHO CNS Grade <= 2", "a", "bc"),
        ("WHO CNS Grade < 3", "a", "bc"),
        ("WHO CNS Grade == 4", "c", "ab"),
        ("WHO CNS Grade = 4.0", "c", "ab"),
        ("WHO CNS Grade != 4", "ab", "c"),
        ("WHO CNS Grade in {2, 4}", "ac", "b"),
        ("WHO CNS Grade not in {2, 4}", "b", "ac"),
        ("IDH == mutant", "ac", "b"),
        ("IDH in {'mutant'}", "ac", "b"),
        ('IDH == "wildtype"', "b", "ac"),
        ("days in care >= 4", "bd", "ac"),
        ("days in care in {20, 3}", "bc", "ad"),
        ("mixed >= 3", "c", "ad"),
    ],
)
def test_binary(text, positive, negative):
    endpoint = parse_endpoint(text)
    outcome, excluded = endpoint.outcome(CLINICAL)
    labels = outcome["y_true"]
    assert labels[labels == 1].index.tolist() == list(positive)
    assert labels[labels == 0].index.tolist() == list(negative)
    assert set(excluded["case_id"]) == set("abcd") - set(positive + negative)
    assert excluded["reason"].str.contains("is missing|no number").all()
    again = endpoint_from_dict(endpoint.as_dict())
    assert again == endpoint
    assert parse_endpoint(endpoint.describe()).outcome(CLINICAL)[0].equals(outcome)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("WHO CNS Grad >= 4", "no column 'WHO CNS Grad': did you mean 'WHO CNS Grade'"),
        ("WHO CNS Grade >= 5", "got 0 positive and 3 negative; the column holds 2"),
        ("one == 1", "got 4 positive and 0 negative"),
        ("IDH == Mutant", "no patient has 'Mutant' in 'IDH'; did you mean 'mutant"),
        ("IDH == mutatn", "did you mean 'mutant"),
        ("IDH >= mutant", "needs a number"),
        ("IDH in {}", "cannot read the value|cannot understand"),
        ("IDH", "cannot understand the endpoint 'IDH'; write for example"),
        ("a, b, c", "cannot understand"),
        ("WHO CNS Grade: 2, 3, 5", "no patient has '5' in 'WHO CNS Grade'; the column holds 2"),
        ("WHO CNS Grade: 2, 3", "three or more different values, got 2, 3; for two write a rule"),
        ("WHO CNS Grade: 2, 3, 2.0", "three or more different values"),
        (">= 3", "cannot understand"),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(EndpointError, match=message):
        parse_endpoint(text).outcome(CLINICAL)


def test_several_classes():
    endpoint = parse_endpoint("WHO CNS Grade: 2, 3, 4.0")
    assert endpoint == parse_endpoint("WHO CNS Grade: 2/3/4")
    assert endpoint.classes == ("2", "3", "4")
    assert endpoint.ordered
    assert endpoint.prediction_columns == ("probability_2", "probability_3", "probability_4")
    outcome, excluded = endpoint.outcome(CLINICAL)
    assert outcome["y_true"].to_dict() == {"a": "2", "b": "3", "c": "4"}
    assert excluded.values.tolist() == [["d", "WHO CNS Grade is missing"]]
    assert endpoint_from_dict(endpoint.as_dict()) == endpoint
    assert parse_endpoint(endpoint.describe()) == endpoint
    assert endpoint_from_dict({**endpoint.as_dict(), "classes": "2, 3, 4"}) == endpoint


def test_patients_of_a_class_not_named_are_listed():
    clinical = pd.DataFrame({"kind": ["astro", "oligo", "gbm", "ependymoma"]}, index=list("abcd"))
    endpoint = MulticlassEndpoint("kind", ("astro", "oligo", "gbm"))
    assert not endpoint.ordered
    _, excluded = endpoint.outcome(clinical)
    assert excluded.values.tolist() == [["d", "kind is 'ependymoma', none of astro, oligo, gbm"]]


def test_survival():
    endpoint = parse_endpoint("OS, 1-dead 0-alive")
    assert endpoint == SurvivalEndpoint("OS", "1-dead 0-alive")
    table, excluded = endpoint.outcome(CLINICAL)
    assert table.to_dict("index") == {
        "a": {"time": 100.0, "event": 1},
        "b": {"time": 0.0, "event": 0},
    }
    assert dict(excluded.values.tolist()) == {
        "c": "OS is -5, which is no time",
        "d": "1-dead 0-alive is missing",
    }
    assert endpoint.strata(table).to_dict() == {"a": "event", "b": "censored"}
    assert endpoint_from_dict(endpoint.as_dict()) == endpoint


def test_survival_by_words_and_without_events():
    with pytest.raises(EndpointError, match=r"status holds 'lost' \(1 patient\), neither 0/1"):
        SurvivalEndpoint("days in care", "status").outcome(CLINICAL)
    endpoint = parse_endpoint("days in care, status == dead")
    assert endpoint.seen == "dead"
    known = CLINICAL.loc[["a", "b", "d"]]
    table, excluded = SurvivalEndpoint("days in care", "status").outcome(known)
    assert table["event"].to_dict() == {"a": 1, "b": 0, "d": 1}
    assert excluded.empty
    with pytest.raises(EndpointError, match="at least one event, got none in 1"):
        SurvivalEndpoint("days in care", "status").outcome(CLINICAL.loc[["b"]])


FOLLOWED = pd.DataFrame(
    {
        "months": [0, 6, 14, 30, 48, 70],
        "status": [1, 2, 1, 3, 2, 1],
        "died": ["alive", "dead", "Dead", "unknown", "alive", "dead"],
    },
    index=list("abcdef"),
)


def test_events_by_their_own_codes_and_competing_causes():
    endpoint = endpoint_from_dict(
        {
            "kind": "survival",
            "time": "months",
            "event": {"column": "status", "seen": 2, "competing": 3},
            "unit": "months",
        }
    )
    table, excluded = endpoint.outcome(FOLLOWED)
    assert excluded.empty
    assert table["event"].tolist() == [0, 1, 0, 0, 1, 0]
    assert table["competing"].tolist() == [0, 0, 0, 1, 0, 0]
    assert endpoint_from_dict(endpoint.as_dict()) == endpoint
    with pytest.raises(EndpointError, match=r"no patient has status '4'; it holds 1, 2, 3"):
        parse_endpoint("months, status == 4").outcome(FOLLOWED)
    with pytest.raises(EndpointError, match=r"status holds '2' .*months, status == 2"):
        parse_endpoint("months, status").outcome(FOLLOWED)


def test_unknown_status_is_missing_and_follow_up_can_be_ended():
    endpoint = SurvivalEndpoint("months", "died", "months", until=24)
    table, excluded = endpoint.outcome(FOLLOWED)
    assert excluded.values.tolist() == [["d", "died is missing"]]
    assert table.loc["e"].tolist() == [24.0, 0]
    assert table.loc["f"].tolist() == [24.0, 0]
    assert endpoint.prediction_columns == ("risk", "survival_12")
    said = " ".join(endpoint.remarks(table))
    assert "time 0: 1 patient, kept" in said
    assert "follow-up ends at 24 months: reached by 2 patients" in said


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": "month"}, "unit of time 'month' is unknown: did you mean 'months'"),
        ({"horizons": (12, -1)}, "horizon must be a number of days over 0, got -1"),
        ({"horizons": ("soon",)}, "horizon must be a number"),
        ({"until": 0}, "until must be a number"),
        ({"horizons": (400,), "until": 365}, "horizon 400 lies past 365 days"),
        ({"horizons": (400,)}, "horizon 400 lies past the last patient's time, 70 days"),
    ],
)
def test_times_that_make_no_sense(settings, message):
    with pytest.raises(EndpointError, match=message):
        SurvivalEndpoint("months", "died", **settings).outcome(FOLLOWED)


def test_odd_times_are_remarked():
    everybody = pd.DataFrame({"t": [30.0, 60.0, 90.0], "e": [1, 1, 1]}, index=list("abc"))
    endpoint = SurvivalEndpoint("t", "e")
    table, _ = endpoint.outcome(everybody)
    said = " ".join(endpoint.remarks(table))
    assert "the longest time is 90 days: is that the unit?" in said
    assert "no patient is censored" in said
    assert "no patient was watched for 1 year or 3 years or 5 years" in said
    assert set(endpoint.strata(table)) == {"early", "late"}
    endpoint.check_learnable(table)
    with pytest.raises(EndpointError, match="3 patients with 1 event are left"):
        endpoint.check_learnable(table.assign(event=[1, 0, 0]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "binry", "column": "a"}, "did you mean 'binary'"),
        ({"kind": "binary", "colum": "a", "positive": ">1"}, "did you mean 'column'"),
        ({"kind": "survival", "time": "a"}, "needs 'event'"),
        ({"kind": "survival", "time": "a", "event": None}, "needs 'event'"),
        ({"column": "a", "positive": "three"}, "an operator and a value"),
    ],
)
def test_mappings_that_are_wrong(fields, message):
    with pytest.raises(EndpointError, match=message):
        endpoint_from_dict(fields)


@pytest.mark.parametrize(
    ("column", "classes", "labels"),
    [
        ("WHO_grade", ("2", "3", "4"), ("WHO grade 2", "WHO grade 3", "WHO grade 4")),
        ("MGMT", ("weak", "strong", "none"), ("MGMT weak", "MGMT strong", "MGMT none")),
        (
            "diagnosis",
            ("astrocytoma", "oligodendroglioma", "glioblastoma"),
            ("astrocytoma", "oligodendroglioma", "glioblastoma"),
        ),
    ],
)
def test_classes_say_what_they_are_classes_of(column, classes, labels):
    endpoint = MulticlassEndpoint(column, classes)
    assert (endpoint.classes, endpoint.class_labels) == (classes, labels)
    binary = BinaryEndpoint("grade", ">= 3")
    assert binary.class_labels == binary.classes


def test_keys_of_another_kind_that_hold_nothing_are_passed_over():
    fields = {"kind": "binary", "column": "grade", "positive": ">= 3", "time": None, "event": None}
    assert endpoint_from_dict(fields) == BinaryEndpoint("grade", ">= 3")
    assert endpoint_from_dict({**fields, "kind": None}) == BinaryEndpoint("grade", ">= 3")


def test_a_rule_with_two_values_needs_in():
    with pytest.raises(EndpointError, match="cannot read the value"):
        BinaryEndpoint("a", "== 'x', 'y'")


def test_real_clinical_table(shared_data, tmp_path):
    source = shared_data("ucsf_pdgm") / "clinical.csv"
    text = source.read_text().splitlines()
    lines = [text[0].replace("ID,", "case_id,t1,", 1)]
    lines += [line.replace(",", ",,", 1) for line in text[1:]]
    (tmp_path / "cohort.csv").write_text("\n".join(lines))
    clinical = read_manifest(tmp_path / "cohort.csv").clinical
    labels, excluded = parse_endpoint("WHO CNS Grade >= 4").outcome(clinical)
    assert (len(labels), len(excluded)) == (351, 0)
    assert labels["y_true"].sum() == (clinical["WHO CNS Grade"] == 4).sum()
    outcomes, excluded = parse_endpoint("OS, 1-dead 0-alive").outcome(clinical)
    assert (len(outcomes), len(excluded)) == (350, 1)


def test_who_was_censored_before_the_time_has_no_outcome():
    """A cut of the time alone would call the patient censored on day 300 dead."""
    endpoint = parse_endpoint("died within 730 of days")
    clinical = pd.DataFrame(
        {"days": [300, 300, 730, 730, 900, None], "died": [1, 0, 1, 0, 1, 1]}, index=list("abcdef")
    )
    outcome, excluded = endpoint.outcome(clinical)
    assert outcome["y_true"].to_dict() == {"a": 1, "c": 1, "d": 0, "e": 0}
    assert dict(excluded.to_numpy()) == {
        "b": "censored at days 300, before 730",
        "f": "days is missing",
    }
    assert endpoint_from_dict(endpoint.as_dict()) == parse_endpoint(endpoint.describe()) == endpoint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("died within 0 of days", "a number over 0, got '0'"),
        ("died within soon of days", "a number over 0, got 'soon'"),
        ("died within 2000 of days", "2 with and 0 without"),
        ("dead within 730 of days", "did you mean 'died'"),
    ],
)
def test_an_impossible_time_is_refused(text, message):
    clinical = pd.DataFrame({"days": [300, 300, 730], "died": [1, 0, 1]}, index=list("abc"))
    with pytest.raises(EndpointError, match=message):
        parse_endpoint(text).outcome(clinical)
