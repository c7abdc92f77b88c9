"""One division of the patients."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gliofuse.errors import SettingError

__all__ = ["SIDES", "Fold"]

SIDES = ("training", "validation", "test", "external")


@dataclass(frozen=True)
class Fold:
    """One division of the patients; no patient stands on two sides.

    Parameters
    ----------
    name : str
    training, validation, test, external : tuple of str
        Ids of the patients, in the order of the cohort.

    Raises
    ------
    SettingError
        If a patient stands on two sides.
    """

    name: str
    training: tuple[str, ...]
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    external: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        everyone = Counter(case_id for side in SIDES for case_id in getattr(self, side))
        twice = sorted(case_id for case_id, count in everyone.items() if count > 1)
        if twice:
            raise SettingError(f"fold {self.name!r}: {', '.join(twice)} on two sides of the split")

    @property
    def case_ids(self) -> tuple[str, ...]:
        """Everybody in the fold, side by side."""
        return tuple(case_id for side in SIDES for case_id in getattr(self, side))

    def as_rows(self) -> list[dict[str, str]]:
        """Return rows with ``case_id``, ``fold`` and ``cohort``, as ``folds.csv`` keeps them."""
        return [
            {"case_id": case_id, "fold": self.name, "cohort": side}
            for side in SIDES
            for case_id in getattr(self, side)
        ]
