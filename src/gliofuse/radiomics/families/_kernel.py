"""One decorator for every compiled kernel of the package, and where its machine code is kept."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

__all__ = ["kernel"]

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile ``function`` at its first call, keep the machine code on disk, release the GIL.

    Numba writes beside the source, or into the user's cache folder when the installation is
    read-only, or into ``NUMBA_CACHE_DIR``. Where none of these can be written, a private folder
    below the system's temporary folder serves; where that fails too, the code is compiled anew in
    each process.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        folder = _private_folder()
        if folder is not None:
            numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
            try:
                return numba.njit(cache=True, **options)(function)
            except RuntimeError:
                pass
    return numba.njit(**options)(function)


def _private_folder() -> Path | None:
    """Return a folder that only this user can write, since cached code is executed when loaded."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"gliofuse-kernels-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError:
        return None
    mine = stat.S_ISDIR(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid == user)
    return folder if mine and not status.st_mode & 0o022 else None
