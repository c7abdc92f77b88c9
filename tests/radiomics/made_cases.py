"""Made-up images and regions on which PyRadiomics and gliofuse are held to each other.

Nothing but NumPy's whole-number arithmetic and single exact operations on floats enters a case, so
that every version of NumPy makes the same voxels. ``make_pyradiomics_values.py`` runs
PyRadiomics on :func:`cases`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

FAMILIES = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
TEXTURE = FAMILIES[1:]
OBLIQUE = (0.96, 0.28, 0.0, -0.28, 0.96, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Made:
    """An image with a region and the parameters to describe it by; geometry is (x, y, z)."""

    image: np.ndarray
    mask: np.ndarray
    params: dict[str, Any]
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = field(default=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0))

    def as_sitk(self) -> tuple[Any, Any]:
        """Return image and mask as SimpleITK images."""
        import SimpleITK as sitk

        out = []
        for array in (self.image, self.mask.astype(np.uint8)):
            volume = sitk.GetImageFromArray(array)
            volume.SetSpacing(self.spacing)
            volume.SetOrigin(self.origin)
            volume.SetDirection(self.direction)
            out.append(volume)
        return out[0], out[1]


def noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return int64 numbers from 0 to 65535, evenly distributed: a hash of place and seed."""
    x = np.arange(int(np.prod(shape)), dtype=np.uint64) + np.uint64(seed * 1_000_003 + 1)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(48)).astype(np.int64).reshape(shape)


