"""Which sequence a series is, held to a table of headers."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from gliofuse.imaging.dicom.header import read_header
from gliofuse.imaging.dicom.proposal import propose

pydicom = pytest.importorskip("pydicom")

FOLDER = Path(__file__).parent
COMPOSED = FOLDER / "headers.csv"  # written from knowledge of protocols, before the rules
PUBLIC = FOLDER / "public_headers.csv"  # headers of public data sets, labelled there
TAGS = {
    "vendor": "Manufacturer", "description": "SeriesDescription", "sequence_name": "SequenceName",
    "scanning": "ScanningSequence", "variant": "SequenceVariant", "options": "ScanOptions",
    "dim": "MRAcquisitionType", "tr": "RepetitionTime", "te": "EchoTime", "ti": "InversionTime",
    "flip": "FlipAngle", "etl": "EchoTrainLength", "image_type": "ImageType",
    "agent": "ContrastBolusAgent", "thickness": "SliceThickness",
}  # fmt: skip
SEVERAL = ("scanning", "variant", "options", "image_type")


TAKEN_AWAY = (
    "description", "sequence_name", "scanning", "variant", "tr", "te", "ti", "flip", "image_type",
    "agent",
)  # fmt: skip


def rows(table):
    with table.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def header_of(row):
    """The row as a data set of pydicom, read as a scan reads it."""
    dataset = pydicom.Dataset()
    dataset.Modality = "MR"
    for name, tag in TAGS.items():
        value = row[name]
        if value:
            setattr(dataset, tag, value.split("\\") if name in SEVERAL else value)
    if row["bvalue"]:
        dataset.DiffusionBValue = float(row["bvalue"])
    found = read_header(dataset)
    slices = int(row["slices"] or 0)
    extent = slices * float(row["thickness"] or 5) * 1.1 if slices else None
    return replace(found, slices=slices, volumes=int(row["phases"] or 1), extent_mm=extent)


@pytest.mark.parametrize("table", [COMPOSED, PUBLIC], ids=lambda table: table.stem)
def test_a_table_of_headers(table):
    expected = {row["id"]: row["expected"] for row in rows(table)}
    answers = {row["id"]: propose(header_of(row)) for row in rows(table)}
    wrong = {
        name: answer
        for name, answer in answers.items()
        if answer.kind not in (expected[name], "ask")
    }
    right = sum(answer.kind == expected[name] for name, answer in answers.items())
    assert not wrong
    assert right / len(answers) >= 0.95


@pytest.mark.parametrize("column", TAKEN_AWAY)
def test_what_is_not_in_the_header_makes_no_answer_wrong_with_high_confidence(column):
    everything = [row for table in (COMPOSED, PUBLIC) for row in rows(table)]
    wrong = {}
    for row in everything:
        answer = propose(header_of({**row, column: ""}))
        if answer.confidence == "high" and answer.kind != row["expected"] != "ask":
            wrong[row["id"]] = answer
    assert not wrong
