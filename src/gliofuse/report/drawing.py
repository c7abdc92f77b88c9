"""Figures of a report: what is to be drawn, and drawing it without costing the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gliofuse.files import write_text
from gliofuse.records import FIGURES
from gliofuse.report.style import styled, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Drawing", "draw_all", "file_name"]


@dataclass(frozen=True)
class Drawing:
    """A figure to draw.

    Parameters
    ----------
    name : str
        Of its file and its place in the page.
    title : str
    draw : callable
        Takes the data and options and returns a figure, or ``None`` where there is nothing to
        draw.
    data : tuple
    options : dict
    caption : str
        How it is to be read, printed beneath it.
    """

    name: str
    title: str
    draw: Callable[..., Figure | None]
    data: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    caption: str = ""

    def figure(self) -> Figure | None:
        """Return the figure in the project's style."""
        return styled(self.draw, *self.data, **self.options)


def draw_all(drawings: Sequence[Drawing], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Draw the figures and save each in a run or comparison folder.

    Returns
    -------
    figures : dict of str
        SVG text by name; what holds nothing to draw is not in it.
    problems : list of str
        One line for each figure that could not be drawn: a table with values that no one
        foresaw must not cost the user the report of a long run.
    """
    figures: dict[str, str] = {}
    problems = []
    for drawing in drawings:
        try:
            text = to_svg(drawing.draw, *drawing.data, **drawing.options)
        except Exception as error:
            problems.append(f"{drawing.title} could not be drawn: {type(error).__name__}: {error}")
            continue
        if text is not None:
            figures[drawing.name] = text
            write_text(FIGURES.at(folder, name=drawing.name), text)
    return figures, problems


def file_name(text: str) -> str:
    """Return a name that is safe as a file name and as an HTML identifier.

    Examples
    --------
    >>> file_name("radiomics t1ce/<b>")
    'radiomics-t1ce--b-'
    """
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in text)
