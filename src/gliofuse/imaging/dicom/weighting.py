"""The weighting of an image from its timings alone.

Bounds are those of clinical brain protocols, with gaps between them in which nothing is claimed.
An inversion recovery is judged by the time at which cerebrospinal fluid passes zero,
``T1 ln(2 / (1 + exp(-TR / T1)))`` with T1 = 4.3 s (Rooney WD et al. Magn Reson Med
2007;57:308-318): FLAIR lies at or below it, the first delay of a double inversion well above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gliofuse.imaging.dicom.header import SeriesHeader

__all__ = ["Weighting", "fluid_null_ms", "weigh"]

_FLUID_T1_MS = 4300.0
# The echo train takes a part of TR, more so in 3D, so that published delays are 0.8-1.1 of this.
_FLUID_NULLED = (0.7, 1.18)
_FAT_NULL_MS = (80.0, 300.0)
_MIN_SPIN_ECHO_TR_MS = 200.0
_T1_INVERSION_MS = (300.0, 1300.0)


@dataclass(frozen=True)
class Weighting:
    """What the timings say.

    Parameters
    ----------
    kind : str
        ``t1``, ``t2``, ``flair``, ``other`` (named in ``why``), or blank where they don't tell.
    sure : bool
        Whether the timings admit nothing else.
    why : str
        The timings, and what follows.
    """

    kind: str
    sure: bool
    why: str


def fluid_null_ms(tr_ms: float) -> float:
    """Return the inversion time at which cerebrospinal fluid gives no signal.

    Examples
    --------
    >>> round(fluid_null_ms(9000))
    2481
    """
    return _FLUID_T1_MS * math.log(2 / (1 + math.exp(-tr_ms / _FLUID_T1_MS)))


def weigh(header: SeriesHeader) -> Weighting:
    """Judge the weighting by the sequence family and its timings."""
    given = _timings(header)
    if header.b_value:
        return Weighting("other", True, f"diffusion, b = {header.b_value:g} s/mm2")
    if _is_epi(header):
        return Weighting("other", True, f"echo-planar, {given}")
    if header.tr_ms is None or header.te_ms is None:
        return Weighting("", False, "TR or TE is not in the header")
    if _is_gradient_echo(header):
        kind, sure, what = _gradient_echo(header, header.tr_ms, header.te_ms)
    elif _inverted(header):
        kind, sure, what = _inversion_recovery(header, header.tr_ms, header.te_ms)
    else:
        kind, sure, what = _spin_echo(header.tr_ms, header.te_ms)
        if "SE" not in header.scanning:  # the family is not in the header
            sure = False
            kind = kind if header.tr_ms >= _MIN_SPIN_ECHO_TR_MS else ""
    return Weighting(kind, sure, f"{what}, {given}")


def _is_epi(header: SeriesHeader) -> bool:
    return "EP" in header.scanning or _name_has(header, "ep")


def _is_gradient_echo(header: SeriesHeader) -> bool:
    if "GR" in header.scanning:
        return "SE" not in header.scanning
    return not header.scanning and _name_has(header, "fl", "tfl", "fe", "ffe")


def _inverted(header: SeriesHeader) -> bool:
    return (
        "IR" in header.scanning
        or bool({"IR", "IR_GEMS"} & set(header.options))
        or (header.ti_ms or 0) > _FAT_NULL_MS[0]
        or _name_has(header, "tir", "spcir")
    )


def _name_has(header: SeriesHeader, *starts: str) -> bool:
    """Whether Siemens' name of the sequence (``*tir2d1_16``) is one of a family."""
    name = header.sequence_name.lower()
    return name.startswith("*") and name[1:].startswith(starts)


def _gradient_echo(header: SeriesHeader, tr: float, te: float) -> tuple[str, bool, str]:
    if _name_has(header, "fm"):
        return "other", True, "field map"
    if te >= 12:
        return "other", True, "gradient echo, T2*-weighted"
    flip = header.flip_deg or 0
    prepared = "MP" in header.variant or _inverted(header)
    if header.dimensions != "2D" and prepared and te <= 8 and 0 < flip <= 20:
        return "t1", True, "inversion-prepared 3D gradient echo"
    if _name_has(header, "ci", "tfi") or (tr < 10 and flip >= 35):
        return "other", True, "balanced steady state"
    if header.dimensions == "3D":
        return _spoiled_3d(tr, te, flip)
    if te <= 8 and 80 <= tr <= 400 and flip >= 50:
        return "t1", True, "spoiled 2D gradient echo"
    return "", False, "gradient echo"


def _spoiled_3d(tr: float, te: float, flip: float) -> tuple[str, bool, str]:
    """T1-weighted, a time of flight or a scout: only wording can tell some of them apart."""
    if te <= 6 and 5 <= tr <= 16 and flip >= 9:
        return "t1", False, "spoiled 3D gradient echo"
    if te <= 6 and 16 < tr <= 60 and flip >= 26:
        return "t1", False, "spoiled 3D gradient echo"
    return "", False, "spoiled 3D gradient echo, which may be T1, a time of flight or a scout"


def _inversion_recovery(header: SeriesHeader, tr: float, te: float) -> tuple[str, bool, str]:
    ti = header.ti_ms
    if ti is None:
        if tr >= 4000 and te >= 70:
            return "flair", False, "inversion recovery without its TI"
        if tr <= 3500 and te <= 40:
            return "t1", False, "inversion recovery without its TI"
        return "", False, "inversion recovery without its TI"
    if _FAT_NULL_MS[0] <= ti <= _FAT_NULL_MS[1]:
        return "other", True, "short-TI inversion recovery (fat nulled)"
    ratio = ti / fluid_null_ms(tr)
    if te <= 40 and tr <= 3500 and _T1_INVERSION_MS[0] <= ti <= _T1_INVERSION_MS[1]:
        return "t1", True, "inversion recovery with short TE"
    if te >= 70 and tr >= 4000 and _FLUID_NULLED[0] <= ratio <= _FLUID_NULLED[1]:
        return "flair", True, "inversion recovery with long TE, fluid nulled"
    if te >= 70 and tr >= 4000 and ratio > _FLUID_NULLED[1]:
        return "other", False, "inversion above the null of fluid, as the first of two"
    return "", False, "inversion recovery"


def _spin_echo(tr: float, te: float) -> tuple[str, bool, str]:
    if tr <= 850 and te <= 35:
        return "t1", True, "short TR and TE"
    if tr <= 1100 and te <= 40:
        return "t1", False, "short TR and TE"
    if tr >= 2000 and te >= 70:
        return "t2", True, "long TR and TE, no inversion"
    if tr >= 1200 and te >= 75:
        return "t2", False, "long TE"
    if tr >= 1800 and te <= 40:
        return "other", True, "long TR and short TE: proton density"
    return "", False, "spin echo"


def _timings(header: SeriesHeader) -> str:
    named = (("TR", header.tr_ms), ("TE", header.te_ms), ("TI", header.ti_ms))
    parts = [f"{name} {value:g}" for name, value in named if value is not None]
    return " ".join(parts) + (" ms" if parts else "no timings")
