"""What a feature family is: its features with their definitions, what they depend on, the values.

A family is one file of this folder with an object ``FAMILY``, and a line in the folder's
``__init__``. Everything else (parameter files, names, extraction, the cache, the reference page)
follows from the object.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gliofuse.radiomics.discretise import Levels
    from gliofuse.radiomics.parameters import Setting
    from gliofuse.radiomics.region import Region

__all__ = ["BINS", "PLANES", "Family", "Feature", "Inside", "names", "positions"]

BINS = ("binWidth", "binCount")
"""Settings that the grey levels depend on."""

PLANES = ("force2D", "force2Ddimension")
"""Settings that say where a voxel's neighbours lie."""


@dataclass(frozen=True)
class Feature:
    """The definition of one feature, as the reference page prints it.

    Parameters
    ----------
    name : str
        The name as PyRadiomics spells it.
    formula : str
        LaTeX, in the symbols that the family's docstring introduces.
    meaning : str
        What a high value says.
    ibsi : str, optional
        Code of the feature in the IBSI reference manual; empty where IBSI has no such feature.
    tag : str, optional
        Its tag in the table of IBSI's reference values, without the aggregation suffix.
    departure : str, optional
        How the value differs from IBSI's definition; empty where both agree.
    """

    name: str
    formula: str
    meaning: str
    ibsi: str = ""
    tag: str = ""
    departure: str = ""


@dataclass(frozen=True, eq=False)
class Inside:
    """One image inside one region, as a family sees it.

    Attributes
    ----------
    region : Region
    levels : Levels
        Grey levels of the region's voxels.
    ordered : ndarray of float64, shape (n,)
        Intensities in the region, ascending, without those that are NaN.
    """

    region: Region
    levels: Levels
    ordered: np.ndarray


Values = dict[str, float]


@dataclass(frozen=True)
class Family:
    """A feature family.

    Parameters
    ----------
    name : str
        As it stands in a feature's name and in a parameter file, for example ``glcm``.
    features : tuple of Feature
        What is computed by default, in the order of the columns.
    text : str
        The introduction that the reference page prints; a family gives its module's docstring.
    from_image : callable, optional
        Computes the features by name from an :class:`Inside` and the settings of the image.
    from_region : callable, optional
        The same from a ``Region`` alone, for a family that no intensity enters; its features are
        named ``original_<family>_<Feature>``. A family has one of the two.
    settings : tuple of str
        The settings that its values depend on. One that is missing here makes a cached value
        outlive a change.
    on_request : tuple of str
        Features that are computed too, and left out unless they are named.
    equals : dict of str to str
        Names that PyRadiomics knows and no longer computes, and the features that they equal.

    Examples
    --------
    >>> range_ = Feature("Range", r"\\\\max x - \\\\min x", "Spread.")
    >>> toy = Family("toy", (range_,), from_image=lambda x, _: {"Range": float(np.ptp(x.ordered))})
    >>> toy.names, toy.of_image
    (('Range',), True)
    """

    name: str
    features: tuple[Feature, ...]
    text: str = ""
    from_image: Callable[[Inside, Setting], Values] | None = None
    from_region: Callable[[Region], Values] | None = None
    settings: tuple[str, ...] = ()
    on_request: tuple[str, ...] = ()
    equals: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.from_image is None) == (self.from_region is None):
            raise TypeError(f"family {self.name}: give either from_image or from_region")

    @property
    def of_image(self) -> bool:
        """Whether intensities enter; the shape of a region is the same in every image."""
        return self.from_image is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The features that are computed by default."""
        return names(self.features)

    @property
    def every_name(self) -> tuple[str, ...]:
        """The features that can be asked for, in the order of the columns."""
        if not self.on_request:
            return self.names
        # PyRadiomics sorts by the names of its methods
        return tuple(
            sorted((*self.names, *self.on_request), key=lambda name: f"{name}FeatureValue")
        )


def names(features: tuple[Feature, ...]) -> tuple[str, ...]:
    """Return the names of ``features`` in their order.

    Examples
    --------
    >>> names((Feature("Mean", "", ""), Feature("Range", "", "")))
    ('Mean', 'Range')
    """
    return tuple(feature.name for feature in features)


def positions(of: Iterable[str]) -> Any:
    """Return a named tuple of 0, 1, 2, ...: the columns of a table that a kernel fills by name.

    Examples
    --------
    >>> positions(("Mean", "Range")).Range
    1
    """
    fields = tuple(of)
    return namedtuple("Positions", fields)(*range(len(fields)))
