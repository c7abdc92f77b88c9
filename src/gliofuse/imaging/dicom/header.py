"""What the headers of one series say about how it was acquired."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["SeriesHeader", "read_header"]


@dataclass(frozen=True)
class SeriesHeader:
    """Acquisition of one stack of images; what is not in the headers is ``None`` or blank.

    Parameters
    ----------
    modality, vendor, model, sop_class : str
        ``sop_class`` is the name of the storage class, for example ``"MR Image Storage"``.
    description, protocol, sequence_name, body_part : str
    scanning, variant, options, image_type : tuple of str
        ScanningSequence, SequenceVariant, ScanOptions and ImageType, in capitals.
    dimensions : str
        ``"2D"`` or ``"3D"``.
    field_t, tr_ms, te_ms, ti_ms, flip_deg : float or None
    echo_train : int or None
    b_value : float or None
        The largest of the stack, in s/mm2.
    angiography : bool
        AngioFlag.
    agent : str
        ContrastBolusAgent as it stands in the header.
    acquisition_contrast : str
        Of an enhanced image: T1, T2, FLUID_ATTENUATED, DIFFUSION and the like.
    slices, volumes : int
        Slice positions, and images at each position.
    thickness_mm, step_mm, extent_mm : float or None
        Slice thickness, distance between slices, and how far the stack reaches.
    """

    modality: str = "MR"
    vendor: str = ""
    model: str = ""
    sop_class: str = ""
    description: str = ""
    protocol: str = ""
    sequence_name: str = ""
    body_part: str = ""
    scanning: tuple[str, ...] = ()
    variant: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    image_type: tuple[str, ...] = ()
    dimensions: str = ""
    field_t: float | None = None
    tr_ms: float | None = None
    te_ms: float | None = None
    ti_ms: float | None = None
    flip_deg: float | None = None
    echo_train: int | None = None
    b_value: float | None = None
    angiography: bool = False
    agent: str = ""
    acquisition_contrast: str = ""
    slices: int = 0
    volumes: int = 1
    thickness_mm: float | None = None
    step_mm: float | None = None
    extent_mm: float | None = None

    @property
    def text(self) -> str:
        """Description and protocol, in which a technologist's words are looked for."""
        return f"{self.description} | {self.protocol}"


_ENHANCED_GROUPS = {
    "tr_ms": ("MRTimingAndRelatedParametersSequence", "RepetitionTime"),
    "flip_deg": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "echo_train": ("MRTimingAndRelatedParametersSequence", "EchoTrainLength"),
    "te_ms": ("MREchoSequence", "EffectiveEchoTime"),
    "ti_ms": ("MRModifierSequence", "InversionTimes"),
    "b_value": ("MRDiffusionSequence", "DiffusionBValue"),
    "thickness_mm": ("PixelMeasuresSequence", "SliceThickness"),
}
_PLAIN = {
    "tr_ms": "RepetitionTime",
    "te_ms": "EchoTime",
    "ti_ms": "InversionTime",
    "flip_deg": "FlipAngle",
    "echo_train": "EchoTrainLength",
    "b_value": "DiffusionBValue",
    "thickness_mm": "SliceThickness",
    "field_t": "MagneticFieldStrength",
}
_ECHOES = {"SPIN": ("SE",), "GRADIENT": ("GR",), "BOTH": ("SE", "GR")}


