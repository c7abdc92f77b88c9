"""A head as a scanner sees it: brain, fluid, skull, scalp, eyes and neck, with a tumour.

The brain is that of :mod:`gliofuse.phantom.anatomy` with a cerebellum and a stem; around it lie
layers whose thickness varies. Every tissue is a map of fractions, so that a sequence is a
weighted sum of them, and the brain that an extraction should find is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import ndimage

from gliofuse.phantom.anatomy import Head, make_head
from gliofuse.phantom.fields import Grid, smooth_field
from gliofuse.phantom.tumour import Tumour, TumourPlan, make_tumour

__all__ = ["TISSUES", "WholeHead", "at_the_edge", "head_grid", "make_whole_head"]

HEAD_EXTENT_MM = (232.0, 232.0, 192.0)
"""Extent (z, y, x) of a whole head with part of the neck."""

TISSUES = ("white", "grey", "csf", "bone", "marrow", "fat", "muscle", "vitreous")

_STEM_END_MM = -76.0  # below it the cord, which is not brain
_NECK_MM = -62.0


@dataclass(frozen=True)
class WholeHead:
    """Tissue fractions of a head at rest, in the patient's own space (LPS, middle of the brain).

    Attributes
    ----------
    grid : Grid
    fractions : dict of str to ndarray of float32, shape (z, y, x)
        By name of :data:`TISSUES`; what is left to 1 is air.
    brain : ndarray of bool, shape (z, y, x)
        Cerebrum, cerebellum and stem, with the fluid in sulci and ventricles.
    tumour : Tumour or None
    """

    grid: Grid
    fractions: dict[str, np.ndarray]
    brain: np.ndarray
    tumour: Tumour | None


def head_grid(spacing_mm: float = 1.0) -> Grid:
    """Return the grid of a whole head with cubic voxels of about ``spacing_mm``."""
    z, y, x = (round(extent / spacing_mm) for extent in HEAD_EXTENT_MM)
    return Grid((z, y, x), HEAD_EXTENT_MM)


def make_whole_head(
    rng: np.random.Generator, grid: Grid, plan: TumourPlan | None = None
) -> WholeHead:
    """Return one patient's head, different for each state of ``rng``.

    Parameters
    ----------
    rng : Generator
    grid : Grid
        See :func:`head_grid`.
    plan : TumourPlan, optional
        Its centre may lie at the brain's edge.
    """
    inner = _with_hindbrain(rng, grid, make_head(rng, grid))
    tumour = None if plan is None else make_tumour(rng, grid, inner, plan)
    outside = ndimage.distance_transform_edt(~inner.brain, sampling=grid.spacing_mm)
    fractions = _layers(rng, grid, outside.astype(np.float32))
    _add_face_and_neck(grid, fractions)
    for name, part in (("white", inner.white), ("grey", inner.grey), ("csf", inner.csf)):
        fractions[name] = np.maximum(fractions[name], part) if name == "csf" else part
    for name in TISSUES[3:]:
        fractions[name][inner.brain] = 0
    fractions["csf"] = np.where(inner.brain, inner.csf, fractions["csf"]).astype(np.float32)
    _add_cord(grid, fractions, inner.brain)
    return WholeHead(grid, fractions, inner.brain, tumour)


def _with_hindbrain(rng: np.random.Generator, grid: Grid, head: Head) -> Head:
    z, y, x = grid.axes()
    lobes = 1 - np.sqrt(((z + 43) / 22) ** 2 + ((y - 38) / 30) ** 2 + ((np.abs(x) - 20) / 30) ** 2)
    stem = np.minimum(1 - np.sqrt(((y - 14) / 15) ** 2 + (x / 16) ** 2), (z - _STEM_END_MM) / 20)
    stem = np.minimum(stem, (-20 - z) / 20)
    # The frontal lobes rest on the roof of the orbits: their underside rises to the front.
    floor = -50 + 0.45 * np.clip(-(y + 5), 0, None)
    kept = head.brain & (z > floor + 0 * x)
    added = (np.maximum(lobes, stem) > 0) & ~kept
    folds = np.abs(smooth_field(rng, grid, 3.5))
    grey = np.where(lobes > 0, np.clip(1.15 - folds, 0.1, 1), 0.15).astype(np.float32)
    fluid = np.where((lobes > 0) & (lobes < 0.25) & (folds < 0.15), 0.7, 0.0).astype(np.float32)
    grey *= 1 - fluid
    brain = kept | added
    depth = np.where(added, 0.03, np.where(kept, head.depth, -0.03)).astype(np.float32)
    return Head(
        depth,
        brain,
        np.where(added, 1 - grey - fluid, head.white * kept).astype(np.float32),
        np.where(added, grey, head.grey * kept).astype(np.float32),
        np.where(added, fluid, head.csf * kept).astype(np.float32),
    )


def _layers(rng: np.random.Generator, grid: Grid, outside: np.ndarray) -> dict[str, np.ndarray]:
    """Return fluid, skull and scalp by their distance from the brain in mm."""
    step = float(np.mean(grid.spacing_mm))

    def upto(edge: np.ndarray) -> np.ndarray:
        return np.clip((edge - outside) / step + 0.5, 0, 1).astype(np.float32)

    fluid = np.clip(2.2 + 1.0 * smooth_field(rng, grid, 22.0), 0.6, 6.0)
    inner = fluid + np.clip(1.6 + 0.3 * smooth_field(rng, grid, 30.0), 0.8, 3)
    marrow = inner + np.clip(2.2 + 1.2 * smooth_field(rng, grid, 25.0), 0.0, 6)
    outer = marrow + 1.8
    scalp = outer + np.clip(6.0 + 1.5 * smooth_field(rng, grid, 30.0), 3.0, 12.0)
    edges = [upto(edge) for edge in (fluid, inner, marrow, outer, scalp)]
    shells = [edges[0], *(after - before for before, after in pairwise(edges))]
    fractions = {name: np.zeros(grid.shape, dtype=np.float32) for name in TISSUES}
    fractions["csf"] = shells[0]
    fractions["bone"] = shells[1] + shells[3]
    fractions["marrow"] = shells[2]
    fractions["fat"] = 0.75 * shells[4]
    fractions["muscle"] = 0.25 * shells[4]
    return fractions


def _add_face_and_neck(grid: Grid, fractions: dict[str, np.ndarray]) -> None:
    z, y, x = grid.axes()
    covered = sum(fractions.values())
    face = 1 - np.sqrt(((z + 58) / 55) ** 2 + ((y + 48) / 52) ** 2 + (x / 62) ** 2)
    neck = np.minimum(1 - np.sqrt(((y - 22) / 62) ** 2 + (x / 60) ** 2), (-42 - z) / 20)
    soft = np.clip(np.maximum(face, neck) * 25, 0, 1) * (1 - np.clip(covered, 0, 1))
    skin = np.maximum(face, neck) < 0.12
    fractions["fat"] += soft * np.where(skin, 0.8, 0.25)
    fractions["muscle"] += soft * np.where(skin, 0.2, 0.75)
    holes = {
        "sinus": 1 - np.sqrt(((z + 52) / 14) ** 2 + ((y + 66) / 20) ** 2 + (x / 14) ** 2),
        "throat": np.minimum(1 - np.sqrt(((y + 14) / 8) ** 2 + (x / 11) ** 2), (-70 - z) / 20),
    }
    for hole in holes.values():
        _carve(fractions, np.clip(hole * 12, 0, 1), None)
    for side in (-1, 1):
        eye = 1 - np.sqrt(
            ((z + 36) / 12.5) ** 2 + ((y + 74) / 12.5) ** 2 + ((x - side * 32) / 12.5) ** 2
        )
        _carve(fractions, np.clip(eye * 12, 0, 1), "vitreous")


def _add_cord(grid: Grid, fractions: dict[str, np.ndarray], brain: np.ndarray) -> None:
    """Continue the stem below the skull: cord in fluid in bone."""
    z, y, x = grid.axes()
    radius = np.sqrt((y - 14) ** 2 + x**2) + 0 * z
    below = (z < _STEM_END_MM) & ~brain
    for edge, name in ((19.0, "bone"), (12.0, "csf"), (7.0, "white")):
        _carve(fractions, (below & (radius < edge)).astype(np.float32), name)


def _carve(fractions: dict[str, np.ndarray], share: np.ndarray, into: str | None) -> None:
    """Replace what stands in a share of each voxel by one tissue, or by air."""
    for part in fractions.values():
        part *= 1 - share
    if into is not None:
        fractions[into] += share


def at_the_edge(plan: TumourPlan, *, outwards: float = 1.45) -> TumourPlan:
    """Return the plan with its centre moved to the brain's surface."""
    z, y, x = plan.centre_mm
    return replace(plan, centre_mm=(z * outwards, y * outwards, x * outwards))
