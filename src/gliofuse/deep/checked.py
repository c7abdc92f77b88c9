"""Settings from a person's hand, refused in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gliofuse.errors import SettingError, did_you_mean

__all__ = ["checked"]

Settings = TypeVar("Settings", bound=BaseModel)


def checked(kind: type[Settings], values: Mapping[str, Any], what: str) -> Settings:
    """Return settings of a kind.

    Parameters
    ----------
    kind : type of pydantic.BaseModel
    values : mapping
    what : str
        What they are of, for messages; ``"training setting"``.

    Raises
    ------
    SettingError
        For an unknown name (with the nearest one) or a value outside what the name allows.
    """
    for name in values:
        if name not in kind.model_fields:
            raise SettingError(f"{what} {name!r}: {did_you_mean(name, kind.model_fields)}")
    try:
        return kind(**values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise SettingError(
            f"{what} {name!r}: {problem['msg'].removeprefix('Value error, ')} "
            f"(got {problem.get('input')!r})"
        ) from None
