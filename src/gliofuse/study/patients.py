"""Who a study is about: the patients of a manifest or of feature tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gliofuse.cohort import SEQUENCES, Cohort, Endpoint, SurvivalEndpoint, read_manifest
from gliofuse.cohort.case import as_words
from gliofuse.cohort.levels import joined_levels
from gliofuse.cohort.sequences import STRUCTURAL
from gliofuse.cohort.tables import read_frame
from gliofuse.designs import Available
from gliofuse.errors import ManifestError, did_you_mean
from gliofuse.evaluation import group_levels
from gliofuse.features import FeatureName, columns_of, qualify, sequences_of
from gliofuse.inputs import Source
from gliofuse.study.settings import StudySettings, TableSettings

__all__ = ["Patients", "load_patients"]

_MOST_MISSING = 0.5  # a feature that more of the patients lack is left out
_MOST = 0.8  # a sequence that fewer of the patients have is left out, rather than the patients


@dataclass(frozen=True)
class Patients:
    """Who a study is about, before anything is computed.

    Parameters
    ----------
    clinical : pandas.DataFrame
        Indexed by ``case_id``; with ``center`` where it is known.
    sequences : tuple of str
    excluded : pandas.DataFrame
        Columns ``case_id, reason``.
    cohort : Cohort, optional
        The images; ``None`` for a study on a feature table.
    features : pandas.DataFrame, optional
        The feature table of such a study, indexed by ``case_id``.
    convention : str
        Label convention of the masks.
    notes : tuple of str
        What was left out of the cohort and why, a sentence each.
    preprocessing : str
        What was done to raw scans, a sentence; empty if nothing was.
    refused : pandas.DataFrame
        Columns ``case_id, stage, error``: those whose scans could not be preprocessed.
    """

    clinical: pd.DataFrame
    sequences: tuple[str, ...]
    excluded: pd.DataFrame
    cohort: Cohort | None = None
    features: pd.DataFrame | None = None
    convention: str = "binary"
    notes: tuple[str, ...] = ()
    preprocessing: str = ""
    refused: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["case_id", "stage", "error"])
    )

    @property
    def centers(self) -> pd.Series | None:
        """Centre by ``case_id``, as words; ``None`` where fewer than two are known."""
        if "center" not in self.clinical.columns:
            return None
        known = self.clinical["center"].dropna().map(as_words)
        return known if known.nunique() > 1 else None

    def groups(self, columns: Iterable[str]) -> dict[str, pd.Series]:
        """Return by clinical column each patient's group.

        Raises
        ------
        ManifestError
            If there is no such column.
        InputError
            If it has no two groups, or words of too many kinds.
        """
        found = {}
        for name in columns:
            if name not in self.clinical.columns:
                raise ManifestError(
                    f"subgroups: no clinical column {name!r}; "
                    f"{did_you_mean(name, self.clinical.columns)}"
                )
            found[name] = group_levels(self.clinical[name])
        return found

    def after_preprocessing(self, said: str, refused: pd.DataFrame) -> Patients:
        """Return the same patients with what was done to their scans, and who was refused."""
        return replace(self, preprocessing=said, refused=refused)

    def restricted(self, case_ids: Iterable[str]) -> Patients:
        """Return some of the patients."""
        kept = list(case_ids)
        return replace(
            self,
            clinical=self.clinical.loc[kept],
            cohort=None if self.cohort is None else self.cohort.subset(kept),
            features=None if self.features is None else self.features.loc[kept],
        )

    def source(self, cache: Path, *, seed: int) -> Source:
        """Return where these patients' inputs are computed from."""
        return Source(self.cohort, self.features, self.convention, cache, seed)

    def available(
        self,
        endpoint: Endpoint,
        covariates: tuple[str, ...],
        survival: SurvivalEndpoint | None = None,
    ) -> Available:
        """Return what these patients offer a design."""
        from gliofuse.imaging import available_regions

        named = {"covariates": covariates, "survival": survival.columns if survival else ()}
        for name, columns in named.items():
            unknown = [column for column in columns if column not in self.clinical.columns]
            if unknown:
                raise ManifestError(
                    f"{name}: no clinical column {unknown[0]!r}; "
                    f"{did_you_mean(unknown[0], self.clinical.columns)}"
                )
        regions: tuple[str, ...] = ("whole",)
        if self.cohort is not None:
            regions = tuple(available_regions(self.convention))
        return Available(
            endpoint=endpoint,
            sequences=self.sequences,
            regions=regions,
            images=self.cohort is not None,
            clinical=covariates,
            survival=survival,
            deep=_deep_installed(),
        )


