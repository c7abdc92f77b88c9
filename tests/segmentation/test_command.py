"""gliofuse segment, from the manifest to the figures."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from gliofuse.cli import app, main
from gliofuse.cohort import write_manifest


@pytest.fixture
def manifest(heads, tmp_path):
    path = tmp_path / "cohort.csv"
    write_manifest(heads, path)
    return path


def run(*words):
    return CliRunner().invoke(app, ["segment", *map(str, words)], catch_exceptions=False)


def test_masks_are_predicted_and_judged(manifest, segmenter_folder, heads, tmp_path):
    out = tmp_path / "masks"
    done = run("predict", "--model", segmenter_folder, "--cohort", manifest, "-o", out)
    assert done.exit_code == 0, done.output
    assert "6 of these patients were learned from" in " ".join(done.output.split())
    assert f"8 of 8 masks: {out}" in done.output
    judged = run(
        *("evaluate", "--cohort", manifest, "--masks", out / "cohort.csv"),
        *("-o", tmp_path / "agreement", "--regions", "whole,enhancing", "--workers", 1),
    )
    assert judged.exit_code == 0, judged.output
    assert "quality against true Dice" in judged.output
    table = pd.read_csv(tmp_path / "agreement" / "agreement_cases.csv")
    assert len(table) == 2 * len(heads)
    assert table.loc[table["region"] == "whole", "dice"].mean() > 0.75
    assert (tmp_path / "agreement" / "volumes_whole.svg").stat().st_size > 1000
    assert (tmp_path / "agreement" / "quality.json").is_file()


def test_training_from_the_command_line(manifest, tmp_path):
    out = tmp_path / "segmenter"
    words = ("epochs=1", "steps=1", "batch_size=2", "width=4", "stages=coarse", "precision='32'")
    options = [part for word in words for part in ("--set", word)]
    done = run("train", "--cohort", manifest, "-o", out, "--sequences", "flair", *options)
    assert done.exit_code == 0, done.output
    assert (out / "segmenter.json").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["predict"], "give --model"),
        (["predict", "--only", "side=nobody", "--segmenter", "mask"], "no patient has that value"),
        (["predict", "--only", "sid=train", "--segmenter", "mask"], "did you mean 'side'"),
        (["train", "--set", "epoch=1"], "did you mean 'epochs'"),
    ],
)
def test_mistakes_are_one_line(manifest, tmp_path, capsys, words, message):
    with pytest.raises(SystemExit) as stopped:
        main(["segment", *words, "--cohort", str(manifest), "-o", str(tmp_path / "out")])
    assert stopped.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())
