"""A study goes from an archive to a segmentation and a report, and these back into the archive."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.imaging.dicom.made_dicom import T1CE, head, uid, write_series
from typer.testing import CliRunner

from gliofuse.cli import app
from gliofuse.errors import ImageError, InputError, RunError
from gliofuse.imaging import CONVENTIONS
from gliofuse.model.dicom import (
    ModelIdentity,
    PredictedValue,
    Prediction,
    make_report,
    make_segmentation,
    mask_on_series,
    read_source,
    volumes_mm3,
)

from .test_dicom_results import mask_like

pytest.importorskip("dicomweb_client", reason="needs the extra dicom with dicomweb-client")

_SERVERS = ("/usr/sbin/Orthanc", "/usr/bin/Orthanc")
_PLUGINS = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc")
_PATIENCE_S = 15


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def archive(tmp_path):
    """The address of an Orthanc of our own on the loopback; it is always stopped."""
    server = shutil.which("Orthanc") or next((one for one in _SERVERS if os.path.exists(one)), None)
    plugin = next(
        (found for one in _PLUGINS for found in Path(one).glob("libOrthancDicomWeb*")), None
    )
    if server is None or plugin is None:
        pytest.skip("needs Orthanc with its DICOMweb plugin, which is not installed")
    port = free_port()
    settings = {
        "Name": "test", "StorageDirectory": str(tmp_path / "store"),
        "IndexDirectory": str(tmp_path / "store"), "HttpPort": port, "DicomPort": free_port(),
        "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": [str(plugin)],
        "DicomServerEnabled": False, "HttpBindAddresses": ["127.0.0.1"],
    }  # fmt: skip
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    with open(tmp_path / "log", "w") as log:
        running = subprocess.Popen([server, str(tmp_path / "orthanc.json")], stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/system", running, tmp_path / "log")
        yield f"http://127.0.0.1:{port}/dicom-web"
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _wait_for(address, running, log):
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and running.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"Orthanc did not start: {log.read_text()[-500:]}")


def command(*arguments):
    found = CliRunner().invoke(app, [str(one) for one in arguments])
    assert found.exit_code == 0, found.output
    return found.output


def test_a_study_makes_the_round_trip(archive, tmp_path):
    volume = head(degrees=25, spacing=(5.0, 1.5, 1.25))
    sent = write_series(tmp_path / "scanner", volume, T1CE, number=4)
    study = uid("MRN-7788123", "study")
    assert "sent 9 files" in command("dicom", "send", archive, *sent)
    command("dicom", "fetch", archive, "--study", study, "-o", tmp_path / "fetched")
    source = read_source(tmp_path / "fetched", series_uid=uid("MRN-7788123", "study", 4))
    mask, convention = mask_like(volume), CONVENTIONS["brats"]
    model = ModelIdentity("rdl", "1.2", "ab" * 32)
    made = make_segmentation(
        mask_on_series(mask, source), source, convention, model, automatic=True
    )
    prediction = Prediction("grade", (PredictedValue("P-POSITIVE", "probability", 0.7134),))
    report = make_report(source, made, volumes_mm3(mask, convention), prediction, model)
    made.save_as(tmp_path / "seg.dcm")
    report.save_as(tmp_path / "sr.dcm")
    command("dicom", "send", archive, tmp_path / "seg.dcm", tmp_path / "sr.dcm")
    command("dicom", "fetch", archive, "--study", study, "-o", tmp_path / "again")
    returned = [pydicom.dcmread(path) for path in (tmp_path / "again").glob("*.dcm")]
    assert len(returned) == 11
    by_uid = {str(one.SOPInstanceUID): one for one in returned}
    for path in sent:
        original = pydicom.dcmread(path)
        np.testing.assert_array_equal(
            by_uid[str(original.SOPInstanceUID)].pixel_array, original.pixel_array
        )
    segmentation = by_uid[str(made.SOPInstanceUID)]
    np.testing.assert_array_equal(segmentation.pixel_array, made.pixel_array)
    assert (segmentation.PerFrameFunctionalGroupsSequence
            == pydicom.dcmread(tmp_path / "seg.dcm").PerFrameFunctionalGroupsSequence)  # fmt: skip
    assert (by_uid[str(report.SOPInstanceUID)].ContentSequence
            == pydicom.dcmread(tmp_path / "sr.dcm").ContentSequence)  # fmt: skip


def test_an_archive_that_is_away_or_lacks_the_study_is_told_in_a_line(archive, tmp_path):
    from gliofuse.model.dicom.archive import fetch_study, send_files

    with pytest.raises(InputError, match=r"holds no study '1\.2\.3'"):
        fetch_study(archive, "1.2.3", tmp_path / "none")
    with pytest.raises(RunError, match="the archive failed") as caught:
        fetch_study(f"http://me:secret@127.0.0.1:{free_port()}/dicom-web", "1.2.3", tmp_path)
    assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="begins with http"):
        fetch_study("ftp://somewhere", "1.2.3", tmp_path)
    (tmp_path / "text.dcm").write_text("no DICOM")
    with pytest.raises(ImageError, match="cannot be sent"):
        send_files(archive, [tmp_path / "text.dcm"])
