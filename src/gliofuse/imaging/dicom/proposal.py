"""Which sequence a series is: the timings first, the words second, doubt left to the user."""

from __future__ import annotations

from dataclasses import dataclass

from gliofuse.imaging.dicom.header import SeriesHeader
from gliofuse.imaging.dicom.terms import Claims, agent_given, read_terms
from gliofuse.imaging.dicom.weighting import Weighting, weigh

__all__ = ["ASK", "OTHER", "Proposal", "propose"]

ASK = "ask"
OTHER = "other"

_MIN_EXTENT_MM = 80.0

# Types of image (third value of ImageType and after) that no sequence of the manifest is.
_TYPES = {
    "LOCALIZER": "localizer", "MIP": "projection (MIP)", "MNIP": "projection (minIP)",
    "MINIP": "projection (minIP)", "PROJECTION IMAGE": "projection", "VRT": "rendering",
    "SUB": "subtraction", "SUBTRACT": "subtraction", "SUBTRACTION": "subtraction",
    "ADC": "diffusion map", "TRACEW": "diffusion", "DIFFUSION": "diffusion",
    "FA": "diffusion map", "TENSOR": "diffusion map", "PERFUSION": "perfusion", "ASL": "perfusion",
    "RELCBV": "blood volume map", "RCBV": "blood volume map", "CBV": "blood volume map",
    "RELCBF": "perfusion map", "RELMTT": "perfusion map", "MTT": "perfusion map",
    "TTP": "perfusion map",
    "SWI": "susceptibility", "P": "phase image", "PHASE MAP": "phase image",
    "SCREEN SAVE": "screen capture", "CSA REPORT": "report", "FMRI": "functional",
    "T2 MAP": "T2 map", "T1 MAP": "T1 map", "T2_STAR_MAP": "T2* map", "VELOCITY": "flow",
}  # fmt: skip
_REFORMATS = {"MPR", "REFORMATTED", "CPR", "CSA MPR"}
_NOT_VOLUMES = ("Secondary Capture", "Presentation", "Report", "Segmentation", "Spectroscopy",
                "Document", "Structure Set", "SR Storage", "Raw Data")  # fmt: skip
_ENHANCED = {"DIFFUSION": "diffusion", "PERFUSION": "perfusion", "TOF": "angiography",
             "FLOW_ENCODED": "angiography", "STIR": "short-TI inversion recovery",
             "PROTON_DENSITY": "proton density", "TAGGING": "tagging"}  # fmt: skip

# Words that a spin echo with clear timings contradicts.
_NEEDS_GRADIENT_ECHO = {"susceptibility", "angiography", "functional", "field map",
                        "balanced or other steady state"}  # fmt: skip


@dataclass(frozen=True)
class Proposal:
    """What a series is taken for.

    Parameters
    ----------
    kind : str
        ``t1``, ``t1ce``, ``t2``, ``flair``, ``other``, or ``ask`` where only a person can tell.
    confidence : str
        ``high``, ``medium`` or, of ``ask``, ``low``.
    reason : str
        On what it rests; quotes no free text of the header.
    weighting : str
        Of ``ask``: what the timings alone say (``t1``, ``t2``, ``flair`` or blank).
    """

    kind: str
    confidence: str
    reason: str
    weighting: str = ""


def propose(header: SeriesHeader) -> Proposal:
    """Propose which sequence a series is.

    Parameters
    ----------
    header : SeriesHeader

    Returns
    -------
    Proposal

    Notes
    -----
    Type of object and image decide first, then the technique (echo-planar, diffusion weighting,
    repeated volumes), then the timings; the words of the description decide only what timings
    leave open, and a contradiction lowers the confidence or is asked about. Whether a T1 is
    post-contrast needs the agent's tag or the words: timings don't show it.
    """
    claims, physics = read_terms(header.text), weigh(header)
    for rule in (_by_object, _by_image_type, _by_technique, _by_words):
        found = rule(header, claims, physics)
        if found is not None:
            return found
    return _structural(header, claims, physics)


def _other(what: str, confidence: str = "high") -> Proposal:
    return Proposal(OTHER, confidence, what)


def _ask(why: str, physics: Weighting) -> Proposal:
    kind = physics.kind if physics.kind in ("t1", "t2", "flair") else ""
    return Proposal(ASK, "low", why, kind)


def _by_object(header: SeriesHeader, claims: Claims, physics: Weighting) -> Proposal | None:
    if header.modality and header.modality != "MR":
        return _other(f"modality {header.modality}, not MR")
    named = next((name for name in _NOT_VOLUMES if name in header.sop_class), None)
    return _other(f"no image of the scanner: {header.sop_class}") if named else None


def _by_image_type(header: SeriesHeader, claims: Claims, physics: Weighting) -> Proposal | None:
    for value in header.image_type:
        what = _TYPES.get(value) or ("diffusion map" if value.startswith("ADC_") else None)
        if what is not None:
            return _other(f"{what}, by its image type {value}")
    if claims.other in ("screen capture", "subtraction", "projection (MIP)", "localizer"):
        return _other(f"{claims.other}, by its description")
    if claims.mp2rage or "UNI" in header.image_type:
        return _ask("one of the images of an MP2RAGE: choose which to use", physics)
    reformat = claims.mpr and "ORIGINAL" not in header.image_type
    if reformat or claims.reformatted or _REFORMATS & set(header.image_type):
        return _ask(f"a reformat ({physics.why}): better take the series it was made from", physics)
    return None


