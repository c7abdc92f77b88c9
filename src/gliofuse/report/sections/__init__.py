"""The sections of a report, a folder each: its data, its figures and its template side by side.

A section is a package here with

- ``data(context, found)``: what it shows, as plain data; something empty leaves the section out.
  ``found`` gives the data of another section by its name.
- ``drawings(data, context)`` (may be missing): its figures, in order.
- ``section.html.j2`` (may be missing): how it is shown. Without one its figures are shown with
  their captions.

Which sections a page has, and in which order, stands in :mod:`gliofuse.report.endpoints`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gliofuse.report.context import Context
from gliofuse.report.drawing import Drawing

__all__ = ["Findings", "Section", "find_section"]

_FIGURES_ONLY = "figures.html.j2"


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Parameters
    ----------
    name : str
    data : callable
        Takes the context and the :class:`Findings`.
    drawings : callable
        Takes the section's data and the context.
    template : str
        Relative to the folder of sections, or to that of shared templates.
    """

    name: str
    data: Callable[[Any, Findings], Any]
    drawings: Callable[[Any, Any], list[Drawing]]
    template: str


@cache
def find_section(name: str) -> Section:
    """Return a section by its name."""
    module = importlib.import_module(f"{__name__}.{name}")
    own = f"{name}/section.html.j2"
    return Section(
        name,
        module.data,
        getattr(module, "drawings", lambda data, context: []),
        own if (Path(__file__).parent / own).is_file() else _FIGURES_ONLY,
    )


class Findings(Mapping[str, Any]):
    """What the sections of a page found, each worked out when it is first asked for.

    A section that the page does not have has found nothing: ``None``.

    Parameters
    ----------
    context : Context
    names : tuple of str
        The page's sections.
    """

    def __init__(self, context: Context, names: tuple[str, ...]) -> None:
        self.context = context
        self.names = names
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self.names:
            return None
        if name not in self._known:
            self._known[name] = find_section(name).data(self.context, self) or None
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
