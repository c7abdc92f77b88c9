"""``gliofuse cohort`` as a user types it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gliofuse.cli import main
from gliofuse.imaging import Volume


@pytest.fixture
def data(tmp_path):
    generator = np.random.default_rng(0)
    for number in range(4):
        folder = tmp_path / "data" / f"p{number}"
        shape, spacing = (5, 24, 20), (4.0, 1.0, 1.2)
        for name in ("t1", "flair") if number else ("flair",):
            Volume(generator.normal(100, 20, shape), spacing).write(folder / f"{name}.nii.gz")
        mask = np.zeros(shape, np.uint8)
        mask[1:3, 4:14, 5 + number : 12] = 1
        Volume(mask, spacing).write(folder / "mask.nii.gz")
    (tmp_path / "table.csv").write_text("ID,age\nP0,40\nP1,50\nP2,6O\nP9,1\n")
    return tmp_path


def call(capsys, *words) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    printed = capsys.readouterr()
    return int(stop.value.code or 0), printed.out, printed.err


def scan(capsys, data, *more):
    return call(capsys, "cohort", "scan", data / "data", "-o", data / "out" / "cohort.csv", *more)


def test_scan_and_check(capsys, data):
    code, out, _ = scan(
        capsys, data, "--clinical", data / "table.csv", "--id-column", "ID",
        "--notes", data / "notes.csv",
    )  # fmt: skip
    assert code == 0
    assert "plain folders: 4 patients" in out
    designs = "rdl, deep-radiomics, shape-resnet"  # imaging-clinical reads t1ce and flair
    assert f"t1: 3 of 4; without it p0: left out of {designs} unless" in out
    assert "t2: none; designs run without it" in out
    assert "no clinical row (1):\n  p3: no row in table.csv" in out
    assert "no images (1):\n  P9: line 5 of the table" in out
    assert len(pd.read_csv(data / "notes.csv")) == 2

    manifest = data / "out" / "cohort.csv"
    code, out, _ = call(capsys, "cohort", "check", manifest, "--workers", 1)
    assert code == 0
    assert "warning: p0: missing: no t1" in out
    assert "warning: p2 age: clinical value: '6O', expected a number" in out
    assert "4 patients: 0 errors, 2 warnings" in out


def test_maps_and_patients_without_masks(capsys, data):
    generator = np.random.default_rng(1)
    for number in range(4):
        folder = data / "data" / f"p{number}"
        (folder / "mask.nii.gz").unlink()
        if number:  # p3's map is in mm2/s
            scale = 1e-6 if number == 3 else 1.0
            adc = scale * generator.normal(800, 90, (5, 24, 20))
            Volume(adc.astype(np.float32), (4.0, 1.0, 1.2)).write(folder / "adc.nii.gz")
    code, out, _ = scan(capsys, data)
    assert code == 0
    assert "adc: 3 of 4; without it p0: left out of the designs that read every sequence" in out
    assert "mask: none; without a mask a patient is left out of every design" in out
    assert "cbv" not in out
    manifest = data / "out" / "cohort.csv"
    assert manifest.read_text().startswith("case_id,t1,t1ce,t2,flair,adc,mask\n")
    code, out, _ = call(
        capsys, "cohort", "check", manifest, "--workers", 1, "--pictures", data / "sheets"
    )
    assert code == 1
    assert "error: p3 ../data/p3/adc.nii.gz: unit: ADC must be in 1e-6 mm2/s" in out
    assert "warning: all patients: missing: no patient has a mask" in out
    assert "warning: p0: missing: no t1" in out
    assert "warning: p0: missing: no adc" in out
    assert "4 patients: 1 error, 3 warnings" in out
    assert (data / "sheets" / "sheet_001.png").stat().st_size > 5000


def test_a_manifest_changed_by_hand_is_not_overwritten(capsys, data):
    assert scan(capsys, data)[0] == 0
    assert scan(capsys, data)[0] == 0
    manifest = data / "out" / "cohort.csv"
    changed = manifest.read_text().replace("p3,", "p3b,")
    manifest.write_text(changed)
    code, _, err = scan(capsys, data)
    assert code == 2
    assert "exists and differs" in err
    assert manifest.read_text() == changed
    assert scan(capsys, data, "--overwrite")[0] == 0
    assert manifest.read_text() != changed


def test_check_ends_with_1_on_errors_and_writes_what_it_found(capsys, data):
    scan(capsys, data)
    flair = data / "data" / "p1" / "flair.nii.gz"
    flair.write_bytes(flair.read_bytes()[:500])
    (data / "data" / "p2" / "t1.nii.gz").unlink()
    code, out, _ = call(
        capsys, "cohort", "check", data / "out" / "cohort.csv", "--workers", 1,
        "-o", data / "findings.csv", "--pictures", data / "sheets",
    )  # fmt: skip
    assert code == 1
    assert "error: p1 ../data/p1/flair.nii.gz: unreadable: the compressed file is cut" in out
    assert "error: p2 ../data/p2/t1.nii.gz: unreadable: no such file" in out
    findings = pd.read_csv(data / "findings.csv")
    assert findings["severity"].tolist() == ["error", "error", "warning"]
    assert (data / "sheets" / "sheet_001.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--clinical", "table.csv"), "--clinical needs --id-column: its columns are ID, age"),
        (("--id-column", "ID"), "--id-column needs --clinical"),
        (("--clinical", "table.csv", "--id-column", "id"), "no column 'id' to join by"),
        (("--layout", "plane"), "did you mean 'plain'"),
    ],
)
def test_mistakes_are_one_line(capsys, data, more, message, monkeypatch):
    monkeypatch.chdir(data)
    code, _, err = scan(capsys, data, *more)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (data / "out" / "cohort.csv").exists()