def read_header(dataset: Any, frame: int = 0) -> SeriesHeader:
    """Read the acquisition from one data set of pydicom, a classic or an enhanced image.

    Parameters
    ----------
    dataset : pydicom.Dataset
    frame : int
        Of an enhanced image, the frame that is asked about.

    Returns
    -------
    SeriesHeader
        Without what only the whole stack shows: slices, volumes, step and extent.
    """
    found: dict[str, Any] = {name: number(dataset.get(tag)) for name, tag in _PLAIN.items()}
    scanning, variant = (
        words(dataset.get("ScanningSequence")),
        words(dataset.get("SequenceVariant")),
    )
    groups = functional_groups(dataset, frame)
    if groups:
        for name, (sequence, tag) in _ENHANCED_GROUPS.items():
            value = number(group_value(groups, sequence, tag))
            found[name] = value if value is not None else found[name]
        scanning = scanning or _enhanced_scanning(dataset, groups)
        variant = variant or _enhanced_variant(dataset, groups)
    for name in ("tr_ms", "te_ms", "ti_ms"):
        found[name] = found[name] or None  # some vendors write 0 for "none"
    train = found.pop("echo_train")
    image_type = group_value(groups, "MRImageFrameTypeSequence", "FrameType")
    return SeriesHeader(
        modality=text(dataset.get("Modality")).upper(),
        vendor=text(dataset.get("Manufacturer")),
        model=text(dataset.get("ManufacturerModelName")),
        sop_class=_sop_class(dataset),
        description=text(dataset.get("SeriesDescription")),
        protocol=text(dataset.get("ProtocolName")),
        sequence_name=text(dataset.get("SequenceName")) or text(dataset.get("PulseSequenceName")),
        body_part=text(dataset.get("BodyPartExamined")).upper(),
        scanning=scanning,
        variant=variant,
        options=words(dataset.get("ScanOptions")),
        image_type=words(image_type or dataset.get("ImageType")),
        dimensions=text(dataset.get("MRAcquisitionType")).upper(),
        angiography=text(dataset.get("AngioFlag")).upper() == "Y",
        agent=_agent(dataset),
        acquisition_contrast=text(dataset.get("AcquisitionContrast")).upper(),
        echo_train=None if train is None else int(train),
        **found,
    )


def functional_groups(dataset: Any, frame: int) -> list[Any]:
    """Return the functional groups that hold for a frame: its own, then the shared ones."""
    groups = []
    own = dataset.get("PerFrameFunctionalGroupsSequence")
    if own is not None and frame < len(own):
        groups.append(own[frame])
    shared = dataset.get("SharedFunctionalGroupsSequence")
    if shared:
        groups.append(shared[0])
    return groups


def group_value(groups: list[Any], sequence: str, tag: str) -> Any:
    """Return a value of the first group that has it."""
    for group in groups:
        items = group.get(sequence)
        if items and items[0].get(tag) is not None:
            return items[0].get(tag)
    return None


def text(value: Any) -> str:
    """Return a value as one line of text, blank for a missing one."""
    return "" if value is None else " ".join(str(value).split())


def words(value: Any) -> tuple[str, ...]:
    """Return a value of one or more words as capitals."""
    if value is None or value == "":
        return ()
    parts = [value] if isinstance(value, str) else list(value)
    return tuple(word for part in parts for word in [text(part).upper()] if word)


def number(value: Any) -> float | None:
    """Return a value, or the first of several, as a finite number."""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        value = value[0] if len(value) else None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _sop_class(dataset: Any) -> str:
    value = dataset.get("SOPClassUID")
    return "" if value is None else str(getattr(value, "name", value))


def _agent(dataset: Any) -> str:
    agent = text(dataset.get("ContrastBolusAgent"))
    items = dataset.get("ContrastBolusAgentSequence")
    if agent or not items:
        return agent
    return text(items[0].get("CodeMeaning")) or "named by a code"


def _enhanced_scanning(dataset: Any, groups: list[Any]) -> tuple[str, ...]:
    found = list(_ECHOES.get(text(dataset.get("EchoPulseSequence")).upper(), ()))
    if text(dataset.get("EchoPlanarPulseSequence")).upper() == "YES":
        found.append("EP")
    if text(group_value(groups, "MRModifierSequence", "InversionRecovery")).upper() == "YES":
        found.append("IR")
    return tuple(found)


def _enhanced_variant(dataset: Any, groups: list[Any]) -> tuple[str, ...]:
    found = []
    if text(dataset.get("SteadyStatePulseSequence")).upper() not in ("", "NONE"):
        found.append("SS")
    if text(group_value(groups, "MRModifierSequence", "Spoiling")).upper() not in ("", "NONE"):
        found.append("SP")
    return tuple(found)
