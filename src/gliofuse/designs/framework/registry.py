"""Names of the built-in designs, and one's own design from a file."""

from __future__ import annotations

import importlib
import importlib.util
import traceback
from pathlib import Path

from gliofuse.cohort import Endpoint
from gliofuse.designs.framework.base import Design
from gliofuse.errors import SettingError, did_you_mean

__all__ = ["DESIGNS", "find_design"]

#: Name of each built-in design and where its class stands.
DESIGNS: dict[str, str] = {
    "rdl": "gliofuse.designs.rdl:RDL",
    "deep-radiomics": "gliofuse.designs.deep_radiomics:DeepRadiomics",
    "shape-resnet": "gliofuse.designs.shape_resnet:ShapeResNet",
    "imaging-clinical": "gliofuse.designs.imaging_clinical:ImagingClinical",
    "risk-signature": "gliofuse.designs.risk_signature:RiskSignature",
    "single-network": "gliofuse.designs.single_network:SingleNetwork",
}


def find_design(name: str, endpoint: Endpoint | None = None) -> type[Design]:
    """Return the class of a built-in design, or of the one design in a Python file of one's own.

    Parameters
    ----------
    name : str
        A name in :data:`DESIGNS`, or a path that ends in ``.py``.
    endpoint : Endpoint, optional
        A publication with a method of its own for some kinds of endpoint has a class for them.

    Raises
    ------
    SettingError
        If there is no such design, or the file holds none or several.
    """
    if name.endswith(".py"):
        return _design_in_file(Path(name))
    if name not in DESIGNS:
        raise SettingError(
            f"design: no design {name!r}; {did_you_mean(name, DESIGNS)}; "
            "one's own is named by its file, for example my_design.py"
        )
    module, _, attribute = DESIGNS[name].partition(":")
    found: type[Design] = getattr(importlib.import_module(module), attribute)
    return found if endpoint is None else found.for_endpoint(endpoint)


def _design_in_file(path: Path) -> type[Design]:
    if not path.is_file():
        raise SettingError(f"design: there is no file {path}; give the path of your design's file")
    spec = importlib.util.spec_from_file_location(f"gliofuse_design_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise SettingError(f"design: {path} cannot be loaded as Python; rename it to NAME.py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever one's own file raises
        at = [frame for frame in traceback.extract_tb(error.__traceback__) if path.name in frame[0]]
        line = f", line {at[-1].lineno}" if at else ""
        raise SettingError(
            f"design: {path}{line}: {type(error).__name__}: {error}; mend the file"
        ) from error
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Design)
        and value.__module__ == module.__name__
    ]
    if len(found) != 1:
        names = ", ".join(design.__name__ for design in found) or "none"
        raise SettingError(f"design: {path} must define exactly one Design subclass (got {names})")
    return found[0]
