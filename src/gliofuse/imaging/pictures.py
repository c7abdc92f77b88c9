"""Quality pictures: the largest tumour slice of each sequence with the mask's outline."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gliofuse.cohort.case import Case
from gliofuse.cohort.sequences import SEQUENCES, STRUCTURAL
from gliofuse.errors import ImageError
from gliofuse.files import atomic_path
from gliofuse.imaging.images import read_mask
from gliofuse.imaging.orientation import to_lps
from gliofuse.imaging.volume import Volume

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CasePicture", "case_picture", "contact_sheet", "mark_sides"]

_WINDOW_PERCENTILES = (1.0, 99.5)
_TILE_INCHES = 2.2


@dataclass(frozen=True, eq=False)
class CasePicture:
    """One patient's tiles: small arrays, so that many patients fit in memory.

    Parameters
    ----------
    case_id : str
    tiles : dict of str to ndarray, shape (row, column)
        Sequence to its slice: front of the head up, the patient's right on the left.
    outline : ndarray of bool, shape (row, column), or None
        Tumour on the same slice; ``None`` without a mask.
    aspect : float
        Height of a pixel over its width.
    notes : dict of str to str
        What to say where a sequence has no tile.
    slices : dict of str to int
        Sequence to the number of its slice, from 0 at the patient's feet.
    """

    case_id: str
    tiles: dict[str, np.ndarray]
    outline: np.ndarray | None
    aspect: float
    notes: dict[str, str]
    slices: dict[str, int] = field(default_factory=dict)


def case_picture(case: Case, sequences: Sequence[str] | None = None) -> CasePicture:
    """Cut the axial slice with most tumour out of each sequence; a bad file becomes a note.

    Parameters
    ----------
    case : Case
    sequences : sequence of str, optional
        By default the structural ones and what else the patient has.

    Returns
    -------
    CasePicture
        Of the middle slice where the mask is missing, unreadable or empty.
    """
    chosen = _with_structural(case.images) if sequences is None else sequences
    notes: dict[str, str] = {}
    mask: Volume | None = None
    if case.mask is not None:
        try:
            mask = read_mask(case.mask)
        except ImageError:
            notes["mask"] = "mask unreadable"
    tumour = None if mask is None else to_lps(mask).array > 0
    place = None
    if tumour is not None and tumour.any():
        place = int(np.argmax(tumour.sum(axis=(1, 2))))
    tiles, slices = {}, {}
    aspect = 1.0
    for sequence in chosen:
        if sequence not in case.images:
            notes[sequence] = "no file"
            continue
        try:
            volume = Volume.read(case.images[sequence])
        except ImageError:
            notes[sequence] = "unreadable"
            continue
        if mask is not None and not volume.same_geometry(mask):
            notes[sequence] = "other geometry than the mask"
        turned = to_lps(volume)
        middle = turned.shape[0] // 2
        inside = place is not None and place < turned.shape[0]
        slices[sequence] = place if inside and place is not None else middle
        tiles[sequence] = turned.array[slices[sequence]].copy()
        aspect = turned.spacing_mm[1] / turned.spacing_mm[2]
    outline = tumour[place] if tumour is not None and place is not None else None
    return CasePicture(case.case_id, tiles, outline, aspect, notes, slices)


def contact_sheet(
    pictures: Iterable[CasePicture],
    path: str | os.PathLike[str],
    *,
    sequences: Sequence[str] | None = None,
    title: str | None = None,
    captions: dict[str, str] | None = None,
) -> Path:
    """Draw patients as rows and sequences as columns; the suffix chooses PNG, SVG or PDF.

    Parameters
    ----------
    pictures : iterable of CasePicture
    path : path
    sequences : sequence of str, optional
        The columns; by default the structural ones and what else any picture shows.
    title : str, optional
    captions : dict of case_id to str, optional
        A line to stand under the patient's id.

    Returns
    -------
    Path
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = list(pictures)
    if not rows:
        raise ImageError("a contact sheet needs at least one patient, got none")
    shown = {name for picture in rows for name in picture.tiles}
    columns = _with_structural(shown) if sequences is None else list(sequences)
    figure = Figure(
        figsize=(_TILE_INCHES * len(columns) + 0.3, _TILE_INCHES * len(rows) + 0.5),
        layout="constrained",
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for picture, line in zip(rows, axes, strict=True):
        for sequence, ax in zip(columns, line, strict=True):
            _draw_tile(ax, picture, sequence)
        caption = (captions or {}).get(picture.case_id)
        line[0].set_ylabel(picture.case_id + (f"\n{caption}" if caption else ""), fontsize=7)
    for sequence, ax in zip(columns, axes[0], strict=True):
        ax.set_title(SEQUENCES[sequence].label, fontsize=9)
    if title:
        figure.suptitle(title, fontsize=10)
    target = Path(path)
    with atomic_path(target) as temporary:
        figure.savefig(temporary, dpi=110)
    return target


def mark_sides(ax: Axes, *, size: float = 7) -> None:
    """Write R and L at the edges of an upright axial slice: the patient's right is on the left."""
    for letter, place, align in (("R", 0.02, "left"), ("L", 0.98, "right")):
        ax.text(
            place, 0.5, letter, ha=align, va="center", color="white", fontsize=size,
            transform=ax.transAxes,
        )  # fmt: skip


def _with_structural(names: Collection[str]) -> list[str]:
    return [name for name in SEQUENCES if name in STRUCTURAL or name in names]


def _draw_tile(ax: Axes, picture: CasePicture, sequence: str) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    note = picture.notes.get(sequence)
    tile = picture.tiles.get(sequence)
    if tile is None:
        ax.set_facecolor("0.9")
        ax.text(0.5, 0.5, note or "", ha="center", va="center", transform=ax.transAxes, fontsize=8)
        return
    values = tile[np.isfinite(tile)].astype(float)
    shown = values[values != 0] if np.any(values != 0) else values
    low, high = np.percentile(shown, _WINDOW_PERCENTILES) if shown.size else (0.0, 1.0)
    high = high if high > low else low + 1.0
    ax.imshow(tile.astype(float), cmap="gray", vmin=low, vmax=high, aspect=picture.aspect)
    if picture.outline is not None and picture.outline.shape == tile.shape:
        ax.contour(picture.outline.astype(float), levels=[0.5], colors="#ffb000", linewidths=0.8)
    mark_sides(ax)
    if sequence in picture.slices:
        number = f"slice {picture.slices[sequence]}"
        ax.text(0.02, 0.98, number, va="top", color="white", transform=ax.transAxes, fontsize=6)
    if note:
        ax.text(0.5, 0.02, note, ha="center", color="#ff5050", transform=ax.transAxes, fontsize=7)
