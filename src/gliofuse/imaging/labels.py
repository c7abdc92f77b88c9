"""Which number in a tumour mask means what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gliofuse.errors import RegionError, did_you_mean

__all__ = [
    "CONVENTIONS",
    "LabelConvention",
    "available_regions",
    "detect_convention",
    "get_convention",
]

_CORE = ("necrosis", "enhancing")
_CORE_TOO = "nonenhancing"
_OWN_LABEL = re.compile(r"\s*(?P<label>\d+)\s*=\s*(?P<region>[A-Za-z][A-Za-z0-9_]*)\s*")


@dataclass(frozen=True)
class LabelConvention:
    """The labels of a mask and the regions made of them.

    Parameters
    ----------
    name : str
    labels : mapping of str to int
        Region name to label; 0 is always background.

    Examples
    --------
    >>> dict(CONVENTIONS["brats"].regions)["core"]
    (1, 4)
    """

    name: str
    labels: Mapping[str, int]

    def __post_init__(self) -> None:
        values = list(self.labels.values())
        if not values or min(values) < 1 or len(set(values)) != len(values):
            raise RegionError(
                f"a label convention needs distinct positive labels, got {dict(self.labels)}"
            )
        object.__setattr__(self, "labels", MappingProxyType(dict(self.labels)))

    def __reduce__(self) -> tuple[object, ...]:
        # A mapping proxy cannot be pickled, and conventions travel to worker processes.
        return LabelConvention, (self.name, dict(self.labels))

    @property
    def regions(self) -> Mapping[str, tuple[int, ...]]:
        """Every named region as its labels: the labels' own, ``core`` if both parts, ``whole``."""
        named: dict[str, tuple[int, ...]] = {name: (label,) for name, label in self.labels.items()}
        if all(name in self.labels for name in _CORE):
            parts = (*_CORE, *([_CORE_TOO] if _CORE_TOO in self.labels else []))
            named.setdefault("core", tuple(sorted(self.labels[name] for name in parts)))
        named.setdefault("whole", tuple(sorted(self.labels.values())))
        return MappingProxyType(named)


CONVENTIONS: Mapping[str, LabelConvention] = MappingProxyType(
    {
        "brats": LabelConvention("brats", {"necrosis": 1, "edema": 2, "enhancing": 4}),
        "brats2023": LabelConvention("brats2023", {"necrosis": 1, "edema": 2, "enhancing": 3}),
        "binary": LabelConvention("binary", {"whole": 1}),
    }
)
"""BraTS until 2021 (1, 2, 4), BraTS from 2023 (1, 2, 3), and one label for the whole tumour."""


def get_convention(convention: str | LabelConvention) -> LabelConvention:
    """Return the convention of that name; one that is already a convention is passed on.

    Parameters
    ----------
    convention : str or LabelConvention
        A name in :data:`CONVENTIONS`, or one's own labels as ``"1=necrosis,2=edema"``.

    Raises
    ------
    RegionError
        If the name is unknown, or the labels cannot be read.

    Examples
    --------
    >>> own = get_convention("1=necrosis, 2=edema, 3=nonenhancing, 4=enhancing")  # BraTS 2013
    >>> own.name, own.regions["core"], own.regions["whole"]
    ('1=necrosis,2=edema,3=nonenhancing,4=enhancing', (1, 3, 4), (1, 2, 3, 4))
    """
    if isinstance(convention, LabelConvention):
        return convention
    if "=" in convention:
        return _own_labels(convention)
    if convention not in CONVENTIONS:
        raise RegionError(
            f"label convention {convention!r} is unknown: {did_you_mean(convention, CONVENTIONS)}"
        )
    return CONVENTIONS[convention]


def _own_labels(text: str) -> LabelConvention:
    labels: dict[str, int] = {}
    for part in text.split(","):
        match = _OWN_LABEL.fullmatch(part)
        if match is None:
            raise RegionError(
                f"labels {text!r}: {part.strip()!r} is no label and region; write for example "
                "1=necrosis,2=edema,4=enhancing"
            )
        if match["region"] in labels:
            raise RegionError(
                f"labels {text!r}: {match['region']!r} stands there twice; a region is one label, "
                "and whole is all of them together"
            )
        labels[match["region"]] = int(match["label"])
    return LabelConvention(",".join(f"{label}={name}" for name, label in labels.items()), labels)


def available_regions(convention: str | LabelConvention) -> tuple[str, ...]:
    """Return the names that a region expression may use under a convention.

    Examples
    --------
    >>> available_regions("brats")
    ('necrosis', 'edema', 'enhancing', 'core', 'whole')
    >>> available_regions("binary")
    ('whole',)
    """
    return tuple(get_convention(convention).regions)


def detect_convention(label_sets: Iterable[set[int]]) -> str:
    """Return the name of the convention that all masks of a cohort fit.

    Masks with nothing but 1 are ``binary``. A 3 says ``brats2023``, a 4 ``brats``; masks with 1
    and 2 alone mean the same under both and are called ``brats``.

    Parameters
    ----------
    label_sets : iterable of set of int
        The labels that occur in each mask; 0 may be left out.

    Raises
    ------
    RegionError
        If 3 and 4 both occur, a label is outside every convention, or no mask has a label.
    """
    found: set[int] = set()
    for labels in label_sets:
        found |= {int(label) for label in labels}
    found.discard(0)
    if not found:
        raise RegionError("no mask has a labelled voxel, so no label convention can be told")
    if {3, 4} <= found:
        raise RegionError(
            f"the masks hold both labels 3 and 4 ({_listed(found)}), so they follow different "
            f"conventions (name one of {', '.join(CONVENTIONS)} and relabel the others), or one of "
            f"your own: --labels 1=necrosis,2=edema,3=nonenhancing,4=enhancing is BraTS 2013's"
        )
    for name in ("binary", "brats", "brats2023"):
        if found <= set(CONVENTIONS[name].labels.values()):
            return name
    known = "; ".join(
        f"{name}: {_listed(set(convention.labels.values()))}"
        for name, convention in CONVENTIONS.items()
    )
    raise RegionError(
        f"the masks' labels {_listed(found)} fit no convention ({known}): say what they mean, "
        f"--labels {min(found)}=..., or relabel the masks, for example 255 to 1"
    )


def _listed(labels: set[int]) -> str:
    return ", ".join(str(label) for label in sorted(labels))
