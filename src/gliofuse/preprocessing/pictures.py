"""Each patient's page of pictures, before and after every step, with contours and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gliofuse.cohort.sequences import SEQUENCES
from gliofuse.files import atomic_path, write_text
from gliofuse.imaging import Volume
from gliofuse.preprocessing.resampling import resample
from gliofuse.preprocessing.transforms import Affine

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gliofuse.preprocessing.case import CaseWork

__all__ = ["PAGE", "THUMBNAIL", "write_pictures"]

PAGE = "index.html"
THUMBNAIL = "overview.png"

_BRAIN, _TUMOUR, _FIELD = "#ff5a36", "#ffd400", "#35c0ff"
_TILES = 8  # of a checkerboard, along the picture's height
_LOOK_MM = 2.0  # pictures before resampling are drawn on such a grid


def write_pictures(work: CaseWork, folder: Path) -> None:
    """Draw what is known of a patient, finished or refused, into ``pictures/`` and a page.

    Parameters
    ----------
    work : CaseWork
    folder : Path
        The patient's own.
    """
    drawn: dict[str, str] = {}
    if work.volumes:
        _draw_scans(work, folder / "pictures" / "scans.png")
        drawn["scans.png"] = "As they came, axes turned to the patient's: top, side and front"
    if len(work.to_scan) > 1:
        _draw_alignment(work, folder / "pictures" / "alignment.png")
        drawn["alignment.png"] = (
            "Checkerboard of the reference and each sequence: by the headers (left), registered "
            "(right)"
        )
    if work.brain is not None:
        _draw_brain(work, folder / "pictures" / "brain.png")
        drawn["brain.png"] = "The patient's brain (red) and each sequence's own (blue)"
    if work.fields:
        _draw_bias(work, folder / "pictures" / "bias.png")
        drawn["bias.png"] = "Before, the bias field, after"
    if work.written:
        _draw_written(work, folder / THUMBNAIL)
        drawn[f"../{THUMBNAIL}"] = "What was written, with the tumour's outline"
    write_text(folder / PAGE, _page(work, drawn))


def _page(work: CaseWork, drawn: dict[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
    )
    record = work.record
    return environment.get_template("patient.html.j2").render(
        record=record,
        labels={name: one.label for name, one in SEQUENCES.items()},
        pictures=[(f"pictures/{name}", text) for name, text in drawn.items()],
        total=sum(record.seconds.values()),
    )


def _figure(rows: int, columns: int, width: float = 2.3) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, width * rows), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _save(figure: Any, path: Path) -> None:
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=80, facecolor="black")


def _show(
    ax: Axes, tile: np.ndarray, contours: dict[str, np.ndarray] | None = None, title: str = ""
) -> None:
    """Draw one slice, the first row at the bottom of the head or at the face."""
    ax.set_axis_off()
    values = tile[np.isfinite(tile) & (tile != 0)]
    low, high = np.percentile(values, (1, 99.5)) if values.size else (0.0, 1.0)
    if tile.min() >= 0:
        low = 0.0
    ax.imshow(tile, cmap="gray", vmin=low, vmax=max(high, low + 1e-6))
    for colour, inside in (contours or {}).items():
        if inside.any() and not inside.all():
            ax.contour(inside.astype(float), levels=[0.5], colors=colour, linewidths=0.8)
    if title:
        ax.set_title(title, fontsize=8, color="white")


def _planes(shape: tuple[int, int, int], middle: np.ndarray) -> list[tuple[Any, ...]]:
    """Index of the axial, sagittal and coronal slice through a voxel, head up."""
    z, y, x = (int(np.clip(place, 0, size - 1)) for place, size in zip(middle, shape, strict=True))
    up = slice(None, None, -1)
    return [(z,), (up, slice(None), x), (up, y)]


def _looked_at(work: CaseWork) -> Volume:
    """The grid that pictures before resampling are drawn on, around the reference's head."""
    from gliofuse.preprocessing.resampling import grid_around

    reference = work.record.reference or next(iter(work.volumes))
    volume = work.volumes[reference]
    if reference in work.heads:
        points = work.heads[reference].upper_part(170.0)
    else:
        corners = np.array(np.meshgrid(*[(0, size - 1) for size in volume.shape])).reshape(3, -1).T
        points = volume.index_to_point(corners)
    return grid_around(points, volume.direction, _LOOK_MM, 5.0)


def _middle(work: CaseWork, grid: Volume) -> np.ndarray:
    if work.brain is not None:
        inside = resample(work.brain, grid, Affine.identity(), how="nearest").array > 0
        if inside.any():
            return np.argwhere(inside).mean(axis=0)
    return np.array(grid.shape) * np.array([0.6, 0.5, 0.48])