def _deep_installed() -> bool:
    from importlib.util import find_spec

    return all(find_spec(module) is not None for module in ("torch", "monai", "lightning"))


def load_patients(
    study: StudySettings, *, label_workers: int = 1, manifest: Path | None = None
) -> Patients:
    """Read the manifest, or the tables, that a study names.

    Parameters
    ----------
    study : StudySettings
    label_workers : int
    manifest : Path, optional
        Instead of the study's own, when its scans were preprocessed.

    Raises
    ------
    InputError
        If a file is not of its form, or no patient is left.
    """
    found = _load(study, label_workers=label_workers, manifest=manifest)
    clinical, joined = joined_levels(found.clinical)
    return replace(found, clinical=clinical, notes=(*found.notes, *joined))


def _load(study: StudySettings, *, label_workers: int, manifest: Path | None) -> Patients:
    if study.table is not None:
        told = (*study.endpoint.columns, *study.survival_columns)
        return _from_tables(study.table, told)
    assert study.cohort is not None
    source = manifest or study.cohort
    if study.segmentation is None or study.segmentation.model is None:
        return _from_manifest(source, study.sequences, study.labels, label_workers)
    from gliofuse.study.masks import load_external

    predicted = load_external(study.segmentation).plan.outputs.convention.name
    return _from_manifest(source, study.sequences, predicted, label_workers, drawn=False)


def _from_manifest(
    path: Path, wanted: list[str] | None, labels: str, workers: int, *, drawn: bool = True
) -> Patients:
    """Read a manifest; unless masks are ``drawn``, patients without one take part too."""
    from gliofuse.imaging import cohort_convention

    cohort = read_manifest(path, check_files=False)  # a missing file is its patient's failure
    notes = []
    if wanted is None:
        share = {
            sequence: sum(sequence in case.images for case in cohort) / len(cohort)
            for sequence in cohort.sequences
        }
        sequences = tuple(s for s in STRUCTURAL if share.get(s, 0.0) >= _MOST)
        notes = [
            f"{s}: quantitative, read only where it is named (--sequences "
            f"{','.join([*sequences, s])})"
            if SEQUENCES[s].quantitative
            else f"{s}: only {share[s]:.0%} of the patients have it, so the sequence is left out"
            for s in cohort.sequences
            if s not in sequences
        ]
    else:
        unknown = [s for s in wanted if s not in cohort.sequences]
        if unknown:
            raise ManifestError(
                f"sequences: {path} has no {unknown[0]!r}; "
                f"{did_you_mean(unknown[0], cohort.sequences)}"
            )
        sequences = tuple(s for s in SEQUENCES if s in wanted)
    usable, excluded = cohort.with_sequences(sequences, mask=drawn)
    if not sequences or not len(usable):
        raise ManifestError(
            f"{path}: no patient has every one of {', '.join(sequences) or 'the sequences'} and a "
            "mask; look at `gliofuse cohort check`, or name fewer with --sequences"
        )
    return Patients(
        clinical=usable.clinical,
        sequences=sequences,
        excluded=excluded,
        cohort=usable,
        convention=cohort_convention((case.mask for case in usable), named=labels, workers=workers),
        notes=tuple(notes),
    )


