"""One decorator for every compiled kernel of the package, and where its machine code is kept."""

from __future__ import annotations

import functools
import os
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

__all__ = ["kernel"]

Function = TypeVar("Function", bound=Callable[..., Any])

_lock = threading.RLock()


def kernel(function: Function) -> Function:
    """Compile ``function`` at its first call, keep the machine code on disk, release the GIL.

    Numba is not imported before that, so that what stands beside a kernel (a family's names and
    definitions, say) can be imported in no time.

    Numba writes beside the source, or into the user's cache folder when the installation is
    read-only, or into ``NUMBA_CACHE_DIR``. Where none of these can be written, a private folder
    below the system's temporary folder serves; where that fails too, the code is compiled anew in
    each process.
    """
    return cast(Function, _Kernel(function))


class _Kernel:
    """A function that numba takes over when it is first called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._compiled: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        return (self._compiled or self.compiled())(*arguments)

    def compiled(self) -> Callable[..., Any]:
        """Return numba's function, made once."""
        with _lock:
            if self._compiled is None:
                # numba looks up the kernels that this one calls among the module's names
                names = self._function.__globals__
                for name in self._function.__code__.co_names:
                    if isinstance(names.get(name), _Kernel):
                        names[name] = names[name].compiled()
                self._compiled = _compile(self._function)
            return self._compiled


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    import numba

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
