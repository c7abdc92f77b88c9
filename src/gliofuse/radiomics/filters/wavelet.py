"""Stationary wavelet bands, with the borders and names of PyRadiomics.

One level filters each axis with the wavelet's low-pass and high-pass filter, without
decimation, wrapping round at the border; an axis of odd length is first lengthened by one voxel
(its own first). Further levels filter the low-pass band again with the *same* filters (they are
not dilated), as PyRadiomics does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gliofuse.errors import SettingError, did_you_mean
from gliofuse.radiomics._kernel import kernel
from gliofuse.radiomics.filters._window import Box

__all__ = ["wavelet_bands"]


def wavelet_bands(
    image_zyx: NDArray[Any],
    box: Box,
    *,
    wavelet: str = "coif1",
    level: int = 1,
    start_level: int = 0,
    axes: tuple[int, ...] = (2, 1, 0),
) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the name and values of each band inside ``box``.

    Parameters
    ----------
    image_zyx : ndarray, shape (z, y, x)
        The whole volume. float32 is filtered in float32, anything else in float64.
    box : tuple of three slices
    wavelet : str
        A discrete wavelet of PyWavelets.
    level : int
        Number of levels whose bands are wanted.
    start_level : int
        Low-pass levels to pass before the first wanted one.
    axes : tuple of int
        The axes that are filtered, in the order of the letters in a band's name: by default
        x, y, z, so that ``HLL`` is high-pass along x.

    Yields
    ------
    name : str
        ``wavelet-LLH`` for the first level, ``wavelet2-LLH`` for the second; the low-pass band
        only for the last.
    band : ndarray, shape of ``box``

    Raises
    ------
    SettingError
        If the wavelet is unknown or a level is not allowed.

    Examples
    --------
    >>> image = np.random.default_rng(0).normal(size=(9, 10, 12))
    >>> bands = dict(wavelet_bands(image, (slice(2, 5), slice(3, 6), slice(0, 4))))
    >>> sorted(bands)[:3], bands["wavelet-HHH"].shape
    (['wavelet-HHH', 'wavelet-HHL', 'wavelet-HLH'], (3, 3, 4))
    """
    if level < 1 or start_level < 0:
        raise SettingError(
            f"wavelet needs level >= 1 and start_level >= 0, got {level!r} and {start_level!r}"
        )
    data_type = np.float32 if image_zyx.dtype == np.float32 else np.float64
    low, high = _filters(wavelet, data_type)
    levels_left = start_level + level
    data = _periodic_block(image_zyx, box, low.size * levels_left, axes).astype(data_type)
    for index in range(start_level + level):
        levels_left -= 1
        margin = low.size * levels_left
        parts = {"": data}
        for axis in axes:
            parts = {
                name + letter: part
                for name, block in parts.items()
                for letter, part in zip("LH", _split(block, low, high, axis))
            }
        data = parts.pop("L" * len(axes))
        if index < start_level:
            continue
        number = index - start_level + 1
        for name, part in parts.items():
            yield f"{_prefix(number)}-{name}", _inner(part, margin, axes)
    yield f"{_prefix(level)}-{'L' * len(axes)}", data


def _prefix(number: int) -> str:
    return "wavelet" if number == 1 else f"wavelet{number}"


def _filters(name: str, data_type: type) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the low-pass and high-pass taps, read off the transform of a single 1.

    PyWavelets' single-precision taps are not its double-precision ones rounded, and only the
    transform shows them.
    """
    import pywt

    if name not in pywt.wavelist(kind="discrete"):
        raise SettingError(
            f"wavelet {name!r} is not a discrete wavelet of PyWavelets; "
            + did_you_mean(name, pywt.wavelist(kind="discrete"))
        )
    found = pywt.Wavelet(name)
    taps = found.dec_len
    impulse = np.zeros(4 * taps, data_type)
    impulse[2 * taps] = 1
    first = 2 * taps - taps // 2
    ((low, high),) = pywt.swt(impulse, found, level=1)
    return low[first : first + taps].copy(), high[first : first + taps].copy()


def _periodic_block(
    image: NDArray[Any], box: Box, margin: int, axes: tuple[int, ...]
) -> NDArray[Any]:
    """Return the box with ``margin`` voxels round it, wrapped as the padded volume wraps."""
    indices = []
    for axis, (extent, size) in enumerate(zip(box, image.shape)):
        if axis in axes:
            period = size + size % 2
            wanted = np.arange(extent.start - margin, extent.stop + margin) % period
            indices.append(np.where(wanted == size, 0, wanted))
        else:
            indices.append(np.arange(extent.start, extent.stop))
    return np.ascontiguousarray(image[np.ix_(*indices)])


def _inner(part: NDArray[Any], margin: int, axes: tuple[int, ...]) -> NDArray[Any]:
    cut = tuple(
        slice(margin, part.shape[axis] - margin) if axis in axes else slice(None)
        for axis in range(3)
    )
    return np.ascontiguousarray(part[cut])


def _split(
    block: NDArray[Any], low: NDArray[Any], high: NDArray[Any], axis: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Filter along one axis; the result is shorter by a whole filter length on each side."""
    return (_along_z, _along_y, _along_x)[axis](block, low, high)


@kernel
def _along_x(block, low, high):  # type: ignore[no-untyped-def]
    taps = low.size
    length = block.shape[2] - 2 * taps
    a = np.empty((block.shape[0], block.shape[1], length), block.dtype)
    d = np.empty_like(a)
    for z in range(block.shape[0]):
        for y in range(block.shape[1]):
            line, out_a, out_d = block[z, y], a[z, y], d[z, y]
            out_a[:] = 0
            out_d[:] = 0
            for j in range(taps):
                shift = taps + taps // 2 - j
                for x in range(length):
                    out_a[x] += low[j] * line[x + shift]
                    out_d[x] += high[j] * line[x + shift]
    return a, d


@kernel
def _along_y(block, low, high):  # type: ignore[no-untyped-def]
    taps = low.size
    length = block.shape[1] - 2 * taps
    a = np.zeros((block.shape[0], length, block.shape[2]), block.dtype)
    d = np.zeros_like(a)
    for z in range(block.shape[0]):
        for y in range(length):
            out_a, out_d = a[z, y], d[z, y]
            for j in range(taps):
                line = block[z, y + taps + taps // 2 - j]
                for x in range(line.size):
                    out_a[x] += low[j] * line[x]
                    out_d[x] += high[j] * line[x]
    return a, d


@kernel
def _along_z(block, low, high):  # type: ignore[no-untyped-def]
    taps = low.size
    length = block.shape[0] - 2 * taps
    a = np.zeros((length, block.shape[1], block.shape[2]), block.dtype)
    d = np.zeros_like(a)
    for z in range(length):
        for y in range(block.shape[1]):
            out_a, out_d = a[z, y], d[z, y]
            for j in range(taps):
                line = block[z + taps + taps // 2 - j, y]
                for x in range(line.size):
                    out_a[x] += low[j] * line[x]
                    out_d[x] += high[j] * line[x]
    return a, d
