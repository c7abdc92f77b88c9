"""Augmentation of batches of patches and their targets, on the device that trains.

What nnU-Net does, a sample at a time and each by chance: rotation, scale and a smooth warp in one
interpolation; mirroring; noise, blur, brightness, contrast and gamma a sequence; and sequences
blanked, so that a network learns to do without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

__all__ = ["PatchAugmentation", "drop_sequences"]


@dataclass(frozen=True)
class PatchAugmentation:
    """Random changes of a batch.

    Parameters
    ----------
    sequences : int
        The image's channels are sequences, or sequences times slices, the slices of a sequence
        together.
    mirror : tuple of int
        Negative axes.
    sequence_dropout : float
    rotation_degrees : float
        Greatest angle, in the plane; a third of it about the other axes.
    scale : tuple of two floats
    warp : float
        Standard deviation of the smooth displacement, as a share of the patch.
    """

    sequences: int
    mirror: tuple[int, ...] = (-1,)
    sequence_dropout: float = 0.35
    rotation_degrees: float = 25.0
    scale: tuple[float, float] = (0.75, 1.35)
    warp: float = 0.02

    def __call__(
        self,
        image: torch.Tensor,
        target: torch.Tensor,
        present: torch.Tensor,
        generator: torch.Generator,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the changed image (N, channels, ...) and target (N, outputs, ...).

        ``generator`` is of the CPU, whatever the device, so that a seed means the same everywhere.
        """
        image, target = self._spatial(image, target, generator)
        image = self._grey_values(image, generator)
        kept = drop_sequences(present, self.sequence_dropout, generator)
        return _blank(image, kept), target

    def _spatial(
        self, image: torch.Tensor, target: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        axes = image.ndim - 2
        for axis in self.mirror:
            if -axis <= axes:
                flipped = _chance(len(image), 0.5, generator)
                image = _where(flipped, torch.flip(image, [axis]), image)
                target = _where(flipped, torch.flip(target, [axis]), target)
        moved = _chance(len(image), 0.6, generator)
        if not moved.any():
            return image, target
        rows = torch.nonzero(moved).flatten().to(image.device)
        grid = self._grid(len(rows), image.shape[2:], generator).to(image.device)
        both = torch.cat([image[rows], target[rows]], dim=1)
        both = functional.grid_sample(both, grid, align_corners=False)
        image, target = image.clone(), target.clone()
        image[rows], target[rows] = both[:, : image.shape[1]], both[:, image.shape[1] :]
        return image, target

    def _grid(self, count: int, shape: Sequence[int], generator: torch.Generator) -> torch.Tensor:
        """Return where the new pixels lie in the old image, in the patch's own units."""
        axes = len(shape)
        low, high = self.scale
        zoom = torch.exp(_between(count, torch.log(torch.tensor([low, high])), generator))
        matrix = torch.eye(axes).repeat(count, 1, 1) / zoom[:, None, None]
        planes = [(0, 1, 1.0)] if axes == 2 else [(0, 1, 1.0), (0, 2, 1 / 3), (1, 2, 1 / 3)]
        for first, second, share in planes:  # x, y, z as grid_sample counts
            degrees = self.rotation_degrees * share
            angle = torch.deg2rad(_between(count, torch.tensor([-degrees, degrees]), generator))
            turn = torch.eye(axes).repeat(count, 1, 1)
            turn[:, first, first] = turn[:, second, second] = torch.cos(angle)
            turn[:, first, second], turn[:, second, first] = -torch.sin(angle), torch.sin(angle)
            matrix = matrix @ turn
        # rotation is of millimetres, the grid's units are the patch's sides
        sides = torch.tensor([float(size) for size in reversed(shape)])
        matrix = matrix * (sides[None, None, :] / sides[None, :, None])
        theta = torch.cat([matrix, torch.zeros(count, axes, 1)], dim=2)
        grid = functional.affine_grid(theta, [count, 1, *shape], align_corners=False)
        warped = _chance(count, 0.3, generator)
        if self.warp and warped.any():
            coarse = torch.randn(count, axes, *([6] * axes), generator=generator) * self.warp * 2
            mode = "bicubic" if axes == 2 else "trilinear"
            field = functional.interpolate(coarse, tuple(shape), mode=mode, align_corners=False)
            grid = grid + field.movedim(1, -1) * warped.reshape(-1, *([1] * (axes + 1)))
        return grid

    def _grey_values(self, image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        count, axes = len(image), image.ndim - 2
        slices = image.shape[1] // self.sequences
        parts = image.reshape(count, self.sequences, slices, *image.shape[2:])
        inside = (parts != 0).to(parts.dtype)

        def amounts(chance: float, low: float, high: float, neutral: float) -> torch.Tensor:
            drawn = _between(count * self.sequences, torch.tensor([low, high]), generator)
            chosen = _chance(count * self.sequences, chance, generator)
            values = torch.where(chosen, drawn, torch.tensor(neutral))
            shape = (count, self.sequences, *([1] * (axes + 1)))
            return values.reshape(shape).to(image.device, image.dtype)

        contrast, shift = amounts(0.3, 0.7, 1.4, 1.0), amounts(0.3, -0.3, 0.3, 0.0)
        parts = parts * contrast + shift
        power = amounts(0.3, 0.7, 1.5, 1.0)
        low = parts.amin(dim=tuple(range(2, parts.ndim)), keepdim=True)
        span = parts.amax(dim=tuple(range(2, parts.ndim)), keepdim=True) - low + 1e-5
        parts = torch.where(power != 1, ((parts - low) / span) ** power * span + low, parts)
        parts = parts * inside
        noise = amounts(0.2, 0.02, 0.25, 0.0)
        if bool((noise > 0).any()):
            parts = parts + noise * torch.randn(parts.shape, generator=generator).to(parts)
        image = parts.reshape(image.shape)
        blurred = _chance(count, 0.15, generator)
        if blurred.any():
            half = [max(1, round(size / 1.8)) for size in image.shape[2:]]
            mode = "bilinear" if axes == 2 else "trilinear"
            rows = torch.nonzero(blurred).flatten().to(image.device)
            small = functional.interpolate(image[rows], half, mode=mode, align_corners=False)
            again = functional.interpolate(
                small, tuple(image.shape[2:]), mode=mode, align_corners=False
            )
            image = image.index_copy(0, rows, again)
        return image


def drop_sequences(
    present: torch.Tensor, chance: float, generator: torch.Generator
) -> torch.Tensor:
    """Return which sequences are left, bool (N, sequences); of each patient at least one.

    Examples
    --------
    >>> left = drop_sequences(torch.ones(100, 3, dtype=bool), 0.9, torch.Generator())
    >>> bool(left.any(dim=1).all()), bool(left.all())
    (True, False)
    """
    here = present.cpu().bool()
    draw = torch.rand(here.shape, generator=generator)
    kept = here & (draw >= chance)
    # the one that came closest to staying
    last = torch.where(here, draw, torch.tensor(-1.0)).argmax(dim=1)
    none = ~kept.any(dim=1)
    kept[none, last[none]] = True
    return kept


def _blank(image: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    slices = image.shape[1] // kept.shape[1]
    keep = kept.repeat_interleave(slices, dim=1).to(image.device, image.dtype)
    return image * keep.reshape(*keep.shape, *([1] * (image.ndim - 2)))


def _chance(count: int, chance: float, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(count, generator=generator) < chance


def _between(count: int, limits: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return limits[0] + (limits[1] - limits[0]) * torch.rand(count, generator=generator)


def _where(chosen: torch.Tensor, yes: torch.Tensor, no: torch.Tensor) -> torch.Tensor:
    return torch.where(chosen.to(yes.device).reshape(-1, *([1] * (yes.ndim - 1))), yes, no)
