"""One patient explained: heat map as NIfTI, figure, and the shares of the heat."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import nn
from torch.utils.data import default_collate

from gliofuse.cohort.sequences import sequence_to_draw
from gliofuse.deep.data.geometry import ItemGeometry, put_back
from gliofuse.deep.explain.figure import heat_figure
from gliofuse.deep.explain.gradcam import grad_cam
from gliofuse.deep.explain.shares import heat_shares
from gliofuse.errors import GeometryError, InputError
from gliofuse.imaging import Volume, load_case

if TYPE_CHECKING:
    from gliofuse.cohort import Case

__all__ = ["explain_case"]


class _Trained(Protocol):
    """What is needed of a trained network."""

    network: nn.Module
    name: str

    def inputs(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return image and shape, as the network takes them."""


class _Dataset(Protocol):
    """What is needed of a data set."""

    @property
    def sequences(self) -> Sequence[str]: ...
    def items_of(self, case_id: str) -> np.ndarray: ...
    def geometry(self, index: int) -> ItemGeometry: ...
    def __getitem__(self, index: int) -> dict[str, torch.Tensor]: ...


def explain_case(
    trained: _Trained,
    dataset: _Dataset,
    case_id: str,
    *,
    case: Case,
    directory: str | os.PathLike[str],
    class_index: int = 1,
    layer: str | None = None,
    edge_mm: float = 5.0,
    slices: int = 4,
    batch_size: int = 16,
) -> dict[str, Any]:
    """Write where a network looks in a patient, and return the shares of the heat.

    Parameters
    ----------
    trained : TrainedNetwork
        From :func:`gliofuse.deep.training.train_network`.
    dataset : CaseDataset
        Holds the patient's slices or patch.
    case_id : str
        The patient in the data set.
    case : Case
        The patient's files; the mask is needed.
    directory : path
        Gets ``<case_id>.nii.gz`` and ``<case_id>.svg``.
    class_index : int
        The class explained; 1 is the positive one.
    layer : str or None
        See :func:`~gliofuse.deep.explain.grad_cam`.
    edge_mm : float
        See :func:`~gliofuse.deep.explain.heat_shares`.
    slices : int
        Slices in the figure.
    batch_size : int
        Items at a time.

    Returns
    -------
    dict
        ``case_id``, ``items``, ``heat_inside``, ``heat_edge``, ``heat_outside``, ``area_inside``,
        ``area_edge``, ``area_outside``, ``heat_preference``, ``heat_file``, ``figure_file``.

    Raises
    ------
    InputError
        If the data set has no item of the patient.
    GeometryError
        If the images were cut from a volume of another shape than the case's.

    Notes
    -----
    The maps of a patient's slices keep their heights to each other: the volume is divided by its
    greatest value, once. Between slices that were not shown to the network the heat is zero.
    """
    items = [int(index) for index in dataset.items_of(case_id)]
    if not items:
        raise InputError(f"patient {case_id!r}: the data set holds no image of this patient")
    under = sequence_to_draw(dataset.sequences)
    images = load_case(case, [under])
    heat, seen = _heat(trained, dataset, items, images.mask, class_index, layer, batch_size)
    top = float(heat.max())
    volume = images.mask.with_array(heat / top if top > 0 else heat)
    shares = heat_shares(volume, images.mask, edge_mm=edge_mm, seen=seen)
    folder = Path(directory)
    heat_file, figure_file = folder / f"{case_id}.nii.gz", folder / f"{case_id}.svg"
    folder.mkdir(parents=True, exist_ok=True)
    volume.write(heat_file)
    caption = (
        f"heat inside the tumour {shares.inside:.0%} (area seen {shares.area_inside:.0%}), within "
        f"{edge_mm:g} mm {shares.edge:.0%} ({shares.area_edge:.0%}), "
        f"elsewhere {shares.outside:.0%} ({shares.area_outside:.0%})"
    )
    heat_figure(
        images.volumes[under],
        volume,
        images.mask,
        figure_file,
        title=f"{case_id}: {trained.name}, Grad-CAM of class {class_index} on {under}",
        caption=caption if top > 0 else "nothing in these images speaks for this class",
        slices=slices,
    )
    return {
        "case_id": case_id,
        "items": len(items),
        **shares.as_dict(),
        "heat_file": str(heat_file),
        "figure_file": str(figure_file),
    }


def _heat(
    trained: _Trained,
    dataset: _Dataset,
    items: list[int],
    mask: Volume,
    class_index: int,
    layer: str | None,
    batch_size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the heat and the voxels seen, both (z, y, x)."""
    heat = np.zeros(mask.shape, dtype=np.float32)
    seen = np.zeros(mask.shape, dtype=np.float32)
    for start in range(0, len(items), batch_size):
        part = items[start : start + batch_size]
        image, shape = trained.inputs(default_collate([dataset[index] for index in part]))
        maps = grad_cam(
            trained.network,
            image,
            shape,
            class_index=class_index,
            layer=layer,
            batch_size=batch_size,
        )
        for index, values in zip(part, maps):
            geometry = dataset.geometry(index)
            if tuple(geometry.volume_shape) != mask.shape:
                raise GeometryError(
                    f"patient {geometry.case_id!r}: the images were cut from a volume of shape "
                    f"{tuple(geometry.volume_shape)} (z, y, x), its mask now has {mask.shape}; "
                    "build the slices again"
                )
            put_back(values, geometry, heat)
            put_back(np.ones_like(values), geometry, seen)
    return heat, seen > 0
