"""Frames that make up one volume: grouping them, their geometry, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gliofuse.imaging.dicom.frames import DicomFile, Frame
from gliofuse.imaging.dicom.header import SeriesHeader

__all__ = ["Stack", "stacks_of"]

_SAME_POSITION_MM = 0.01
_SAME_SPACING_MM = 1e-3
_SAME_DIRECTION = 2e-3
_SAME_ECHO_MS = 0.5
_SAME_INVERSION_MS = 5.0
_TURNED = 0.1
_UNEVEN = 0.1  # of the distance between slices
_TILT_SINE = 0.01
_LOCALIZER_SLICES = 12


@dataclass(frozen=True)
class Stack:
    """Frames of one series that share echo, matrix, orientation and type of image.

    Parameters
    ----------
    files : tuple of DicomFile
    frames : dict of Path to tuple of int
        Of each file the frames that belong to the stack; a file that is missing here belongs to
        it as a whole.
    header : SeriesHeader
        With the slices, volumes, step and extent of the stack.
    rows, columns : int
    spacing_mm : tuple of two floats, or None
    orientation : tuple of six floats, or None
    positions_mm : ndarray, shape (slices, 3)
        First voxel of each slice, LPS, in the order along the normal.
    plane : str
        ``axial``, ``coronal``, ``sagittal``, ``oblique`` or blank.
    problems : tuple of str
    usable : bool
        Whether the slices make up one volume.
    """

    files: tuple[DicomFile, ...]
    frames: dict[Path, tuple[int, ...]]
    header: SeriesHeader
    rows: int
    columns: int
    spacing_mm: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    positions_mm: np.ndarray
    plane: str
    problems: tuple[str, ...] = ()
    usable: bool = True

    def corners_mm(self) -> np.ndarray:
        """Return the centres of the eight corner voxels in LPS, shape (8, 3)."""
        assert self.orientation is not None
        assert self.spacing_mm is not None
        along_row, along_column = np.array(self.orientation).reshape(2, 3)
        right = along_row * self.spacing_mm[1] * (self.columns - 1)
        down = along_column * self.spacing_mm[0] * (self.rows - 1)
        return np.array([
            end + a * right + b * down
            for end in (self.positions_mm[0], self.positions_mm[-1])
            for a in (0, 1) for b in (0, 1)
        ])  # fmt: skip


def stacks_of(files: Sequence[DicomFile]) -> list[Stack]:
    """Divide the files of one series into stacks, in the order in which they first occur."""
    groups: list[list[tuple[DicomFile, Frame]]] = []
    for file in sorted(files, key=lambda file: (file.instance is None, file.instance, file.uid)):
        for frame in file.frames:
            group = next((group for group in groups if _alike(group[0][1], frame)), None)
            if group is None:
                groups.append([(file, frame)])
            else:
                group.append((file, frame))
    return [_localizer(groups)] if _is_localizer(groups) else [_stack(pairs) for pairs in groups]


def _alike(a: Frame, b: Frame) -> bool:
    """Whether two frames can be slices of one volume: headers are rounded, here and there apart."""
    return (
        (a.rows, a.columns, a.header.image_type, a.header.sop_class)
        == (b.rows, b.columns, b.header.image_type, b.header.sop_class)
        and _close(a.spacing_mm, b.spacing_mm, _SAME_SPACING_MM)
        and _close(a.orientation, b.orientation, _SAME_DIRECTION)
        and _close((a.header.te_ms or 0,), (b.header.te_ms or 0,), _SAME_ECHO_MS)
        and _close((a.header.ti_ms or 0,), (b.header.ti_ms or 0,), _SAME_INVERSION_MS)
    )


def _close(a: tuple[float, ...] | None, b: tuple[float, ...] | None, apart: float) -> bool:
    if a is None or b is None or len(a) != len(b):
        return a is b
    return all(abs(x - y) <= apart for x, y in zip(a, b, strict=True))


def _is_localizer(groups: list[list[tuple[DicomFile, Frame]]]) -> bool:
    """Whether these are short stacks in several directions."""
    first = groups[0][0][1].orientation if groups else None
    turned = any(not _close(first, pairs[0][1].orientation, _TURNED) for pairs in groups)
    return turned and all(len(pairs) <= _LOCALIZER_SLICES for pairs in groups)


def _localizer(groups: list[list[tuple[DicomFile, Frame]]]) -> Stack:
    pairs = [pair for group in groups for pair in group]
    first = pairs[0][1]
    header = replace(
        first.header, slices=len(pairs), image_type=(*first.header.image_type, "LOCALIZER")
    )
    problem = f"{len(groups)} short stacks in different directions: a localizer"
    return Stack(
        _files(pairs), {}, header, first.rows, first.columns, first.spacing_mm, None,
        np.zeros((0, 3)), "", (problem,), usable=False,
    )  # fmt: skip


def _files(pairs: Sequence[tuple[DicomFile, Frame]]) -> tuple[DicomFile, ...]:
    return tuple({id(file): file for file, _ in pairs}.values())


def _frames(pairs: Sequence[tuple[DicomFile, Frame]]) -> dict[Path, tuple[int, ...]]:
    found: dict[Path, list[int]] = {}
    for file, frame in pairs:
        found.setdefault(file.path, []).append(frame.index)
    whole = {file.path: len(file.frames) for file, _ in pairs}
    return {path: tuple(part) for path, part in found.items() if len(part) < whole[path]}


def _stack(pairs: list[tuple[DicomFile, Frame]]) -> Stack:
    frame, files = pairs[0][1], _files(pairs)
    b_values = [one.header.b_value for _, one in pairs if one.header.b_value]
    header = replace(frame.header, slices=len(pairs), b_value=max(b_values, default=None))
    placed = frame.orientation is not None and frame.spacing_mm is not None
    placed = placed and all(one.position_mm is not None for _, one in pairs)
    damaged = sum(not file.complete for file in files)
    problems = [f"{damaged} of {len(files)} files cut short"] if damaged else []
    if not placed or frame.orientation is None or len(frame.orientation) != 6:
        if not header.modality or header.modality == "MR":
            problems.append("no position in space in the headers")
        return Stack(
            files, _frames(pairs), header, frame.rows, frame.columns, frame.spacing_mm, None,
            np.zeros((0, 3)), "", tuple(problems), usable=False,
        )  # fmt: skip
    normal = np.cross(frame.orientation[:3], frame.orientation[3:])
    every = np.array([one.position_mm for _, one in pairs], dtype=float)
    positions, volumes, uneven = _slices(every, normal)
    heights = positions @ normal
    steps = np.diff(heights)
    step = float(np.median(steps)) if len(steps) else None
    faults = _geometry_faults(positions, heights, normal, step)
    if uneven:
        faults.append("not every slice position has the same number of images")
    problems += faults
    header = replace(
        header, slices=len(positions), volumes=volumes, step_mm=step,
        extent_mm=(step or header.thickness_mm or 0.0) * len(positions),
    )  # fmt: skip
    problems += _counted(files, header)
    if volumes > 1:
        problems.append(f"{volumes} images at each position")
    return Stack(
        files, _frames(pairs), header, frame.rows, frame.columns, frame.spacing_mm,
        frame.orientation, positions,
        _plane(normal), tuple(problems),
        usable=not damaged and not faults and volumes == 1 and len(positions) > 1,
    )  # fmt: skip


def _slices(every: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, int, bool]:
    """Return each slice's position once, in order, how often each occurs, and if unevenly."""
    heights = every @ normal
    order = np.argsort(heights, kind="stable")
    starts = np.concatenate([[True], np.diff(heights[order]) > _SAME_POSITION_MM])
    counts = np.diff(np.append(np.flatnonzero(starts), len(order)))
    return every[order][starts], int(counts.max()), bool(np.ptp(counts))


