"""`designs` and `init-study` say what the code holds."""

from __future__ import annotations

import re

import pytest
import yaml
from typer.testing import CliRunner

from gliofuse.cli import app
from gliofuse.cohort import SplitSettings
from gliofuse.designs import DESIGNS, find_design
from gliofuse.designs.framework.keys import settings_of
from gliofuse.designs.framework.overview import design_overview
from gliofuse.errors import EndpointError
from gliofuse.study.settings import StudySettings, check_study, read_study
from gliofuse.study.template import study_template


@pytest.mark.parametrize("name", DESIGNS)
def test_every_setting_of_a_design_has_a_meaning(name):
    settings = design_overview(name).settings
    assert {"preset"} < {one.key for one in settings}
    assert not [one.key for one in settings if not one.meaning]


def test_every_key_of_a_study_file_has_a_meaning():
    assert not [one.key for one in settings_of(StudySettings) if not one.meaning]


def test_a_design_says_what_it_accepts():
    shape = design_overview("shape-resnet")
    assert shape.from_table == ()
    assert shape.endpoints == ("binary", "horizon")
    risk = design_overview("risk-signature")
    assert risk.endpoints == risk.from_table == ("survival",)
    assert {model.name for model in risk.models["survival"]} >= {"clinical", "integrated"}


def test_settings_of_all_kinds_of_endpoint_are_listed():
    keys = {one.key for one in design_overview("deep-radiomics").settings}
    assert {"cross_fit", "sequence", "guide", "ablate"} <= keys  # of grading, and of survival


def test_designs_are_listed_and_shown():
    listed = CliRunner().invoke(app, ["designs"], env={"COLUMNS": "200"})
    assert listed.exit_code == 0
    assert all(name in listed.output for name in DESIGNS)
    shown = CliRunner().invoke(app, ["designs", "rdl"], env={"COLUMNS": "200"})
    assert "second_level" in shown.output
    assert "radiomics_fusion" in shown.output


@pytest.mark.parametrize("name", DESIGNS)
def test_a_study_file_with_every_key_uncommented_is_the_defaults(name):
    kind = design_overview(name).endpoints[0]
    endpoint = "os_days, died" if kind == "survival" else "grade >= 3"
    text = study_template(design=name, endpoint=endpoint)
    given = check_study(yaml.safe_load(text))
    assert given.split == SplitSettings()
    # of each group of keys, what its comments show is what it holds by default
    own = re.search(r"^settings:\n((?:  .*\n)+)", text, re.M).group(1)
    every = yaml.safe_load(re.sub(r"^  # ([a-z_]+: .*)$", r"  \1", own, flags=re.M))
    design = find_design(name, given.endpoint)
    known = {key: value for key, value in every.items() if key in design.Settings.model_fields}
    assert design.Settings(**known) == design.Settings()
    assert set(known) == set(design.Settings.model_fields)


def test_init_study_writes_a_file_that_run_reads(tmp_path):
    path = tmp_path / "os.yaml"
    options = ["-o", str(path), "--design", "risk-signature", "--endpoint", "os_days, died"]
    written = CliRunner().invoke(app, ["init-study", *options])
    assert written.exit_code == 0, written.output
    study = read_study(path)
    assert study.endpoint.columns == ("os_days", "died")
    assert study.cohort == tmp_path / "cohort.csv"
    again = CliRunner().invoke(app, ["init-study", *options])
    assert "--overwrite" in str(again.exception)


def test_a_study_file_takes_an_endpoint_as_the_command_line_does():
    as_text = check_study({"cohort": "c.csv", "endpoint": "os_days, died"})
    as_keys = check_study(
        {"cohort": "c.csv", "endpoint": {"kind": "survival", "time": "os_days", "event": "died"}}
    )
    assert as_text.endpoint == as_keys.endpoint
    with pytest.raises(EndpointError, match="endpoint must be text such as"):
        check_study({"cohort": "c.csv", "endpoint": 3})
