"""Augmentations usual for MRI, by MONAI's transforms: bias field, gamma, noise, deformation.

MONAI's random transforms keep their own random state. Each step draws one seed and gives it to a
fresh transform, so that randomness stays apart from the act here too. MONAI loads when first used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gliofuse.deep.data.augmentation import Step
from gliofuse.optional import require

__all__ = ["BiasField", "Elastic", "Gamma", "Noise"]


@dataclass(frozen=True)
class _MonaiStep(Step):
    """A MONAI random transform with probability ``p``."""

    p: float = 0.3

    def parameters(
        self, rng: np.random.Generator, image: np.ndarray, label: int
    ) -> dict[str, Any] | None:
        """Draw the transform's seed."""
        return {"seed": int(rng.integers(2**31))} if rng.random() < self.p else None

    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Run the transform with that seed."""
        transform = self.transform(image.ndim - 1)
        transform.set_random_state(seed=parameters["seed"])
        return np.asarray(transform(np.ascontiguousarray(image)), dtype=np.float32)

    def transform(self, dimensions: int) -> Any:
        """Return MONAI's transform for images of so many axes."""
        raise NotImplementedError


@dataclass(frozen=True)
class BiasField(_MonaiStep):
    """Multiply by a smooth polynomial field with coefficients in ``[-strength, strength]``."""

    strength: float = 0.1

    def transform(self, dimensions: int) -> Any:
        """Return MONAI's ``RandBiasField``."""
        transforms = require("monai.transforms", extra="deep")
        return transforms.RandBiasField(
            prob=1.0, degree=3, coeff_range=(-self.strength, self.strength)
        )


@dataclass(frozen=True)
class Gamma(_MonaiStep):
    """Raise the intensities, scaled to 0..1 and back, to a power in ``[1/most, most]``."""

    most: float = 1.5

    def transform(self, dimensions: int) -> Any:
        """Return MONAI's ``RandAdjustContrast``."""
        transforms = require("monai.transforms", extra="deep")
        return transforms.RandAdjustContrast(prob=1.0, gamma=(1 / self.most, self.most))


@dataclass(frozen=True)
class Noise(_MonaiStep):
    """Add Gaussian noise with a standard deviation of up to ``share`` of the image's range."""

    share: float = 0.05

    def apply(self, image: np.ndarray, **parameters: Any) -> np.ndarray:
        """Add the noise, scaled to this image."""
        transforms = require("monai.transforms", extra="deep")
        noise = transforms.RandGaussianNoise(prob=1.0, std=self.share * float(np.ptp(image)))
        noise.set_random_state(seed=parameters["seed"])
        return np.asarray(noise(np.ascontiguousarray(image)), dtype=np.float32)


@dataclass(frozen=True)
class Elastic(_MonaiStep):
    """Deform smoothly by a few pixels."""

    def transform(self, dimensions: int) -> Any:
        """Return MONAI's ``Rand2DElastic`` or ``Rand3DElastic``."""
        transforms = require("monai.transforms", extra="deep")
        common = {"prob": 1.0, "magnitude_range": (0.5, 1.5), "padding_mode": "border"}
        if dimensions == 2:
            return transforms.Rand2DElastic(spacing=(16, 16), **common)
        return transforms.Rand3DElastic(
            sigma_range=(5, 8), **{**common, "magnitude_range": (50, 100)}
        )
