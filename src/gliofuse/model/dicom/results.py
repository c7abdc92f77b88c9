"""A prediction and its mask as files for the archive that the images came from."""

from __future__ import annotations

from pathlib import Path

from gliofuse.imaging import get_convention, read_mask
from gliofuse.model.description import ModelDescription
from gliofuse.model.dicom.measurements import PredictedValue, Prediction, make_report
from gliofuse.model.dicom.segmentation import make_segmentation, mask_on_series
from gliofuse.model.dicom.source import read_source
from gliofuse.model.dicom.terms import ModelIdentity, volumes_mm3
from gliofuse.model.prediction import Prediction as ModelPrediction

__all__ = ["write_dicom_results"]


def write_dicom_results(
    prediction: ModelPrediction,
    description: ModelDescription,
    source: str | Path,
    folder: str | Path,
    *,
    mask: Path | None = None,
    automatic: bool = False,
    sequence: str = "t1ce",
    series_uid: str | None = None,
) -> list[Path]:
    """Write ``segmentation.dcm`` (where there is a mask) and ``report.dcm``.

    Parameters
    ----------
    prediction : Prediction
        Of the model.
    description : ModelDescription
    source : path
        Folder of the patient's DICOM files.
    folder : path
    mask : path, optional
        In millimetres where the scan of ``sequence`` lies.
    automatic : bool
        Whether an algorithm drew the mask.
    sequence : str
        Series that the results refer to.
    series_uid : str, optional
        Its Series Instance UID, where the sequence does not tell it.

    Raises
    ------
    ImageError
        If the source holds no such series.
    """
    series = read_source(source, sequence=sequence, series_uid=series_uid)
    identity = ModelIdentity(
        description.name or description.design,
        prediction.gliofuse_version,
        prediction.model_sha256,
    )
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    made, volumes, written = None, {}, []
    if mask is not None:
        drawn = read_mask(mask)
        convention = get_convention(description.convention)
        on_series = mask_on_series(drawn, series)
        made = make_segmentation(on_series, series, convention, identity, automatic=automatic)
        volumes = dict(volumes_mm3(drawn, convention))
        written.append(target / "segmentation.dcm")
        made.save_as(written[-1])
    report = make_report(series, made, volumes, _told(prediction), identity)
    written.append(target / "report.dcm")
    report.save_as(written[-1])
    return written


def _told(prediction: ModelPrediction) -> Prediction:
    """Return the final model's prediction in the report's terms."""
    final, values = prediction.final, []
    if final.probability is not None:
        name = f"probability of {prediction.outcome}"
        values.append(PredictedValue("PROBABILITY", name[:64], final.probability))
    for number, (name, value) in enumerate(final.probabilities.items(), 1):
        values.append(PredictedValue(f"PROBABILITY_{number}", f"probability of {name}"[:64], value))
    if final.risk is not None:
        values.append(PredictedValue("LOG_HAZARD", "log relative hazard", final.risk))
    for number, (name, known) in enumerate(final.survival.items(), 1):
        if known is not None:
            text = f"probability of no event by {name}"
            values.append(PredictedValue(f"SURVIVAL_{number}", text[:64], known))
    statements = [("model", final.label)]
    if final.called is not None:
        statements.append(("called", final.called))
    held = prediction.checks.get("prediction_set") or {}
    if held.get("classes") is not None:
        statements.append(("not ruled out", ", ".join(held["classes"]) or "none"))
    statements += [("warning", text) for text in prediction.warnings]
    return Prediction(prediction.outcome, tuple(values), tuple(statements))
