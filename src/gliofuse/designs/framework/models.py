"""A design's models as data: tables, colours and rivals follow from this, never from a name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gliofuse.cohort import SEQUENCES
from gliofuse.errors import SettingError

__all__ = ["ALL", "Model", "Role", "check_models", "sequence_label"]

Role = Literal["final", "rival", "part"]

#: Group of a model that reads all sequences or regions together.
ALL = "all"


@dataclass(frozen=True)
class Model:
    """One model of a design.

    Parameters
    ----------
    name : str
        As the prediction table and every other table call it.
    label : str
        As a reader sees it.
    kind : str
        What it is made of: ``radiomics``, ``deep``, ``hybrid`` (radiomic and deep features
        together), ``clinical``, or ``fusion`` (of the scores of other models).
    group : str
        The sequence, region or form of input that it reads, ``all`` of them, or nothing.
    role : {"final", "rival", "part"}
        ``final``: what the design proposes, one a design. ``rival``: drawn against it in the
        figures of calibration and decision. ``part``: stands in the tables.
    """

    name: str
    label: str
    kind: str
    group: str = ""
    role: Role = "part"


def check_models(design: str, models: Iterable[Model]) -> None:
    """Refuse models that cannot be told from each other, or of which not one is the final one.

    Raises
    ------
    SettingError
    """
    models = tuple(models)
    names = [model.name for model in models]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise SettingError(
            f"models of design {design!r}: the name {double!r} comes twice; give each its own"
        )
    final = [model.name for model in models if model.role == "final"]
    if len(final) != 1:
        raise SettingError(
            f"models of design {design!r}: exactly one must have the role 'final' "
            f"(got {', '.join(final) or 'none'})"
        )


def sequence_label(name: str) -> str:
    """Return a sequence as a reader sees it; one that is not registered by its own name.

    Examples
    --------
    >>> sequence_label("t1ce"), sequence_label("swi")
    ('T1ce', 'swi')
    """
    return SEQUENCES[name].label if name in SEQUENCES else name
