"""Features of a frozen, pretrained network on each region's largest slice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from gliofuse.files import file_hash, read_parquet, settings_hash, write_parquet
from gliofuse.inputs._regions import absent_notes, present_regions
from gliofuse.inputs.base import CohortInput, Computed, FeatureTable, Source
from gliofuse.inputs.slices import TumourSlices

if TYPE_CHECKING:
    from gliofuse.cohort import Case
    from gliofuse.deep.data.slices import SliceSettings

__all__ = ["PretrainedFeatures"]


@dataclass(frozen=True, eq=False)
class PretrainedFeatures(CohortInput):
    """Features of a frozen network: nothing in it is trained on the patients.

    Parameters
    ----------
    network : str
        Name in :data:`gliofuse.deep.networks.NETWORKS`.
    slices : SliceSettings
        What the network sees.
    regions : tuple of str
    sequences : tuple of str
        The network reads each alone.
    weights : str, optional
        Pretrained weights: a path, or ``imagenet``.
    allow_random : bool
        Whether random weights will do where there are no pretrained ones.
    """

    what: ClassVar[str] = "deep features"

    network: str
    slices: SliceSettings
    regions: tuple[str, ...]
    sequences: tuple[str, ...]
    weights: str | None = None
    allow_random: bool = False

    def _of_region(self, region: str) -> TumourSlices:
        return TumourSlices(self.slices, region, self.sequences)

    def check(self, source: Source) -> None:
        """Make the folders of the regions' slices."""
        for region in self.regions:
            self._of_region(region).check(source)

    def compute_case(self, case: Case, source: Source) -> dict[str, Any]:
        """Cut the patient's slice of each region that the patient has."""
        present = present_regions(case, self.regions, source.convention)
        return {region: self._of_region(region).compute_case(case, source) for region in present}

    def gather(self, cases: Mapping[str, Any], source: Source) -> Computed:
        """Run the network over each region's slices; a region's table is kept in the cache."""
        tables = []
        weights = Path(self.weights) if self.weights else None
        trained = file_hash(weights) if weights and weights.is_file() else None
        for region in self.regions:
            found = {
                case_id: regions[region] for case_id, regions in cases.items() if region in regions
            }
            store = self._of_region(region).gather(found, source).value
            content = [store.content(case_id) for case_id in found]
            seed = source.seed if self.weights is None else None
            path = source.folder("deep") / (
                f"{settings_hash([self.definition(), trained, region, seed, content])}.parquet"
            )
            if not path.exists():
                write_parquet(path, self._features(region, store, list(found), source.seed))
            tables.append(read_parquet(path))
        table = pd.concat(tables, axis=1).reindex(list(cases)).rename_axis("case_id")
        return FeatureTable(table, "deep", absent_notes(cases, self.regions))

    def _features(self, region: str, store: Any, case_ids: list[str], seed: int) -> pd.DataFrame:
        import torch

        from gliofuse.deep.networks import build_network
        from gliofuse.deep.training import extract_features
        from gliofuse.deep.weights import load_pretrained

        tables = []
        for sequence in self.sequences:
            with torch.random.fork_rng():  # random weights, where allowed, are the same each time
                torch.manual_seed(seed)
                network = build_network(self.network, sequences=(sequence,))
            load_pretrained(network, self.weights, allow_random=self.allow_random)
            samples = store.dataset(case_ids, sequences=(sequence,))
            tables.append(extract_features(network, samples, prefix=f"{sequence}.{region}."))
        return pd.concat(tables, axis=1)
