"""Tumour regions as expressions over the labels of a mask.

An expression is made of the names of a label convention (:func:`available_regions`), of

- ``a | b``  voxels in either,
- ``a & b``  voxels in both,
- ``a - b``  voxels in ``a`` and not in ``b``,
- ``ring(a, 5)``  voxels outside ``a`` within 5 mm of it,
- ``ring(a, 5, 2)``  the same, and the outermost 2 mm of ``a`` itself,

and parentheses. As in Python, ``-`` binds more tightly than ``&``, and ``&`` than ``|``.
Distances run between voxel centres, in mm, so anisotropic voxels are measured rightly. A ring
knows nothing of the brain's border: subtract what it must not cover.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from gliofuse.errors import RegionError, did_you_mean
from gliofuse.imaging.boxes import bounding_box
from gliofuse.imaging.labels import LabelConvention, get_convention
from gliofuse.imaging.volume import Volume

__all__ = ["parse_region", "region_mask"]

# Rounding of spacings must not take a voxel whose centre lies at the very distance out of a ring.
_DISTANCE_SLACK = 1e-6

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|([A-Za-z_]\w*)|([|&\-(),]))")


@dataclass(frozen=True)
class Name:
    """A named region."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Combination:
    """Two regions and the operator between them."""

    operator: str
    left: Region
    right: Region

    def __str__(self) -> str:
        return f"({self.left}{self.operator}{self.right})"


@dataclass(frozen=True)
class Ring:
    """The voxels around a region, to ``outward_mm`` outside and ``inward_mm`` inside."""

    inner: Region
    outward_mm: float
    inward_mm: float = 0.0

    def __str__(self) -> str:
        tail = f",{self.inward_mm:g}" if self.inward_mm else ""
        return f"ring({_bare(self.inner)},{self.outward_mm:g}{tail})"


Region = Name | Combination | Ring


def parse_region(expression: str) -> Region:
    """Parse a region expression without looking at any mask.

    Parameters
    ----------
    expression : str

    Returns
    -------
    Region
        ``str()`` of it is the expression with blanks taken out and parentheses put in.

    Raises
    ------
    RegionError
        With the place at which the expression stops making sense.

    Examples
    --------
    >>> str(parse_region("ring(whole, 5) | edema"))
    '(ring(whole,5)|edema)'
    """
    return _Parser(expression).parse()


def region_mask(labels: Volume, expression: str, convention: str | LabelConvention) -> np.ndarray:
    """Return the voxels of a region.

    Parameters
    ----------
    labels : Volume
        The mask, integer labels.
    expression : str
        For example ``"whole"``, ``"ring(whole, 5) | edema"``.
    convention : str or LabelConvention

    Returns
    -------
    ndarray of bool, shape (z, y, x)
        Empty (all false) where the patient has no such voxel.

    Raises
    ------
    RegionError
        If the expression cannot be parsed or uses a name that the convention lacks.

    Examples
    --------
    >>> labels = Volume(np.array([[[0, 0, 1, 2, 0]]]), spacing_mm=(1, 1, 2.0))
    >>> region_mask(labels, "ring(whole, 2)", "brats").astype(int).tolist()
    [[[0, 1, 0, 0, 1]]]
    """
    chosen = get_convention(convention)
    return _evaluate(parse_region(expression), labels, chosen, expression)


def _evaluate(
    region: Region, labels: Volume, convention: LabelConvention, expression: str
) -> np.ndarray:
    if isinstance(region, Name):
        if region.name not in convention.regions:
            raise RegionError(
                f"region {expression!r}: {region.name!r} is not a region of the label convention "
                f"{convention.name!r}: {did_you_mean(region.name, convention.regions)}"
            )
        wanted = convention.regions[region.name]
        result: np.ndarray = np.isin(labels.array, wanted)
        return result
    if isinstance(region, Ring):
        inner = _evaluate(region.inner, labels, convention, expression)
        return _ring(inner, labels.spacing_mm, region.outward_mm, region.inward_mm)
    left = _evaluate(region.left, labels, convention, expression)
    right = _evaluate(region.right, labels, convention, expression)
    if region.operator == "|":
        return left | right
    return left & right if region.operator == "&" else left & ~right


