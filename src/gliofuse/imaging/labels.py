"""Which number in a tumour mask means what."""

from __future__ import annotations

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
            named.setdefault("core", tuple(self.labels[name] for name in _CORE))
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

    Raises
    ------
    RegionError
        If the name is unknown.
    """
    if isinstance(convention, LabelConvention):
        return convention
    if convention not in CONVENTIONS:
        raise RegionError(
            f"label convention {convention!r} is unknown: {did_you_mean(convention, CONVENTIONS)}"
        )
    return CONVENTIONS[convention]


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
            f"conventions: name one (allowed: {', '.join(CONVENTIONS)}) and relabel the others"
        )
    for name in ("binary", "brats", "brats2023"):
        if found <= set(CONVENTIONS[name].labels.values()):
            return name
    known = "; ".join(
        f"{name}: {_listed(set(convention.labels.values()))}"
        for name, convention in CONVENTIONS.items()
    )
    raise RegionError(
        f"the masks' labels {_listed(found)} fit no convention ({known}): relabel the masks, for "
        f"example 255 to 1"
    )


def _listed(labels: set[int]) -> str:
    return ", ".join(str(label) for label in sorted(labels))
