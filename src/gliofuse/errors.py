"""The exceptions that gliofuse raises on purpose.

Every message names the argument or file, the rule, the value that came and what to do about it.
A mistake of the user's is an :class:`InputError` (also a ``ValueError``); a run that could not
go on is a :class:`RunError` (also a ``RuntimeError``). The command line prints either as one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "EndpointError",
    "GeometryError",
    "GliofuseError",
    "ImageError",
    "InputError",
    "ManifestError",
    "MissingExtraError",
    "PreprocessingError",
    "RegionError",
    "RunError",
    "SettingError",
    "did_you_mean",
]


class GliofuseError(Exception):
    """Base of every exception that gliofuse raises on purpose."""


class InputError(GliofuseError, ValueError):
    """What the user gave breaks a rule."""


class ManifestError(InputError):
    """A manifest, clinical table or data-set folder is not of a known form."""


class ImageError(InputError):
    """An image file cannot be read, or its voxels cannot be used."""


class GeometryError(ImageError):
    """Two images that must share one geometry do not."""


class PreprocessingError(InputError):
    """A patient's scans cannot be brought to the images that a design expects."""


class RegionError(InputError):
    """A region expression cannot be parsed, or names no voxel."""


class EndpointError(InputError):
    """An endpoint cannot be evaluated on the clinical table."""


class SettingError(InputError):
    """A setting is unknown or outside what it allows."""


class RunError(GliofuseError, RuntimeError):
    """A run cannot go on for a reason that is not a single input."""


class MissingExtraError(GliofuseError, ImportError):
    """An optional dependency is not installed."""


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Return a clause that lists the allowed names and the one nearest to ``name``.

    Examples
    --------
    >>> did_you_mean("t1c", ["t1", "t1ce", "t2"])
    "did you mean 't1ce'? allowed: t1, t1ce, t2"
    >>> did_you_mean("zzz", ["t1", "t2"])
    'allowed: t1, t2'
    """
    names = sorted(str(choice) for choice in allowed)
    listing = "allowed: " + (", ".join(names) if names else "none")
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}? {listing}" if near else listing
