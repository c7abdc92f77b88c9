"""The inner skull as a closed surface: the best radius in each direction, neighbours agreeing.

The head is unrolled into rays from the middle of the brain. In each, the surface wants to stand
where tissue ends and bone begins; what it may not do is pass through bone. The radii are those
of least cost over the whole sphere (min-sum belief propagation), so that a ray through an open
fissure follows its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import ndimage
from scipy.spatial import ConvexHull, cKDTree

from gliofuse.imaging import Volume

__all__ = [
    "Rays",
    "Sphere",
    "best_radii",
    "cast_rays",
    "inside_surface",
    "radii_of_mask",
    "sphere",
    "surface_cost",
]

_DIRECTIONS = 2400
_RADII_MM = np.arange(24.0, 112.0, 1.5)
_CORE_MM = (12.0, 48.0)  # where every ray is within the brain
_DARK = 0.35  # of the brain's level: bone and air are darker, fluid on T1 and FLAIR about equal
_SKULL_AND_SCALP_MM = 7.0  # at least
_USUAL_SKULL_MM = 16.0  # with the scalp
_SKULL_SPREAD_MM = 7.0
_MOST_STRAY = 2.5  # beyond it a prior no longer pulls: an edge in the image decides
_UPPER = 0.05  # sine of the elevation above which bone lies between brain and scalp
_DARK_COST = 0.5  # per mm of dark that lies inside
_BEND = 0.06  # cost of a step of one radius between neighbours, squared
_LARGEST_STEP = 5
_ROUNDS = 30


@dataclass(frozen=True, eq=False)
class Sphere:
    """Directions spread evenly over a sphere and which are neighbours.

    Attributes
    ----------
    directions : ndarray, shape (n, 3)
        Unit vectors (x, y, z).
    sources, targets : ndarray, shape (edges,)
        Every pair of neighbours, both ways.
    reverse : ndarray, shape (edges,)
        Place of each pair's other way.
    """

    directions: np.ndarray
    sources: np.ndarray
    targets: np.ndarray
    reverse: np.ndarray

    def smoothed(self, values: np.ndarray, rounds: int) -> np.ndarray:
        """Return values (n,) averaged with their neighbours' a few times."""
        degree = np.bincount(self.targets, minlength=len(values))
        for _ in range(rounds):
            around = np.bincount(self.targets, values[self.sources], minlength=len(values))
            values = 0.5 * values + 0.5 * around / degree
        return values


@cache
def sphere(count: int = _DIRECTIONS) -> Sphere:
    """Return ``count`` directions on a Fibonacci lattice with their Delaunay neighbours."""
    place = np.arange(count) + 0.5
    height = 1 - 2 * place / count
    angle = np.pi * (1 + 5**0.5) * place
    width = np.sqrt(1 - height**2)
    directions = np.stack([width * np.cos(angle), width * np.sin(angle), height], axis=1)
    triangles = ConvexHull(directions).simplices
    pairs = np.concatenate([triangles[:, [a, b]] for a in range(3) for b in range(3) if a != b])
    pairs = np.unique(pairs, axis=0)
    order = {(int(a), int(b)): number for number, (a, b) in enumerate(pairs)}
    reverse = np.array([order[int(b), int(a)] for a, b in pairs])
    return Sphere(directions, pairs[:, 0], pairs[:, 1], reverse)


@dataclass(frozen=True, eq=False)
class Rays:
    """An image along the rays, relative to the brain's grey level in each direction.

    Attributes
    ----------
    centre_mm : ndarray, shape (3,)
    radii_mm : ndarray, shape (steps,)
    levels : ndarray, shape (directions, steps)
        1 is the brain's usual grey value there; NaN outside the field of view.
    """

    centre_mm: np.ndarray
    radii_mm: np.ndarray
    levels: np.ndarray


def cast_rays(image: Volume, centre_mm: np.ndarray) -> Rays:
    """Sample an image along the rays.

    Parameters
    ----------
    image : Volume
        Smoothed to about 2 mm.
    centre_mm : ndarray, shape (3,)
        Middle of the brain, LPS.
    """
    ball = sphere()
    core = np.arange(*_CORE_MM, 2.0)
    inner = _along(image, centre_mm, ball.directions, core)
    usual = np.nanmedian(inner)
    level = np.nanmedian(np.where(np.isnan(inner), usual, inner), axis=1)
    level = ball.smoothed(np.clip(level, 0.5 * usual, 2 * usual), 12)
    levels = _along(image, centre_mm, ball.directions, _RADII_MM) / level[:, None]
    return Rays(np.asarray(centre_mm, dtype=float), _RADII_MM, levels)


