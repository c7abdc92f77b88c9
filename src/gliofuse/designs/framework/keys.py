"""The keys of a settings class, each with what it takes, its default and its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

__all__ = ["Setting", "settings_of"]

_WORDS = {str: "text", int: "whole number", float: "number", bool: "true | false", Path: "path"}


@dataclass(frozen=True)
class Setting:
    """One key of a study file: its name with those above it, kind, default and meaning."""

    key: str
    kind: str
    default: str
    meaning: str


def settings_of(model: type[BaseModel], above: str = "") -> Iterator[Setting]:
    """Yield the keys of a settings class, those of classes within it by their full name."""
    for key, field in model.model_fields.items():
        full = f"{above}{key}"
        group = _group(field.annotation)
        if group is not None:
            yield from settings_of(group, f"{full}.")
            continue
        default = "required" if field.is_required() else _default(field)
        yield Setting(full, _kind(field.annotation), default, field.description or "")


def _group(annotation: Any) -> type[BaseModel] | None:
    """Return the settings class that a key holds, also where the key may be left out."""
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _kind(annotation: Any) -> str:
    """Return what a key takes, as a reader would say it."""
    if annotation is type(None):
        return "none"
    parts = get_args(annotation)
    if get_origin(annotation) is Literal:
        return " | ".join(map(str, parts))
    if get_origin(annotation) in (Union, UnionType):
        return " | ".join(_kind(part) for part in parts if part is not type(None))
    if get_origin(annotation) in (list, tuple):
        return f"list of {_kind(parts[0])}"
    if get_origin(annotation) is dict:
        return "keys and values"
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    return str(yaml.safe_dump(value, default_flow_style=True).split("\n")[0])
