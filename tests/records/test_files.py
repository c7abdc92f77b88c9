"""Declared files: what breaks a declaration is refused, what is written is read back alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.errors import InputError, RunError
from gliofuse.records import COHORT, CONFUSION, METRICS, ROC, SELECTED_FEATURES, table_named
from gliofuse.records.catalogue import COMPARISON_FILES, FOLD_FILES, GRADCAM, RUN_FILES
from gliofuse.records.files import TableFile, count, flag, number, text

TABLE = TableFile(
    "tables/small.csv",
    "A table.",
    columns={
        "case_id": text("A patient."),
        "n": count("How many.", optional=True),
        "value": number("A number."),
        "chosen": flag("Whether.", optional=True),
    },
)


def small(**changes):
    columns = {"case_id": ["001", "NA"], "n": [1, 2], "value": [0.1, np.nan]}
    return pd.DataFrame({**columns, "chosen": [True, False], **changes})


def test_what_is_written_is_read_back_to_the_last_digit(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"case_id": [f"{i:03d}" for i in range(500)], "value": rng.random(500)})
    TABLE.write(tmp_path / "a.csv", table)
    pd.testing.assert_frame_equal(TABLE.load(tmp_path / "a.csv"), table, check_exact=True)


def test_names_stay_words_and_flags_stay_flags(tmp_path):
    TABLE.write(tmp_path / "a.csv", small())
    table = TABLE.load(tmp_path / "a.csv")
    assert table["case_id"].tolist() == ["001", "NA"]
    assert table["chosen"].tolist() == [True, False]
    assert table["n"].tolist() == [1, 2]
    assert np.isnan(table["value"][1])


def test_users_columns_keep_their_own_words_for_missing(tmp_path):
    table = pd.DataFrame({"case_id": ["01", "02"], "age": [50, np.nan], "grade": ["NA", "2"]})
    COHORT.write(tmp_path / "cohort.csv", table)
    read = COHORT.load(tmp_path / "cohort.csv")
    assert read["case_id"].tolist() == ["01", "02"]
    assert list(read.columns) == ["case_id", "age", "grade"]
    assert read["age"].tolist()[0] == 50
    assert read["grade"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (small().drop(columns="value"), r"tables/small\.csv: column 'value' is missing \(A number"),
        (small(vlaue=1.0), r"tables/small\.csv: column 'vlaue' is not declared; did you mean"),
        (small(value=["low", 1.0]), r"column 'value' must hold numbers \(got 'low'\)"),
        (small(n=[1.5, 2.0]), r"column 'n' must hold whole numbers \(got 1\.5\)"),
        (small(chosen=["yes", ""]), r"column 'chosen' must hold true or false \(got 'yes'\)"),
    ],
)
def test_a_table_that_breaks_its_declaration_is_not_written(tmp_path, table, message):
    with pytest.raises(RunError, match=message):
        TABLE.write(tmp_path / "a.csv", table)
    assert not list(tmp_path.iterdir())


def test_an_empty_table_and_whole_numbers_among_missing_ones_are_allowed(tmp_path):
    TABLE.write(tmp_path / "a.csv", small().head(0))
    assert TABLE.load(tmp_path / "a.csv").empty
    TABLE.check(small(n=[1.0, np.nan]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"case_id\n1\n", r"a\.csv: column 'value' is missing \(got case_id\)"),
        (b"", r"a\.csv cannot be read as a table"),
        (b"\x00\xff\xfe\n", r"a\.csv"),
    ],
)
def test_a_broken_file_is_said_in_one_line(tmp_path, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        TABLE.load(tmp_path / "a.csv")
    assert "\n" not in str(error.value)


def test_what_is_no_number_is_missing(tmp_path):
    (tmp_path / "a.csv").write_text("case_id,value\nA,nonsense\nB,0.25\n")
    assert TABLE.load(tmp_path / "a.csv")["value"].tolist()[1] == 0.25
    assert np.isnan(TABLE.load(tmp_path / "a.csv")["value"][0])


def test_infinite_thresholds_survive(tmp_path):
    columns = {name: [0.5] for name, c in ROC.columns.items() if c.kind == "number"}
    table = pd.DataFrame({**columns, "threshold": [np.inf], "cohort": "test", "model": "m"})
    ROC.write(tmp_path / "roc.csv", table)
    assert np.isposinf(ROC.load(tmp_path / "roc.csv")["threshold"][0])


def test_names_in_braces_find_their_files(tmp_path):
    assert GRADCAM.at(tmp_path, model="m", case_id="a") == tmp_path / "gradcam" / "m" / "a.svg"
    for case in ("b", "a.1"):
        path = GRADCAM.at(tmp_path, model="m", case_id=case)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<svg/>")
    (tmp_path / "gradcam" / "m" / "a.nii.gz").write_text("")
    assert [path.name for path in GRADCAM.all_in(tmp_path)] == ["a.1.svg", "b.svg"]


def test_a_folds_table_lacks_the_fold():
    assert "fold" in SELECTED_FEATURES.columns
    assert "fold" not in SELECTED_FEATURES.of_one_fold().columns


def test_tables_are_found_by_name():
    assert table_named("metrics") is METRICS
    assert table_named("confusion") is CONFUSION
    with pytest.raises(RunError, match="'metricks' is declared for a run folder; did you mean"):
        table_named("metricks")


@pytest.mark.parametrize("files", [RUN_FILES, FOLD_FILES, COMPARISON_FILES])
def test_no_file_is_declared_twice_and_each_is_described(files):
    paths = [file.path for file in files]
    assert len(paths) == len(set(paths))
    for file in files:
        assert file.about.endswith(".")
        if isinstance(file, TableFile):
            assert all(column.about for column in file.columns.values())
