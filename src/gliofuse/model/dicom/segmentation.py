"""A mask as a DICOM segmentation on the slices of the series that it was drawn for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gliofuse.errors import GeometryError, RegionError
from gliofuse.imaging import LabelConvention, Volume
from gliofuse.model.dicom.source import SourceSeries
from gliofuse.model.dicom.terms import EXTRA, ModelIdentity, region_type, tracking_uid
from gliofuse.optional import require
from gliofuse.version import __version__

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["make_segmentation", "mask_on_series"]

_MOST_OUTSIDE = 0.05
_SERIES_NUMBER = 9001


def mask_on_series(mask: Volume, source: SourceSeries) -> Volume:
    """Bring a mask onto the slices of a series, with nearest neighbour.

    Parameters
    ----------
    mask : Volume
        Labels, in the scanner's coordinates of the same examination: a mask in an atlas must be
        brought back first.
    source : SourceSeries

    Returns
    -------
    Volume
        Labels (z, y, x) in the geometry of the series, the type of the mask.

    Raises
    ------
    GeometryError
        If more than 5 % of the labelled voxels lie outside the series.
    RegionError
        If no voxel is labelled, before or after.
    """
    import SimpleITK as sitk

    labelled = np.argwhere(mask.array != 0)
    if not len(labelled):
        raise RegionError("the mask has no labelled voxel, so there is nothing to write as DICOM")
    outside = 1 - _inside(mask.index_to_point(labelled), source.grid)
    if outside > _MOST_OUTSIDE:
        raise GeometryError(
            f"{outside:.0%} of the mask lies outside the source series (allowed: "
            f"{_MOST_OUTSIDE:.0%}): it must be a mask of this examination, in the scanner's "
            f"coordinates"
        )
    values = Volume(mask.array.astype(np.uint8), mask.spacing_mm, mask.origin_mm, mask.direction)
    moved = sitk.Resample(
        values.to_sitk(), source.grid.to_sitk(), sitk.Transform(3, sitk.sitkIdentity),
        sitk.sitkNearestNeighbor, 0.0, sitk.sitkUInt8,
    )  # fmt: skip
    found = source.grid.with_array(sitk.GetArrayFromImage(moved))
    if not found.array.any():
        raise RegionError("the mask falls between the slices of the source series: too small")
    return found


def make_segmentation(
    mask: Volume,
    source: SourceSeries,
    convention: LabelConvention,
    model: ModelIdentity,
    *,
    automatic: bool,
) -> Dataset:
    """Make a binary DICOM segmentation, one segment a label that occurs.

    Every slice of the series has a frame in every segment, empty ones too: some viewers do not
    place the frames otherwise.

    Parameters
    ----------
    mask : Volume
        As :func:`mask_on_series` returns it.
    source : SourceSeries
    convention : LabelConvention
    model : ModelIdentity
        Whoever made the mask.
    automatic : bool
        Whether an algorithm drew the mask; a given mask is called ``SEMIAUTOMATIC``, since what
        people did to it is not known.

    Returns
    -------
    pydicom.Dataset
        Write it with ``save_as``. Patient and study are those of the source.

    Raises
    ------
    RegionError
        If the mask holds a label that the convention does not know.
    """
    hd = require("highdicom", extra=EXTRA)
    present = {int(label) for label in np.unique(mask.array)} - {0}
    labels = {name: label for name, label in convention.labels.items() if label in present}
    unknown = sorted(present - set(labels.values()))
    if unknown or not labels:
        raise RegionError(
            f"the mask holds label {', '.join(map(str, unknown)) or 'none'}, which the convention "
            f"{convention.name!r} does not know ({dict(convention.labels)})"
        )
    frames = np.stack(
        [mask.array[list(source.order)] == label for label in labels.values()], axis=-1
    )
    return hd.seg.Segmentation(
        source_images=list(source.images),
        pixel_array=frames.astype(np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=_segments(labels, source, model, automatic),
        series_instance_uid=hd.UID(),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="gliofuse",
        manufacturer_model_name=model.name,
        software_versions=__version__,
        device_serial_number=model.checksum[:64] or "none",
        content_label="TUMOUR",
        content_description="Tumour regions, research only",
        series_description="Tumour regions (gliofuse, research only)",
        omit_empty_frames=False,
    )


def _segments(
    labels: dict[str, int], source: SourceSeries, model: ModelIdentity, automatic: bool
) -> list[Any]:
    hd = require("highdicom", extra=EXTRA)
    codes = require("pydicom.sr.codedict", extra=EXTRA).codes
    algorithm = hd.AlgorithmIdentificationSequence(
        name=model.name,
        version=model.version,
        family=codes.DCM.ArtificialIntelligence,
        parameters=model.parameters(),
    )
    kinds = hd.seg.SegmentAlgorithmTypeValues
    return [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=region_type(name),
            algorithm_type=kinds.AUTOMATIC if automatic else kinds.SEMIAUTOMATIC,
            algorithm_identification=algorithm,
            tracking_id=f"gliofuse {name}",
            tracking_uid=tracking_uid(source.series_uid, name),
            anatomic_regions=[codes.SCT.Brain],
        )
        for number, name in enumerate(labels, 1)
    ]


def _inside(points_mm: np.ndarray, grid: Volume) -> float:
    """Return the share of points (n, 3) that lie in a voxel of the grid."""
    steps = (points_mm - np.asarray(grid.origin_mm)) @ grid.direction
    index = steps[:, ::-1] / np.asarray(grid.spacing_mm)
    return float(np.mean(np.all((index > -0.5) & (index < np.array(grid.shape) - 0.5), axis=1)))