def _from_tables(table: TableSettings, told: Sequence[str] = ()) -> Patients:
    """Read both tables; ``told`` are the clinical columns that say the outcome."""
    features = read_frame(table.features, index=table.id_column, numbers=True)
    clinical = read_frame(table.clinical, index=table.id_column)
    telling = [name for name in told if name in features.columns]
    if telling and table.features != table.clinical:
        raise ManifestError(
            f"{table.features}: the column {telling[0]!r} says the outcome, and every number of "
            "this table would be a feature; keep it in the clinical table alone"
        )
    features, notes = _features(features, clinical, table)
    reasons = dict.fromkeys(
        features.index.difference(clinical.index), f"no row in {table.clinical.name}"
    )
    reasons |= dict.fromkeys(
        clinical.index.difference(features.index), f"no row in {table.features.name}"
    )
    reasons |= dict.fromkeys(features.index[features.isna().all(axis=1)], "no feature has a value")
    kept = [case for case in features.index if case not in reasons]
    if not kept:
        raise ManifestError(
            f"{table.features} and {table.clinical} share no {table.id_column!r}: "
            f"{_nearest(features.index, clinical.index)}"
        )
    sequences = sequences_of(features)
    return Patients(
        clinical=clinical.loc[kept],
        sequences=sequences,
        excluded=pd.DataFrame(sorted(reasons.items()), columns=["case_id", "reason"]),
        features=features.loc[kept],
        notes=notes,
    )


def _features(
    given: pd.DataFrame, clinical: pd.DataFrame, table: TableSettings
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the feature columns of a table, and what was left out of it and why.

    Columns that the clinical table has too are clinical ones. In one table for both, features are
    the columns that are named as features.
    """
    notes = []
    if table.features == table.clinical:
        named = [c for c in given.columns if _is_feature(str(c), table.sequence)]
        if not named:
            raise ManifestError(
                f"{table.features} is given as features and as clinical table, and none of its "
                "columns is named as a feature, <sequence>.<region>.<feature> or as PyRadiomics "
                "does (original_glcm_Contrast): give the features in a table of their own"
            )
        others = given.columns.size - len(named)
        notes.append(
            f"features: {len(named)} columns are named as features, from {named[0]!r} to "
            f"{named[-1]!r}; {others} others are not"
        )
        given = given[named]
    shared = [name for name in given.columns if name in clinical.columns] if not notes else []
    if shared:
        notes.append(
            f"features: {', '.join(map(repr, shared[:5]))}{' ...' * (len(shared) > 5)} stand in "
            f"{table.clinical.name} too, and are no features"
        )
    features = given.drop(columns=shared).select_dtypes("number")
    features.columns = [qualify(name, table.sequence) for name in features.columns.astype(str)]
    features = features.drop(columns=columns_of(features, kind="diagnostic"))
    features = features.replace([np.inf, -np.inf], np.nan)
    missing = features.isna()
    empty = list(features.columns[missing.mean() > _MOST_MISSING])
    if empty:
        notes.append(
            f"features: {', '.join(empty[:5])}{' ...' * (len(empty) > 5)} left out, missing in "
            f"more than {_MOST_MISSING:.0%} of the patients"
        )
    features = features.drop(columns=empty)
    gaps = int(missing.drop(columns=empty).to_numpy().sum())
    if gaps:
        notes.append(
            f"features: {gaps} missing or infinite values in {int(missing.any(axis=1).sum())} "
            "patients become the training patients' medians in each fold"
        )
    if features.empty:
        raise ManifestError(f"{table.features}: no column of numbers is left to be a feature")
    return features, tuple(notes)


def _is_feature(column: str, sequence: str) -> bool:
    """Whether a column's name, as it stands or in PyRadiomics' form, is that of a feature."""
    name = FeatureName.parse_or_none(column)
    return name is not None or FeatureName(sequence, "whole", column).kind == "radiomic"


def _nearest(ids: pd.Index, others: pd.Index) -> str:
    """Return two ids that were probably meant to be the same, or an example of each side's."""
    plain = {_plain(other): other for other in others}
    for one in ids:
        if _plain(one) in plain:
            return f"{one!r} and {plain[_plain(one)]!r} may be the same patient; write them alike"
    return f"for example {ids[0]!r} and {others[0]!r}"


def _plain(case_id: str) -> str:
    """Return an id without what people write differently: capitals, blanks, leading zeros."""
    parts = re.findall(r"\d+|[a-z]+", str(case_id).casefold())
    return "-".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)
