"""What a survival study refuses, in one line each, and what it takes in its stride."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from gliofuse.cli import main
from gliofuse.cli.run import print_summary
from gliofuse.cohort import SurvivalEndpoint
from gliofuse.records import EXCLUDED, HAZARD_RATIOS, METRICS, PROPORTIONAL_HAZARDS, RunFolder
from gliofuse.study import check_study
from gliofuse.study.runner import run_study

PATIENTS = 66


def survival_tables(folder, change=lambda features, clinical: None, *, seed=0):
    """Write f.csv (ten features, the first of which tells) and c.csv of 66 patients."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(PATIENTS, 10))
    died = rng.exponential(900 * np.exp(-values[:, 0]))
    left = rng.uniform(200, 2500, PATIENTS)
    ids = [f"P{number:03d}" for number in range(PATIENTS)]
    features = pd.DataFrame(values, columns=[f"f{number}" for number in range(10)])
    features.insert(0, "ID", ids)
    clinical = pd.DataFrame(
        {
            "ID": ids,
            "t": np.minimum(died, left).round() + 1,
            "e": (died <= left).astype(int),
            "age": rng.integers(20, 80, PATIENTS).astype(float),
            "sex": rng.choice(["F", "M"], PATIENTS),
            "grade": rng.choice([2, 3, 4], PATIENTS),
        }
    )
    change(features, clinical)
    features.to_csv(folder / "f.csv", index=False)
    clinical.to_csv(folder / "c.csv", index=False)


@pytest.fixture
def refusal(tmp_path, capsys):
    """Return a function that runs a study which must fail, and returns the line that says why."""

    def run(*options, change=lambda features, clinical: None, endpoint="t, e", covariates="age,sex",
            design="risk-signature"):  # fmt: skip
        survival_tables(tmp_path, change)
        words = ["run", "--design", design, "--features", str(tmp_path / "f.csv")]
        words += ["--clinical", str(tmp_path / "c.csv"), "--id-column", "ID"]
        words += ["--endpoint", endpoint, "--covariates", covariates, "--folds", "3"]
        words += ["--workers", "1", "--out", str(tmp_path / "run"), *options]
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert stopped.value.code == 2
        said = capsys.readouterr().err
        assert "Traceback" not in said
        (line,) = [line for line in said.splitlines() if line.startswith("error:")]
        return line

    return run


def column(name, values):
    def change(_, clinical):
        clinical[name] = values(clinical) if callable(values) else values

    return change


def events(*rows):
    return column("e", lambda clinical: np.isin(np.arange(len(clinical)), rows).astype(int))


def doubled(features, clinical):
    clinical.loc[len(clinical)] = clinical.iloc[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (column("e", 0), "needs at least one event, got none in 66 patients"),
        (column("e", lambda c: c["e"] + 1), r"'2' \(44 patients\), neither 0/1, .* \"t, e == 2\""),
        (column("t", "soon"), "no patient has a time and an event; t is 'soon', which is no time"),
        (events(5), "66 patients with 1 event are left, and nothing can be learned"),
        (events(5, 9), "got 64 of class censored, 2 of class event; choose at most 2 folds"),
        (events(5, 9, 12), "fold1 failed: .* got 2 of 44 patients; give patients with longer"),
        (doubled, "c.csv: ID 'P000' stands in more than one row"),
        (
            lambda features, clinical: features.insert(3, "e", clinical["e"]),
            "f.csv: the column 'e' says the outcome, and every number .* would be a feature",
        ),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used(refusal, change, message):
    assert re.search(message, refusal("--set", "trees=10", change=change))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--horizons", "365,9999"], "horizon 9999 lies past the last patient's time, 2074 days"),
        (["--horizons", "365,800", "--until", "700"], "horizon 800 lies past 700 days, at which"),
        (["--horizons", "soon"], "horizon must be a number of days over 0, got 'soon'"),
        (["--until", "-3"], "until must be a number of days over 0, got -3"),
        (["--time-unit", "fortnights"], "unit of time 'fortnights' is unknown"),
        (["--survival", "t,e"], "endpoint 't, e' is survival: leave out survival (t, e)"),
        (["--threshold", "youden"], "must be 'median' or 'optimal', got 'youden'"),
        (["--design", "rdl"], "design 'rdl' cannot predict the survival endpoint 't, e'"),
        (["--covariates", "age,e"], "covariates: 'e' is a column of the endpoint 't, e'"),
        (["--covariates", "t"], "covariates: 't' is a column of the endpoint 't, e'"),
        (["--covariates", "agee"], "covariates: no clinical column 'agee'; did you mean 'age'?"),
        (["--set", "splines=sex"], "splines: 'sex' is no covariate of numbers; they are age"),
    ],
)
def test_an_option_that_does_not_fit(refusal, options, message):
    assert message in refusal(*options)