def surface_cost(rays: Rays) -> np.ndarray:
    """Return what it costs to end the brain at each radius, shape (directions, steps).

    Bright before and dark after is cheap; dark that lies inside is dear. Costs of several
    sequences add up.
    """
    step = float(rays.radii_mm[1] - rays.radii_mm[0])
    levels = np.clip(np.nan_to_num(rays.levels, nan=0.0), 0, 1.2)
    width = max(1, round(4.0 / step))
    before = ndimage.uniform_filter1d(levels, width, axis=1, origin=width // 2, mode="nearest")
    after = ndimage.uniform_filter1d(levels, width, axis=1, origin=-(width // 2), mode="nearest")
    dark = np.cumsum(np.maximum(_DARK - levels, 0) / _DARK, axis=1) * step
    return np.asarray(_DARK_COST * dark - (before - after))


def best_radii(
    cost: np.ndarray,
    head_mm: np.ndarray,
    prior_mm: np.ndarray | None = None,
    *,
    spread_mm: float = 6.0,
) -> np.ndarray:
    """Return the surface's radius in each direction, shape (directions,), in mm.

    Parameters
    ----------
    cost : ndarray, shape (directions, steps)
        See :func:`surface_cost`; the mean of several sequences'.
    head_mm : ndarray, shape (directions,)
        Radius of the head; skull and scalp take their part of it.
    prior_mm : ndarray, shape (directions,), optional
        Radius that a template proposes for the brain's lower part. The upper part is taken to lie
        under a skull of about usual thickness, whether or not there is a template.
    spread_mm : float
        How far the surface may well stray from the template's.
    """
    ball = sphere()
    too_far = _RADII_MM[None, :] - (head_mm[:, None] - _SKULL_AND_SCALP_MM)
    cost = cost + np.clip(too_far, 0, 10)
    upper = ball.directions[:, 2] > _UPPER
    lower_mm = np.full(len(upper), np.nan) if prior_mm is None else prior_mm
    expected = np.where(upper, head_mm - _USUAL_SKULL_MM, lower_mm)[:, None]
    spread = np.where(upper, _SKULL_SPREAD_MM, spread_mm)[:, None]
    stray = np.nan_to_num((_RADII_MM[None, :] - expected) / spread)
    cost = cost + 0.5 * np.minimum(stray**2, _MOST_STRAY)
    return np.asarray(_RADII_MM[_least_cost(cost, ball)])


def inside_surface(
    grid: Volume, centre_mm: np.ndarray, radii_mm: np.ndarray, *, margin_mm: float = 0.0
) -> np.ndarray:
    """Return the voxels of ``grid`` within the surface, as bool (z, y, x)."""
    ball = sphere()
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    away = (grid.index_to_point(index.reshape(-1, 3)) - centre_mm).astype(np.float32)
    distance = np.linalg.norm(away, axis=1)
    inside = distance < radii_mm.min() + margin_mm
    unsure = np.flatnonzero(~inside & (distance < radii_mm.max() + margin_mm))
    units = away[unsure] / np.maximum(distance[unsure], 1e-3)[:, None]
    gap, near = cKDTree(ball.directions).query(units, k=4)
    weight = 1 / np.maximum(gap, 1e-4)
    radius = (weight * radii_mm[near]).sum(axis=1) / weight.sum(axis=1)
    inside[unsure] = distance[unsure] < radius + margin_mm
    return inside.reshape(grid.shape)


def radii_of_mask(mask: Volume, centre_mm: np.ndarray) -> np.ndarray:
    """Return in each direction how far a mask reaches, shape (directions,), in mm."""
    seen = _along(mask, centre_mm, sphere().directions, _RADII_MM)
    within = np.nan_to_num(seen, nan=0.0) >= 0.5
    last = within.shape[1] - 1 - np.argmax(within[:, ::-1], axis=1)
    return np.where(within.any(axis=1), _RADII_MM[last], _RADII_MM[0])


def _along(
    image: Volume, centre_mm: np.ndarray, directions: np.ndarray, radii_mm: np.ndarray
) -> np.ndarray:
    points = centre_mm + directions[:, None, :] * radii_mm[None, :, None]
    steps = (
        (points - np.array(image.origin_mm)) @ image.direction / np.array(image.spacing_mm)[::-1]
    )
    places = np.moveaxis(steps[..., ::-1], -1, 0)
    values = ndimage.map_coordinates(
        image.array.astype(np.float32), places, order=1, mode="nearest"
    )
    size = np.array(image.shape).reshape(3, 1, 1)
    outside = ((places < -1) | (places > size)).any(axis=0)
    values[outside] = np.nan
    return np.asarray(values)


def _least_cost(cost: np.ndarray, ball: Sphere) -> np.ndarray:
    """Return the label of each node that min-sum belief propagation settles on."""
    unary = cost.astype(np.float32)
    messages = np.zeros((len(ball.sources), cost.shape[1]), dtype=np.float32)
    for _ in range(_ROUNDS):
        total = unary + _gathered(messages, ball, len(unary))
        outgoing = total[ball.sources] - messages[ball.reverse]
        best = outgoing.copy()
        for jump in range(1, _LARGEST_STEP + 1):
            price = np.float32(_BEND * jump**2)
            np.minimum(best[:, jump:], outgoing[:, :-jump] + price, out=best[:, jump:])
            np.minimum(best[:, :-jump], outgoing[:, jump:] + price, out=best[:, :-jump])
        ceiling = outgoing.min(axis=1, keepdims=True) + np.float32(_BEND * _LARGEST_STEP**2)
        np.minimum(best, ceiling, out=best)
        best -= best.min(axis=1, keepdims=True)
        messages = 0.5 * messages + 0.5 * best
    return np.argmin(unary + _gathered(messages, ball, len(unary)), axis=1)


def _gathered(messages: np.ndarray, ball: Sphere, count: int) -> np.ndarray:
    order = np.argsort(ball.targets, kind="stable")
    starts = np.searchsorted(ball.targets[order], np.arange(count))
    return np.add.reduceat(messages[order], starts, axis=0)