def _ring(
    inner: np.ndarray, spacing_mm: tuple[float, ...], outward_mm: float, inward_mm: float
) -> np.ndarray:
    """Voxels outside ``inner`` within ``outward_mm``, and inside it within ``inward_mm``."""
    from scipy.ndimage import distance_transform_edt

    ring = np.zeros(inner.shape, dtype=bool)
    if not inner.any():
        return ring
    # Distances are only needed near the region: a transform of the whole head is far slower.
    reach = max(outward_mm, inward_mm)
    box = bounding_box(inner, pad=[ceil(reach / step) + 1 for step in spacing_mm])
    part = inner[box]
    outside = distance_transform_edt(~part, sampling=spacing_mm)
    ring[box] = ~part & (outside <= outward_mm * (1 + _DISTANCE_SLACK))
    if inward_mm:
        # Beyond the array there is nothing, which is no border of the tumour.
        if part.all():
            return ring
        depth = distance_transform_edt(part, sampling=spacing_mm)
        ring[box] |= part & (depth <= inward_mm * (1 + _DISTANCE_SLACK))
    return ring


def _bare(region: Region) -> str:
    text = str(region)
    return text[1:-1] if isinstance(region, Combination) else text


class _Parser:
    """Recursive descent: union > intersection > difference > atom."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens: list[tuple[str, int]] = []
        place = 0
        text = expression.rstrip()
        while place < len(text):
            match = _TOKEN.match(text, place)
            if match is None:
                raise self._error(place, "a name, a number or one of | & - ( ) ,")
            self.tokens.append((match.group().strip(), match.end() - len(match.group().strip())))
            place = match.end()
        self.position = 0

    def parse(self) -> Region:
        if not self.tokens:
            raise RegionError("a region expression must name a region, got an empty one")
        region = self._union()
        if self.position < len(self.tokens):
            raise self._error(self._place(), "an operator ( | & - ) or the end")
        return region

    def _union(self) -> Region:
        return self._chain("|", self._intersection)

    def _intersection(self) -> Region:
        return self._chain("&", self._difference)

    def _difference(self) -> Region:
        return self._chain("-", self._atom)

    def _chain(self, operator: str, operand: Callable[[], Region]) -> Region:
        region: Region = operand()
        while self._peek() == operator:
            self.position += 1
            region = Combination(operator, region, operand())
        return region

    def _atom(self) -> Region:
        token = self._peek()
        if token == "(":
            self.position += 1
            region = self._union()
            self._expect(")")
            return region
        if token is None or not (token[0].isalpha() or token[0] == "_"):
            raise self._error(self._place(), "a region's name")
        self.position += 1
        if self._peek() != "(":
            return Name(token)
        if token != "ring":
            raise self._error(
                self._place(), f"an operator or the end ({token!r} is no function, only 'ring' is)"
            )
        self.position += 1
        inner = self._union()
        self._expect(",")
        outward = self._number()
        inward = 0.0
        if self._peek() == ",":
            self.position += 1
            inward = self._number()
        self._expect(")")
        if outward <= 0 and inward <= 0:
            raise RegionError(f"region {self.expression!r}: a ring must be wider than 0 mm")
        return Ring(inner, outward, inward)

    def _number(self) -> float:
        token = self._peek()
        if token is None or not (token[0].isdigit() or token[0] == "."):
            raise self._error(self._place(), "a distance in mm")
        self.position += 1
        return float(token)

    def _peek(self) -> str | None:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else None

    def _place(self) -> int:
        if self.position < len(self.tokens):
            return self.tokens[self.position][1]
        return len(self.expression)

    def _expect(self, token: str) -> None:
        if self._peek() != token:
            raise self._error(self._place(), repr(token))
        self.position += 1

    def _error(self, place: int, wanted: str) -> RegionError:
        rest = self.expression[place:].strip()
        got = f"got {rest!r}" if rest else "the expression ends"
        return RegionError(
            f"region {self.expression!r}: at character {place + 1} expected {wanted}, {got}; "
            f"write for example  ring(whole, 5) | edema"
        )
