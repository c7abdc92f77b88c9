"""A glioma in a head: necrotic core, enhancing rim and oedema, shaped by its severity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from gliofuse.phantom.anatomy import Head
from gliofuse.phantom.fields import Grid, smooth_field

__all__ = ["LOCATIONS", "REGION_LABELS", "Tumour", "TumourPlan", "make_tumour", "plan_tumour"]

REGION_LABELS = {"necrosis": 1, "edema": 2, "enhancing": 4}
"""Labels of the mask, as BraTS 2017-2020 has them."""

LOCATIONS = {
    "frontal": (14.0, -40.0, 29.0),
    "temporal": (-20.0, 2.0, 38.0),
    "parietal": (28.0, 28.0, 29.0),
    "occipital": (6.0, 46.0, 25.0),
    "insular": (2.0, -10.0, 36.0),
}
"""Centre (z, y, x) of a tumour in each place, mm from the middle, on the left."""


@dataclass(frozen=True)
class TumourPlan:
    """Where a tumour sits and how large its parts are.

    Attributes
    ----------
    location, laterality : str
    centre_mm : tuple of float
        (z, y, x) from the middle of the head.
    core_radius_mm, edema_radius_mm : float
        Mean distance of the rim's outer edge and of the oedema's from the centre.
    necrosis_share : float
        Radius of the necrosis over that of the core.
    irregularity : float
        Relative unevenness of the surfaces.
    """

    location: str
    laterality: str
    centre_mm: tuple[float, float, float]
    core_radius_mm: float
    edema_radius_mm: float
    necrosis_share: float
    irregularity: float


@dataclass(frozen=True)
class Tumour:
    """One tumour on its grid.

    Attributes
    ----------
    mask : ndarray of uint8
        Labels of :data:`REGION_LABELS`.
    weights : dict of str to ndarray of float32
        Share of each part in every voxel of the box, soft at the edges.
    box : tuple of slice
        (z, y, x), outside of which there is no tumour.
    """

    mask: np.ndarray
    weights: dict[str, np.ndarray]
    box: tuple[slice, slice, slice]


def plan_tumour(rng: np.random.Generator, severity: float) -> TumourPlan:
    """Return a plan; ``severity`` in (0, 1) makes it larger, more necrotic and more ragged.

    Place and side don't depend on the severity.
    """
    location = str(rng.choice(list(LOCATIONS)))
    laterality = str(rng.choice(["left", "right"]))
    z, y, x = LOCATIONS[location] + 3.0 * rng.standard_normal(3)
    radius = (9.5 + 8.5 * severity) * np.exp(0.07 * rng.standard_normal())
    return TumourPlan(
        location,
        laterality,
        (float(z), float(y), float(x if laterality == "left" else -x)),
        float(radius),
        float(radius + 6.0 + 9.0 * severity + 1.2 * rng.standard_normal()),
        float(np.clip(0.42 + 0.32 * severity + 0.03 * rng.standard_normal(), 0.3, 0.8)),
        float(0.10 + 0.12 * severity),
    )


def make_tumour(rng: np.random.Generator, grid: Grid, head: Head, plan: TumourPlan) -> Tumour:
    """Return the tumour's mask and soft edges; every label has at least one voxel."""
    stretch = np.exp(0.12 * rng.standard_normal(3))
    stretch /= np.prod(stretch) ** (1 / 3)
    box = _box(grid, plan)
    offsets = [
        (axis.ravel()[part] - centre) / float(pull)
        for axis, part, centre, pull in zip(grid.axes(), box, plan.centre_mm, stretch)
    ]
    z, y, x = np.ix_(*offsets)
    distance = np.sqrt(z**2 + y**2 + x**2)
    bumps = smooth_field(rng, grid, 6.0, box)
    fingers = smooth_field(rng, grid, 7.0, box)
    rough = smooth_field(rng, grid, 4.0, box)
    core = distance / plan.core_radius_mm + plan.irregularity * bumps
    hollow = distance / (plan.core_radius_mm * plan.necrosis_share)
    hollow = hollow + plan.irregularity * (0.7 * bumps + 0.9 * rough)
    # Oedema follows the white matter: it is held back by cortex and ventricles.
    edema = distance / plan.edema_radius_mm + 0.16 * fingers
    edema = edema + 0.55 * (1 - np.clip(head.white[box] + 0.25, 0, 1)) * (core > 1)
    inside = head.depth[box] > 0.02
    edge = float(np.mean(grid.spacing_mm)) * 0.7
    solid = _soft(1 - core, edge / plan.core_radius_mm) * inside
    necrosis = _soft(1 - hollow, edge / (plan.core_radius_mm * plan.necrosis_share)) * solid
    around = _soft(1 - edema, edge / plan.edema_radius_mm) * inside * (1 - solid)
    around = around * (1 - 0.9 * head.csf[box])

    labels = np.zeros(distance.shape, dtype=np.uint8)
    labels[around > 0.5] = REGION_LABELS["edema"]
    labels[solid > 0.5] = REGION_LABELS["enhancing"]
    labels[necrosis > 0.5] = REGION_LABELS["necrosis"]
    labels = _largest_piece(labels)
    _fill_missing(labels, distance)
    mask = np.zeros(grid.shape, dtype=np.uint8)
    mask[box] = labels
    weights = {"edema": around, "enhancing": solid - necrosis, "necrosis": necrosis}
    return Tumour(mask, weights, box)


def _box(grid: Grid, plan: TumourPlan) -> tuple[slice, slice, slice]:
    """Return the part of the grid that the longest finger of oedema can reach."""
    reach = 2.0 * plan.edema_radius_mm
    parts = []
    for axis, centre in zip(grid.axes(), plan.centre_mm):
        near = np.flatnonzero(np.abs(axis.ravel() - centre) <= reach)
        parts.append(slice(int(near[0]), int(near[-1]) + 1))
    return parts[0], parts[1], parts[2]


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    """Drop islands that the ragged edge left behind."""
    pieces, count = ndimage.label(mask > 0)
    if count > 1:
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        mask = np.where(pieces == sizes.argmax(), mask, 0).astype(np.uint8)
    return mask


def _fill_missing(mask: np.ndarray, distance: np.ndarray) -> None:
    """Give a label that coarse voxels have swallowed the voxels nearest to its place."""
    flat = mask.reshape(-1)
    if all((flat == label).any() for label in REGION_LABELS.values()):
        return
    nearest = np.argsort(distance, axis=None)
    for place, name in ((0, "necrosis"), (1, "enhancing"), (40, "edema")):
        if not (flat == REGION_LABELS[name]).any():
            flat[nearest[place : place + 1 + place // 2]] = REGION_LABELS[name]


def _soft(value: np.ndarray, width: float) -> np.ndarray:
    return 0.5 * (1 + np.tanh(value / width))
