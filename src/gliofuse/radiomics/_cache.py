"""Features of finished patients on disk, so that a rerun computes only what changed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gliofuse.files import atomic_path, settings_hash
from gliofuse.radiomics.families import FAMILIES
from gliofuse.radiomics.groups import Group
from gliofuse.radiomics.image_types import image_type_of
from gliofuse.radiomics.parameters import RadiomicsSettings, Setting

__all__ = ["PatientCache", "group_key"]

_VERSION = 2
"""Raised whenever a value comes out differently for the same settings."""

_PREPROCESSING = (
    "normalize", "normalizeScale", "removeOutliers", "resampledPixelSpacing", "interpolator",
    "padDistance", "preCrop", "resegmentRange", "resegmentMode", "resegmentShape", "correctMask",
    "geometryTolerance", "minimumROIDimensions", "minimumROISize",
)  # fmt: skip
_FILTER = {
    "LoG": (),  # the sigma stands in the image's name
    "Wavelet": ("wavelet", "level", "start_level", "force2D", "force2Ddimension"),
    "Gradient": ("gradientUseSpacing",),
    "LBP2D": ("lbp2DRadius", "lbp2DSamples", "lbp2DMethod", "force2Ddimension"),
    "LBP3D": ("lbp3DLevels", "lbp3DIcosphereRadius", "lbp3DIcosphereSubdivision"),
}


def group_key(group: Group, settings: RadiomicsSettings, source: Mapping[str, Any]) -> str:
    """Return a hash of everything that a group's values depend on.

    Parameters
    ----------
    group : Group
    settings : RadiomicsSettings
    source : mapping
        The files and what is done to them before PyRadiomics' own preprocessing.
    """
    base = settings.setting
    parts: dict[str, Any] = {
        "version": _VERSION,
        "source": dict(source),
        "region": group.region,
        "family": group.family,
        "features": settings.wanted(group.family),
        "preprocessing": _values(base, _preprocessing(base)),
    }
    family = FAMILIES[group.family]
    if family.of_image:
        setting = settings.image_settings(image_type_of(group.image))
        parts["image"] = group.image
        parts["filter"] = _values(setting, _FILTER.get(image_type_of(group.image), ()))
        names = family.settings
        if setting.binCount is not None:  # the width is then without effect
            names = tuple(name for name in names if name != "binWidth")
        parts["texture"] = _values(setting, names)
    return settings_hash(parts, length=24)


def _preprocessing(setting: Setting) -> tuple[str, ...]:
    """Return the settings of steps that are on."""
    off: set[str] = set()
    if not setting.normalize:
        off |= {"normalizeScale", "removeOutliers"}
    if setting.resampledPixelSpacing is None:
        off |= {"interpolator"} if setting.preCrop else {"interpolator", "padDistance"}
    if setting.resegmentRange is None:
        off |= {"resegmentMode", "resegmentShape"}
    return tuple(name for name in _PREPROCESSING if name not in off)


def _values(setting: Setting, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(setting, name) for name in names}


class PatientCache:
    """One file a patient, holding the values of each group by its key.

    A file that cannot be read counts as empty: the patient is computed again.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, case_id: str) -> None:
        self.path: Path | None = None
        self.values: dict[str, dict[str, float]] = {}
        self._changed = False
        if folder is None:
            return
        safe = re.sub(r"[^\w.-]", "_", case_id)[:60]
        # the hash keeps patients apart whose names differ only in what was replaced
        self.path = Path(folder) / f"{safe}-{settings_hash(case_id, length=8)}.json"
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            self.values = found if isinstance(found, dict) else {}
        except (OSError, ValueError):
            self.values = {}

    def get(self, key: str) -> dict[str, float] | None:
        """Return a group's values, or None if it has to be computed."""
        return self.values.get(key)

    def put(self, key: str, values: dict[str, float]) -> None:
        """Keep a group's values; :meth:`save` writes them."""
        self.values[key] = values
        self._changed = True

    def save(self) -> None:
        """Write the file, whole or not at all, if anything was added."""
        if self.path is not None and self._changed:
            with atomic_path(self.path) as temporary:
                temporary.write_text(json.dumps(self.values), encoding="utf-8")
            self._changed = False
