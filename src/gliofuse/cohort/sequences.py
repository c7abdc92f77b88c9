"""The MRI sequences that gliofuse knows; a new one is an entry of ``SEQUENCES``.

The order of the registry is the order of the manifest's columns, of a network's channels and of
the report; where one sequence alone is drawn, ``display_rank`` says which. Structural sequences
have grey values of no unit, which each image's own statistics bring onto a common scale.
Quantitative ones are measured in a unit, so that one fixed map serves all patients: scaling each
image by its own values would throw away what was measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gliofuse.errors import ManifestError, did_you_mean

__all__ = [
    "SEQUENCES",
    "STRUCTURAL",
    "Reference",
    "Sequence",
    "check_sequences",
    "sequence_to_draw",
]


@dataclass(frozen=True)
class Reference:
    """The unit of a quantitative sequence and the range that is mapped to 0 and 1.

    Parameters
    ----------
    unit : str
    low, high : float
        Map to 0 and 1; values outside go on linearly, nothing is clipped.
    typical : tuple of two floats
        Where the median over the head's voxels that are not 0 must lie. Wide on purpose: outside
        it the map is in another unit, or was rescaled.
    remedy : str
        What to do with a map that is in another unit.
    """

    unit: str
    low: float
    high: float
    typical: tuple[float, float]
    remedy: str


@dataclass(frozen=True)
class Sequence:
    """One MRI sequence.

    Parameters
    ----------
    name : str
        The manifest's column, and the first part of a feature's name.
    label : str
        As a reader would write it.
    synonyms : tuple of str
        Other names in small letters, without blanks, dashes and underscores: they are taken in
        file names, and a manifest's column of such a name is asked about.
    reference : Reference, optional
        Of a quantitative sequence.
    display_rank : int
        The lower, the better a picture of this sequence alone shows glioma.
    """

    name: str
    label: str
    synonyms: tuple[str, ...] = ()
    reference: Reference | None = None
    display_rank: int = 9

    @property
    def quantitative(self) -> bool:
        """Whether the values are measured in a unit."""
        return self.reference is not None


# Normal white matter has 0.62 to 0.79e-3 mm2/s and cortex 0.78 to 1.09e-3 (Helenius J et al. AJNR
# 2002;23:194-199); cerebrospinal fluid, whose water is all but free, has about 3e-3, the most that
# tissue can reach. Scanners store ADC maps in 1e-6 mm2/s.
_ADC = Reference(
    unit="1e-6 mm2/s",
    low=0.0,
    high=3000.0,
    typical=(200.0, 4000.0),
    remedy="multiply a map in mm2/s by 1e6, one in 1e-3 mm2/s by 1000, and give it unscaled",
)

# The normalised blood volume of high-grade glioma is 5.4 +- 1.5, of low-grade 2.3 +- 1.1
# (Bulakbasi N et al. AJNR 2005;26:2187-2199); 10 leaves room above.
_CBV = Reference(
    unit="multiples of normal-appearing white matter",
    low=0.0,
    high=10.0,
    typical=(0.1, 10.0),
    remedy="divide the map by its mean over contralateral normal-appearing white matter",
)

_REGISTERED = (
    Sequence(
        "t1",
        "T1",
        ("t1w", "t1n", "t1pre", "mprage", "t1mprage", "t1precontrast", "t1native"),
        display_rank=4,
    ),
    Sequence(
        "t1ce",
        "T1ce",
        (
            *("t1c", "t1gd", "t1gad", "t1post", "t1wce", "t1wgd", "t1contrast", "cet1", "gdt1"),
            *("t1postcontrast", "t1withcontrast", "t1wcontrast", "t1wpost", "t1cpost", "t1km"),
            *("t1mpragepost", "t1mpragegd", "mpragepost", "mpragegd", "mpragece", "mpragec"),
            *("postcontrast", "postt1", "postcontrastt1", "t1gadolinium", "t1mpragekm"),
        ),
        display_rank=1,
    ),
    Sequence("t2", "T2", ("t2w", "t2tse", "t2fse", "t2space"), display_rank=3),
    Sequence(
        "flair",
        "FLAIR",
        ("t2f", "t2flair", "fl", "flairt2", "t2darkfluid", "darkfluid", "t2tirm"),
        display_rank=2,
    ),
    Sequence("adc", "ADC", ("adcmap",), _ADC),
    Sequence("cbv", "rCBV", ("rcbv", "ncbv", "cbvmap", "rcbvmap"), _CBV),
)

SEQUENCES: Mapping[str, Sequence] = MappingProxyType({one.name: one for one in _REGISTERED})
"""Every sequence by name, in the order in which they become columns and channels."""

STRUCTURAL: tuple[str, ...] = tuple(name for name, one in SEQUENCES.items() if not one.quantitative)
"""Names of the sequences that every glioma protocol has."""


def check_sequences(names: Iterable[str]) -> None:
    """Raise :class:`ManifestError` for a name that is not in :data:`SEQUENCES`."""
    for name in names:
        if name not in SEQUENCES:
            raise ManifestError(f"unknown sequence {name!r}: {did_you_mean(name, SEQUENCES)}")


def sequence_to_draw(names: Iterable[str]) -> str:
    """Return the one of ``names`` that shows glioma best; of equal ones the first.

    Examples
    --------
    >>> sequence_to_draw(["adc", "t2", "flair"])
    'flair'
    """
    return min(names, key=lambda name: SEQUENCES[name].display_rank)
