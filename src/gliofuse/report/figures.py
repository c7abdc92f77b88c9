"""A run's figures as files for a journal: drawn again at the column's width, not scaled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gliofuse.errors import InputError, SettingError, did_you_mean
from gliofuse.files import atomic_path
from gliofuse.report.drawing import Drawing
from gliofuse.report.exports import ExportFolder
from gliofuse.report.page import drawings
from gliofuse.report.style import fit_width, is_legible, natural_width_mm, page_width, rc_of_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "WIDTHS_MM", "ExportedFigure", "export_figures"]

INDEX = "captions.md"
FORMATS = ("png", "pdf", "tiff", "svg")
#: Widths in mm that can be asked for: less is no figure, more is no page.
WIDTHS_MM = (40.0, 400.0)
_MAX_DPI = 2400
_PAGE_MM = 180.0
_STEP = 1.15


@dataclass(frozen=True)
class ExportedFigure:
    """A figure that was written.

    Parameters
    ----------
    name, title, caption : str
    width_mm : float
        Wider than was asked for where its panels or labels could not be read otherwise.
    paths : tuple of Path
        One a format.
    """

    name: str
    title: str
    caption: str
    width_mm: float
    paths: tuple[Path, ...]


def export_figures(
    run_folder: str | Path,
    out: str | Path,
    *,
    formats: Collection[str] = ("pdf",),
    dpi: int = 300,
    width_mm: float = 85.0,
    only: Collection[str] = (),
    overwrite: bool = False,
) -> tuple[list[ExportedFigure], list[str]]:
    """Draw a report's figures again from its tables, at the width of a journal's column.

    Parameters
    ----------
    run_folder : path
        Of a finished run or comparison.
    out : path
        Folder; made if need be. It gets ``captions.md`` too, which lists the files.
    formats : collection of str
        Of :data:`FORMATS`.
    dpi : int
        Dots an inch of PNG and TIFF.
    width_mm : float
        Width of the files. A figure that could not be read at it is drawn wider, and says so.
    only : collection of str
        Names of figures; by default all.
    overwrite : bool
        Write over files that this function has not written.

    Returns
    -------
    figures : list of ExportedFigure
    problems : list of str
        A line for each figure that could not be drawn.

    Raises
    ------
    SettingError
        If a format or a name is not known, or a number is out of range.
    InputError
        If a file is there that would be written over, or there is no finished run, or nothing to
        draw.
    """
    wanted = _check(drawings(run_folder), formats, dpi, width_mm, only)
    place = ExportFolder(out, INDEX, run=run_folder, overwrite=overwrite)
    place.check(f"{drawing.name}.{kind}" for drawing in wanted for kind in formats)
    folder = place.path
    done, problems = [], []
    for drawing in wanted:
        try:
            written = _export(drawing, folder, formats, dpi, width_mm)
        except (OSError, InputError):
            raise
        except Exception as error:
            problems.append(f"{drawing.name} could not be drawn: {type(error).__name__}: {error}")
            continue
        if written is not None:
            done.append(written)
    place.write_index(
        "Captions of the figures",
        [(f"**{one.title}.** {one.caption}", [path.name for path in one.paths]) for one in done],
    )
    return done, problems


def _check(
    drawings: Sequence[Drawing],
    formats: Collection[str],
    dpi: int,
    width_mm: float,
    only: Collection[str],
) -> list[Drawing]:
    if not formats:
        raise SettingError(f"--format: name at least one of {', '.join(FORMATS)}")
    for kind in formats:
        if kind not in FORMATS:
            raise SettingError(f"--format: no format {kind!r}; {did_you_mean(kind, FORMATS)}")
    if not WIDTHS_MM[0] <= width_mm <= WIDTHS_MM[1]:
        low, high = WIDTHS_MM
        raise SettingError(f"--width-mm: must be {low:g} to {high:g}, got {width_mm:g}")
    if not 50 <= dpi <= _MAX_DPI:
        raise SettingError(f"--dpi: must be 50 to {_MAX_DPI}, got {dpi}")
    names = [drawing.name for drawing in drawings]
    for name in only:
        if name not in names:
            raise SettingError(f"--only: no figure {name!r}; {did_you_mean(name, names)}")
    wanted = [drawing for drawing in drawings if not only or drawing.name in only]
    if not wanted:
        raise InputError("the folder holds nothing to draw")
    return wanted


def _export(
    drawing: Drawing, folder: Path, formats: Collection[str], dpi: int, width_mm: float
) -> ExportedFigure | None:
    fitted = _fitted(drawing, width_mm)
    if fitted is None:
        return None
    figure, width = fitted
    paths = tuple(_save(figure, folder / f"{drawing.name}.{kind}", dpi) for kind in formats)
    return ExportedFigure(drawing.name, drawing.title, drawing.caption, width, paths)


def _fitted(drawing: Drawing, width_mm: float) -> tuple[Figure, float] | None:
    """Return a figure at the least width from ``width_mm`` on at which it can be read."""
    natural = drawing.figure()
    if natural is None:
        return None
    widest = max(width_mm, min(natural_width_mm(natural), _PAGE_MM))
    width = width_mm
    while True:
        with page_width(width):
            figure = drawing.figure()
        assert figure is not None
        fit_width(figure, width)
        if is_legible(figure) or width >= widest:
            return figure, width
        width = min(width * _STEP, widest)


def _save(figure: Figure, path: Path, dpi: int) -> Path:
    kind = path.suffix.removeprefix(".")
    options: dict[str, Any] = {"format": kind, "dpi": dpi}
    if kind == "tiff":
        options["pil_kwargs"] = {"compression": "tiff_lzw"}
    elif kind == "svg":
        options["metadata"] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    elif kind == "pdf":
        options["metadata"] = dict.fromkeys(("CreationDate", "Producer", "Creator"))
    with atomic_path(path) as temporary, rc_of_files():
        figure.savefig(temporary, **options)
    return path
