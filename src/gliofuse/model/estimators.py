"""Fitted scikit-learn estimators in a file that is read without running code from it.

The file is skops' format: a zip of a JSON tree and arrays. Before skops looks at it, every type
that the tree names must be on a closed list.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gliofuse.errors import InputError
from gliofuse.files import atomic_path
from gliofuse.model.trusted import TRUSTED
from gliofuse.signature.portable import without_patients

__all__ = ["load_estimators", "save_estimators", "types_in"]

_SCHEMA = "schema.json"


def save_estimators(path: Path, estimators: Mapping[str, Any]) -> None:
    """Write fitted estimators, without what they know of single training patients.

    Raises
    ------
    InputError
        If one of them is of a type that :func:`load_estimators` would refuse.
    """
    from skops.io import dump

    with atomic_path(path) as temporary:
        dump(
            without_patients(dict(estimators)),
            temporary,
            compression=zipfile.ZIP_DEFLATED,
            compresslevel=6,
        )
        _check_types(temporary)


def load_estimators(path: Path) -> dict[str, Any]:
    """Read what :func:`save_estimators` wrote.

    Raises
    ------
    InputError
        If the file is broken, or names a type that is not on the list.
    """
    _check_types(path)
    from skops.io import load

    try:
        found = load(path, trusted=sorted(TRUSTED))
    except Exception as error:  # whatever a broken file makes of the many types
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: cannot be read as estimators ({problem})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds {type(found).__name__}, not estimators by name")
    return found


def types_in(path: Path) -> set[str]:
    """Return the names of the types that a file of estimators would make objects of.

    Raises
    ------
    InputError
        If it is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name != _SCHEMA and not name.endswith((".npy", ".npz")):
                    raise InputError(f"{path}: holds {name!r}, which is no part of an estimator")
            tree = json.loads(archive.read(_SCHEMA))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: cannot be read as estimators ({error})") from None
    return set(_types(tree))


def _check_types(path: Path) -> None:
    strange = sorted(types_in(path) - TRUSTED)
    if strange:
        raise InputError(
            f"{path}: would make an object of type {strange[0]!r}, which is not among those that a "
            "model may hold; nothing of it is loaded"
        )


def _types(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _types(one)
    elif isinstance(node, Mapping):
        if "__class__" in node or "__module__" in node:
            yield f"{node.get('__module__')}.{node.get('__class__')}"
        for value in node.values():
            yield from _types(value)
