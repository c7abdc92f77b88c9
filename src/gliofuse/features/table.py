"""What is asked of a whole table of features: which columns, sequences and regions."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gliofuse.errors import InputError, did_you_mean
from gliofuse.features.name import KINDS, FeatureName

__all__ = ["columns_of", "qualify", "regions_of", "sequences_of"]


def columns_of(
    columns: Iterable[str],
    *,
    sequence: str | Collection[str] | None = None,
    region: str | Collection[str] | None = None,
    kind: str | None = None,
    family: str | None = None,
) -> list[str]:
    """Return the feature columns that fit, in the order given.

    Columns that are no feature's never fit.

    Parameters
    ----------
    columns : iterable of str
        A table, whose columns are taken, or names.
    sequence, region : str or collection of str, optional
        One, or several of which any will do; blanks in a region don't count.
    kind : {"radiomic", "deep", "diagnostic", "other"}, optional
    family : str, optional
        Of radiomic features, for example ``"shape"``.

    Raises
    ------
    InputError
        If the kind is unknown.

    Examples
    --------
    >>> names = ["t1.whole.original_shape_MeshVolume", "t1.core.resnet34_01",
    ...          "t1ce.whole.original_glcm_Idm", "age"]
    >>> columns_of(names, sequence="t1")
    ['t1.whole.original_shape_MeshVolume', 't1.core.resnet34_01']
    >>> columns_of(names, region=["whole", "edema"], kind="radiomic", family="glcm")
    ['t1ce.whole.original_glcm_Idm']
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"kind {kind!r} of feature is unknown: {did_you_mean(kind, KINDS)}")
    sequences = _wanted(sequence)
    regions = _wanted(region)
    if regions is not None:
        regions = {"".join(name.split()) for name in regions}
    found = []
    for column in columns:
        name = FeatureName.parse_or_none(column)
        if (
            name is not None
            and (sequences is None or name.sequence in sequences)
            and (regions is None or name.region in regions)
            and (kind is None or name.kind == kind)
            and (family is None or name.family == family)
        ):
            found.append(column)
    return found


def sequences_of(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the sequences that a table has features of, in the order of its columns.

    Examples
    --------
    >>> sequences_of(["t2.whole.original_glcm_Idm", "t1.whole.original_glcm_Idm", "age"])
    ('t2', 't1')
    """
    names = map(FeatureName.parse_or_none, columns)
    return tuple(dict.fromkeys(name.sequence for name in names if name is not None))


def regions_of(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the regions that a table has features of, in the order of its columns."""
    names = map(FeatureName.parse_or_none, columns)
    return tuple(dict.fromkeys(name.region for name in names if name is not None))


def qualify(column: str, sequence: str, region: str = "whole") -> str:
    """Return a column of somebody's table as a feature's name.

    A name that has its sequence and region stays as it is; any other is put under the ones given.
    Tables that went through R have dots for hyphens (``log.sigma.2.0.mm.3D_glcm_Idm``), so a name
    counts as complete only if no dot follows the region.

    Examples
    --------
    >>> qualify("original_glcm_Idm", "t1ce")
    't1ce.whole.original_glcm_Idm'
    >>> qualify("flair.ring(whole,2.5).original_glcm_Idm", "t1ce")
    'flair.ring(whole,2.5).original_glcm_Idm'
    >>> qualify("log.sigma.2.0.mm.3D_glcm_Idm", "t1ce")
    't1ce.whole.log.sigma.2.0.mm.3D_glcm_Idm'
    """
    name = FeatureName.parse_or_none(column)
    if name is not None and "." not in name.stem:
        return column
    return str(FeatureName(sequence, region, column))


def _wanted(given: str | Collection[str] | None) -> set[str] | None:
    if given is None:
        return None
    return {given} if isinstance(given, str) else set(given)