def tissue(shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Return int64 numbers from 0 to 65535: noise on blocks of 3 voxels, a ramp, fine noise."""
    coarse = noise(tuple(-(-n // 3) for n in shape), seed)
    for axis, size in enumerate(shape):
        coarse = np.repeat(coarse, 3, axis=axis).take(np.arange(size), axis=axis)
    z, y, x = np.indices(shape)
    ramp = (5 * z + 3 * y + 7 * x) * 65535 // (5 * shape[0] + 3 * shape[1] + 7 * shape[2])
    return (3 * coarse + 2 * ramp + 3 * noise(shape, seed + 500)) // 8


def image_of(
    shape: tuple[int, int, int], seed: int, dtype: str, low: int = 0, high: int = 1000
) -> np.ndarray:
    """Return an image from ``low`` to ``high``; floating ones fall between whole numbers."""
    values = tissue(shape, seed)
    if np.dtype(dtype).kind == "f":
        return (values * ((high - low) / 65535.0) + low).astype(dtype)
    return (values * (high - low) // 65535 + low).astype(dtype)


def rescaled(shape: tuple[int, int, int], seed: int, steps: int) -> np.ndarray:
    """Return a float32 image of the ``steps + 1`` values from 0 to 1, as rescaling integers gives.

    Where the bin count divides the steps, many voxels lie on the edge of a bin.
    """
    values = tissue(shape, seed) * (steps + 1) // 65536
    values[1, 1, 1], values[2, 2, 2] = 0, steps
    return values.astype(np.float32) / np.float32(steps)


def ball(shape: tuple[int, int, int], seed: int = 0, rough: int = 1) -> np.ndarray:
    """Return a ragged ellipsoid that leaves a margin of one voxel."""
    inside = np.zeros(shape, dtype=np.int64)
    for places, size in zip(np.indices(shape), shape, strict=True):
        half = max(size - 3, 1)
        inside += (2 * places - (size - 1)) ** 2 * 4096 // half**2
    return (inside + rough * (noise(shape, seed + 900) % 2048)) < 4096


def places(shape: tuple[int, int, int], *where: tuple[int, int, int]) -> np.ndarray:
    """Return a region of single voxels (z, y, x)."""
    mask = np.zeros(shape, dtype=bool)
    for place in where:
        mask[place] = True
    return mask


def scattered(shape: tuple[int, int, int], seed: int, share: int) -> np.ndarray:
    """Return a region of about ``share`` in a thousand voxels, never fewer than two."""
    mask = noise(shape, seed + 700) % 1000 < share
    mask[1, 1, 1] = mask[-2, -2, -2] = True
    return mask


def params(
    setting: dict[str, Any] | None = None,
    images: dict[str, Any] | None = None,
    families: tuple[str, ...] | dict[str, list[str]] = FAMILIES,
) -> dict[str, Any]:
    """Return a parameter file."""
    if not isinstance(families, dict):
        families = {family: [] for family in families}
    return {
        "setting": {"minimumROIDimensions": 1, **(setting or {})},
        "imageType": images or {"Original": {}},
        "featureClass": families,
    }


# (type, lowest, highest, settings) of a region whose bin edges are compared by themselves
RANGES: tuple[tuple[str, float, float, dict[str, Any]], ...] = (
    *((dtype, 3, 250, {"binCount": 7}) for dtype in ("uint8", "int16", "float16", "float32")),
    *((dtype, 0.1, 0.7, {"binCount": 11}) for dtype in ("float16", "float32", "float64")),
    *((dtype, -1.3, 2.9, {"binWidth": 0.6}) for dtype in ("float32", "float64")),
    *((dtype, 7, 7, {"binCount": 3}) for dtype in ("uint8", "float32")),
    *((dtype, 50, 100, {"binWidth": 25}) for dtype in ("uint8", "int32", "float32")),
    ("int16", -310, 95, {"binWidth": 40}),
    ("float32", 0, 1, {"binCount": 13}),
    ("float32", 1e8, 3e8, {"binCount": 3}),
)

SMALL = (7, 9, 8)
REGIONS = {
    "two beside": places(SMALL, (3, 4, 4), (3, 4, 5)),
    "two apart on a line": places(SMALL, (3, 4, 1), (3, 4, 5)),
    "two on no line": places(SMALL, (3, 4, 1), (4, 6, 5)),
    "three on a diagonal": places(SMALL, (2, 2, 2), (3, 3, 3), (4, 4, 4)),
    "line along x": places(SMALL, *((3, 4, x) for x in range(1, 7))),
    "line along z": places(SMALL, *((z, 4, 3) for z in range(1, 6))),
    "line with a gap": places(SMALL, *((3, y, 3) for y in (1, 2, 4, 5, 7))),
    "L in one slice": places(SMALL, (3, 2, 2), (3, 3, 2), (3, 4, 2), (3, 4, 3), (3, 4, 4)),
    "L in space": places(SMALL, (2, 2, 2), (3, 2, 2), (4, 2, 2), (4, 3, 2), (4, 3, 3), (4, 3, 4)),
    "one slice": ball(SMALL) & (np.indices(SMALL)[0] == 3),
    "one column": ball(SMALL) & (np.indices(SMALL)[2] == 4),
    "five far apart": places(SMALL, (1, 1, 1), (1, 5, 6), (3, 7, 2), (5, 2, 5), (5, 7, 6)),
    "checkerboard": ball(SMALL, rough=0) & (np.indices(SMALL).sum(axis=0) % 2 == 0),
    "sparse": scattered(SMALL, 3, 60),
    "nearly the whole image": ~places(SMALL, (0, 0, 0)),
    "hollow": ball(SMALL, rough=0) & ~places(SMALL, (3, 4, 3), (3, 4, 4), (3, 3, 4), (2, 4, 4)),
}


def cases() -> Iterator[tuple[str, Made]]:
    """Yield every case by name."""
    for number, (name, mask) in enumerate(REGIONS.items()):
        picture = image_of(SMALL, 10 + number, "int16", -300, 900)
        yield f"{name}, many levels", Made(picture, mask, params({"binWidth": 5}))
        if number % 3 == 0 or "line" in name:
            few = params({"binCount": 4})
            yield f"{name}, few levels", Made(picture, mask, few, spacing=(0.8, 1.1, 5.0))
        if number % 3 == 1:
            merged = params({"binWidth": 60, "weightingNorm": "euclidean"})
            yield f"{name}, merged", Made(picture, mask, merged, spacing=(0.9, 0.9, 3.0))
    yield from _nothing_to_count()
    yield from _types()
    yield from _levels()
    yield from _geometry()
    yield from _filters()


def _nothing_to_count() -> Iterator[tuple[str, Made]]:
    """Yield regions without pairs or runs, in which constants take the place of values."""
    pictures = {
        "one level": np.full(SMALL, 50, dtype="int16"),
        "two levels": image_of(SMALL, 33, "int16", 0, 100),
    }
    regions = {
        "apart in space": REGIONS["two on no line"],
        "apart in a row": REGIONS["two apart on a line"],
        "apart in a slice": places(SMALL, (3, 1, 1), (3, 3, 2)),
    }
    settings = {
        "averaged": {},
        "merged": {"weightingNorm": "infinity"},
        "planes": {"force2D": True, "force2Ddimension": 1},
    }
    few = ("glcm", "glrlm")
    for (levels, picture), (name, mask), (way, setting) in product(
        pictures.items(), regions.items(), settings.items()
    ):
        if name == "apart in a slice" and way == "planes":
            mask = places(SMALL, (3, 4, 1), (4, 4, 3))
        made = Made(picture, mask, params({"binWidth": 1, **setting}, families=few))
        yield f"{name}, {levels}, {way}", made


def _types() -> Iterator[tuple[str, Made]]:
    shape = (9, 11, 12)
    ranges = {
        "uint8": (0, 255),
        "int16": (-1000, 2000),
        "uint16": (0, 60000),
        "int32": (-70000, 70000),
        "float32": (-4, 4),
        "float64": (-4, 4),
    }
    for number, (dtype, (low, high)) in enumerate(ranges.items()):
        picture = image_of(shape, 40 + number, dtype, low, high)
        width = (high - low) / 24 if np.dtype(dtype).kind == "f" else (high - low) // 24
        mask = ball(shape, number)
        yield f"{dtype}, bin width", Made(picture, mask, params({"binWidth": width}))
        yield f"{dtype}, bin count", Made(picture, mask, params({"binCount": 32}))


def _levels() -> Iterator[tuple[str, Made]]:
    shape = (8, 9, 10)
    mask = ball(shape, 5)
    for dtype in ("uint8", "float32"):
        flat = np.full(shape, 7, dtype)
        yield f"flat {dtype}, bin width", Made(flat, mask, params())
        yield f"flat {dtype}, bin count", Made(flat, mask, params({"binCount": 8}))
    picture = image_of(shape, 60, "float32", 0, 1)
    for width in (0.05, 0.1, 0.001):
        yield f"float32, bin width {width}", Made(picture, mask, params({"binWidth": width}))
    whole = image_of(shape, 61, "int16", 0, 400)
    yield "one level", Made(whole, mask, params({"binWidth": 5000}))
    yield "bin count 1", Made(whole, mask, params({"binCount": 1}))
    yield "bin count 256", Made(whole, mask, params({"binCount": 256}))
    odd = {"binWidth": 20, "gldm_a": 2, "symmetricalGLCM": False, "voxelArrayShift": 500}
    yield "gldm_a, symmetry, shift", Made(whole - 200, mask, params({**odd, "distances": [1, 2]}))
    # voxels on the edges of bins: enough to tell NumPy 1's edges from NumPy 2's
    few = {"firstorder": ["Entropy", "Uniformity"], "glcm": ["Contrast", "JointEntropy"]}
    for seed in range(40):
        count = (10, 14, 32, 50, 100)[seed % 5]
        setting = {"binCount": count}
        picture = rescaled((6, 7, 8), 200 + seed, count * (1 + seed % 4))
        nearly_all = ~places((6, 7, 8), (0, 0, 0))
        made = Made(picture, nearly_all, params(setting, families=few))
        yield f"rescaled float32, number {seed}", made


def _geometry() -> Iterator[tuple[str, Made]]:
    shape = (8, 14, 15)
    mask = ball(shape, 8)
    thick = (0.9, 0.9, 5.0)
    for dtype in ("int16", "float32"):
        picture = image_of(shape, 70, dtype, 0, 700)
        setting = {"resampledPixelSpacing": [1, 1, 1], "binWidth": 20}
        yield f"5 mm to 1 mm, {dtype}", Made(picture, mask, params(setting), spacing=thick)
    picture = image_of(shape, 71, "int16", -200, 700)
    for interpolator in ("sitkLinear", "sitkNearestNeighbor"):
        setting = {
            "resampledPixelSpacing": [1.5, 1.5, 2.5],
            "interpolator": interpolator,
            "binCount": 24,
            "padDistance": 2,
        }
        yield (
            f"5 mm to 2.5 mm, {interpolator}, oblique",
            Made(picture, mask, params(setting), thick, (12.0, -30.0, 7.5), OBLIQUE),
        )
    flat = mask & (np.indices(shape)[0] == 4)
    setting = {"resampledPixelSpacing": [1.3, 1.3, 1.3], "binWidth": 30}
    yield "one slice, resampled", Made(picture, flat, params(setting), spacing=thick)
    for axis in range(3):
        setting = {"force2D": True, "force2Ddimension": axis, "binWidth": 40}
        if axis == 1:
            setting |= {"distances": [1, 2]}
        yield f"planes across {axis}", Made(picture, mask, params(setting), spacing=thick)
    for norm in ("manhattan", "infinity", "no_weighting"):
        setting = {"weightingNorm": norm, "binCount": 16}
        yield f"thick slices, {norm}", Made(picture, mask, params(setting), spacing=thick)
    for norm in ("manhattan", "euclidean"):
        # pairs across slices weigh less than epsilon
        setting = {"weightingNorm": norm, "binWidth": 4}
        loose = scattered(shape, 9, 120)
        yield f"thick slices, many levels, {norm}", Made(picture, loose, params(setting), thick)
    for mode, limits in (("absolute", [0, 400]), ("relative", [0.3, 0.9]), ("sigma", [-1, 1.5])):
        setting = {"resegmentRange": limits, "resegmentMode": mode, "binWidth": 15}
        yield f"resegmented, {mode}", Made(picture, mask, params(setting))
    setting = {"normalize": True, "normalizeScale": 100, "removeOutliers": 2, "binWidth": 12}
    yield "normalised", Made(picture, mask, params(setting))


def _filters() -> Iterator[tuple[str, Made]]:
    shape = (12, 14, 13)
    few = ("firstorder", "glcm", "glrlm")
    intensity = {
        name: {} for name in ("Square", "SquareRoot", "Logarithm", "Exponential", "Gradient")
    }
    for number, dtype in enumerate(("uint8", "int16", "float32")):
        low, high = ((0, 250), (-400, 800), (-3, 3))[number]
        picture = image_of(shape, 90 + number, dtype, low, high)
        mask = ball(shape, 20 + number)
        spacing = ((1.0, 1.0, 1.0), (0.9, 0.9, 3.0), (0.8, 1.2, 2.0))[number]
        setting = {"binCount": 16}
        yield (
            f"intensity filters, {dtype}",
            Made(picture, mask, params(setting, intensity, few), spacing=spacing),
        )
        log = {"LoG": {"sigma": [1.5, 3.0]}}
        yield f"LoG, {dtype}", Made(picture, mask, params(setting, log, TEXTURE), spacing=spacing)
        wavelet = {"Wavelet": {"binWidth": (high - low) / 20}}
        yield f"wavelet, {dtype}", Made(picture, mask, params(setting, wavelet, few))
    picture = image_of(shape, 95, "int16", 0, 900)
    patterns = {"LBP2D": {"binWidth": 1}, "LBP3D": {"binCount": 8}}
    made = Made(picture, ball(shape, 30), params({}, patterns, ("firstorder", "glcm")))
    yield "local binary patterns", made
    small = REGIONS["L in space"]
    picture = image_of(SMALL, 99, "float32", 0, 50)
    both = {"Gradient": {}, "Square": {}, "Wavelet": {"wavelet": "haar"}}
    made = Made(picture, small, params({"binCount": 12}, both, ("glrlm", "glszm")))
    yield "filters of a small region", made


def random_case(seed: int) -> Made:
    """Return one of endlessly many cases, for a longer search than a test can afford."""
    draw = iter(noise((64,), 7919 * (seed + 1)).tolist())

    def choose(*options: Any) -> Any:
        return options[next(draw) % len(options)]

    shape = (choose(5, 7, 10), choose(6, 9, 12), choose(6, 8, 13))
    dtype = choose("uint8", "int16", "float32", "float64", "float32")
    low, high = (0, 255) if dtype == "uint8" else choose((0, 1), (-500, 700), (0, 30), (-3, 4))
    if choose(0, 0, 1):
        picture = rescaled(shape, seed, choose(32, 50, 96, 255))
    else:
        picture = image_of(shape, seed, dtype, low, high)
    mask = choose(
        ball(shape, seed),
        scattered(shape, seed, choose(15, 40, 120, 400)),
        ball(shape, seed) & (np.indices(shape)[choose(0, 1, 2)] == 3),
        ball(shape, seed) & (scattered(shape, seed, choose(100, 500))),
    )
    if mask.sum() < 2:
        mask = scattered(shape, seed, 40)
    span = float(picture.max() - picture.min()) or 1.0
    setting: dict[str, Any] = (
        {"binCount": choose(4, 8, 16, 32, 64, 200)}
        if choose(0, 1)
        else {"binWidth": round(span / choose(5, 25, 90, 400), choose(2, 6)) or 0.01}
    )
    if choose(0, 0, 1):
        setting |= {"force2D": True, "force2Ddimension": choose(0, 1, 2)}
    if choose(0, 0, 0, 1):
        setting |= {"distances": choose([1, 2], [2], [1, 3])}
    if choose(0, 0, 0, 1):
        norm = choose("manhattan", "euclidean", "infinity", "no_weighting")
        setting |= {"weightingNorm": norm}
    if choose(0, 0, 0, 1):
        step = choose([1, 1, 1], [2, 2, 2], [0, 0, 1.7], [1.3, 0.7, 2.2])
        method = choose("sitkBSpline", "sitkLinear", "sitkNearestNeighbor")
        setting |= {"resampledPixelSpacing": step, "interpolator": method}
    if choose(0, 0, 0, 1):
        setting |= {"symmetricalGLCM": False, "gldm_a": choose(0, 1, 3)}
    if choose(0, 0, 0, 0, 0, 1):
        setting |= {"normalize": True, "normalizeScale": choose(1, 100)}
    images = choose(
        *({"Original": {}},) * 6,
        {"Square": {}, "Gradient": {}, "Logarithm": {}},
        {"Wavelet": {"wavelet": choose("coif1", "haar", "db2")}},
        {"LoG": {"sigma": [choose(1.0, 2.5)]}},
        {"SquareRoot": {}, "Exponential": {}},
    )
    spacing = choose((1.0, 1.0, 1.0), (0.9, 0.9, 5.0), (0.7, 1.3, 2.0))
    return Made(picture, mask, params(setting, images), spacing)
