"""Rigid and affine registration by mutual information, coarse to fine, from several starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gliofuse.imaging import Volume
from gliofuse.preprocessing.head import shrunken
from gliofuse.preprocessing.resampling import resample
from gliofuse.preprocessing.similarity import mutual_information
from gliofuse.preprocessing.transforms import Affine

__all__ = ["Level", "Registered", "inside_of", "refine", "register", "turned_about"]

Kind = Literal["rigid", "similarity", "affine"]
Metric = Literal["information", "squares"]

_BINS = 32


@dataclass(frozen=True)
class Level:
    """One resolution of a registration.

    Attributes
    ----------
    spacing_mm : float
    share : float
        Of the voxels that the metric looks at.
    iterations : int
    step_mm : float
        How far a point moves in the first step.
    """

    spacing_mm: float
    share: float
    iterations: int
    step_mm: float


COARSE = (Level(10.0, 1.0, 80, 8.0), Level(6.0, 0.5, 50, 2.0))
FINE = (Level(4.0, 0.5, 50, 1.5), Level(2.0, 0.12, 50, 0.6))


@dataclass(frozen=True)
class Registered:
    """What a registration found.

    Attributes
    ----------
    transform : Affine
        From points of the fixed image to points of the moving one.
    information : float
        Mutual information within the mask on the coarse grid, nats.
    start : str
        Name of the start that it came from.
    by_start : dict of str to float
        What each start reached on the coarse grid.
    """

    transform: Affine
    information: float
    start: str
    by_start: dict[str, float]


def register(
    fixed: Volume,
    moving: Volume,
    mask: Volume,
    starts: dict[str, Affine],
    *,
    kind: Kind = "rigid",
    levels: Sequence[Level] = FINE,
    good_enough: float = 1.0,
    seed: int = 0,
    threads: int = 2,
) -> Registered:
    """Find where the moving image shows what the fixed one shows.

    Every start is followed on a coarse grid, and the one that ends with the most mutual
    information is refined.

    Parameters
    ----------
    fixed, moving : Volume
    mask : Volume
        What to look at, in the fixed image's space on any grid.
    starts : dict of str to Affine
        By name, the likeliest first.
    kind : {"rigid", "similarity", "affine"}
    levels : sequence of Level
        Of the refinement.
    good_enough : float
        Information in nats at which no further start is tried.
    seed : int
        Of the voxels that the metric looks at.
    threads : int
    """
    spacing = COARSE[-1].spacing_mm
    small_fixed, small_moving = shrunken(fixed, spacing), shrunken(moving, spacing)
    inside = inside_of(mask, small_fixed)
    found: dict[str, tuple[float, Affine]] = {}
    for name, start in starts.items():
        followed = refine(
            small_fixed, small_moving, mask, start, COARSE, kind=kind, seed=seed, threads=threads
        )
        sampled = resample(small_moving, small_fixed, followed, how="linear")
        found[name] = (mutual_information(small_fixed.array, sampled.array, inside), followed)
        if found[name][0] >= good_enough:
            break
    best = max(found, key=lambda name: found[name][0])
    transform = refine(
        fixed, moving, mask, found[best][1], levels, kind=kind, seed=seed, threads=threads
    )
    sampled = resample(small_moving, small_fixed, transform, how="linear")
    information = mutual_information(small_fixed.array, sampled.array, inside)
    return Registered(
        transform, information, best, {name: value for name, (value, _) in found.items()}
    )


def refine(
    fixed: Volume,
    moving: Volume,
    mask: Volume,
    start: Affine,
    levels: Sequence[Level],
    *,
    kind: Kind = "rigid",
    metric: Metric = "information",
    seed: int = 0,
    threads: int = 2,
) -> Affine:
    """Improve one start, level by level; see :func:`register`.

    ``metric="squares"`` compares grey values as they are, for two masks, say.
    """
    transform = start
    for level in levels:
        small_fixed = _at(fixed, level.spacing_mm)
        small_moving = _at(moving, level.spacing_mm)
        inside = inside_of(mask, small_fixed)
        transform = _optimise(
            small_fixed, small_moving, inside, transform, level, kind, metric, seed, threads
        )
    return transform


def turned_about(centre_mm: Any, axis: int, degrees: float, start: Affine) -> Affine:
    """Return ``start`` after a turn of the fixed image's points about one axis (x, y, z)."""
    one, two = [other for other in range(3) if other != axis]
    angle = np.radians(degrees)
    turn = np.eye(4)
    turn[one, one] = turn[two, two] = np.cos(angle)
    turn[one, two], turn[two, one] = -np.sin(angle), np.sin(angle)
    there = Affine.shift(centre_mm)
    return start @ there @ Affine(turn) @ there.inverse


def inside_of(mask: Volume, grid: Volume) -> np.ndarray:
    """Return a mask of any grid as bool on another one of the same space."""
    return resample(mask, grid, Affine.identity(), how="nearest").array > 0


def _at(volume: Volume, spacing_mm: float) -> Volume:
    already = np.allclose(volume.spacing_mm, spacing_mm, rtol=0.1)
    return volume if already and volume.array.dtype == np.float32 else shrunken(volume, spacing_mm)


def _optimise(
    fixed: Volume,
    moving: Volume,
    inside: np.ndarray,
    start: Affine,
    level: Level,
    kind: Kind,
    metric: Metric,
    seed: int,
    threads: int,
) -> Affine:
    import SimpleITK as sitk

    centre = fixed.index_to_point(np.argwhere(inside).mean(axis=0))
    transform = _change(kind, centre)
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(threads)
    if metric == "squares":
        method.SetMetricAsMeanSquares()
    else:
        method.SetMetricAsMattesMutualInformation(_BINS)
    method.SetMetricFixedMask(fixed.with_array(inside).to_sitk())
    method.SetMetricSamplingStrategy(method.RANDOM if level.share < 1 else method.NONE)
    method.SetMetricSamplingPercentage(min(level.share, 1.0), seed + 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=level.step_mm,
        minStep=level.step_mm / 100,
        numberOfIterations=level.iterations,
        relaxationFactor=0.6,
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetMovingInitialTransform(start.to_sitk())
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed.to_sitk(), moving.to_sitk())
    except RuntimeError:  # the images left each other: the start leads nowhere
        return start
    return start @ Affine.from_sitk(transform)


def _change(kind: Kind, centre: np.ndarray) -> Any:
    """Return the identity, as ITK transform of a kind, about a centre."""
    import SimpleITK as sitk

    transform: Any
    if kind == "rigid":
        transform = sitk.Euler3DTransform()
    elif kind == "similarity":
        transform = sitk.Similarity3DTransform()
    else:
        transform = sitk.AffineTransform(3)
    transform.SetCenter(centre.tolist())
    return transform
