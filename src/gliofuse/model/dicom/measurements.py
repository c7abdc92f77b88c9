"""Volumes and a prediction as a DICOM structured report (TID 1500)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gliofuse.errors import SettingError
from gliofuse.model.dicom.source import SourceSeries
from gliofuse.model.dicom.terms import (
    EXTRA,
    NOT_FOR_CARE,
    ModelIdentity,
    own_code,
    region_type,
    tracking_uid,
)
from gliofuse.optional import require
from gliofuse.version import __version__

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["PredictedValue", "Prediction", "make_report"]

_SERIES_NUMBER = 9002
_UNITS = ("1", "%", "d", "mo", "a", "mm3")


@dataclass(frozen=True)
class PredictedValue:
    """One number of a prediction.

    Parameters
    ----------
    code : str
        At most 16 characters, again the same for the same thing.
    name : str
        What it is, at most 64 characters: ``probability of grade >= 3``.
    value : float
    unit : str
        UCUM: ``1``, ``%``, ``d``, ``mo``, ``a`` or ``mm3``.
    """

    code: str
    name: str
    value: float
    unit: str = "1"

    def __post_init__(self) -> None:
        if self.unit not in _UNITS:
            raise SettingError(f"unit must be one of {', '.join(_UNITS)}, got {self.unit!r}")
        if not 0 < len(self.code) <= 16 or not 0 < len(self.name) <= 64:
            raise SettingError(
                f"a predicted value needs a code of at most 16 and a name of at most 64 "
                f"characters, got {self.code!r} and {self.name!r}"
            )


@dataclass(frozen=True)
class Prediction:
    """What a model says about one patient.

    Parameters
    ----------
    endpoint : str
    values : tuple of PredictedValue
    statements : tuple of (str, str)
        What is not a number, as name and value: the class at the threshold, a flag.
    """

    endpoint: str
    values: tuple[PredictedValue, ...]
    statements: tuple[tuple[str, str], ...] = ()


def make_report(
    source: SourceSeries,
    segmentation: Dataset | None,
    volumes: Mapping[str, float],
    prediction: Prediction,
    model: ModelIdentity,
) -> Dataset:
    """Make a comprehensive structured report of measurements and prediction.

    Parameters
    ----------
    source : SourceSeries
    segmentation : pydicom.Dataset, optional
        As :func:`~gliofuse.model.dicom.make_segmentation` made it; the volumes refer to it.
    volumes : mapping of str to float
        Volume of each label, mm³, as measured on the mask before it was brought onto the series.
    prediction : Prediction
    model : ModelIdentity

    Returns
    -------
    pydicom.Dataset
        Patient and study are those of the source; the document is partial and not verified.
    """
    hd = require("highdicom", extra=EXTRA)
    codes = require("pydicom.sr.codedict", extra=EXTRA).codes
    groups = [] if segmentation is None else _volume_groups(source, segmentation, volumes, model)
    groups.append(_prediction_group(source, prediction, model))
    content = hd.sr.MeasurementReport(
        observation_context=_observer(model),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    evidence = [*source.images, *([] if segmentation is None else [segmentation])]
    return hd.sr.ComprehensiveSR(
        evidence=evidence,
        content=content[0],
        series_instance_uid=hd.UID(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="gliofuse",
        manufacturer_model_name=model.name,
        software_versions=__version__,
        series_description="Prediction (gliofuse, research only)",
        is_complete=False,
        is_final=False,
        is_verified=False,
    )


def _observer(model: ModelIdentity) -> Any:
    hd = require("highdicom", extra=EXTRA)
    codes = require("pydicom.sr.codedict", extra=EXTRA).codes
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=tracking_uid(model.checksum or f"{model.name} {model.version}", "model"),
        name=model.name,
        manufacturer_name="gliofuse",
        model_name=f"{model.name} {model.version}",
        serial_number=model.checksum[:64] or None,
    )
    context = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device, observer_identifying_attributes=device
    )
    return hd.sr.ObservationContext(observer_device_context=context)


def _algorithm(model: ModelIdentity) -> Any:
    hd = require("highdicom", extra=EXTRA)
    return hd.sr.AlgorithmIdentification(
        name=model.name,
        version=model.version,
        parameters=[f"{name}: {value}" for name, value in model.parameters().items()],
    )


def _volume_groups(
    source: SourceSeries, segmentation: Dataset, volumes: Mapping[str, float], model: ModelIdentity
) -> list[Any]:
    hd = require("highdicom", extra=EXTRA)
    codes = require("pydicom.sr.codedict", extra=EXTRA).codes
    groups = []
    for segment in segmentation.SegmentSequence:
        name = str(segment.SegmentLabel)
        volume = hd.sr.Measurement(
            name=codes.SCT.Volume,
            value=volumes[name],
            unit=codes.UCUM.CubicMillimeter,
            method=codes.DCM.SumOfSegmentedVoxelMethodForVolume,
        )
        groups.append(
            hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
                tracking_identifier=hd.sr.TrackingIdentifier(
                    uid=segment.TrackingUID, identifier=segment.TrackingID
                ),
                referenced_segment=hd.sr.ReferencedSegment(
                    sop_class_uid=segmentation.SOPClassUID,
                    sop_instance_uid=segmentation.SOPInstanceUID,
                    segment_number=segment.SegmentNumber,
                    source_series=hd.sr.SourceSeriesForSegmentation(source.series_uid),
                ),
                finding_type=region_type(name),
                finding_category=codes.SCT.MorphologicallyAbnormalStructure,
                finding_sites=[hd.sr.FindingSite(codes.SCT.Brain)],
                measurements=[volume],
                algorithm_id=_algorithm(model),
            )
        )
    return groups


def _prediction_group(source: SourceSeries, prediction: Prediction, model: ModelIdentity) -> Any:
    hd = require("highdicom", extra=EXTRA)
    codes = require("pydicom.sr.codedict", extra=EXTRA).codes
    statements: Sequence[tuple[str, str]] = (
        ("Intended use", NOT_FOR_CARE),
        ("Endpoint", prediction.endpoint),
        *prediction.statements,
    )
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=tracking_uid(source.series_uid, f"prediction {prediction.endpoint}"),
            identifier=f"gliofuse prediction: {prediction.endpoint}"[:64],
        ),
        finding_type=codes.SCT.Neoplasm,
        finding_sites=[hd.sr.FindingSite(codes.SCT.Brain)],
        algorithm_id=_algorithm(model),
        measurements=[
            hd.sr.Measurement(
                name=own_code(one.code, one.name),
                value=one.value,
                unit=hd.sr.CodedConcept(one.unit, "UCUM", _unit_meaning(one.unit)),
            )
            for one in prediction.values
        ],
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(
                name=own_code(f"S-{name}".upper().replace(" ", "-"), name),
                value=own_code(f"V-{number}", value),
            )
            for number, (name, value) in enumerate(statements, 1)
        ],
    )


def _unit_meaning(unit: str) -> str:
    meanings = {"1": "no units", "%": "percent", "d": "day", "mo": "month", "a": "year"}
    return meanings.get(unit, "cubic millimeter")