def test_an_empty_covariate(refusal):
    line = refusal(change=column("ki67", np.nan), covariates="age,ki67")
    assert "clinical column 'ki67' is empty for all 66 patients" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--covariates", "age,grade"], "'grade' is a column of the endpoint 'grade >= 3'"),
        (["--survival", "t,e", "--covariates", "t"], "'t' is a column of survival (t, e)"),
        (["--survival", "t,nope"], "survival: no clinical column 'nope'"),
        (["--threshold", "median"], "threshold must be 'half' or 'youden', got 'median'"),
        (["--design", "risk-signature"], "cannot predict the binary endpoint 'grade >= 3'"),
        (["--horizons", "365"], "--horizons is for a survival endpoint"),
    ],
)
def test_beside_two_classes(refusal, options, message):
    assert message in refusal(*options, endpoint="grade >= 3", design="imaging-clinical")


def test_survival_columns_without_an_event_are_told_before_the_fits(refusal):
    line = refusal(
        "--survival", "t,e", change=column("e", 0), endpoint="grade >= 3", design="imaging-clinical"
    )
    assert "endpoint 't, e' needs at least one event" in line


def test_a_guide_that_the_table_lacks(refusal):
    line = refusal("--set", "guide=mgmt == 1", design="deep-radiomics")
    assert "design deep-radiomics: no clinical column 'mgmt'" in line


@pytest.fixture(scope="module")
def odd_run(tmp_path_factory):
    """A run with awkward covariates: constant, following from another, separating, with gaps."""

    def change(features, clinical):
        clinical["kps"] = 80.0
        clinical["months"] = 12 * clinical["age"]
        late = clinical["t"].rank() > 50
        clinical["sign"] = np.where(late, "no", "yes")
        clinical.loc[late, "e"] = 0
        clinical.loc[:15, "age"] = np.nan
        clinical.loc[10:25, "sex"] = None
        clinical.loc[3, "t"] = 0
        clinical.loc[4, "t"] = -5
        clinical["t"] = clinical["t"].astype(object)
        clinical.loc[5, "t"] = "lost"

    folder = tmp_path_factory.mktemp("odd")
    survival_tables(folder, change)
    study = check_study(
        {
            "table": {"features": "f.csv", "clinical": "c.csv", "id_column": "ID"},
            "endpoint": {"kind": "survival", "time": "t", "event": "e"},
            "design": "risk-signature",
            "settings": {"trees": 10, "folds": 3, "method": "ridge", "splines": "age"},
            "covariates": ["age", "months", "kps", "sex", "sign"],
            "split": {"kind": "kfold", "folds": 2},
            "compute": {"workers": 1},
        },
        base=folder,
    )
    run_study(study, folder / "run")
    return RunFolder(folder / "run")


def test_awkward_covariates_have_a_note_and_no_figure_is_absurd(odd_run):
    table = odd_run.need(HAZARD_RATIOS)
    table = table[(table["kind"] == "multivariable") & (table["model"] == "clinical")]
    notes = table.drop_duplicates("term").set_index("term")["note"]
    assert "constant" in notes["kps"]
    assert "separation" in notes["sign=yes"]
    assert table.loc[table["term"] == "sign=yes", "ci_low"].isna().all()
    predictions = odd_run.predictions()
    assert np.isfinite(predictions["risk"]).all()
    assert predictions["risk"].abs().max() < 20
    assert odd_run.need(METRICS)["estimate"].notna().any()


def test_a_spline_and_a_factor_are_one_variable_in_the_test_of_hazards(odd_run):
    table = odd_run.need(PROPORTIONAL_HAZARDS)
    own = table[(table["model"] == "clinical") & (table["fold"] == "fold1")].set_index("term")
    assert list(own.index) == ["age", "months", "kps", "sex", "sign", "GLOBAL"]
    assert own.loc["age", "degrees"] > 1
    assert own.loc["sex", "degrees"] == 1


def test_patients_without_a_time_are_named(odd_run):
    reasons = odd_run.need(EXCLUDED).set_index("case_id")["reason"]
    assert dict(reasons) == {
        "P004": "t is '-5.0', which is no time",
        "P005": "t is 'lost', which is no time",
    }


def test_figures_that_the_patients_do_not_allow_are_a_dash():
    """As where no test patient had the event, or the first event comes after all training times."""
    shared = {"cohort": "test", "model": "signature", "n": 22, "events": 16}
    metrics = pd.DataFrame(
        [shared | {"metric": "c_index", "estimate": 0.7, "ci_low": 0.5, "ci_high": 0.8}]
    )
    console = Console(width=100)
    with console.capture() as said:
        print_summary(metrics, SurvivalEndpoint("t", "e"), console)
    (line,) = [line for line in said.get().splitlines() if "signature" in line]
    assert line.replace("│", "").split() == ["signature", "0.700", "(0.500-0.800)", *"---"]