def _by_technique(header: SeriesHeader, claims: Claims, physics: Weighting) -> Proposal | None:
    named = _ENHANCED.get(header.acquisition_contrast)
    if named is not None:
        return _other(f"{named}, by its acquisition contrast")
    if header.angiography:
        return _other("angiography, by its flag")
    if physics.kind == OTHER and physics.sure:
        what = f" ({claims.other})" if claims.other else ""
        return _other(f"{physics.why}{what}")
    if header.volumes > 1 and not claims.other:
        return _ask(f"{header.volumes} volumes at each position: perhaps a dynamic series", physics)
    return None


def _by_words(header: SeriesHeader, claims: Claims, physics: Weighting) -> Proposal | None:
    """What the words name as no structural sequence, unless timings are against it."""
    if header.body_part and header.body_part.endswith("SPINE"):
        return _other("spine, by its body part")
    if physics.kind == OTHER:
        if claims.other or not claims.weightings:
            what = f" ({claims.other})" if claims.other else ""
            return _other(f"{physics.why}{what}", "high" if claims.other else "medium")
        return _ask(f"{physics.why}, against its description", physics)
    if not claims.other:
        return None
    if claims.other == "proton density" and physics.kind == "t2" and physics.sure:
        return None  # the second echo of a double echo
    spin_echo = "SE" in header.scanning and physics.sure
    if claims.other in _NEEDS_GRADIENT_ECHO and spin_echo:
        return _ask(f"its description says {claims.other}, but {physics.why}", physics)
    if claims.other == "diffusion" and physics.kind in ("t1", "flair") and physics.sure:
        return _ask(f"its description says diffusion, but {physics.why}", physics)
    return _other(f"{claims.other}, by its description ({physics.why})", "medium")


def _structural(header: SeriesHeader, claims: Claims, physics: Weighting) -> Proposal:
    if not physics.kind:
        return _unclear(header, claims, physics)
    if header.extent_mm is not None and 0 < header.extent_mm < _MIN_EXTENT_MM:
        return _ask(f"covers {header.extent_mm:.0f} mm, not the whole head", physics)
    kind = physics.kind
    if kind == "t2" and "flair" in claims.weightings and _may_be_flair(header):
        return _ask(f"its description says FLAIR, but {physics.why}: perhaps TI is lost", physics)
    said = _claimed(claims)
    agrees = kind in said
    if said and not agrees and not physics.sure:
        return _ask(f"its description says {' or '.join(sorted(said))}, but {physics.why}", physics)
    against = (
        f", against its description ({' or '.join(sorted(said))})" if said and not agrees else ""
    )
    confidence = "high" if agrees and (physics.sure or kind == "t1") else "medium"
    if "DERIVED" in header.image_type:
        confidence = "medium"
    reason = f"{physics.why}{against}"
    if kind != "t1":
        return Proposal(kind, confidence, reason)
    return _with_contrast(header, claims, physics, confidence, reason)


def _may_be_flair(header: SeriesHeader) -> bool:
    """Whether a FLAIR whose TI was lost could have this TR: in 2D it is longer."""
    return (header.tr_ms or 0) >= (4000 if header.dimensions == "3D" else 6000)


def _claimed(claims: Claims) -> set[str]:
    """The weightings that the words allow: "T1 FLAIR" is a T1, "T2 FLAIR" a FLAIR."""
    said = set(claims.weightings)
    if "flair" in said:
        said.discard("t2")
        if "t1" in said:
            said.discard("flair")
    return said


def _unclear(header: SeriesHeader, claims: Claims, physics: Weighting) -> Proposal:
    """Timings don't tell: one clear word does, where they don't speak against it."""
    said = _claimed(claims)
    gradient = physics.why.startswith(("gradient", "spoiled"))
    if said == {"t1"} and gradient and (header.te_ms or 99) <= 8:
        reason = f"T1 by its description; {physics.why}"
        return _with_contrast(header, claims, physics, "medium", reason)
    what = f"its description says {' and '.join(sorted(said))}; " if said else ""
    return _ask(f"{what}{physics.why}", physics)


def _with_contrast(
    header: SeriesHeader, claims: Claims, physics: Weighting, confidence: str, reason: str
) -> Proposal:
    tag, words = agent_given(header.agent), claims.contrast
    doubt = Weighting("t1", False, "")
    if claims.contradicts_itself:
        return _ask(f"{reason}; its description says both with and without contrast", doubt)
    if tag is not None and words is not None and tag != words:
        says = ("with contrast", "without")[:: 1 if tag else -1]
        return _ask(f"{reason}; the agent's tag says {says[0]}, the description {says[1]}", doubt)
    if tag or words:
        source = "tag and description" if tag and words else "the tag" if tag else "the description"
        both = "high" if tag and words else "medium"
        return Proposal("t1ce", min(confidence, both, key=_rank), f"{reason}; contrast by {source}")
    if tag is False or words is False:
        return Proposal("t1", confidence, f"{reason}; without contrast, as it says")
    return Proposal("t1", "medium", f"{reason}; nothing says that contrast was given")


def _rank(confidence: str) -> int:
    return ("low", "medium", "high").index(confidence)