def _geometry_faults(
    positions: np.ndarray, heights: np.ndarray, normal: np.ndarray, step: float | None
) -> list[str]:
    if step is None:
        return ["a single slice"]
    found = []
    steps = np.diff(heights)
    gaps = np.flatnonzero(steps > (1 + _UNEVEN) * step)
    if gaps.size and np.all(np.abs(steps / step - np.maximum(np.round(steps / step), 1)) < _UNEVEN):
        missing = int(np.sum(np.round(steps[gaps] / step) - 1))
        after = ", ".join(str(gap + 1) for gap in gaps[:3])
        found.append(f"{missing} slices missing (after slice {after} of {len(positions)})")
    elif np.ptp(steps) > _UNEVEN * step:
        found.append(f"slices unevenly spaced ({steps.min():.2f} to {steps.max():.2f} mm)")
    way = positions[-1] - positions[0]
    sideways = np.linalg.norm(way - (way @ normal) * normal) / np.linalg.norm(way)
    if sideways > _TILT_SINE:
        angle = np.degrees(np.arcsin(min(1.0, float(sideways))))
        found.append(f"slices lie askew by {angle:.1f} degrees (gantry tilt)")
    return found


def _counted(files: tuple[DicomFile, ...], header: SeriesHeader) -> list[str]:
    """Slices missing at an end leave no gap: the scanner's own count may tell."""
    counted = files[0].in_acquisition
    if counted is None or len(files) == 1 or header.volumes > 1 or counted <= len(files):
        return []
    numbers = sorted(file.instance for file in files if file.instance is not None)
    if len(numbers) != len(files) or (numbers[0] == 1 and numbers[-1] == len(numbers) == counted):
        return []
    if counted % len(files) == 0:  # the count of all echoes or volumes of the series
        return []
    return [f"{len(files)} images of {counted} that the scanner counted"]


def _plane(normal: np.ndarray) -> str:
    axis = int(np.argmax(np.abs(normal)))
    return ("sagittal", "coronal", "axial")[axis] if abs(normal[axis]) > 0.7 else "oblique"
