"""Feature banks: each publication's, the package's presets and one's own parameter file."""

from __future__ import annotations

import pytest

from gliofuse.cli import main
from gliofuse.designs import DESIGNS
from gliofuse.designs.framework.banks import feature_bank
from gliofuse.errors import SettingError
from gliofuse.radiomics import PRESETS, RadiomicsSettings

COUNTS = {"rdl": 1967, "deep-radiomics": 788, "imaging-clinical": 1130}


@pytest.mark.parametrize("name", COUNTS)
def test_each_bank_has_its_number_of_features(name):
    names = feature_bank(name).feature_names()
    assert len(names) == len(set(names)) == COUNTS[name]


def test_presets_and_files_by_name(tmp_path):
    assert feature_bank("original") == RadiomicsSettings.preset("original")
    path = tmp_path / "mine.yaml"
    path.write_text("featureClass: {firstorder: [Mean]}\nsetting: {binWidth: 5}\n")
    assert feature_bank(path).feature_names() == ("original_firstorder_Mean",)
    assert feature_bank(str(path)) == RadiomicsSettings.from_params(path)


def test_no_preset_has_the_name_of_a_design():
    assert not set(PRESETS) & set(DESIGNS)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rdll", r"'rdll' is neither a parameter file .* did you mean 'rdl'"),
        ("orginal", "did you mean 'original'"),
        ("shape-resnet", "'shape-resnet' is neither"),  # the design has shape features alone
        ("none.yaml", "no such parameter file"),
    ],
)
def test_a_bank_that_does_not_exist(name, message):
    with pytest.raises(SettingError, match=message):
        feature_bank(name)


@pytest.mark.parametrize("command", ["extract", "stability"])
def test_the_commands_know_a_designs_bank(command, tmp_path, capsys):
    words = [command, str(tmp_path / "none.csv"), "-o", str(tmp_path / "out.csv"), "--preset"]
    for bank, message in (("imaging-clinical", "none.csv"), ("imaging", "'imaging-clinical'")):
        with pytest.raises(SystemExit):
            main([*words, bank])
        assert message in " ".join(capsys.readouterr().err.split())
