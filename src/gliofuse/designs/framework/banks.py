"""Feature banks by name: a published design's, a preset of the package, or a parameter file."""

from __future__ import annotations

import os
from pathlib import Path

from gliofuse.designs.framework.registry import DESIGNS, find_design
from gliofuse.errors import SettingError, did_you_mean
from gliofuse.radiomics.parameters import PRESETS, RadiomicsSettings

__all__ = ["feature_bank"]


def feature_bank(named: str | os.PathLike[str]) -> RadiomicsSettings:
    """Return the radiomic features that a design, a preset or a parameter file asks for.

    Parameters
    ----------
    named : str or path
        A design with a bank (``rdl``), a preset of :data:`gliofuse.radiomics.PRESETS`
        (``original``), or the path of a PyRadiomics parameter file.

    Raises
    ------
    SettingError
        If it is none of these, the design has no bank, or the file breaks a rule.

    Examples
    --------
    >>> len(feature_bank("rdl").feature_names()), len(feature_bank("original").feature_names())
    (1967, 107)
    """
    name = str(named)
    if name in PRESETS:
        return RadiomicsSettings.preset(name)
    if name in DESIGNS and (bank := find_design(name).bank) is not None:
        return RadiomicsSettings.from_params(bank)
    if Path(name).suffix in (".yaml", ".yml", ".json") or Path(name).exists():
        return RadiomicsSettings.from_params(named)
    known = [*(n for n in DESIGNS if find_design(n).bank is not None), *PRESETS]
    raise SettingError(
        f"{name!r} is neither a parameter file (.yaml) nor a feature bank: "
        f"{did_you_mean(name, known)}"
    )
