"""A patient, a cohort of patients, and what a cohort can be asked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gliofuse.cohort.sequences import SEQUENCES, check_sequences
from gliofuse.errors import ManifestError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Case", "Cohort"]


@dataclass(frozen=True)
class Case:
    """One patient: the files and what the clinical table says.

    Parameters
    ----------
    case_id : str
    images : dict of str to Path
        Sequence name (one of :data:`~gliofuse.cohort.SEQUENCES`) to image file; a missing
        sequence is absent.
    mask : Path or None
        The tumour mask; ``None`` where nobody has drawn one.
    center : str or None
        Where the patient was scanned.
    clinical : dict
        Clinical columns; a missing value is ``None``.
    """

    case_id: str
    images: dict[str, Path] = field(default_factory=dict)
    mask: Path | None = None
    center: str | None = None
    clinical: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_sequences(self.images)

    def lacks(self, sequences: Iterable[str], *, mask: bool = True) -> list[str]:
        """Return the names of the sequences, and ``"mask"``, that the patient does not have."""
        missing = [name for name in sequences if name not in self.images]
        return missing + (["mask"] if mask and self.mask is None else [])


@dataclass(frozen=True)
class Cohort:
    """Patients in a fixed order, each with its own ``case_id``.

    Parameters
    ----------
    cases : tuple of Case
    source : Path or None
        The manifest that the cohort was read from.

    Raises
    ------
    ManifestError
        If two patients share a ``case_id``.

    Examples
    --------
    >>> cohort = Cohort((Case("a", clinical={"grade": 2}), Case("b", clinical={"grade": 4})))
    >>> cohort.case_ids
    ('a', 'b')
    >>> cohort["b"].clinical["grade"]
    4
    """

    cases: tuple[Case, ...]
    source: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "cases", tuple(self.cases))
        seen: set[str] = set()
        twice = []
        for case in self.cases:
            if case.case_id in seen:
                twice.append(case.case_id)
            seen.add(case.case_id)
        if twice:
            raise ManifestError(
                f"case_id must name one patient, got more than one row for "
                f"{', '.join(sorted(set(twice)))}: keep one row each"
            )

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def __contains__(self, case_id: object) -> bool:
        return any(case.case_id == case_id for case in self.cases)

    def __getitem__(self, case_id: str) -> Case:
        for case in self.cases:
            if case.case_id == case_id:
                return case
        raise ManifestError(f"no patient {case_id!r} in the cohort of {len(self)} patients")

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The patients' ids, in the order of the manifest."""
        return tuple(case.case_id for case in self.cases)

    @property
    def sequences(self) -> tuple[str, ...]:
        """Sequences that at least one patient has, in the registry's order."""
        present = {name for case in self.cases for name in case.images}
        return tuple(name for name in SEQUENCES if name in present)

    @property
    def clinical(self) -> pd.DataFrame:
        """Clinical table, index ``case_id``; has the column ``center`` if any patient has one."""
        import pandas as pd

        rows = []
        columns: dict[str, None] = {}
        with_center = any(case.center is not None for case in self.cases)
        for case in self.cases:
            row = {"center": case.center} if with_center else {}
            row.update(case.clinical)
            columns.update(dict.fromkeys(row))
            rows.append(row)
        index = pd.Index(list(self.case_ids), name="case_id", dtype=object)
        table = pd.DataFrame(rows, index=index, columns=list(columns))
        return table.infer_objects()

    def subset(self, case_ids: Iterable[str]) -> Cohort:
        """Return the named patients, in the order of the names.

        Raises
        ------
        ManifestError
            If a name is not in the cohort.
        """
        by_id = {case.case_id: case for case in self.cases}
        wanted = list(case_ids)
        unknown = [name for name in wanted if name not in by_id]
        if unknown:
            raise ManifestError(
                f"no patient {unknown[0]!r} in the cohort of {len(self)} patients"
                + (f", nor {len(unknown) - 1} more of those asked for" if unknown[1:] else "")
            )
        return Cohort(tuple(by_id[name] for name in wanted), self.source)

    def with_sequences(
        self, sequences: Sequence[str], *, mask: bool = True
    ) -> tuple[Cohort, pd.DataFrame]:
        """Return the patients that have every sequence (and a mask), and why the others do not.

        Parameters
        ----------
        sequences : sequence of str
        mask : bool
            Whether a patient without a mask is left out too.

        Returns
        -------
        Cohort
        DataFrame
            Columns ``case_id`` and ``reason``, one row for each patient left out.
        """
        check_sequences(sequences)
        kept = []
        rows = []
        for case in self.cases:
            missing = case.lacks(sequences, mask=mask)
            if missing:
                rows.append({"case_id": case.case_id, "reason": f"no {', '.join(missing)}"})
            else:
                kept.append(case)
        import pandas as pd

        return Cohort(tuple(kept), self.source), pd.DataFrame(rows, columns=["case_id", "reason"])


def as_words(value: Any) -> str:
    """Return a value of a clinical column as words; a whole number without its point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def is_missing(value: Any) -> bool:
    """Whether a clinical value counts as missing: ``None``, NaN, NaT or blanks."""
    # pandas' own missing values are told by name: looking at one value need not load pandas.
    if value is None or type(value).__name__ in ("NaTType", "NAType"):
        return True
    if isinstance(value, str):
        return not value.strip()
    return isinstance(value, float) and math.isnan(value)
