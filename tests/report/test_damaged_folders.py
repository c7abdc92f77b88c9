"""Folders that lack files, or hold broken ones: the rest of the page stands."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from gliofuse.records import (
    CURVES,
    HEAT_SHARES,
    RUN_LOG,
    STUDY,
    RunFolder,
)
from gliofuse.records.catalogue import GRADCAM, REPORT, RUN_FILES
from gliofuse.report import summarise, write_report
from gliofuse.report.page import drawings

pytestmark = pytest.mark.slow(minutes=0.1)

MISSING = (
    "excluded.csv", "folds.csv", "roc.csv", "confusion.csv", "delong.csv", "cohort.csv",
    "study.yaml", "predictions.parquet", "metrics.csv", "thresholds.csv", "tables", "features",
    "paper_results.csv",
)  # fmt: skip


@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_file_is_no_error(clinical_run, copied, page_of, undrawn, missing):
    folder = copied(clinical_run)
    target = folder / missing
    shutil.rmtree(target) if target.is_dir() else target.unlink()
    write_report(folder)
    text, page = page_of(folder)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert "Settings and versions" in text


def test_a_run_of_its_record_alone_leaves_sections_out(clinical_run, copied, page_of):
    folder = RunFolder(copied(clinical_run))
    kept = {"run.json", "predictions.parquet", "metrics.csv", STUDY.path, RUN_LOG.path, REPORT.path}
    for file in RUN_FILES:
        for path in file.all_in(folder.path):
            if path.relative_to(folder.path).as_posix() not in kept:
                path.unlink()
    write_report(folder.path)
    text, _ = page_of(folder.path)
    assert "Main result" in text
    for heading in ("Calibration", "Nomogram and calculator", "Survival", "Failed cases"):
        assert f"{heading}</h" not in text
    assert "<b>Not drawn</b>" not in text


def test_broken_tables_leave_their_sections_out_and_are_named(
    clinical_run, copied, page_of, undrawn
):
    folder = copied(clinical_run)
    (folder / "calibration.csv").write_bytes(b"\x00\xff not a table")
    (folder / "calibration_summary.csv").unlink()
    (folder / "decision_curve.csv").write_text("cohort,model\n")
    (folder / "tables" / "nomogram_fusion.json").write_text("{broken")
    (folder / "tables" / "odds_ratios.csv").unlink()  # which stands in the nomogram's chapter
    write_report(folder)
    text, _ = page_of(folder)
    for heading in ("Nomogram and calculator", "Decision curve", "Calibration"):
        assert f"{heading}</h" not in text
    named = text[text.index("<b>Not drawn</b>") :]
    for name in ("calibration.csv", "decision_curve.csv", "nomogram_fusion.json"):
        assert name in named


def test_what_is_no_number_is_left_out_of_its_curve(clinical_run, copied):
    folder = copied(clinical_run)
    text = (folder / "decision_curve.csv").read_text()
    assert "fusion,0.01," in text
    (folder / "decision_curve.csv").write_text(text.replace("fusion,0.01,", "fusion,nonsense,"))
    (panel,) = summarise(folder)["decision"]
    curves = {curve["model"]: curve["threshold"] for curve in panel["curves"]}
    assert len(curves["fusion"]) == len(curves["clinical"]) - 1


@pytest.fixture
def with_networks(image_run, copied):
    """A real run to which the tables of two networks were added, as a fold writes them."""
    folder = RunFolder(copied(image_run))
    record = folder.record
    deep = record.final.model_copy(update={"kind": "deep", "role": "part"})
    networks = [
        deep.model_copy(update={"name": "dl_t1", "label": "DL T1", "group": "t1"}),
        deep.model_copy(update={"name": "dl_fusion", "label": "DL fusion", "group": "fusion"}),
    ]
    from gliofuse.records import RUN

    folder.write(RUN, record.model_copy(update={"models": (*record.models, *networks)}))
    epochs = pd.DataFrame({"epoch": [1, 2, 3], "training_loss": [0.7, 0.5, 0.4]})
    folder.write(
        CURVES,
        pd.concat(
            [
                epochs.assign(
                    model=model, fold=fold, validation_auc=0.8, seconds=2.0, memory_mb=900.0
                )
                for model in ("dl_t1", "dl_fusion")
                for fold in ("fold1", "fold2")
            ]
        ),
    )
    for model in ("dl_t1", "dl_fusion"):
        path = GRADCAM.at(folder.path, model=model, case_id="A&1")
        path.parent.mkdir(parents=True)
        path.write_text("<svg/>")
    numbers = {name: 0.2 for name, c in HEAT_SHARES.columns.items() if c.kind != "text"}
    row = {**numbers, "items": 3, "heat_inside": 0.5, "area_inside": 0.4}
    text = {"case_id": "A&1", "model": "dl_t1", "heat_file": "a", "figure_file": "b"}
    folder.write(HEAT_SHARES, pd.DataFrame([{**row, **text}]), model="dl_t1")
    return folder.path


def test_networks_show_their_training_and_where_they_look(with_networks, page_of):
    found = summarise(with_networks)
    assert [row["label"] for row in found["training"]["networks"]] == ["DL T1", "DL fusion"]
    assert found["training"]["networks"][0] | {"label": ""} == {
        "label": "", "folds": 2, "epochs": 3, "seconds": 2.0, "peak_mb": 900.0,
    }  # fmt: skip
    captions = [image["caption"] for image in found["heat"]["images"]]
    assert captions == ["DL fusion · A&1", "DL T1 · A&1"], "the last network sees most"
    assert found["heat"]["shares"][0]["cells"][0] == {"heat": 0.5, "area": 0.4}
    write_report(with_networks)
    text, _ = page_of(with_networks)
    assert "Training of the networks</h3>" in text
    assert "Where the networks look</h3>" in text
    assert (with_networks / "figures" / "training.svg").is_file()
    assert "<b>Not drawn</b>" not in text
    assert "The epoch with the best validation AUC is kept." in text


def test_no_validation_auc_is_spoken_of_where_there_is_none(with_networks, copied):
    """Without validation patients, or with those of one class, there is none to choose by."""
    folder = RunFolder(copied(with_networks))
    folder.write(CURVES, folder.read(CURVES).assign(validation_auc=np.nan))
    (training,) = (one for one in drawings(folder.path) if one.name == "training")
    assert "best validation AUC" not in training.caption
    assert "there is no validation AUC" in training.caption
    figure = training.figure()
    assert "validation AUC" not in {axis.get_ylabel() for axis in figure.axes}