def _draw_scans(work: CaseWork, path: Path) -> None:
    figure, axes = _figure(len(work.volumes), 3)
    for (name, volume), line in zip(work.volumes.items(), axes, strict=True):
        from gliofuse.preprocessing.resampling import isotropic_grid

        look = resample(volume, isotropic_grid(volume, _LOOK_MM), Affine.identity(), how="linear")
        middle = np.array(look.shape) * np.array([0.55, 0.5, 0.48])
        for ax, plane in zip(line, _planes(look.shape, middle), strict=True):
            _show(ax, look.array[plane], title=name if ax is line[0] else "")
    _save(figure, path)


def _draw_alignment(work: CaseWork, path: Path) -> None:
    grid = _looked_at(work)
    reference = work.record.reference
    fixed = _scaled(resample(work.volumes[reference], grid, Affine.identity(), how="linear").array)
    others = [name for name in work.to_scan if name != reference]
    planes = _planes(grid.shape, _middle(work, grid))
    figure, axes = _figure(len(others), 6)
    for name, line in zip(others, axes, strict=True):
        for place, transform in enumerate((Affine.identity(), work.to_scan[name])):
            seen = _scaled(resample(work.volumes[name], grid, transform, how="linear").array)
            for ax, plane in zip(line[3 * place : 3 * place + 3], planes, strict=True):
                title = f"{name}: {'registered' if place else 'headers'}"
                _show(ax, _checkerboard(fixed[plane], seen[plane]), title=title)
    _save(figure, path)


def _scaled(array: np.ndarray) -> np.ndarray:
    high = np.percentile(array, 99.5)
    return np.clip(array / high, 0, 1) if high > 0 else array


def _checkerboard(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    side = max(4, one.shape[0] // _TILES)
    row, column = np.indices(one.shape) // side
    return np.where((row + column) % 2 == 0, one, other)


def _draw_brain(work: CaseWork, path: Path) -> None:
    assert work.brain is not None
    grid = _looked_at(work)
    joint = resample(work.brain, grid, Affine.identity(), how="nearest").array > 0
    middle = _middle(work, grid)
    planes = _planes(grid.shape, middle)
    lower = _planes(grid.shape, middle - np.array([14, 0, 0]))[0]
    upper = _planes(grid.shape, middle + np.array([14, 0, 0]))[0]
    names = list(work.brains) or [work.record.reference]
    figure, axes = _figure(len(names), 5)
    for name, line in zip(names, axes, strict=True):
        image = resample(work.volumes[name], grid, work.to_scan[name], how="linear").array
        contours = {_BRAIN: joint}
        if name in work.brains:
            own = resample(work.brains[name], grid, work.to_scan[name], how="nearest").array > 0
            contours = {_FIELD: own, _BRAIN: joint}
        for ax, plane in zip(line, [lower, planes[0], upper, *planes[1:]], strict=True):
            shown = {colour: inside[plane] for colour, inside in contours.items()}
            _show(ax, image[plane], shown, name if ax is line[0] else "")
    _save(figure, path)


def _draw_bias(work: CaseWork, path: Path) -> None:
    grid = _looked_at(work)
    plane = _planes(grid.shape, _middle(work, grid))[0]
    figure, axes = _figure(len(work.fields), 3)
    for (name, shading), line in zip(work.fields.items(), axes, strict=True):
        to_scan = work.to_scan[name]
        before = resample(work.volumes[name], grid, to_scan, how="linear").array[plane]
        shade = resample(shading, grid, to_scan, how="linear").array[plane]
        after = np.divide(before, shade, out=np.zeros_like(before), where=shade > 0)
        for ax, tile, title in zip(
            line, (before, shade, after), (f"{name}: before", "field", "after"), strict=True
        ):
            _show(ax, tile, title=title)
    _save(figure, path)


def _draw_written(work: CaseWork, path: Path) -> None:
    names = [name for name in SEQUENCES if name in work.written]
    mask = work.written.get("mask")
    first = work.written[names[0]]
    middle = np.array(first.shape) / 2
    if mask is not None and (mask.array > 0).any():
        middle = np.argwhere(mask.array > 0).mean(axis=0)
    planes = _planes(first.shape, middle)
    figure, axes = _figure(3, len(names), 2.0)
    for name, line in zip(names, axes.T, strict=True):
        for ax, plane in zip(line, planes, strict=True):
            contours = {} if mask is None else {_TUMOUR: mask.array[plane] > 0}
            _show(ax, work.written[name].array[plane], contours, name if ax is line[0] else "")
    _save(figure, path)
