"""A model that was loaded, and what it predicts of new patients."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from gliofuse.cohort import Cohort
from gliofuse.inputs import CaseData, Source, compute_inputs
from gliofuse.model.bundle import Bundle, read_bundle

__all__ = ["TrainedModel", "load_model"]


def load_model(folder: str | Path) -> TrainedModel:
    """Load a model that ``gliofuse export`` wrote; no code in its folder is run.

    Raises
    ------
    InputError
        If the folder holds no model, or is not as it was written.
    """
    return TrainedModel(read_bundle(folder))


class TrainedModel:
    """A fitted design, ready for new patients.

    Parameters
    ----------
    bundle : Bundle
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.description = bundle.description
        self.fitted = bundle.fitted

    def scores(
        self,
        source: Source,
        clinical: pd.DataFrame,
        *,
        workers: int | None = 1,
        progress: Callable[[int], None] | None = None,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return what each model predicts of patients, and for whom an input failed.

        Parameters
        ----------
        source : Source
            The patients' images or feature table.
        clinical : pandas.DataFrame
            Index ``case_id``.
        workers : int or None
        progress : callable, optional
            Called with the number of patients whose inputs are there.

        Returns
        -------
        pandas.DataFrame
            As :meth:`~gliofuse.designs.FittedDesign.predict`.
        pandas.DataFrame
            ``case_id, key, stage, error``.
        """
        source = replace(source, convention=self.description.convention, seed=self.description.seed)
        computed = compute_inputs(
            self.fitted.design.inputs, source, workers=workers, progress=progress
        )
        failed = set(computed.failures["case_id"])
        left = tuple(str(name) for name in clinical.index if name not in failed)
        if not left:
            return pd.DataFrame(), computed.failures
        data = CaseData(left, computed.values, clinical)
        return self.fitted.predict(data), computed.failures

    def scores_of_cohort(
        self, cohort: Cohort, *, cache: Path | None = None, **options: Any
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return :meth:`scores` of patients with images; without a cache nothing is kept."""
        if cache is not None:
            source = Source(cohort, cache=cache)
            return self.scores(source, self._clinical(cohort.clinical), **options)
        with tempfile.TemporaryDirectory(prefix="gliofuse-") as folder:
            return self.scores_of_cohort(cohort, cache=Path(folder), **options)

    def scores_of_table(
        self, features: pd.DataFrame, clinical: pd.DataFrame | None = None
    ) -> pd.DataFrame:
        """Return :meth:`scores` of rows of a feature table."""
        table = features[list(self.description.features)]
        known = pd.DataFrame(index=features.index) if clinical is None else clinical
        found, _ = self.scores(Source(features=table), self._clinical(known.loc[table.index]))
        return found

    def _clinical(self, table: pd.DataFrame) -> pd.DataFrame:
        wanted = [one.name for one in self.description.clinical]
        return table.reindex(columns=[*dict.fromkeys((*table.columns, *wanted))])
