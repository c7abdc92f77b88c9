"""The one place that imports optional dependencies."""

from __future__ import annotations

import importlib
from types import ModuleType

from gliofuse.errors import MissingExtraError

__all__ = ["require"]


def require(module: str, *, extra: str) -> ModuleType:
    """Import ``module`` or say which extra of gliofuse brings it.

    Parameters
    ----------
    module : str
        Dotted name, for example ``"lightning"``.
    extra : str
        The extra in ``pyproject.toml`` that installs it, for example ``"deep"``.

    Returns
    -------
    ModuleType

    Raises
    ------
    MissingExtraError
        If the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".")[0] != error.name.split(".")[0]:
            raise
        raise MissingExtraError(
            f"{module.split('.')[0]} is not installed: it comes with the extra {extra!r}; "
            f"run  pip install 'gliofuse[{extra}]'"
        ) from error
