"""Numbers that say what kind of picture a patient's images are, apart from what they show."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gliofuse.imaging import Volume, brain_mask

__all__ = ["GROUPS", "measure_images"]

GROUPS = ("grid", "brain", "tumour", "intensity", "noise", "motion", "contrast", "enhancement")
"""First part of a measure's name, ``group.what``; each group can raise one flag."""

_STEP = 2  # the grey values of every second voxel along each axis are enough for their quantiles
_SMALL = 1e-6
_FLUID = 0.97  # quantile of t2 above which voxels are taken as fluid
_FEW = 200


def measure_images(images: Mapping[str, Volume], mask: Volume | None = None) -> dict[str, float]:
    """Measure one patient's images.

    Grey values are measured relative to the image's own quantiles over the brain, so that
    neither gain nor normalisation matters.

    Parameters
    ----------
    images : mapping of str to Volume
        Sequence to image, skull-stripped, on one grid; finite.
    mask : Volume, optional
        Labels; 0 is background.

    Returns
    -------
    dict of str to float
        NaN where a measure has no value, for want of a sequence or of voxels.
    """
    first = next(iter(images.values()))
    brain = brain_mask(first.array)
    for volume in images.values():
        brain = brain & brain_mask(volume.array)
    found = {**_grid(first), **_brain(brain, first)}
    inside = None if mask is None else mask.array != 0
    if inside is not None:
        found.update(_tumour(inside, brain, first))
    thin = (slice(None, None, _STEP),) * 3
    healthy = brain[thin] if inside is None else brain[thin] & ~inside[thin]
    scaled: dict[str, np.ndarray] = {}
    for name, volume in images.items():
        values = volume.array[thin][healthy].astype(np.float32)
        if len(values) < _FEW:
            continue
        levels = np.quantile(values, [0.02, 0.25, 0.5, 0.75, 0.98])
        width = max(float(levels[4] - levels[0]), _SMALL)
        scaled[name] = (values - levels[2]) / width
        for quantile, level in zip((25, 50, 75), levels[1:4]):
            found[f"intensity.{name}_q{quantile}"] = float(level - levels[0]) / width
        found.update(_sharpness(name, volume.array, brain, width))
    found.update(_contrast(scaled))
    if {"t1", "t1ce"} <= images.keys():
        whole = brain[thin]
        t1, t1ce = (images[name].array[thin][whole].astype(np.float32) for name in ("t1", "t1ce"))
        found.update(_enhancement(t1, t1ce, None if inside is None else inside[thin][whole]))
    return found


def _grid(volume: Volume) -> dict[str, float]:
    names = ("z", "y", "x")
    return {
        f"grid.log_spacing_{axis}": float(np.log(step))
        for axis, step in zip(names, volume.spacing_mm)
    }


def _brain(brain: np.ndarray, volume: Volume) -> dict[str, float]:
    if not brain.any():
        return {"brain.log_volume": float("nan")}
    spans = []
    for axis, step in enumerate(volume.spacing_mm):
        others = tuple(one for one in range(3) if one != axis)
        where = np.flatnonzero(brain.any(axis=others))
        spans.append((where[-1] - where[0] + 1) * step)
    size = float(np.count_nonzero(brain)) * volume.voxel_volume_mm3
    return {
        "brain.log_volume": float(np.log(size)),
        "brain.filled": size / float(np.prod(spans)),
        "brain.log_height_to_width": float(np.log(spans[0] / spans[2])),
        "brain.log_length_to_width": float(np.log(spans[1] / spans[2])),
    }


def _tumour(inside: np.ndarray, brain: np.ndarray, volume: Volume) -> dict[str, float]:
    count = int(np.count_nonzero(inside))
    if not count or not brain.any():
        return {"tumour.log_volume": float("nan")}
    found = {
        "tumour.log_volume": float(np.log(count * volume.voxel_volume_mm3)),
        "tumour.outside_brain": float(np.count_nonzero(inside & ~brain)) / count,
    }
    for axis, name in enumerate(("height", "depth", "side")):
        others = tuple(one for one in range(3) if one != axis)
        span = np.flatnonzero(brain.any(axis=others))
        profile = inside.sum(axis=others)
        centre = float(profile @ np.arange(len(profile))) / count
        place = (centre - span[0]) / max(int(span[-1] - span[0]), 1)
        found[f"tumour.{name}"] = abs(place - 0.5) if name == "side" else place
    return found


def _sharpness(name: str, array: np.ndarray, brain: np.ndarray, width: float) -> dict[str, float]:
    """Noise by second differences; motion by how these differ between the two in-plane axes."""
    values = array[::_STEP].astype(np.float32)
    inner = brain[::_STEP]
    strength = {}
    for axis, label in ((1, "y"), (2, "x")):
        a, b, c = (_part(values, axis, start) for start in range(3))
        core = _part(inner, axis, 0) & _part(inner, axis, 1) & _part(inner, axis, 2)
        bent = np.abs(a + c - 2 * b)[core][::_STEP]
        strength[label] = float(np.median(bent)) / width if len(bent) else float("nan")
    y, x = strength["y"] + _SMALL, strength["x"] + _SMALL
    return {
        f"noise.log_{name}": float(np.log(np.sqrt(y * x))),
        f"motion.log_ratio_{name}": float(np.log(y / x)),
    }


def _part(array: np.ndarray, axis: int, start: int) -> np.ndarray:
    cut = [slice(None)] * 3
    cut[axis] = slice(start, array.shape[axis] - 2 + start)
    return array[tuple(cut)]


def _contrast(scaled: Mapping[str, np.ndarray]) -> dict[str, float]:
    """How sequences relate voxel by voxel, outside the tumour."""
    found = {}
    names = list(scaled)
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            a, b = np.clip(scaled[one], -1, 1), np.clip(scaled[other], -1, 1)
            spread = float(a.std() * b.std())
            found[f"contrast.{one}_{other}"] = (
                float(np.mean((a - a.mean()) * (b - b.mean()))) / spread if spread > 0 else np.nan
            )
    if "t2" in scaled:
        fluid = scaled["t2"] >= np.quantile(scaled["t2"], _FLUID)
        for name in names:
            if name != "t2":
                found[f"contrast.fluid_on_{name}"] = float(np.median(scaled[name][fluid]))
    return found


def _enhancement(t1: np.ndarray, t1ce: np.ndarray, tumour: np.ndarray | None) -> dict[str, float]:
    """Whether t1ce is brighter than t1 where the two differ most, as an agent makes it.

    Agent brightens vessels, dura and rims and darkens nothing, so that the upper tail of
    ``t1ce - t1`` is the longer one; with the two images swapped it is the lower.
    """
    if len(t1) < _FEW:
        return {}
    gain = _standardised(t1ce) - _standardised(t1)
    low, middle, high = np.quantile(gain, [0.002, 0.5, 0.998])
    whole = max(float(high - low), _SMALL)
    found = {"enhancement.gain_is_upward": float(high + low - 2 * middle) / whole}
    if tumour is not None and tumour.any():
        found["enhancement.tumour_gain"] = float(np.quantile(gain[tumour], 0.9) - middle)
    return found


def _standardised(values: np.ndarray) -> np.ndarray:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return (values - middle) / max(float(high - low), _SMALL)
