"""How the radiomic features of a run were made, from the settings stored with their tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gliofuse.errors import InputError
from gliofuse.report.context import RunContext

__all__ = ["Extraction", "extractions"]


@dataclass(frozen=True)
class Extraction:
    """The settings of one table of radiomic features, in words.

    Parameters
    ----------
    place : str
        Where the table lies in the run folder.
    n_features : int
    normalisation : str
    settings : dict
        Image types, feature classes and settings, as in a parameter file of PyRadiomics.
    """

    place: str
    n_features: int
    normalisation: str
    settings: dict[str, Any]

    @property
    def _setting(self) -> dict[str, Any]:
        found: dict[str, Any] = self.settings.get("setting") or {}
        return found

    @property
    def images(self) -> tuple[str, ...]:
        """Image types."""
        return tuple(self.settings.get("imageType") or ())

    @property
    def families(self) -> tuple[str, ...]:
        """Feature classes."""
        return tuple(self.settings.get("featureClass") or ())

    @property
    def resampling(self) -> str:
        """Spacing and interpolator."""
        spacing = self._setting.get("resampledPixelSpacing")
        if not spacing:
            return "Not resampled: features are computed on the images' own voxels"
        sides = " × ".join(f"{side:g}" for side in spacing)
        interpolator = str(self._setting.get("interpolator", "")).removeprefix("sitk")
        return f"Resampled to {sides} mm by {interpolator}"

    @property
    def discretisation(self) -> str:
        """Number or width of the grey-level bins; a number takes precedence."""
        count, width = self._setting.get("binCount"), self._setting.get("binWidth")
        return f"{count} grey-level bins" if count else f"Grey-level bins of width {width:g}"


def extractions(run: RunContext) -> list[Extraction]:
    """Return how each table of radiomic features was made.

    Features that came as a table have no settings here, whatever the design would have asked for.
    """
    if run.run.source == "table":
        return []
    found = []
    for table in run.folder.feature_tables():
        if table.kind != "radiomic":
            continue
        try:
            definition = table.definition()
            n_features = len(table.columns())
        except InputError as error:
            run.problems.append(str(error))
            continue
        found.append(
            Extraction(
                table.place,
                n_features,
                str(definition.get("normalisation") or "none"),
                definition.get("settings") or {},
            )
        )
    return found
