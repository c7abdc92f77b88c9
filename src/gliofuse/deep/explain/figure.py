"""A figure of a patient's largest tumour slices with the heat over them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from gliofuse.errors import InputError
from gliofuse.files import atomic_path
from gliofuse.imaging import Volume, check_same_geometry, mark_sides

__all__ = ["heat_figure"]

_WINDOW_PERCENTILES = (1.0, 99.5)
_TILE_INCHES = 2.1
_STRONGEST = 0.75  # opacity of the greatest heat: the anatomy stays visible under it


def heat_figure(
    image: Volume,
    heat: Volume,
    mask: Volume,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    caption: str = "",
    slices: int = 4,
) -> Path:
    """Draw the slices of the largest tumour area: image with the tumour's outline, and heat.

    Parameters
    ----------
    image : Volume
        What lies under the heat.
    heat : Volume
        Zero or positive; drawn as share of its greatest value.
    mask : Volume
        Tumour where above zero.
    path : path
        The suffix chooses the format: ``.svg``, ``.png`` or ``.pdf``.
    title, caption : str
        Text above and below.
    slices : int
        Number of slices at most, in anatomical order.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    GeometryError
        If the volumes differ in geometry.
    InputError
        If ``slices`` is below 1.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if slices < 1:
        raise InputError(f"slices: must be 1 or more, got {slices!r}")
    check_same_geometry(image, heat, "image", "heat map")
    check_same_geometry(image, mask, "image", "mask")
    under, over, tumour = (_upright(volume) for volume in (image, heat, mask))
    chosen = _largest(tumour.array > 0, slices)
    low, high = np.percentile(under.array, _WINDOW_PERCENTILES)
    top = float(over.array.max()) or 1.0
    columns = len(chosen)
    width = max(_TILE_INCHES * columns, 2 * _TILE_INCHES)
    figure = Figure(figsize=(width + 0.7, 2 * _TILE_INCHES + 0.9), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False)
    aspect = under.spacing_mm[1] / under.spacing_mm[2]
    for column, index in enumerate(chosen):
        outline = tumour.array[index] > 0
        share = over.array[index] / top
        for row in range(2):
            axis = axes[row, column]
            axis.imshow(under.array[index], cmap="gray", vmin=low, vmax=high, aspect=aspect)
            if outline.any() and not outline.all():
                axis.contour(outline, levels=[0.5], colors="#4fc3f7", linewidths=0.8)
            axis.set_xticks([])
            axis.set_yticks([])
            mark_sides(axis)
        axes[1, column].imshow(
            share, cmap="inferno", vmin=0, vmax=1, alpha=_STRONGEST * share, aspect=aspect
        )
        axes[0, column].set_title(f"slice {index}", fontsize=8)
    axes[0, 0].set_ylabel("image, tumour outlined", fontsize=8)
    axes[1, 0].set_ylabel("heat over it", fontsize=8)
    bar = figure.colorbar(_scale(), ax=axes.ravel().tolist(), fraction=0.05, pad=0.02, shrink=0.6)
    bar.set_label("heat, share of the patient's greatest", fontsize=7)
    bar.ax.tick_params(labelsize=7)
    if title:
        figure.suptitle(title, fontsize=10)
    if caption:
        figure.supxlabel(caption, fontsize=8)
    target = Path(path)
    metadata = {"Date": None} if target.suffix == ".svg" else None
    with atomic_path(target) as temporary, rc_context({"svg.hashsalt": target.stem}):
        figure.savefig(temporary, dpi=130, metadata=metadata)
    return target


def _scale() -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(0, 1), cmap="inferno")


def _upright(volume: Volume) -> Volume:
    """Return axial slices with the front of the head up and the patient's right on the left."""
    import SimpleITK as sitk

    array = volume.array
    plain = volume if array.dtype != bool else volume.with_array(array.astype(np.uint8))
    return Volume.from_sitk(sitk.DICOMOrient(plain.to_sitk(), "LPS"))


def _largest(tumour: np.ndarray, count: int) -> list[int]:
    """Return the indices of the slices with most tumour, ascending; the middle one without any."""
    areas = tumour.sum(axis=(1, 2))
    order = np.argsort(-areas, kind="stable")[:count]
    chosen = sorted(int(index) for index in order if areas[index] > 0)
    return chosen or [len(areas) // 2]
