"""The name of one feature, taken apart and put together."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

from gliofuse.errors import InputError

__all__ = ["KINDS", "FeatureName", "Kind"]

Kind = Literal["radiomic", "deep", "diagnostic", "other"]
"""``diagnostic`` is PyRadiomics' own record of images and settings (``diagnostics_...``)."""

KINDS: tuple[str, ...] = get_args(Kind)

_SEQUENCE = re.compile(r"[A-Za-z0-9][\w+\-]*")
_REGION = re.compile(r"[A-Za-z_(][\w|&\-(),.]*")
# The family is told by its place, not by a list, so that a new family needs no line here.
_RADIOMIC = re.compile(r"(?P<image>[^_]+)_(?P<family>[a-z][a-z0-9]*D?)_(?P<feature>\d*[A-Z]\w*)")
_DEEP = re.compile(r"(?P<network>.+)_(?P<number>\d+)")
_DIAGNOSTICS = "diagnostics_"


@dataclass(frozen=True)
class FeatureName:
    """The parts of a feature's name; ``str()`` puts them together.

    Parameters
    ----------
    sequence : str
        For example ``t1ce``; ``t1+t1ce`` where a network read both as its channels.
    region : str
        Region expression, for example ``ring(whole,2.5)``; blanks are taken out.
    stem : str
        What is measured there: ``<image>_<family>_<Feature>``, ``<network>_<number>``, or the
        column of somebody's own table.

    Raises
    ------
    InputError
        If the sequence or region would make a name that cannot be read again, or the stem is
        empty.

    Examples
    --------
    >>> name = FeatureName.parse("t1ce.ring(whole,2.5).wavelet-LLH_glcm_Contrast")
    >>> name.sequence, name.region, name.image, name.family, name.feature
    ('t1ce', 'ring(whole,2.5)', 'wavelet-LLH', 'glcm', 'Contrast')
    >>> str(FeatureName.deep("t1+t1ce", "whole", "resnet34", 7, of=512))
    't1+t1ce.whole.resnet34_007'
    """

    sequence: str
    region: str
    stem: str

    def __post_init__(self) -> None:
        region = "".join(self.region.split())
        object.__setattr__(self, "region", region)
        if not _SEQUENCE.fullmatch(self.sequence):
            raise InputError(
                f"feature name: a sequence must be letters, digits, _ + and -, got "
                f"{self.sequence!r}"
            )
        if not _REGION.fullmatch(region) or _end_of_region(region) != len(region):
            raise InputError(
                f"feature name: a region must be an expression such as whole or "
                f"ring(whole,2.5), with dots inside parentheses only, got {self.region!r}"
            )
        if not self.stem.strip():
            raise InputError(
                f"feature name: nothing follows {self.sequence}.{region}, got {self.stem!r}; "
                f"write for example {self.sequence}.{region}.original_shape_MeshVolume"
            )

    def __str__(self) -> str:
        return f"{self.sequence}.{self.region}.{self.stem}"

    @classmethod
    def parse(cls, name: str) -> FeatureName:
        """Read a column's name.

        Raises
        ------
        InputError
            If it is not ``<sequence>.<region>.<stem>``.

        Examples
        --------
        >>> FeatureName.parse("age_years")
        Traceback (most recent call last):
        gliofuse.errors.InputError: a feature name must be <sequence>.<region>.<name>, ...
        """
        parsed = _parsed(str(name))
        if parsed is None:
            raise InputError(
                f"a feature name must be <sequence>.<region>.<name>, got {name!r}; write for "
                f"example t1ce.whole.original_glcm_Contrast"
            )
        return parsed

    @classmethod
    def parse_or_none(cls, name: str) -> FeatureName | None:
        """Read a column's name, or return ``None`` if it is no feature's, such as ``age_years``."""
        return _parsed(str(name))

    @classmethod
    def radiomic(
        cls, sequence: str, region: str, image: str, family: str, feature: str
    ) -> FeatureName:
        """Return the name of a radiomic feature.

        Examples
        --------
        >>> str(FeatureName.radiomic("t2", "ring(whole, 5)", "original", "glcm", "Idm"))
        't2.ring(whole,5).original_glcm_Idm'
        """
        return cls(sequence, region, f"{image}_{family}_{feature}")

    @classmethod
    def deep(cls, sequence: str, region: str, network: str, number: int, *, of: int) -> FeatureName:
        """Return the name of feature ``number`` (from 0) among the ``of`` that a network gives.

        Numbers are padded with zeros, so that sorting by name keeps their order.
        """
        return cls(sequence, region, f"{network}_{number:0{len(str(of - 1))}d}")

    @property
    def kind(self) -> Kind:
        """``radiomic``, ``deep``, ``diagnostic`` or ``other``, by the form of the stem.

        Examples
        --------
        >>> [FeatureName("t1", "whole", stem).kind for stem in
        ...  ("log-sigma-2-0-mm-3D_firstorder_10Percentile", "csg-densenet121_004",
        ...   "diagnostics_Versions_Numpy", "tumour volume")]
        ['radiomic', 'deep', 'diagnostic', 'other']
        """
        if self.stem.startswith(_DIAGNOSTICS):
            return "diagnostic"
        if _RADIOMIC.fullmatch(self.stem):
            return "radiomic"
        return "deep" if _DEEP.fullmatch(self.stem) else "other"

    @property
    def image(self) -> str | None:
        """Derived image of a radiomic feature, for example ``wavelet-LLH``; else ``None``."""
        return self._radiomic_part("image")

    @property
    def family(self) -> str | None:
        """Family of a radiomic feature, for example ``glcm``; else ``None``."""
        return self._radiomic_part("family")

    @property
    def feature(self) -> str | None:
        """Feature of its family, for example ``Contrast``; ``None`` if not radiomic."""
        return self._radiomic_part("feature")

    @property
    def network(self) -> str | None:
        """Network of a learned feature; else ``None``."""
        match = _DEEP.fullmatch(self.stem) if self.kind == "deep" else None
        return match["network"] if match else None

    @property
    def number(self) -> int | None:
        """Place of a learned feature among its network's, from 0; else ``None``."""
        match = _DEEP.fullmatch(self.stem) if self.kind == "deep" else None
        return int(match["number"]) if match else None

    def with_feature(self, feature: str) -> FeatureName:
        """Return the name of another feature of the same sequence, region, image and family.

        Raises
        ------
        InputError
            If this is not a radiomic feature.

        Examples
        --------
        >>> volume = FeatureName.parse("t1.whole.original_shape_MeshVolume")
        >>> str(volume.with_feature("Sphericity"))
        't1.whole.original_shape_Sphericity'
        """
        if self.image is None:
            raise InputError(f"{self} is no radiomic feature, so it has no family to choose from")
        return replace(self, stem=f"{self.image}_{self.family}_{feature}")

    def _radiomic_part(self, part: str) -> str | None:
        match = _RADIOMIC.fullmatch(self.stem) if self.kind == "radiomic" else None
        return match[part] if match else None


@lru_cache(maxsize=1 << 16)  # tables have thousands of columns and are asked again and again
def _parsed(name: str) -> FeatureName | None:
    """Split at the first dot, and at the next one outside parentheses."""
    sequence, dot, rest = name.partition(".")
    if not dot or not _SEQUENCE.fullmatch(sequence):
        return None
    end = _end_of_region(rest)
    region, stem = rest[:end], rest[end + 1 :]
    if end < 0 or not _REGION.fullmatch(region) or not stem.strip():
        return None
    return FeatureName(sequence, region, stem)


def _end_of_region(text: str) -> int:
    """Return the place of the first dot outside parentheses; -1 if they do not match."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return -1
        if character == "." and depth == 0:
            return place
    return len(text) if depth == 0 else -1
