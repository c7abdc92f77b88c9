"""Tables as hospitals write them: the same numbers in every dress, and mistakes named by place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cohort.tables import read_frame, read_table
from gliofuse.errors import ManifestError
from gliofuse.study import check_study
from gliofuse.study.patients import load_patients

PLAIN = pd.DataFrame(
    {
        "id": ["p01", "p02", "p03", "p04"],
        "Tumorgröße": [12.5, 1234.25, np.nan, -0.5],
        "grade": [2, 3, 4, 4],
        "sex": ["F", "M", None, "M"],
    }
)


def german(number):
    return "" if number != number else f"{number}".replace(".", ",")


def write(kind, path):
    """Write the table as a program or a person would, and return its path."""
    if kind == "xlsx":
        pytest.importorskip("openpyxl")
        PLAIN.to_excel(path.with_suffix(".xlsx"), index=False)
        return path.with_suffix(".xlsx")
    if kind in ("parquet", "indexed parquet"):
        table = PLAIN.set_index("id") if kind.startswith("indexed") else PLAIN
        table.to_parquet(path.with_suffix(".parquet"), index=kind.startswith("indexed"))
        return path.with_suffix(".parquet")
    separator = {"semicolon": ";", "german": ";", "tab": "\t", "german latin-1": ";"}.get(kind, ",")
    table = PLAIN.copy()
    if kind.startswith("german"):
        table["Tumorgröße"] = table["Tumorgröße"].map(german)
    if kind == "blanks":
        table["id"] = " " + table["id"] + "  "
    text = table.to_csv(index=False, sep=separator)
    if kind == "thousands":
        text = table.assign(Tumorgröße=["12,5", "1.234,25", "", "-0,5"]).to_csv(
            index=False, sep=";"
        )
    encoding = {
        "utf-16": "utf-16", "bom": "utf-8-sig", "latin-1": "latin-1", "german latin-1": "cp1252",
    }.get(kind, "utf-8")  # fmt: skip
    path.with_suffix(".csv").write_bytes(text.encode(encoding))
    return path.with_suffix(".csv")


KINDS = [
    "plain", "bom", "utf-16", "latin-1", "semicolon", "tab", "german", "german latin-1",
    "thousands", "blanks", "xlsx", "parquet", "indexed parquet",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_are_the_same_in_every_dress(kind, tmp_path):
    found = read_frame(write(kind, tmp_path / "table"), index="id")
    assert list(found.index) == list(PLAIN["id"])
    np.testing.assert_array_equal(found["Tumorgröße"], PLAIN["Tumorgröße"])
    assert found["grade"].tolist() == [2, 3, 4, 4]
    assert found["sex"].fillna("").tolist() == ["F", "M", "", "M"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.csv", b"", "needs a header and at least one row"),
        ("a.csv", b"id,x\n", "needs a header and at least one row"),
        ("a.csv", b"id,x,x\np1,1,2\n", "more than one of 'x'"),
        ("a.csv", b"id,x\np1,1,2\n", "line 2 has 3 fields, the header 2"),
        ("a.csv", b'id,x\np1,"1\n', "no CSV"),
        ("a.csv", b"patient,x\np1,1\n", "no column 'id'"),
        ("a.csv", b"id,x\np1,1\n p1 ,2\n", r"'p1' stands in more than one row \(lines 2 and 3\)"),
        ("a.csv", b"id,x\n,1\n", "line 2 has no 'id'"),
        ("a.csv", b"\x00\x01\x02\x00" * 9, "must be text"),
        ("a.xlsx", b"no workbook", "no Excel workbook"),
        ("a.parquet", b"no parquet", "no Parquet file"),
        ("a.xls", b"old", "save it as .xlsx"),
        ("a.csv", b"id,x\np1,1\np2,2\np3,abc\n", "line 4, p3: 'x' is 'abc' where 2 others are num"),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path, name, content, line):
    if name.endswith(".xlsx"):
        pytest.importorskip("openpyxl")
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=line):
        read_frame(path, index="id", numbers=True)


def test_a_workbook_of_several_sheets_is_not_guessed_at(tmp_path):
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "two.xlsx") as book:
        PLAIN.to_excel(book, sheet_name="2021", index=False)
        PLAIN.to_excel(book, sheet_name="2022", index=False)
    with pytest.raises(ManifestError, match="2 sheets hold something"):
        read_table(tmp_path / "two.xlsx")


def test_ids_that_are_written_differently_are_shown(tmp_path):
    features = pd.DataFrame({"ID": ["UCSF-0004", "UCSF-0005"], "t1.whole.a_b_C": [1.0, 2.0]})
    features.to_csv(tmp_path / "features.csv", index=False)
    clinical = pd.DataFrame({"ID": ["ucsf-004", "ucsf-005"], "grade": [2, 4]})
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    study = check_study(
        {
            "table": {"features": "features.csv", "clinical": "clinical.csv", "id_column": "ID"},
            "endpoint": "grade >= 3",
        },
        base=tmp_path,
    )
    with pytest.raises(ManifestError, match="'UCSF-0004' and 'ucsf-004' may be the same patient"):
        load_patients(study)
